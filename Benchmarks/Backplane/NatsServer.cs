// A real nats-server on loopback, with JetStream: on a free port unless its arguments name one.

using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;

namespace RawWs.Benchmarks.Backplane;

internal sealed class NatsServer : IDisposable
{
    private readonly Process _process;
    private const int LinesMax = 10_000;

    private readonly ConcurrentQueue<string> _lines = [];
    private readonly string _folder = Directory.CreateTempSubdirectory("rawws-nats-").FullName;

    public NatsServer(params string[] arguments)
    {
        ProcessStartInfo start = new("nats-server") { RedirectStandardError = true, RedirectStandardOutput = true };
        string[] always = ["--addr", "127.0.0.1", "--port", "-1", "--ports_file_dir", _folder, "--jetstream", "--store_dir", _folder];
        foreach (string argument in (string[])[.. always, .. arguments]) start.ArgumentList.Add(argument);
        _process = Process.Start(start)!;
        _process.ErrorDataReceived += (_, told) =>
        {
            if (told.Data is { } line && _lines.Count < LinesMax) _lines.Enqueue(line);
        };
        _process.BeginErrorReadLine();
        Url = ReadUrl();
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

    // It writes its ports into a file when it listens.
    private string ReadUrl()
    {
        string file = Path.Combine(_folder, $"nats-server_{_process.Id}.ports");
        for (int i = 0; i < 1_000 && !_process.HasExited; i++)
        {
            if (File.Exists(file) && File.ReadAllText(file) is { Length: > 2 } text)
                return JsonDocument.Parse(text).RootElement.GetProperty("nats")[0].GetString()!;
            Thread.Sleep(10);
        }

        throw new InvalidOperationException("nats-server does not listen.");
    }
}
