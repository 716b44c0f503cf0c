// An open connection over memory: no socket, no thread, no clock. The test runs its loop's turns and says what arrives, and the kernel to
// which it sends accepts as many bytes as the test lets it accept. So nothing ever happens between two lines of a test.

using System.Text;
using Microsoft.Extensions.Time.Testing;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Channels;
using RawWs.Server.Connections;
using RawWs.Server.Memory;

namespace RawWs.Tests.Support;

internal sealed class MemoryConnection : IAsyncDisposable
{
    private readonly WebSocketServer _server; // never started: it is what the connection reports its end to
    private readonly ManualLoop _loop;
    private readonly MemoryChannel _channel = new();

    /// <summary>A connection whose upgrade is through, or, not <paramref name="opened"/>, one whose request is awaited.</summary>
    public MemoryConnection(
        IWebSocketApplication application, Func<ServerOptions, ServerOptions>? change = null, bool opened = true, string? extensions = null)
    {
        ServerOptions options = new() { Transport = TransportKind.Socket, Loops = 1, TimeProvider = new FakeTimeProvider() };
        if (change is not null) options = change(options);
        _server = new WebSocketServer(options, application);
        application.OnStart(_server);
        ServerContext context = new(_server, options, application, _server.Budget);
        _loop = new ManualLoop(options.TimeProvider, _server.Budget);
        Loop = new ConnectionLoop(_loop, context, options.TimeProvider);
        Loop.Begin(options);
        ConnectionLimits? limits = context.Limits is { } all ? new ConnectionLimits(all) : null;
        Connection = new WebSocketConnection(1, Loop, peer: default, limits);
        Connection.Begin(_channel, overLimit: false);
        _loop.Turn(static () => { });
        if (!opened) return;
        string offer = extensions is null ? "" : $"Sec-WebSocket-Extensions: {extensions}\r\n";
        Arrive(Encoding.ASCII.GetBytes($"GET / HTTP/1.1\r\n{RawClient.Upgrade}{offer}\r\n"));
        Assert.That(Connection.IsOpen);
        _channel.Taken.Clear();
    }

    public WebSocketConnection Connection { get; }

    public ConnectionLoop Loop { get; }

    public MemoryBudget Budget => _server.Budget;

    /// <summary>How many bytes the kernel will still accept.</summary>
    public int Room
    {
        get => _channel.Room;
        set => _channel.Room = value;
    }

    /// <summary>How many of the bytes that the kernel has accepted wait for the peer's acknowledgement; below zero for nobody
    /// knows.</summary>
    public int Unacknowledged
    {
        get => _channel.Unacknowledged;
        set => _channel.Unacknowledged = value;
    }

    /// <summary>From now on small answers leave with the loop's batch, at the end of the turn.</summary>
    public void Batch() => _channel.JoinBatch = _loop.TryBatch;

    /// <summary>What the kernel has accepted since the connection was opened.</summary>
    public byte[] Taken => [.. _channel.Taken];

    /// <summary>Whether our direction of TCP has ended.</summary>
    public bool IsShut => _channel.IsShut;

    /// <summary>Whether TCP was closed with a reset; null while it is not closed.</summary>
    public bool? ClosedWithReset => _channel.ClosedWithReset;

    /// <summary>Whether the connection is read from.</summary>
    public bool WantsBytes => _channel.IsReadFrom;

    /// <summary>These bytes arrive, in one piece, in a turn of their own.</summary>
    public void Arrive(byte[] bytes) => _loop.Turn(() => Receive(bytes));

    /// <summary>They arrive in the current turn.</summary>
    public void Receive(byte[] bytes)
    {
        Assert.That(_channel.IsReadFrom, "the connection is read from");
        _channel.Arrive(bytes);
        Assert.That(_channel.IsEmpty, "what arrived has been received");
    }

    /// <summary>Whether what arrives would be received.</summary>
    public bool IsReadFrom => Connection.Transport.PausedBy == ReadPauseReasons.None;

    /// <summary>A turn in which nothing happens: postponed connections continue.</summary>
    public void Turn() => _loop.Turn(static () => { });

    /// <summary>A turn in which something else happens.</summary>
    public void Turn(Action events) => _loop.Turn(events);

    /// <summary>
    /// One of the things that may happen to a connection: something arrives, is sent, is taken by the kernel, or is dropped.
    /// </summary>
    /// <param name="random">Chooses.</param>
    /// <param name="mayDrop">Whether what has not begun to leave may be dropped, which ends the connection.</param>
    /// <param name="arrive">Makes bytes arrive.</param>
    public void Step(Random random, bool mayDrop, Action<byte[]> arrive)
    {
        switch (random.Next(6))
        {
            case 0 when WantsBytes:
                arrive(RawClient.Frame(Opcode.Ping, new byte[random.Next(126)]));
                break;
            case 1 when WantsBytes:
                arrive([.. RawClient.Frame(Opcode.Binary, new byte[random.Next(3000)]), .. RawClient.Frame(Opcode.Text, "t"u8)]);
                break;
            case 2:
                Connection.TrySend(MessageKind.Binary, new byte[random.Next(300)]);
                Turn();
                break;
            case 3:
                Room = random.Next(4) == 0 ? 0 : random.Next(4000);
                break;
            case 4:
                Room = Math.Max(Room, random.Next(1000));
                BecomeWritable();
                break;
            case 5 when mayDrop && random.Next(3) == 0:
                Connection.CloseTooSlow();
                Turn();
                break;
        }
    }

    /// <summary>The peer is gone.</summary>
    public void Break() => _loop.Turn(() => Connection.Transport.Break());

    /// <summary>The kernel says that it accepts bytes again, in a turn of its own.</summary>
    public void BecomeWritable() => _loop.Turn(((ITransportOwner)Connection).OnWritable);

    /// <summary>The peer is gone, and nothing is held.</summary>
    public async ValueTask DisposeAsync()
    {
        _loop.Turn(() => Connection.Transport.Break());
        Assert.That(_server.Budget.HeldBytes, Is.Zero, "held bytes after the end");
        await _server.DisposeAsync();
    }
}
