// From a message to its receivers: split at the colon, judge the uid, look it up by its bytes. The naive row turns the message into a
// string first; for scale, a dictionary of the base library is asked with a key that is at hand already.

using System.Collections.Concurrent;
using System.Net;
using System.Text;
using BenchmarkDotNet.Attributes;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Server.Delivery;
using RawWs.Server.Routing;

namespace RawWs.Benchmarks;

public class RouterLookupBenchmark : IDisposable
{
    private const int Messages = 1000;

    private readonly UidRegistry _registry = new();
    private readonly ConcurrentDictionary<string, WebSocketConnection[]> _byString = new();
    private byte[][] _messages = [];
    private string[] _uids = [];
    private WebSocketServer _server = null!;

    [Params(100, 10_000, 100_000)]
    public int Uids { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        // A connection that is only looked up needs no socket.
        _server = new WebSocketServer(
            new ServerOptions { ListenEndPoints = [new IPEndPoint(IPAddress.Loopback, 0)] }, new EchoApplication());
        WebSocketConnection connection = new(1, _server.Loops[0], default);
        for (int i = 0; i < Uids; i++)
        {
            _registry.TryAdd(Encoding.ASCII.GetBytes($"user-{i}"), connection, DuplicateUid.Share, out _);
            _byString[$"user-{i}"] = [connection];
        }

        Random random = new(1);
        _uids = [.. Enumerable.Range(0, Messages).Select(_ => $"user-{random.Next(Uids)}")];
        _messages = [.. _uids.Select(static uid => Encoding.ASCII.GetBytes(uid + ":hello, this is a message of some length"))];
    }

    [GlobalCleanup]
    public void Dispose()
    {
        _server.DisposeAsync().AsTask().GetAwaiter().GetResult();
        GC.SuppressFinalize(this);
    }

    [Benchmark(Description = "split, judge, UidRegistry.Find", OperationsPerInvoke = Messages)]
    public int Route()
    {
        int receivers = 0;
        foreach (byte[] message in _messages)
        {
            if (!UidProtocol.TrySplit(message, out ReadOnlySpan<byte> uid, out _) || UidProtocol.Check(uid) is not null) continue;
            receivers += _registry.Find(uid).Length;
        }

        return receivers;
    }

    [Benchmark(Description = "Naive: strings", OperationsPerInvoke = Messages)]
    public int Naive()
    {
        int receivers = 0;
        foreach (byte[] message in _messages)
        {
            string[] parts = Encoding.UTF8.GetString(message).Split(':', 2);
            if (_byString.TryGetValue(parts[0], out WebSocketConnection[]? found)) receivers += found.Length;
        }

        return receivers;
    }

    [Benchmark(Description = "For scale: ConcurrentDictionary, key at hand", OperationsPerInvoke = Messages)]
    public int Dictionary()
    {
        int receivers = 0;
        foreach (string uid in _uids)
            if (_byString.TryGetValue(uid, out WebSocketConnection[]? found)) receivers += found.Length;
        return receivers;
    }
}
