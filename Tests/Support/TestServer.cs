// A real server on a port of its own, on a given transport and number of loops. Disposing it stops it and checks that nothing leaked:
// no connection is left, no byte is held, and every pooled array has come back, once.

using System.Diagnostics;
using System.Net;
using Microsoft.Extensions.Time.Testing;
using RawWs.Server;
using RawWs.Server.Channels;
using RawWs.Server.Loops;
using RawWs.Server.Memory;
using RawWs.Server.Tls;

namespace RawWs.Tests.Support;

/// <summary>What the whole server suite runs on.</summary>
/// <param name="Transport">What is below.</param>
/// <param name="Loops">The number of loops.</param>
/// <param name="IoUring">Whether batches go through a ring.</param>
/// <param name="Layered">
/// Whether each connection has a layer over its plain channel, which changes, cuts and holds back (XorChannel).
/// </param>
/// <param name="Tls">Whether it speaks TLS, with a client's TLS below it that undoes it (TlsPeerChannel).</param>
public sealed record Setup(TransportKind Transport, int Loops, bool IoUring = false, bool Layered = false, bool Tls = false)
{
    public static IReadOnlyList<Setup> All { get; } = OperatingSystem.IsLinux()
        ?
        [
            new(TransportKind.Epoll, 1, IoUring: true),
            new(TransportKind.Epoll, 4),
            new(TransportKind.Epoll, 1, Layered: true),
            new(TransportKind.Epoll, 2, IoUring: true, Tls: true),
            new(TransportKind.Socket, 1),
            new(TransportKind.Socket, 4),
            new(TransportKind.Socket, 1, Layered: true),
            new(TransportKind.Socket, 2, Tls: true),
        ]
        : [new(TransportKind.Socket, 1), new(TransportKind.Socket, 4), new(TransportKind.Socket, 1, Layered: true)];

    /// <summary>The transports that exist here.</summary>
    public static IEnumerable<TransportKind> Transports { get; } = All.Select(static setup => setup.Transport).Distinct();

    /// <summary>What the built program can be told to run on: in a process of its own nothing can be put over its channels.</summary>
    public static IEnumerable<Setup> Programs { get; } = All.Where(static setup => !setup.Layered && !setup.Tls);

    /// <summary>One for each way to send and to receive: for what takes long, and does not depend on the number of loops.</summary>
    public static IEnumerable<Setup> Ways { get; } = Programs.DistinctBy(static setup => (setup.Transport, setup.IoUring));

    /// <summary>
    /// Passes a test that is about what arrives or leaves in one piece, or about memory to the last byte: over layers, which cut and hold
    /// back at random, there is nothing to see. The rest of its fixture runs over them, and a test framework's fixture has all of its
    /// methods for each of its arguments.
    /// </summary>
    /// <param name="why">What the layers change.</param>
    public void PassOverLayers(string why)
    {
        if (Layered || Tls) Assert.Pass(why);
    }

    public override string ToString() => $"{Transport}{(IoUring ? "+ring" : "")}{(Layered ? "+layers" : "")}{(Tls ? "+tls" : "")}×{Loops}";
}

