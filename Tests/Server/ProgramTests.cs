// The built program as an operator meets it: its exit codes, its one-line errors, its signals, its log.

using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

public sealed class ProgramTests
{
    [TestCase("--max-message", "12 apples", "--max-message")]
    [TestCase("--listen", "nowhere", "--listen")]
    [TestCase("--transport", "pigeon", "--transport")]
    [TestCase("--heartbeat", "-1", "--heartbeat")]
    [TestCase("--config", "no-such-file.json", "--config")]
    [TestCase("--no-such-flag", "1", "--no-such-flag")]
    public void AWrongSetting_IsOneLine_AndExitCode2(string flag, string value, string named)
    {
        using RunningProgram program = RunningProgram.Start(flag, value);
        program.WaitForExit();
        string[] lines = program.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.That((program.ExitCode, lines.Length), Is.EqualTo((2, 1)), program.Errors);
        Assert.That(lines[0], Does.StartWith("rawws: ").And.Contain(named));
    }

    [Test]
    public void Help_NamesEverySetting_AndVersionIsANumber()
    {
        using RunningProgram help = RunningProgram.Start("--help");
        help.WaitForExit();
        foreach (string flag in new[] { "--listen", "--transport", "--loops", "--max-message", "--heartbeat", "--drain", "--config" })
            Assert.That(help.Output, Does.Contain(flag));
        using RunningProgram version = RunningProgram.Start("--version");
        version.WaitForExit();
        Assert.That((help.ExitCode, version.ExitCode), Is.EqualTo((0, 0)));
        Assert.That(version.Output, Does.Match(@"^\d+\.\d+\.\d+"));
    }

    [Test]
    public void APortInUse_IsOneLine_AndExitCode1()
    {
        using Socket holder = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        holder.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        holder.Listen();
        using RunningProgram program = RunningProgram.Start("--listen", holder.LocalEndPoint!.ToString()!);
        program.WaitForExit();
        Assert.That(program.ExitCode, Is.EqualTo(1));
        Assert.That(program.Errors, Does.StartWith("rawws: cannot listen on ").And.Contain("in use"));
    }

    [Test]
    public void FlagsWinOverVariables_AndTheseOverTheFile()
    {
        string file = Path.GetTempFileName();
        File.WriteAllText(file, """{ "max-message": "1KiB", "app": "router", "listen": ["127.0.0.1:0"] }""");
        using RunningProgram program =
            RunningProgram.StartWith(new() { ["RAWWS_MAX_MESSAGE"] = "10", ["RAWWS_APP"] = "router" }, "--config", file, "--app", "echo");
        using RawClient client = RawClient.Open(program.WaitForPort());
        client.SendText("ten bytes.");
        Assert.That(client.ReadText(), Is.EqualTo("ten bytes."));
        client.SendText("eleven byte");
        Assert.That(client.ReadClose().Code, Is.EqualTo(1009));
        program.Stop();
        File.Delete(file);
    }

    [TestCase("epoll", IncludePlatform = "Linux")]
    [TestCase("socket")]
    public void Sigterm_TellsEverybody1001_LogsReports_AndExitsWith0(string transport)
    {
        using RunningProgram program = RunningProgram.Start("--listen", "127.0.0.1:0", "--transport", transport);
        List<RawClient> clients = [.. Enumerable.Range(0, 20).Select(_ => RawClient.Open(program.WaitForPort()))];
        program.Signal(15);
        foreach (RawClient client in clients) Assert.That(client.ReadClose(answer: true).Code, Is.EqualTo(1001));
        clients.ForEach(static client => client.Dispose());
        program.WaitForExit();
        Assert.That(program.ExitCode, Is.Zero);
        Assert.That(Regex.Count(program.Output, "closed by server: Drain, code 1001, clean"), Is.EqualTo(20));
        Assert.That(program.Output, Does.Contain("20 of 20"));
    }

    // The limit of open files is set by a shell.
    [TestCase("epoll")]
    [TestCase("socket")]
    [Platform("Linux")]
    public void WithoutDescriptors_AcceptingWaits_AndGoesOn(string transport)
    {
        using RunningProgram program =
            RunningProgram.StartUnder("ulimit -n 160", "--listen", "127.0.0.1:0", "--app", "echo", "--heartbeat", "0", "--transport",
                transport, "--max-connections", "1000");
        int port = program.WaitForPort();
        List<RawClient> crowd = [.. Enumerable.Range(0, 200).Select(_ => RawClient.Connect(port))];
        foreach (RawClient client in crowd) client.Send($"GET / HTTP/1.1\r\n{RawClient.Upgrade}\r\n");
        TestServer.Eventually(() => program.Output.Contains("accept backs off", StringComparison.Ordinal), "it says so");
        crowd[0].ReadHead();
        crowd[0].SendText("served all the while");
        Assert.That(crowd[0].ReadText(), Is.EqualTo("served all the while"));
        crowd.ForEach(static client => client.Dispose());
        using RawClient late = RawClient.Open(port);
        late.SendText("and afterwards");
        Assert.That(late.ReadText(), Is.EqualTo("and afterwards"));
        program.Stop();
        Assert.That(program.ExitCode, Is.Zero);
    }

    // SIGHUP: the terminal has gone. SIGQUIT: Ctrl-\, and what some supervisors send. Each is a wish to stop like Ctrl-C's.
    [TestCase(1, 129)]
    [TestCase(2, 130)]
    [TestCase(3, 131)]
    [TestCase(15, 143)]
    [Platform(Exclude = "Win")]
    public void ASignal_Drains_AndASecondOneEndsAtOnce(int signal, int exitCode)
    {
        using RunningProgram program = RunningProgram.Start("--listen", "127.0.0.1:0", "--drain", "600");
        using RawClient client = RawClient.Open(program.WaitForPort());
        program.Signal(signal);
        Assert.That(client.ReadFrame()!.Value.Payload[..2], Is.EqualTo(new byte[] { 0x03, 0xE9 })); // 1001, which is not answered
        program.SignalUntilItEnds(signal);
        Assert.That(program.ExitCode, Is.EqualTo(exitCode));
    }

    // `timeout` signals its child and then its child's group: the child gets the signal twice.
    [Test]
    [Platform(Exclude = "Win")]
    public void TheSameSignalTwiceAtOnce_IsOneWish()
    {
        using RunningProgram program = RunningProgram.Start("--listen", "127.0.0.1:0", "--drain", "600");
        using RawClient client = RawClient.Open(program.WaitForPort());
        program.Signal(15);
        program.Signal(15);
        Assert.That(client.ReadClose(answer: true).Code, Is.EqualTo(1001));
        program.Signal(15);
        client.Dispose();
        program.WaitForExit();
        Assert.That(program.ExitCode, Is.Zero);
    }

    // Whoever says nohup has said that a hangup is to be ignored.
    [Test]
    [Platform("Linux")]
    public void AnIgnoredHangup_StaysIgnored()
    {
        using RunningProgram program = RunningProgram.StartUnder("trap '' HUP", "--listen", "127.0.0.1:0", "--app", "echo");
        using RawClient client = RawClient.Open(program.WaitForPort());
        program.Signal(1);
        client.SendText("still there?");
        Assert.That(client.ReadText(), Is.EqualTo("still there?"));
        program.Stop();
        Assert.That(program.ExitCode, Is.Zero);
    }
}
