// Who may use the admin port: with tokens, without, over a socket in the file system; and what refuses to start. And its description, which
// is made from the code and lies in docs/.

using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Server.Console.Admin;
using RawWs.Server.Listening;
using RawWs.Tests.Support;

namespace RawWs.Tests.Admin;

public sealed class AdminGuardTests
{
    private const string Token = "0123456789abcdef-token";

    private string _folder = "";
    private Telemetry? _telemetry;

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("rawws-admin").FullName;

    [TearDown]
    public void RemoveFolder()
    {
        _telemetry?.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [TestCase(null, 401)]
    [TestCase("Bearer " + Token, 200)]
    [TestCase("bearer " + Token, 200)]
    [TestCase("Bearer another-token-of-16", 200)]
    [TestCase("Bearer 0123456789abcdef-toke", 401)]
    [TestCase("Basic " + Token, 401)]
    [TestCase(Token, 401)]
    public async Task WithTokens_EachRequestNeedsOne(string? authorization, int status)
    {
        await using TestServer server = await Start();
        Assert.That(AdminTokens.TryRead(Write("tokens", $"{Token}\n\nanother-token-of-16\r\n"), out AdminTokens tokens));
        await using AdminPort port = await Open(Loopback, tokens, server);
        using HttpClient http = new();
        using HttpRequestMessage request = new(HttpMethod.Get, $"{port.Address}/v1/server");
        if (authorization is not null) request.Headers.TryAddWithoutValidation("Authorization", authorization);
        using HttpResponseMessage response = await http.SendAsync(request);
        Assert.That((int)response.StatusCode, Is.EqualTo(status));
        if (status == 401) Assert.That(response.Headers.WwwAuthenticate, Has.Member(new AuthenticationHeaderValue("Bearer")));
        Assert.That(await response.Content.ReadAsStringAsync(), Does.Not.Contain("0123456789"));
    }

    // A page in a browser of this machine can send requests to 127.0.0.1 too.
    [TestCase("Origin", "http://localhost", 403)]
    [TestCase("Origin", "null", 403)]
    [TestCase("Host", "evil.example", 403)]
    [TestCase("Host", "localhost:1", 200)]
    [TestCase("Host", "127.0.0.1", 200)]
    [TestCase("Host", "[::1]:5", 200)]
    public async Task WithoutTokens_NoPageMayUseIt(string field, string value, int status)
    {
        await using TestServer server = await Start();
        await using AdminPort port = await Open(Loopback, null, server);
        using HttpClient http = new();
        using HttpRequestMessage request = new(HttpMethod.Get, $"{port.Address}/v1/server");
        request.Headers.TryAddWithoutValidation(field, value);
        using HttpResponseMessage response = await http.SendAsync(request);
        Assert.That((int)response.StatusCode, Is.EqualTo(status));
    }

    [Test]
    [Platform("Linux")]
    public async Task ASocket_HasItsMode_AndIsGone_AtTheEnd([Values("", ",mode=660")] string mode, [Values] bool isLeftOver)
    {
        string path = Path.Combine(_folder, "admin.sock");
        if (isLeftOver) LeaveSocket(path);
        Assert.That(AdminAddress.TryParse($"unix:{path}{mode}", out ListenAddress address));
        await using TestServer server = await Start();
        await using (AdminPort port = await Open(address, null, server))
        {
            Assert.That(port.Address, Is.EqualTo($"unix:{path}"));
            if (!OperatingSystem.IsWindows())
                Assert.That(Convert.ToString((int)File.GetUnixFileMode(path), 8), Is.EqualTo(mode.Length > 0 ? "660" : "600"));
            using RunningProgram curl = RunningProgram.StartOther(
                Tools.Require("curl"), "-sS", "--unix-socket", path, "http://admin/v1/server");
            curl.WaitForExit();
            Assert.That(curl.Output, Does.Contain("\"state\":\"ready\""), curl.Errors);
        }

        Assert.That(File.Exists(path), Is.False);
    }

    [Test]
    [Platform("Linux")]
    public async Task WhereSomebodyListens_OrAFileIs_ItIsASentence([Values] bool isFile)
    {
        string path = Path.Combine(_folder, "admin.sock");
        using Socket other = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        if (isFile)
        {
            File.WriteAllText(path, "mine");
        }
        else
        {
            other.Bind(new UnixDomainSocketEndPoint(path));
            other.Listen();
        }

        Assert.That(AdminAddress.TryParse($"unix:{path}", out ListenAddress address));
        await using TestServer server = await Start();
        StartException? refused = await Assert.ThrowsAsync<StartException>(() => Open(address, null, server));
        Assert.That(refused!.Message, Does.StartWith("cannot start: the admin port cannot listen on unix:"));
        Assert.That(File.Exists(path));
    }

    [Test]
    public async Task APortInUse_IsASentence()
    {
        await using TestServer server = await Start();
        ListenAddress address = new(server.Server.EndPoints[0]);
        StartException? refused = await Assert.ThrowsAsync<StartException>(() => Open(address, null, server));
        Assert.That(refused!.Message, Does.Contain("cannot listen on 127.0.0.1:"));
    }

    // To write it anew: RAWWS_WRITE_DOCS=1.
    [Test]
    public async Task TheDescription_IsInTheDocs()
    {
        await using AdminRoom room = await AdminRoom.Open();
        string made = await room.Http.GetStringAsync(new Uri("/openapi.json", UriKind.Relative)) + "\n";
        if (Repository.WritesDocs)
            File.WriteAllText(Repository.At("docs", "ops", "admin.openapi.json"), made);
        Assert.That(Repository.Read("docs/ops/admin.openapi.json"), Is.EqualTo(made));
    }

    private Task<AdminPort> Open(ListenAddress address, AdminTokens? tokens, TestServer server)
    {
        _telemetry = new Telemetry(server.Server, exports: false);
        return AdminPort.StartAsync(address, tokens, server.Server, new Readiness(server.Server), _telemetry);
    }

    private static ListenAddress Loopback => new(new IPEndPoint(IPAddress.Loopback, 0));

    private static Task<TestServer> Start() => TestServer.Start(Setup.All[0], new RouterApplication(Introduce.Query, DuplicateUid.Share));

    private static void LeaveSocket(string path)
    {
        using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(path + ".first"));
        File.Move(path + ".first", path); // closing it removes the name that it was bound to
    }

    private string Write(string name, string text)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }
}
