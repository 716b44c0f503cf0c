// One message encoded once for many receivers. The bytes are the whole frame, header and all, as a server sends it: unmasked
// frames are the same for everybody (§5.1). Counted: its maker holds one reference, each outbox that queued it another, and
// the last to let go gives the bytes back.

using RawWs.Frame;
using RawWs.Server.Memory;

namespace RawWs.Server;

/// <summary>A message encoded once and sent to any number of connections. Dispose it when you have sent it to the last.</summary>
public sealed class SharedMessage : IDisposable
{
    // A broadcast's message is never seen by anybody outside, so the object itself can serve again.
    private static readonly Spares<SharedMessage> SpareMessages = new(1024);

    private readonly bool _isSpare;
    private MemoryBudget _budget = null!;
    private byte[]? _bytes;
    private int _references;
    private int _disposed;

    private SharedMessage(bool isSpare) => _isSpare = isSpare;

    /// <summary>Text or binary.</summary>
    public MessageKind Kind { get; private set; }

    /// <summary>The payload's length in bytes.</summary>
    public int PayloadBytes { get; private set; }

    internal int FrameBytes { get; private set; }

    internal byte[] Array => _bytes ?? throw new ObjectDisposedException(nameof(SharedMessage));

    internal ReadOnlySpan<byte> Frame => Array.AsSpan(0, FrameBytes);

    /// <summary>Gives up the maker's reference; once.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0) Release();
    }

    /// <summary>One that the caller may give to others. Null when the memory limit is reached.</summary>
    internal static SharedMessage? TryCreate(MemoryBudget budget, MessageKind kind, ReadOnlySpan<byte> payload) =>
        budget.TryRent(FrameWriter.HeaderLength((ulong)payload.Length, masked: false) + payload.Length) is { } bytes
            ? new SharedMessage(isSpare: false).Fill(budget, bytes, kind, payload)
            : null;

    /// <summary>One that stays with the caller and with outboxes: disposed, it is not looked at again.</summary>
    internal static SharedMessage? TryTake(MemoryBudget budget, MessageKind kind, ReadOnlySpan<byte> payload) =>
        budget.TryRent(FrameWriter.HeaderLength((ulong)payload.Length, masked: false) + payload.Length) is { } bytes
            ? (SpareMessages.TryTake() ?? new SharedMessage(isSpare: true)).Fill(budget, bytes, kind, payload)
            : null;

    internal void Acquire() => Interlocked.Increment(ref _references);

    internal void Release()
    {
        if (Interlocked.Decrement(ref _references) != 0) return;
        byte[]? bytes = Interlocked.Exchange(ref _bytes, null);
        if (bytes is null) return;
        _budget.Return(bytes);
        if (_isSpare) SpareMessages.Give(this);
    }

    private SharedMessage Fill(MemoryBudget budget, byte[] bytes, MessageKind kind, ReadOnlySpan<byte> payload)
    {
        _budget = budget;
        Kind = kind;
        PayloadBytes = payload.Length;
        FrameBytes = FrameWriter.Write(bytes, (Opcode)kind, payload);
        _bytes = bytes;
        _references = 1;
        _disposed = 0;
        return this;
    }
}
