// The built program, or another, as a process of its own: its output line by line, its port, its signals, its end. Disposing it ends it.

using System.Diagnostics;
using System.Text.RegularExpressions;
using RawWs.Server;

namespace RawWs.Tests.Support;

internal sealed partial class RunningProgram : IDisposable
{
    // RAWWS_PROGRAM is another build of the program than the one beside the tests: Tests/native tests the native one with it.
    private static readonly string[] Command = Environment.GetEnvironmentVariable("RAWWS_PROGRAM") is { Length: > 0 } program
        ? [program]
        : ["dotnet", typeof(RawWs.Server.Console.Program).Assembly.Location];

    private readonly Process _process;
    private readonly StreamReader _output;
    private readonly TaskCompletionSource<int> _port = new();
    private readonly List<string> _lines = [];
    private readonly Thread _reader;
    private readonly Task<string> _errors;
    private volatile bool _stopReading;
    private bool _isDisposed;

    private RunningProgram(Process process)
    {
        _process = process;
        _output = process.StandardOutput; // a test that fails disposes the process while this is read
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

    /// <summary>Where its admin port is: it says so before it says where it listens.</summary>
    public Uri AdminAddress => new(Output.Split("admin port on ")[1].Split('\n')[0]);

    public int ExitCode => _process.ExitCode;

    public int Id => _process.Id;

    /// <summary>The most memory that it has had resident, in bytes, as of now. Linux only.</summary>
    public long PeakResidentBytes
    {
        get
        {
            string line = File.ReadLines($"/proc/{_process.Id}/status")
                .First(static line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
            return long.Parse(line.AsSpan(6).Trim(" \tkB"), System.Globalization.CultureInfo.InvariantCulture) * 1024;
        }
    }

    public static RunningProgram Start(params string[] arguments) => StartWith([], arguments);

    /// <summary>On a free port, with the transport and the loops of a setup.</summary>
    public static RunningProgram StartOn(Setup setup, params string[] arguments) => Start(
        ["--listen", "127.0.0.1:0", "--transport", setup.Transport == TransportKind.Epoll ? "epoll" : "socket", "--loops", $"{setup.Loops}",
            "--io-uring", setup.IoUring ? "on" : "off", .. arguments]);

    public static RunningProgram StartWith(Dictionary<string, string> variables, params string[] arguments)
    {
        ProcessStartInfo start = new(Command[0], [.. Command[1..], .. arguments]);
        foreach ((string name, string value) in variables) start.Environment[name] = value;
        return Start(start);
    }

    /// <summary>In a shell in which something has been set before.</summary>
    public static RunningProgram StartUnder(string command, params string[] arguments) =>
        Start(new ProcessStartInfo("bash", ["-c", $"{command}; exec \"$@\"", "bash", .. Command, .. arguments]));

    /// <summary>
    /// With system calls that fail: these (Denials/Denial has the form) from the start, and others after <see cref="Deny"/>. Where the
    /// system knows no such filters it exits with 99.
    /// </summary>
    public static RunningProgram StartDenied(string denials, params string[] arguments)
    {
        Dictionary<string, string> variables =
            new() { ["DOTNET_STARTUP_HOOKS"] = Dotnet.PathOf("RawWs.Denials"), ["DENIED_CALLS"] = denials };
        return StartWith(variables, arguments);
    }

    /// <summary>From now on these system calls fail too.</summary>
    public void Deny(string denials)
    {
        int before = CountLines("denied");
        _process.StandardInput.WriteLine(denials);
        _process.StandardInput.Flush();
        TestServer.Eventually(() => CountLines("denied") > before, "the filter is there");
    }

    /// <summary>Another program than the server.</summary>
    public static RunningProgram StartOther(string program, params string[] arguments) => Start(new ProcessStartInfo(program, arguments));

    // Whoever has started the tests may ignore signals (nohup, a shell's background), and what ignores one hands that down.
    private static RunningProgram Start(ProcessStartInfo start)
    {
        if (Tools.HeedsSignals is [var heeding, .. var signals])
        {
            foreach (string word in (string[])[start.FileName, .. signals.Reverse()]) start.ArgumentList.Insert(0, word);
            start.FileName = heeding;
        }

        start.RedirectStandardOutput = start.RedirectStandardError = start.RedirectStandardInput = true;
        start.WorkingDirectory = Path.GetTempPath();
        return new RunningProgram(Process.Start(start)!);
    }

    /// <summary>The port, or null when it has ended without one.</summary>
    public int? WaitForPortOrExit()
    {
        TestServer.Eventually(() => _port.Task.Wait(20) || _process.HasExited, "the program says where it listens, or ends");
        if (_port.Task.IsCompleted) return _port.Task.Result;
        WaitForExit();
        return _port.Task.IsCompleted ? _port.Task.Result : null;
    }

    public int WaitForPort()
    {
        Assert.That(_port.Task.Wait(TestServer.Patience), "the program says where it listens");
        return _port.Task.Result;
    }

    public void WaitForExit(TimeSpan? patience = null)
    {
        Assert.That(_process.WaitForExit(patience ?? TestServer.Patience), "the program ends");
        _reader.Join();
    }

    public void Signal(int signal) => Assert.That(Signals.Send(_process.Id, signal), Is.Zero);

    /// <summary>Sends the signal again and again until the program has ended.</summary>
    public void SignalUntilItEnds(int signal)
    {
        TestServer.Eventually(() => _process.WaitForExit(20) || Signals.Send(_process.Id, signal) < 0, "the program ends");
        WaitForExit();
    }

    public void Stop()
    {
        Signal(15);
        WaitForExit();
    }

    /// <summary>From now on nobody reads its output: after at most one line more.</summary>
    public void StopReading() => _stopReading = true;

    /// <summary>After the program's end: the lines that had not been read.</summary>
    public string[] ReadTheRest() => _output.ReadToEnd().Split('\n');

    /// <summary>How many of the lines so far have this text in them.</summary>
    public int CountLines(string text)
    {
        lock (_lines) return _lines.Count(line => line.Contains(text, StringComparison.Ordinal));
    }

    /// <summary>How many connections have ended so far by a cause: those with a line of their own, and those that a line sums up.</summary>
    public int CountEndings(string cause)
    {
        lock (_lines) return CountEndings(_lines, cause);
    }

    /// <summary>The same in any lines; for every cause if it is "".</summary>
    public static int CountEndings(IEnumerable<string> lines, string cause)
    {
        int count = 0;
        foreach (string line in lines)
        {
            Match sum = SumLine().Match(line);
            if (!sum.Success)
            {
                if (line.Contains(" ended: ", StringComparison.Ordinal) && line.Contains($": {cause}", StringComparison.Ordinal)) count++;
                continue;
            }

            foreach (string kind in sum.Groups[1].Value.Split(", "))
                if (kind.EndsWith(cause, StringComparison.Ordinal))
                    count += int.Parse(kind.Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture);
        }

        return count;
    }

    public void Kill() => _process.Kill();

    public void Dispose()
    {
        if (_isDisposed) return;
        _isDisposed = true;
        if (!_process.HasExited) _process.Kill();
        _process.Dispose();
    }

    private void ReadOutput()
    {
        while (!_stopReading && _output.ReadLine() is { } line)
        {
            lock (_lines) _lines.Add(line);
            Match match = ListeningLine().Match(line);
            if (match.Success) _port.TrySetResult(int.Parse(match.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture));
        }
    }

    [GeneratedRegex("[0-9]+ more connections ended: (.*)$")]
    private static partial Regex SumLine();

    [GeneratedRegex(@"listening on \S+:(\d+)(?: |$)")]
    private static partial Regex ListeningLine();
}
