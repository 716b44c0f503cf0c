// The built program as an operator meets it: its exit codes, its one-line errors, its signals, its log.

using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using RawWs.Server;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

public sealed partial class ProgramTests
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
        foreach (string flag in new[] { "--listen", "--transport", "--loops", "--max-message", "--heartbeat", "--drain", "--config" }) Assert.That(help.Output, Does.Contain(flag));
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
        using RunningProgram program = RunningProgram.StartWith(new() { ["RAWWS_MAX_MESSAGE"] = "10", ["RAWWS_APP"] = "router" }, "--config", file, "--app", "echo");
        using RawClient client = RawClient.Open(program.WaitForPort());
        client.SendText("ten bytes.");
        Assert.That(client.ReadText(), Is.EqualTo("ten bytes."));
        client.SendText("eleven byte");
        Assert.That(client.ReadClose().Code, Is.EqualTo(1009));
        program.Stop();
        File.Delete(file);
    }

    [TestCase("epoll")]
    [TestCase("socket")]
    public void Sigterm_TellsEverybody1001_LogsVerdicts_AndExitsWith0(string transport)
    {
        if (transport == "epoll" && !OperatingSystem.IsLinux()) Assert.Ignore("epoll exists on Linux only");
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

    [Test]
    public void ASecondSignal_EndsAtOnce()
    {
        using RunningProgram program = RunningProgram.Start("--listen", "127.0.0.1:0", "--drain", "600");
        using RawClient client = RawClient.Open(program.WaitForPort());
        program.Signal(2);
        Assert.That(client.ReadFrame()!.Value.Payload[..2], Is.EqualTo(new byte[] { 0x03, 0xE9 })); // 1001, which is not answered
        program.Signal(2);
        program.WaitForExit();
        Assert.That(program.ExitCode, Is.EqualTo(130));
    }

    [Test]
    public void ALogThatNobodyReads_StopsNobody()
    {
        using RunningProgram program = RunningProgram.Start("--listen", "127.0.0.1:0", "--app", "echo");
        int port = program.WaitForPort();
        program.StopReading();
        using RawClient witness = RawClient.Open(port);
        for (int i = 0; i < 10_000; i++)
        {
            using RawClient client = RawClient.Connect(port);
            client.Send("GET /nowhere HTTP/1.1\r\n\r\n"); // each is refused, and each is a line
            if (i % 100 != 0) continue;
            witness.SendText("echo");
            Assert.That(witness.ReadText(), Is.EqualTo("echo"));
        }

        witness.SendText("still");
        Assert.That(witness.ReadText(), Is.EqualTo("still"));
        program.Kill();
    }

    private sealed partial class RunningProgram : IDisposable
    {
        private readonly Process _process;
        private readonly TaskCompletionSource<int> _port = new();
        private readonly List<string> _lines = [];
        private readonly Thread _reader;
        private readonly Task<string> _errors;
        private volatile bool _stopReading;

        private RunningProgram(Process process)
        {
            _process = process;
            _errors = process.StandardError.ReadToEndAsync();
            _reader = new Thread(ReadOutput) { IsBackground = true };
            _reader.Start();
        }

        public string Errors => _errors.Result;

        public string Output
        {
            get
            {
                lock (_lines) return string.Join('\n', _lines);
            }
        }

        public int ExitCode => _process.ExitCode;

        public static RunningProgram Start(params string[] arguments) => StartWith([], arguments);

        public static RunningProgram StartWith(Dictionary<string, string> variables, params string[] arguments)
        {
            ProcessStartInfo start = new("dotnet", [typeof(WebSocketServer).Assembly.Location, .. arguments])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                WorkingDirectory = Path.GetTempPath(),
            };
            foreach ((string name, string value) in variables) start.Environment[name] = value;
            return new RunningProgram(Process.Start(start)!);
        }

        public int WaitForPort()
        {
            Assert.That(_port.Task.Wait(TestServer.Patience), "the program says where it listens");
            return _port.Task.Result;
        }

        public void WaitForExit()
        {
            Assert.That(_process.WaitForExit(TestServer.Patience), "the program ends");
            _reader.Join();
        }

        public void Signal(int signal) => Assert.That(Send(_process.Id, signal), Is.Zero);

        public void Stop()
        {
            Signal(15);
            WaitForExit();
        }

        public void StopReading() => _stopReading = true;

        public void Kill() => _process.Kill();

        public void Dispose()
        {
            if (!_process.HasExited) _process.Kill();
            _process.Dispose();
        }

        private void ReadOutput()
        {
            while (!_stopReading && _process.StandardOutput.ReadLine() is { } line)
            {
                lock (_lines) _lines.Add(line);
                Match match = ListeningLine().Match(line);
                if (match.Success) _port.TrySetResult(int.Parse(match.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture));
            }
        }

        [LibraryImport("libc", EntryPoint = "kill")]
        private static partial int Send(int process, int signal);

        [GeneratedRegex(@"listening on \S+:(\d+) ")]
        private static partial Regex ListeningLine();
    }
}
