// A real nats-server on loopback, with JetStream: on a free port unless its arguments name one. Its log says where it listens.

using System.Collections.Concurrent;
using System.Diagnostics;

namespace RawWs.Benchmarks.Backplane;

internal sealed class NatsServer : IDisposable
{
    private const int LinesMax = 10_000;
    private const string Listens = "Listening for client connections on ";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Process _process;
    private readonly string _folder = Directory.CreateTempSubdirectory("rawws-nats-").FullName;
    private readonly ConcurrentQueue<string> _lines = [];
    private readonly TaskCompletionSource<string> _url = new();

    /// <summary>It listens when this returns.</summary>
    /// <param name="arguments">More for its command line.</param>
    /// <exception cref="InvalidOperationException">It has ended; its last line says why.</exception>
    /// <exception cref="TimeoutException">It does not listen.</exception>
    public NatsServer(params string[] arguments)
    {
        ProcessStartInfo start = new("nats-server") { RedirectStandardError = true, RedirectStandardOutput = true };
        string[] always = ["--addr", "127.0.0.1", "--port", "-1", "--jetstream", "--store_dir", _folder];
        foreach (string argument in (string[])[.. always, .. arguments]) start.ArgumentList.Add(argument);
        _process = Process.Start(start)!;
        _process.ErrorDataReceived += (_, told) => OnLine(told.Data);
        _process.BeginErrorReadLine();
        try
        {
            Url = _url.Task.WaitAsync(Patience).GetAwaiter().GetResult();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public string Url { get; }

    public int ProcessId => _process.Id;

    /// <summary>Whether a line of its log has these words.</summary>
    public bool HasTold(string words) => _lines.Any(line => line.Contains(words, StringComparison.Ordinal));

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    // Null when it has ended.
    private void OnLine(string? line)
    {
        if (line is null)
        {
            _url.TrySetException(new InvalidOperationException($"nats-server does not listen: {_lines.LastOrDefault()}"));
            return;
        }

        if (_lines.Count < LinesMax) _lines.Enqueue(line);
        int at = line.IndexOf(Listens, StringComparison.Ordinal);
        if (at >= 0) _url.TrySetResult($"nats://{line[(at + Listens.Length)..]}");
    }
}
