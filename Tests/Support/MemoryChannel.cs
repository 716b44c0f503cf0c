// What a connection over memory stands on: a loop and a channel without sockets, threads and clocks of their own.

using RawWs.Server.Channels;
using RawWs.Server.Loops;
using RawWs.Server.Memory;

namespace RawWs.Tests.Support;

/// <summary>A loop whose turns a test runs.</summary>
internal sealed class ManualLoop(TimeProvider time, MemoryBudget budget) : EventLoop(0, time, budget)
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

/// <summary>A channel over memory: what arrives, and what the kernel takes, is what the test says.</summary>
internal sealed class MemoryChannel : Channel
{
    private Transport _transport = null!;
    private byte[]? _arriving;

    public int Room { get; set; } = int.MaxValue;

    public List<byte> Taken { get; } = [];

    /// <summary>Whether our direction has ended.</summary>
    public bool IsShut { get; private set; }

    /// <summary>Whether it was closed with a reset, the first time; null while it is not closed.</summary>
    public bool? ClosedWithReset { get; private set; }

    public bool IsReadFrom => _transport.WantsBytes;

    public override bool Gathers => true;

    public override void Attach(Transport transport) => _transport = transport;

    public override Readiness OnReady(Transport transport, uint events) => Readiness.Readable;

    public void Arrive(byte[] bytes)
    {
        Assert.That(_transport.WantsBytes, "the connection is read from");
        _arriving = bytes;
        _transport.OnReady(events: 0);
        Assert.That(_arriving, Is.Null, "what arrived has been received");
    }

    public override int Send(ReadOnlySpan<byte> bytes, bool more)
    {
        int taken = Math.Min(bytes.Length, Room);
        Room -= taken;
        Taken.AddRange(bytes[..taken]);
        return taken;
    }

    public override int WantReadable(Transport transport) => 0;

    public override int WantWritable(Transport transport) => 0;

    public override void ShutdownWrite() => IsShut = true;

    public override int Receive(Span<byte> destination)
    {
        if (_arriving is not { } bytes) return Nothing;
        bytes.CopyTo(destination);
        _arriving = null;
        return bytes.Length;
    }

    public override void Close(Transport transport, bool reset) => ClosedWithReset ??= reset;
}
