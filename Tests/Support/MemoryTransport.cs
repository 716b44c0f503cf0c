// What a connection over memory stands on: a loop and a transport without sockets, threads and clocks of their own.

using RawWs.Server.Loops;
using RawWs.Server.Memory;
using RawWs.Server.Transports;

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

/// <summary>A transport over memory: what arrives, and what the kernel takes, is what the test says.</summary>
internal sealed class MemoryTransport(EventLoop loop, ITransportOwner owner) : Transport(loop)
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
