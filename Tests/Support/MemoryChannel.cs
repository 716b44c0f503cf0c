// A connection's bytes without a socket.

using RawWs.Server.Channels;
using RawWs.Server.Loops;

namespace RawWs.Tests.Support;

/// <summary>A channel over memory: what arrives, and what the kernel takes, is what its user says.</summary>
internal sealed class MemoryChannel : Channel
{
    private Transport _transport = null!;
    private byte[]? _arriving;

    /// <summary>How many bytes the kernel will still accept.</summary>
    public int Room { get; set; } = int.MaxValue;

    public List<byte> Taken { get; } = [];

    /// <summary>How many of these the peer has not acknowledged; below zero if nobody says it.</summary>
    public int Unacknowledged { get; set; } = -1;

    public override int BytesUnacknowledged => Unacknowledged;

    /// <summary>Adds a send to the batch, unless there is one. False if there is. Null for no batch.</summary>
    public Func<Action, bool>? JoinBatch { get; set; }

    /// <summary>Whether our direction has ended.</summary>
    public bool IsShut { get; private set; }

    /// <summary>Whether it was closed with a reset, the first time; null while it is not closed.</summary>
    public bool? ClosedWithReset { get; private set; }

    public bool IsReadFrom => _transport.WantsBytes;

    /// <summary>Whether nothing that has arrived is left.</summary>
    public bool IsEmpty => _arriving is null;

    public override bool Gathers => true;

    public override void Attach(Transport transport) => _transport = transport;

    public override Readiness OnReady(Transport transport, uint events) => Readiness.Readable;

    /// <summary>These bytes arrive, in one piece.</summary>
    public void Arrive(byte[] bytes)
    {
        _arriving = bytes;
        _transport.OnReady(events: 0);
    }

    public override int Send(ReadOnlySpan<byte> bytes, bool more)
    {
        int taken = Math.Min(bytes.Length, Room);
        Room -= taken;
        Taken.AddRange(bytes[..taken]);
        return taken;
    }

    public override bool TryAddToBatch(Transport transport, ReadOnlySpan<byte> frames, ReadOnlySpan<byte> bytes)
    {
        (byte[] ownFrames, byte[] own) = (frames.ToArray(), bytes.ToArray());
        return JoinBatch is not null && JoinBatch(Submit);

        void Submit() => ((IBatchedSender)transport).OnBatchSent(ownFrames, own, Send(own, more: false));
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
