// --log-level as an operator meets it: what a level and a category show, from each source, and what is said of a wrong one.

using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Server.Console.Log;
using RawWs.Server.Console.Settings;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

public sealed class ProgramLogTests
{
    [Test]
    public void Debug_ShowsAConnectionsLife([ValueSource(typeof(Setup), nameof(Setup.Programs))] Setup setup)
    {
        string output = Run(setup, "debug");
        Assert.That(output, Does.Match(@"\n\S+Z debug request 1 from 127\.0\.0\.1:\d+ is GET ""/"", host ""127\.0\.0\.1"", "));
        Assert.That(output, Does.Match(@"\n\S+Z debug connection 1 from 127\.0\.0\.1:\d+ is open: "
            + @"endpoint ""/"", uid ""alice"", subprotocol """", extensions """"\n"));
        Assert.That(output, Does.Contain("debug connection 1: open -> draining, begun by the peer: PeerClosed, code 1000\n"));
        Assert.That(output, Does.Contain("debug connection 1: draining -> ended, begun by the peer: PeerClosed, code 1000\n"));
        Assert.That(
            output, Does.Match(@"\n\S+Z info  connection 1 from 127\.0\.0\.1:\d+, uid ""alice"", ended: closed by peer: PeerClosed, "));
        Assert.That(output, Does.Not.Contain(" trace "));
    }

    [Test]
    public void Trace_ShowsEachFrameToo([ValueSource(typeof(Setup), nameof(Setup.Programs))] Setup setup)
    {
        string output = Run(setup, "trace");
        Assert.That(output, Does.Contain(" is open: "));
        Assert.That(output, Does.Contain("trace connection 1 received: fin 1, rsv 000, opcode Text, masked 1, length 11\n"));
        Assert.That(output, Does.Contain("trace connection 1 sent: fin 1, rsv 000, opcode Text, masked 0, length 5\n"));
        Assert.That(output, Does.Not.Contain("hello"));
    }

    [TestCase("info,RawWs.Frames=trace", "trace", "debug")]
    [TestCase("RawWs.Frames=Trace", "trace", "debug")]
    [TestCase("warn, rawws.connections = debug", "debug", "info ")]
    [TestCase("none,RawWs.Connections=debug", "debug", "info ")]
    [TestCase("trace,RawWs=warning", "", "trace")]
    [TestCase("trace,RawWs=warning,RawWs.Connections=debug", "debug", "trace")]
    public async Task ACategory_HasItsOwnLevel(string text, string shown, string hidden)
    {
        Assert.That(LogLevels.TryParse(text, out LogLevels levels));
        using MemoryStream output = new();
        using (ConsoleLog console = new(output, TimeProvider.System))
        {
            using ILoggerFactory loggers = LoggerFactory.Create(logging => new LiveLogLevels(levels).ApplyTo(logging).AddProvider(console));
            await using TestServer server = await TestServer.Start(
                Setup.All[0], new RouterApplication(Introduce.Query, DuplicateUid.Share), options =>
                    options with { LoggerFactory = loggers });
            Use(server.Port);
            TestServer.Eventually(() => server.Server.Count == 0, "it has ended");
        }

        string lines = Encoding.UTF8.GetString(output.ToArray());
        if (shown.Length > 0) Assert.That(lines, Does.Contain($"Z {shown} "));
        Assert.That(lines, Does.Not.Contain($"Z {hidden} "));
    }

    [Test]
    public void VariableAndFile_MeanTheSame()
    {
        string file = Path.GetTempFileName();
        File.WriteAllText(file, """{ "log-level": "info, RawWs.Frames=trace" }""");
        string[] listen = ["--listen", "127.0.0.1:0"];
        foreach (RunningProgram program in new[]
        {
            RunningProgram.StartWith(new() { ["RAWWS_LOG_LEVEL"] = "info,RawWs.Frames=trace" }, listen),
                RunningProgram.Start([.. listen, "--config", file]),
        })
        {
            using (program)
            {
                string output = Run(program);
                Assert.That(output, Does.Contain("trace connection 1 received: ").And.Not.Contain(" debug "));
            }
        }

        File.Delete(file);
    }

    [TestCase("loud", "there is no level loud")]
    [TestCase("info,RawWs.Frame=trace", "there is no category RawWs.Frame;")]
    [TestCase("RawWs.Frames=loud", "there is no level loud")]
    [TestCase("info,debug", "there are two levels for everything")]
    [TestCase("RawWs.Frames=trace,rawws.frames=info", "there are two levels for RawWs.Frames")]
    [TestCase("info,", "a level is missing")]
    [TestCase("\u001b[2J", "there is no level \\u{1b}[2J")]
    public void AWrongLevel_IsExitCode2_WithTheKnownNames(string levels, string why)
    {
        using RunningProgram program = RunningProgram.Start("--log-level", levels);
        program.WaitForExit();
        Assert.That((program.ExitCode, program.Errors.Count(static c => c == '\n')), Is.EqualTo((2, 1)), program.Errors);
        Assert.That(program.Errors, Does.StartWith("rawws: --log-level: ").And.Contain(why));
        foreach (string name in new[] { "trace", "debug", "information", "warning", "error", "critical", "none", "RawWs",
            "RawWs.Connections", "RawWs.Frames" })
            Assert.That(program.Errors, Does.Match($@"\b{Regex.Escape(name)}\b"));
    }

    private static string Run(Setup setup, string levels)
    {
        using RunningProgram program = RunningProgram.StartOn(setup, "--log-level", levels);
        return Run(program);
    }

    private static string Run(RunningProgram program)
    {
        Use(program.WaitForPort());
        program.Stop();
        return program.Output + "\n";
    }

    // A client comes, says a word to itself, and goes.
    private static void Use(int port)
    {
        using RawClient client = RawClient.Open(port, "/?uid=alice");
        client.SendText("alice:hello");
        Assert.That(client.ReadText(), Is.EqualTo("hello"));
        client.Send(Opcode.Close, [0x03, 0xE8]);
        client.ReadToEnd();
    }
}
