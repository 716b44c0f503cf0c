// SIGHUP of the program: the file's settings are taken over as far as they can be, the others are named, and a broken file changes nothing.
// And the server's side of it, WebSocketServer.Change.

using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using RawWs.Server;
using RawWs.Server.Console.Settings;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

public sealed class ProgramReloadTests
{
    private const int Sighup = 1;

    [Test]
    [Platform("Linux")]
    public void Sighup_TakesOver_WhatCanBe_AndNamesTheRest()
    {
        string folder = Directory.CreateTempSubdirectory("rawws-reload-").FullName, file = Path.Combine(folder, "my.json");
        try
        {
            File.WriteAllText(file, """{ "allowed-origin": "https://a.example", "loops": 1 }""");
            using RunningProgram program = RunningProgram.Start("--config", file, "--listen", "127.0.0.1:0", "--app", "echo");
            int port = program.WaitForPort();
            Assert.That((Ask(port, "https://a.example"), Ask(port, "https://b.example")), Is.EqualTo((101, 403)));
            Assert.That(program.CountLines("is open: endpoint"), Is.Zero);

            File.WriteAllText(file, """{ "allowed-origin": "https://b.example", "loops": 2, "log-level": "debug" }""");
            program.Signal(Sighup);
            WaitForLine(program, "the settings are read again; taken over: allowed-origin, log-level; only by a restart: loops");
            Assert.That((Ask(port, "https://a.example"), Ask(port, "https://b.example")), Is.EqualTo((403, 101)));
            TestServer.Eventually(
                () => Ask(port, "https://b.example") == 101 && program.CountLines("is open: endpoint") > 0,
                "from the second on in which the loop asks for the levels again, each connection has its lines");

            File.WriteAllText(file, "{\n \"allowed-origin\": \"https://c.example\",\n \"lops\": 2 }");
            program.Signal(Sighup);
            WaitForLine(program, "the settings were to be read again, and those before stay: "
                + $"--config: \"{file}\", line 3: \"lops\": there is no such setting; did you mean \"loops\"?");
            Assert.That(Ask(port, "https://b.example"), Is.EqualTo(101));
            program.Stop();
            Assert.That(program.ExitCode, Is.Zero, program.Errors);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Test]
    public void EveryNameThatIsTakenOver_IsASetting() =>
        Assert.That(SettingsReload.Names, Is.SubsetOf(SettingTable.All.Select(static setting => setting.Name)));

    [Test]
    public async Task AChange_HoldsForWhoeverComesNext()
    {
        FakeTimeProvider time = new();
        ReportedEcho echo = new();
        using RecordedLog log = new(LogLevel.Information);
        await using TestServer server = await TestServer.Start(
            Setup.All[0], echo, options => options with { TimeProvider = time, LoggerFactory = log, ConnectionsMax = 5 });
        server.Server.Change(server.Server.Options with
        {
            AllowedOrigins = ["https://a.example"],
            TrustedProxies = ["127.0.0.1"],
            ConnectionsMax = 1,
            HandshakeTimeout = TimeSpan.FromSeconds(1),
            Loops = 7,
        });
        Assert.That((server.Server.Options.Loops, server.Server.ConnectionsMax), Is.EqualTo((1, 1)), "loops cannot be changed");
        using (RawClient client = RawClient.Connect(server.Port))
        {
            client.Open(fields: "Origin: https://a.example\r\nX-Forwarded-For: 203.0.113.1\r\n");
            Assert.That((await echo.Opened()).RemoteEndPoint.ToString(), Is.EqualTo("203.0.113.1:0"));
            Assert.That(Ask(server.Port, null), Is.EqualTo(503), "there is room for one");
        }

        TestServer.Eventually(() => server.Server.Count == 0, "it has gone");
        using RawClient silent = RawClient.Connect(server.Port);
        TestServer.Eventually(() => server.Server.Count == 1, "it is there");
        server.CatchUp();
        server.Pass(time, seconds: 1.1);
        Assert.That(silent.ReadHead(), Does.StartWith("HTTP/1.1 408 "));
    }

    // A change is judged together with what stays.
    [Test]
    public async Task AWrongChange_ChangesNothing()
    {
        await using TestServer server = await TestServer.Start(Setup.All[0], new ReportedEcho(), static options => options with
        {
            Listeners = [new ListenAddress(new IPEndPoint(IPAddress.Loopback, 0)) { HasProxyHeader = true }],
            TrustedProxies = ["127.0.0.1"],
        });
        ServerOptions before = server.Server.Options;
        Assert.That(() => server.Server.Change(before with { AllowedOrigins = ["*"], TrustedProxies = [] }),
            Throws.ArgumentException.With.Message.Contains("TrustedProxies"));
        Assert.That(() => server.Server.Change(before with { CloseTimeout = TimeSpan.Zero }),
            Throws.ArgumentException.With.Message.Contains("CloseTimeout"));
        Assert.That(server.Server.Options, Is.SameAs(before));
    }

    // The status of the answer.
    private static int Ask(int port, string? origin)
    {
        using RawClient client = RawClient.Connect(port);
        client.Send($"GET / HTTP/1.1\r\n{RawClient.Upgrade}{(origin is null ? "" : $"Origin: {origin}\r\n")}\r\n");
        return int.Parse(client.ReadHead().AsSpan(9, 3), System.Globalization.CultureInfo.InvariantCulture);
    }

    private static void WaitForLine(RunningProgram program, string words) =>
        TestServer.Eventually(() => program.CountLines(words) > 0, $"there is a line with {words}; there are:\n{program.Output}");
}
