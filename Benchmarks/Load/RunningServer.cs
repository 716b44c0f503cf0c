// A server as a process of its own: started on a free port, there once it takes connections, ended when it is disposed. What it prints
// goes nowhere, but for its last line of errors.

using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;

namespace RawWs.Benchmarks.Load;

[SupportedOSPlatform("linux")]
internal sealed class RunningServer : IDisposable
{
    private static readonly TimeSpan StartMax = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan StopMax = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);

    private readonly Process _process;
    private volatile string _lastError = "";

    private RunningServer(string command, int port, Process process)
    {
        Command = command;
        EndPoint = new IPEndPoint(IPAddress.Loopback, port);
        _process = process;
        _process.ErrorDataReceived += (_, line) => _lastError = line.Data is { Length: > 0 } text ? text : _lastError;
        _process.BeginErrorReadLine();
    }

    /// <summary>What it was started with.</summary>
    public string Command { get; }

    public IPEndPoint EndPoint { get; }

    public int ProcessId => _process.Id;

    /// <summary>Starts it and waits until it listens.</summary>
    /// <param name="command">A shell's command for one program, with {port}.</param>
    /// <param name="pinning">Null: it has all processors.</param>
    /// <param name="cancellation">Ends the waiting, and the server.</param>
    /// <exception cref="LoadFailure">It does not listen.</exception>
    public static RunningServer Start(string command, Pinning? pinning, CancellationToken cancellation)
    {
        int port = FindFreePort();
        string words = command.Replace("{port}", port.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
        // The shell becomes the program: the process is the server's own.
        ProcessStartInfo start =
            new("/bin/sh", ["-c", $"exec {words} >/dev/null"]) { RedirectStandardError = true, RedirectStandardInput = true };
        Func<Process> begin = () => Process.Start(start)!;
        RunningServer server = new(command, port, pinning is null ? begin() : pinning.StartServer(begin));
        try
        {
            server.WaitUntilItListens(cancellation);
            return server;
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            ClientCalls.Signal(_process.Id, ClientCalls.SigTerm);
            if (!_process.WaitForExit(StopMax)) _process.Kill(entireProcessTree: true);
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    private void WaitUntilItListens(CancellationToken cancellation)
    {
        for (long begun = Stopwatch.GetTimestamp(); ; cancellation.WaitHandle.WaitOne(Look))
        {
            cancellation.ThrowIfCancellationRequested();
            if (_process.HasExited)
            {
                _process.WaitForExit(); // its last lines too
                throw new LoadFailure($"{Command} ended with exit code {_process.ExitCode} before it listened. {_lastError}".TrimEnd());
            }

            if (Stopwatch.GetElapsedTime(begun) > StartMax)
                throw new LoadFailure($"{Command} does not listen after {StartMax.TotalSeconds} s.");
            using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                socket.Connect(EndPoint);
                return;
            }
            catch (SocketException)
            {
                // Not yet.
            }
        }
    }

    // Somebody else could take it before the server does; the server then says so and ends.
    /// <summary>A port that nobody listens on at this moment.</summary>
    public static int FindFreePort()
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
