// The program and a consumer of the packages, compiled to native code (`-p:PublishAot=true`): both work without a runtime beside them, and
// the compiler warns of nothing. This needs clang and a minute or more, so it is not run with the others, but by Tests/native, which
// compiles the program, and runs on it the other tests that start it as a process.

using System.Net.WebSockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using RawWs.Conformance;
using RawWs.Server;
using RawWs.Tests.Support;

namespace RawWs.Tests;

[Explicit("Some minutes, and Tests/native compiles the program.")]
[Platform("Linux")]
public sealed class NativeTests
{
    private string _folder = "";

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("rawws-native").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    // The whole protocol, compression among it.
    [Test]
    public async Task TheProgram_PassesTheConformanceSuite([Values] bool tls, [Values("epoll", "socket")] string transport)
    {
        using X509Certificate2 certificate = TestCertificate.Make("localhost");
        PemFiles pem = TestCertificate.Write(certificate, _folder);
        string[] certificates = tls ? ["--tls-cert", pem.Certificate, "--tls-key", pem.Key] : [];
        using RunningProgram program = RunningProgram.Start(["--listen", $"{(tls ? "wss" : "ws")}://127.0.0.1:0", "--app", "echo",
            "--transport", transport, "--heartbeat", "0", "--compression", "on", "--compression-takeover", "on",
            "--compression-min-bytes", "1", .. certificates]);
        Target target = new("127.0.0.1", program.WaitForPort(), "/", TestServer.Patience, tls ? new TlsTrust([certificate], false) : null);
        IReadOnlyList<Result> results = await Suite.RunAsync(target, Suite.All);
        Assert.That(results.Where(static result => result.Outcome is Outcome.Failed or Outcome.NotNegotiated)
            .Select(static result => $"{result.Case.Id}: {result.Detail}"), Is.Empty);
        program.Stop();
        Assert.That((program.ExitCode, program.Errors), Is.EqualTo((0, "")));
        Assert.That(program.Output, Does.Contain($"({transport}"));
    }

    // The rest of what is found at run time: the file of settings, the page inside of the assembly, the library that compresses.
    [Test]
    public async Task TheProgram_HasItsSettingsItsPageAndItsCompression()
    {
        string file = Path.Combine(_folder, "rawws.json");
        await File.WriteAllTextAsync(file, """{ "compression": "on", "log-level": "debug", "listen": ["127.0.0.1:0"] }""");
        using RunningProgram program = RunningProgram.Start("--config", file);
        int port = program.WaitForPort();
        using HttpClient http = new();
        Assert.That(await http.GetStringAsync(new Uri($"http://127.0.0.1:{port}/")),
            Is.EqualTo(Repository.Read("Server/Console/Pages/index.html")));

        using ClientWebSocket client = new();
        client.Options.DangerousDeflateOptions = new WebSocketDeflateOptions();
        using CancellationTokenSource patience = new(TestServer.Patience);
        await client.ConnectAsync(new Uri($"ws://127.0.0.1:{port}/?uid=alice"), patience.Token);
        string body = new('x', 1000);
        await client.SendAsync(Encoding.UTF8.GetBytes("alice:" + body), WebSocketMessageType.Text, endOfMessage: true, patience.Token);
        byte[] answer = new byte[2000];
        ValueWebSocketReceiveResult received = await client.ReceiveAsync(answer.AsMemory(), patience.Token);
        Assert.That(Encoding.UTF8.GetString(answer, 0, received.Count), Is.EqualTo(body));
        program.Stop();
        Assert.That(program.Output, Does.Contain("uid \"alice\"").And.Contain("permessage-deflate"));
    }

