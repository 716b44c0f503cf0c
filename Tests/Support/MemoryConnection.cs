// An open connection over memory: no socket, no thread, no clock. Its loop's turns are run by the test, what arrives is what the test says, and the
// kernel that it sends to takes as many bytes as the test lets it. So nothing ever happens between two lines of a test.

using System.Text;
using Microsoft.Extensions.Time.Testing;
using RawWs.Server;
using RawWs.Server.Loops;
using RawWs.Server.Memory;
using RawWs.Server.Transports;

namespace RawWs.Tests.Support;

internal sealed class MemoryConnection : IAsyncDisposable
{
    private readonly WebSocketServer _server; // never started: it is what the connection reports its end to
    private readonly ManualLoop _loop;
    private readonly MemoryTransport _transport;

    public MemoryConnection(IWebSocketApplication application, Func<ServerOptions, ServerOptions>? change = null)
    {
        ServerOptions options = new() { Transport = TransportKind.Socket, Loops = 1, TimeProvider = new FakeTimeProvider() };
        if (change is not null) options = change(options);
        _server = new WebSocketServer(options, application);
        ServerContext context = new(_server, options, application, _server.Budget);
        _loop = new ManualLoop(options.TimeProvider, _server.Budget) { Details = context.Details };
        Connection = new WebSocketConnection(1, context, _loop, peer: default);
        _transport = new MemoryTransport(_loop, Connection);
        Connection.Begin(_transport, overLimit: false);
        _loop.Turn(static () => { });
        Arrive(Encoding.ASCII.GetBytes($"GET / HTTP/1.1\r\n{RawClient.Upgrade}\r\n"));
        Assert.That(Connection.IsOpen);
        _transport.Taken.Clear();
    }

    public WebSocketConnection Connection { get; }

    /// <summary>How many bytes the kernel still takes.</summary>
    public int Room
    {
        get => _transport.Room;
        set => _transport.Room = value;
    }

    /// <summary>What it has taken since the connection was opened.</summary>
    public byte[] Taken => [.. _transport.Taken];

    /// <summary>Whether the connection is read from.</summary>
    public bool WantsBytes => _transport.IsReadFrom;

    /// <summary>These bytes arrive, in one piece, in a turn of their own.</summary>
    public void Arrive(byte[] bytes) => _loop.Turn(() => _transport.Arrive(bytes));

    /// <summary>A turn in which nothing happens: postponed connections continue.</summary>
    public void Turn() => _loop.Turn(static () => { });

    /// <summary>The peer is gone.</summary>
    public void Break() => _loop.Turn(() => _transport.Break(Connection));

    /// <summary>The kernel says that it takes bytes again, in a turn of its own.</summary>
    public void BecomeWritable() => _loop.Turn(((ITransportOwner)Connection).OnWritable);

    /// <summary>The peer is gone, and nothing is held.</summary>
    public async ValueTask DisposeAsync()
    {
        _loop.Turn(() => _transport.Break(Connection));
        Assert.That(_server.Budget.HeldBytes, Is.Zero, "held bytes after the end");
        await _server.DisposeAsync();
    }

    private sealed class ManualLoop(TimeProvider time, MemoryBudget budget) : EventLoop(0, time, budget)
    {
        public void Turn(Action events)
        {
            BeginTurn();
            events();
            FinishTurn();
            EndTurn();
        }

        public override void Start()
        {
        }

        public override Task StopAsync() => Task.CompletedTask;

        protected override void Wake()
        {
        }
    }

    private sealed class MemoryTransport(EventLoop loop, ITransportOwner owner) : Transport(loop)
    {
        private byte[]? _arriving;

        public int Room { get; set; } = int.MaxValue;

        public List<byte> Taken { get; } = [];

        public bool IsReadFrom => WantsBytes;

        public override bool Gathers => true;

        public void Arrive(byte[] bytes)
        {
            Assert.That(WantsBytes, "the connection is read from");
            _arriving = bytes;
            ReceiveOnce(owner);
            Assert.That(_arriving, Is.Null, "what arrived has been received");
        }

        public override int TryWrite(ReadOnlySpan<byte> bytes, bool more)
        {
            int taken = Math.Min(bytes.Length, Room);
            Room -= taken;
            Taken.AddRange(bytes[..taken]);
            return taken;
        }

        public override void ShutdownWrite()
        {
        }

        public override void SetUserTimeout(TimeSpan timeout)
        {
        }

        protected override void WantBytes()
        {
        }

        protected override int Receive(Span<byte> destination)
        {
            if (_arriving is not { } bytes) return -1;
            bytes.CopyTo(destination);
            _arriving = null;
            return bytes.Length;
        }

        protected override void CloseSocket(bool reset)
        {
        }
    }
}
