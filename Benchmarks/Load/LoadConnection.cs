// One connection of the generator: where its two streams are. Everything that is done with it, the run does, on one thread.

using RawWs.Frame;

namespace RawWs.Benchmarks.Load;

internal enum ConnectionState : byte
{
    /// <summary>The connection is being made, or the request has not left yet.</summary>
    Connecting,

    /// <summary>The request has left.</summary>
    Requested,

    Open,
    Closed,
}

internal sealed class LoadConnection
{
    public required int Index { get; init; }

    public int Descriptor { get; set; } = -1;

    public ConnectionState State { get; set; }

    /// <summary>The kernel took less than there was: epoll tells when it takes more.</summary>
    public bool WaitsToSend { get; set; }

    /// <summary>It is in the run's list of those that have something to send.</summary>
    public bool IsListed { get; set; }

    // What is sent.
    public required byte[] Prefix { get; init; }

    public required int PayloadBytes
    {
        get;
        init => (field, FrameBytes) = (value, FrameWriter.HeaderLength((ulong)value, masked: true) + value);
    }

    public int FrameBytes { get; private init; }

    /// <summary>How many messages may have been sent by now.</summary>
    public long Due { get; set; }

    /// <summary>How many have been given to the kernel wholly, and how much of the next.</summary>
    public long Sent { get; private set; }

    public int SentBytesOfFrame { get; private set; }

    /// <summary>When each of the last ones became due, by number, in the closed loop.</summary>
    public long[] DueAt { get; init; } = [];

    /// <summary>Control frames and the first message: they go out between two messages, before what is due.</summary>
    public byte[]? Extra { get; private set; }

    public bool HasToSend => Extra is not null || Sent < Due;

    // What is received.

    /// <summary>The connection whose messages come in here.</summary>
    public LoadConnection Source { get; set; } = null!;

    public required byte[] ExpectedPrefix { get; init; }

    /// <summary>The length of a message that comes in here.</summary>
    public int ExpectedBytes { get; set; }

    public long Received { get; set; }

    /// <summary>How much of the current message has come.</summary>
    public int MessageBytes { get; set; }

    /// <summary>Of the message that is open; Continuation while none is.</summary>
    public Opcode MessageOpcode { get; set; }

    public ulong FrameBytesLeft { get; set; }

    public bool FrameIsLast { get; set; }

    /// <summary>Bytes that make no whole header, control frame or answer yet.</summary>
    public byte[]? Tail { get; set; }

    public bool AwaitsPong { get; set; }

    /// <summary>The request's key, until it is answered.</summary>
    public byte[]? Key { get; set; }

    /// <summary>The kernel has taken bytes of messages.</summary>
    public void Advance(int bytes)
    {
        int total = SentBytesOfFrame + bytes;
        Sent += total / FrameBytes;
        SentBytesOfFrame = total % FrameBytes;
    }

    /// <summary>The kernel has taken bytes of <see cref="Extra"/>.</summary>
    public void AdvanceExtra(int bytes) => Extra = bytes == Extra!.Length ? null : Extra[bytes..];

    public void AddExtra(Opcode opcode, ReadOnlySpan<byte> payload)
    {
        int before = Extra?.Length ?? 0;
        byte[] joined = new byte[before + FrameWriter.HeaderLength((ulong)payload.Length, masked: true) + payload.Length];
        Extra?.CopyTo(joined, 0);
        FrameWriter.WriteMasked(joined.AsSpan(before), opcode, payload, (uint)Random.Shared.NextInt64(1L << 32));
        Extra = joined;
    }
}
