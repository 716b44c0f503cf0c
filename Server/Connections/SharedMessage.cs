// One message encoded once for many receivers. The bytes are the whole frame, header and all, as a server sends it: unmasked
// frames are the same for everybody (§5.1). Counted: its maker holds one reference, each outbox that queued it another, and
// the last to let go gives the bytes back.

using RawWs.Frame;
using RawWs.Server.Memory;

namespace RawWs.Server;

/// <summary>A message encoded once and sent to any number of connections. Dispose it when you have sent it to the last.</summary>
public sealed class SharedMessage : IDisposable
{
    private readonly MemoryBudget _budget;
    private byte[]? _bytes;
    private int _references = 1;

    private SharedMessage(MemoryBudget budget, byte[] bytes, int frameBytes, int payloadBytes, MessageKind kind)
    {
        _budget = budget;
        _bytes = bytes;
        FrameBytes = frameBytes;
        PayloadBytes = payloadBytes;
        Kind = kind;
    }

    /// <summary>Text or binary.</summary>
    public MessageKind Kind { get; }

    /// <summary>The payload's length in bytes.</summary>
    public int PayloadBytes { get; }

    internal int FrameBytes { get; }

    internal byte[] Array => _bytes ?? throw new ObjectDisposedException(nameof(SharedMessage));

    internal ReadOnlySpan<byte> Frame => Array.AsSpan(0, FrameBytes);

    /// <summary>Gives up the maker's reference.</summary>
    public void Dispose() => Release();

    internal static SharedMessage? TryCreate(MemoryBudget budget, MessageKind kind, ReadOnlySpan<byte> payload)
    {
        int frameBytes = FrameWriter.HeaderLength((ulong)payload.Length, masked: false) + payload.Length;
        byte[]? bytes = budget.TryRent(frameBytes);
        if (bytes is null) return null;
        FrameWriter.Write(bytes, (Opcode)kind, payload);
        return new SharedMessage(budget, bytes, frameBytes, payload.Length, kind);
    }

    internal void Acquire() => Interlocked.Increment(ref _references);

    internal void Release()
    {
        if (Interlocked.Decrement(ref _references) != 0) return;
        byte[]? bytes = Interlocked.Exchange(ref _bytes, null);
        if (bytes is not null) _budget.Return(bytes);
    }
}