    [Test]
    public async Task TheProgram_HasItsAdminPort()
    {
        using RunningProgram program = RunningProgram.Start("--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0");
        using RawClient alice = RawClient.Open(program.WaitForPort(), "/?uid=alice");
        using HttpClient http = new();
        http.BaseAddress = program.AdminAddress;
        using StringContent body = new("""{"uid":"alice","text":"hi"}""", Encoding.UTF8, "application/json");
        using HttpResponseMessage sent = await http.PostAsync(new Uri("/v1/send", UriKind.Relative), body);
        Assert.That(await sent.Content.ReadAsStringAsync(), Is.EqualTo("""{"delivered":1,"tooSlow":0,"offline":[]}"""));
        Assert.That(alice.ReadText(), Is.EqualTo("hi"));
        Assert.That(await Get("/v1/connections?uid=alice"), Does.StartWith("{\"total\":1,"));
        Assert.That(await Get("/metrics"), Does.Contain("rawws_server_active_connections"));
        Assert.That(await Get("/openapi.json") + "\n", Is.EqualTo(Repository.Read("docs/ops/admin.openapi.json")));
        program.Stop();

        Task<string> Get(string path) => http.GetStringAsync(new Uri(path, UriKind.Relative));
    }

    // What is found at run time for tokens: their JSON, and the library's algorithms. And a limit.
    [Test]
    public void TheProgram_MakesATokenThatLetsIn_AndLimitsWhoHasIt()
    {
        string secret = Path.Combine(_folder, "secret");
        File.WriteAllText(secret, TestTokens.Secret);
        using RunningProgram maker = RunningProgram.Start("token", "create", "--secret", secret, "--uid", "alice", "--to", "alice");
        maker.WaitForExit();
        Assert.That((maker.ExitCode, maker.Errors), Is.EqualTo((0, "")));
        using RunningProgram program = RunningProgram.Start("--listen", "127.0.0.1:0", "--auth", "jwt", "--jwt-secret", secret,
            "--message-rate", "1/2", "--over-rate", "close");
        using RawClient alice = RawClient.Open(program.WaitForPort(), $"/?token={maker.Output.Trim()}");
        alice.SendText("alice:hello");
        Assert.That(alice.ReadText(), Is.EqualTo("hello"));
        for (int i = 0; i < 10; i++) alice.SendText("bob:hello");
        Assert.That(alice.ReadText(), Does.StartWith("error:forbidden:"));
        Assert.That(alice.ReadClose(answer: true), Is.EqualTo(((ushort?)4002, "too many messages")));
        program.Stop();
        Assert.That((program.ExitCode, program.Errors), Is.EqualTo((0, "")));
    }

    [Test]
    public void AConsumerOfThePackages_Works()
    {
        using SourceCopy copy = new();
        string packages = Path.Combine(copy.Root, "packages"), folder = Path.Combine(copy.Root, "Consumer");
        foreach (string project in (string[])["Frame", "Handshake", "Server"])
            Succeed("pack", Path.Combine(copy.Root, project), "-c", "Release", "--nologo", "-o", packages);
        Directory.CreateDirectory(folder);
        foreach (string path in Directory.GetFiles(Repository.At("Tests", "Consumer")))
            File.Copy(path, Path.Combine(folder, Path.GetFileName(path)));
        // Outside of the repository's settings, as a stranger's project is.
        foreach (string name in (string[])["Directory.Build.props", "Directory.Packages.props"])
            File.WriteAllText(Path.Combine(folder, name), "<Project />");
        string global = Succeed("nuget", "locals", "global-packages", "--list").Split("global-packages: ")[1].Trim();
        Succeed("publish", folder, "-c", "Release", "-r", "linux-x64", "--nologo", "-o", Path.Combine(folder, "native"),
            "-p:PublishAot=true",
            "-p:UseAppHost=true", $"-p:PackedFolder={packages}", $"-p:GlobalPackages={global}");
        using RunningProgram consumer = RunningProgram.StartOther(Path.Combine(folder, "native", "Consumer"));
        consumer.WaitForExit();
        Assert.That((consumer.ExitCode, consumer.Output, consumer.Errors),
            Is.EqualTo((0, "echo: hello\nto alice: hello from bob\nto bob: error:offline:carol", "")));
    }

    private static string Succeed(params string[] arguments)
    {
        (int exitCode, string output, string errors) = Dotnet.Run(arguments);
        Assert.That(exitCode, Is.Zero, output + errors);
        Assert.That(output + errors, Does.Not.Contain("warning"));
        return output;
    }
}