internal sealed class TestServer : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly PooledArrays _pooled;

    private TestServer(WebSocketServer server)
    {
        Server = server;
        _pooled = new PooledArrays(server.Budget);
    }

    public WebSocketServer Server { get; }

    public int Port => Server.EndPoints[0].Port;

    public static async Task<TestServer> Start(
        Setup setup, IWebSocketApplication application, Func<ServerOptions, ServerOptions>? change = null)
    {
        ServerOptions options = new()
        {
            ListenEndPoints = [new IPEndPoint(IPAddress.Loopback, 0)],
            Transport = setup.Transport,
            Loops = setup.Loops,
            IoUring = setup.IoUring,
            ChannelLayer = setup.Layered ? XorChannel.Twice : setup.Tls ? LayTls : null,
        };
        WebSocketServer server = new(change is null ? options : change(options), application);
        TestServer started = new(server);
        await server.StartAsync();
        return started;
    }

    private static TlsChannel LayTls(Channel plain) =>
        new TlsChannel(new TlsPeerChannel(plain), TestCertificate.ForLocalhost, new TlsHandshakes(int.MaxValue));

    /// <summary>
    /// Waits for something that other threads bring about. It fails after half a minute; it never takes that long when all is well.
    /// </summary>
    public static void Eventually(Func<bool> condition, string what) => Assert.That(SpinWait.SpinUntil(condition, Patience), what);

    /// <summary>Waits until a condition holds, of which it is not known what it waits for; fails when that takes too long.</summary>
    public static Task EventuallyAsync(Func<bool> condition, string what) => EventuallyAsync(() => Task.FromResult(condition()), what);

    /// <inheritdoc cref="EventuallyAsync(Func{bool}, string)"/>
    public static async Task EventuallyAsync(Func<Task<bool>> condition, string what)
    {
        long began = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            if (Stopwatch.GetElapsedTime(began) > 4 * Patience) Assert.Fail($"not in time: {what}");
            await Task.Delay(10);
        }
    }

    /// <summary>
    /// Returns when every loop has run a whole turn that began after the call: what was due by then has been done. A turn reads its
    /// clock before it runs what is posted, and turns its wheel after that, so the third of three posts in a row is past such a turn.
    /// </summary>
    public void CatchUp()
    {
        foreach (EventLoop loop in Server.Loops.Select(static loop => loop.Loop))
        {
            for (int i = 0; i < 3; i++)
            {
                using ManualResetEventSlim ran = new();
                loop.Post(new Marker(ran));
                Assert.That(ran.Wait(Patience), "the loop runs");
            }
        }
    }

    /// <summary>
    /// Time goes by, in steps so short that no loop comes late: it listens all the while. (A leap is a standstill, and counts for nobody.)
    /// </summary>
    public void Pass(FakeTimeProvider time, double seconds)
    {
        const double Step = 0.05;
        for (double left = seconds; left > 0; left -= Step)
        {
            time.Advance(TimeSpan.FromSeconds(Math.Min(left, Step)));
            CatchUp();
        }
    }

    /// <summary>
    /// The clients have gone: of this many connections that are left (idle ones, which own no buffer) everything has come back, while the
    /// server runs on. Stopping it gives back whatever there is, and so shows less.
    /// </summary>
    public void HoldsNothing(int connections = 0)
    {
        Eventually(() => Server.Count == connections, $"{connections} connections are left");
        Eventually(() => Server.Budget.HeldBytes == 0, $"nothing is held ({Server.Budget.HeldBytes} bytes are)");
        Assert.That(_pooled.Out, Is.Zero, "pooled arrays that have not come back");
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        Assert.That((Server.Count, Server.Budget.HeldBytes), Is.EqualTo((0, 0L)), "connections and held bytes after the end");
        Assert.That(TlsPeerChannel.WithoutGoodbye, Is.Zero, "streams that have ended in order, without TLS's good-bye");
        Assert.That((_pooled.Out, _pooled.Strays), Is.EqualTo((0, 0)),
            "pooled arrays that have not come back, and ones that came back without being out");
    }

    /// <summary>Which arrays of a budget are out. By identity: what comes back twice is as wrong as what never does.</summary>
    private sealed class PooledArrays
    {
        private readonly HashSet<byte[]> _out = new(ReferenceEqualityComparer.Instance);
        private int _strays;

        public PooledArrays(MemoryBudget budget) => budget.Witness = (array, leaves) =>
        {
            lock (_out)
            {
                if (!(leaves ? _out.Add(array) : _out.Remove(array))) _strays++;
            }
        };

        public int Out
        {
            get
            {
                lock (_out) return _out.Count;
            }
        }

        public int Strays
        {
            get
            {
                lock (_out) return _strays;
            }
        }
    }

    private sealed class Marker(ManualResetEventSlim ran) : ILoopWork
    {
        public void OnPosted() => ran.Set();
    }
}
