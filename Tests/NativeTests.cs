// The program and a consumer of the packages, compiled to native code (`-p:PublishAot=true`): the compiler warns of nothing, the sources
// stay as they were, and both work without a runtime beside them. This needs clang and a minute or more, so it is not run with the others,
// but by Tests/native.

using System.Net.WebSockets;
using System.Text;
using RawWs.Tests.Support;

namespace RawWs.Tests;

[Explicit("Some minutes.")]
[Platform("Linux")]
public sealed class NativeTests
{
    private SourceCopy _copy = null!;
    private string _program = "";

    [OneTimeSetUp]
    public void Compile()
    {
        Tools.Require("clang");
        _copy = new SourceCopy();
        _program = Path.Combine(_copy.Publish("native", "-p:PublishAot=true"), "rawws");
    }

    [OneTimeTearDown]
    public void Remove() => _copy?.Dispose();

    [TestCase("epoll")]
    [TestCase("socket")]
    public void TheProgram_Echoes_AndEndsByCtrlC(string transport)
    {
        using RunningProgram program = Start("--app", "echo", "--transport", transport);
        using RawClient client = RawClient.Open(program.WaitForPort());
        client.SendText("hello");
        Assert.That(client.ReadText(), Is.EqualTo("hello"));
        program.Signal(2);
        Assert.That(client.ReadClose(answer: true).Code, Is.EqualTo(1001));
        client.Dispose();
        program.WaitForExit();
        Assert.That((program.ExitCode, program.Errors), Is.EqualTo((0, "")));
        Assert.That(program.Output, Does.Contain($"({transport}").And.Contain("closed by server: Drain, code 1001, clean"));
    }

    // The rest of what is found at run time: the file of settings, the page inside of the assembly, the library that compresses.
    [Test]
    public async Task TheProgram_HasItsSettingsItsPageAndItsCompression()
    {
        string file = Path.Combine(_copy.Root, "rawws.json");
        File.WriteAllText(file, """{ "compression": "on", "log-level": "debug", "listen": ["127.0.0.1:0"] }""");
        using RunningProgram program = RunningProgram.StartOther(_program, "--config", file);
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
        using RunningProgram program = Start("--admin", "127.0.0.1:0");
        using RawClient alice = RawClient.Open(program.WaitForPort(), "/?uid=alice");
        using HttpClient http = new();
        http.BaseAddress = new Uri(program.Output.Split("admin port on ")[1].Split('\n')[0]);
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

    [Test]
    public void AConsumerOfThePackages_Works()
    {
        string packages = Path.Combine(_copy.Root, "packages"), folder = Path.Combine(_copy.Root, "Consumer");
        foreach (string project in (string[])["Frame", "Handshake", "Server"])
            Succeed("pack", Path.Combine(_copy.Root, project), "-c", "Release", "--nologo", "-o", packages);
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

    private RunningProgram Start(params string[] arguments) =>
        RunningProgram.StartOther(_program, ["--listen", "127.0.0.1:0", .. arguments]);

    private static string Succeed(params string[] arguments)
    {
        (int exitCode, string output, string errors) = Dotnet.Run(arguments);
        Assert.That(exitCode, Is.Zero, output + errors);
        Assert.That(output + errors, Does.Not.Contain("warning"));
        return output;
    }
}
