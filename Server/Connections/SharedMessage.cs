// One message encoded once for many receivers. A frame is whole, header and all, as a server sends it: unmasked frames are the same for
// everybody (§5.1). Receivers that agreed on permessage-deflate get a compressed one, which is made when the first of them comes, once for
// each window: it refers to nothing outside of itself, so that it can be read with takeover and without.
// Counted: its maker holds one reference, each outbox that queued one of its frames another, and the last to let go gives the bytes back.

using RawWs.Frame;
using RawWs.Server.Compression;
using RawWs.Server.Loops;
using RawWs.Server.Memory;

namespace RawWs.Server;

/// <summary>A message encoded once and sent to any number of connections. Dispose it when you have sent it to the last.</summary>
public sealed class SharedMessage : IDisposable, IUnderWay
{
    // So many bytes to all its receivers together take the kernel a while.
    private const long LongDeliveredBytes = 1024 * 1024;

    private const int WindowBitsMin = 8;
    private const int WindowCount = 8;

    // A broadcast's message is never seen by anybody outside, so the object itself can serve again.
    private static readonly Spares<SharedMessage> SpareMessages = new(1024);

    private readonly bool _isSpare;
    private readonly SharedFrame _plain;
    private SharedFrame?[] _compressed = [];
    private MemoryBudget _budget = null!;
    private WebSocketConnection? _awaiting;
    private int _references;
    private int _disposed;

    private SharedMessage(bool isSpare)
    {
        _isSpare = isSpare;
        _plain = new SharedFrame(this);
    }

    /// <summary>Text or binary.</summary>
    public MessageKind Kind { get; private set; }

    /// <summary>The payload's length in bytes.</summary>
    public int PayloadBytes { get; private set; }

    /// <summary>The frame as it goes to whoever has not agreed on compression.</summary>
    internal SharedFrame Plain => _plain.IsMade ? _plain : throw new ObjectDisposedException(nameof(SharedMessage));

    int IUnderWay.Left => Volatile.Read(ref _references);

    // In which one receiver at least should have got through.
    long IUnderWay.LookInterval => 1000;

    /// <summary>
    /// Gives up the maker's reference; once. If much of it is still on its way then, the connection whose handler does this is not read
    /// from until it has left.
    /// </summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        HoldSender();
        Release();
    }

    /// <summary>One that the caller may give to others. Null when the memory limit is reached.</summary>
    internal static SharedMessage? TryCreate(MemoryBudget budget, MessageKind kind, ReadOnlySpan<byte> payload) =>
        TryFill(new SharedMessage(isSpare: false), budget, kind, payload);

    /// <summary>One that stays with the caller and with outboxes: disposed, it is not looked at again.</summary>
    internal static SharedMessage? TryTake(MemoryBudget budget, MessageKind kind, ReadOnlySpan<byte> payload) =>
        TryFill(SpareMessages.TryTake() ?? new SharedMessage(isSpare: true), budget, kind, payload);

    /// <summary>
    /// The frame compressed with a window, or the plain one where that is no longer, or where there is no memory for it. The first
    /// caller makes it; the others wait.
    /// </summary>
    internal SharedFrame Compressed(int windowBits, MessageDeflate deflate)
    {
        SharedFrame plain = Plain;
        int window = windowBits - WindowBitsMin;
        // For all but the first receiver it is there, and a lock would be most of what such a receiver costs.
        SharedFrame?[] compressed = _compressed;
        SharedFrame frame = compressed.Length > 0 && compressed[window] is { IsMade: true } made ? made : Compress(plain, window, deflate);
        return frame.Length > 0 ? frame : plain;
    }

    /// <summary>One reference more, as long as there is one.</summary>
    internal void Acquire()
    {
        int before = Volatile.Read(ref _references);
        while (true)
        {
            ObjectDisposedException.ThrowIf(before == 0, this);
            int found = Interlocked.CompareExchange(ref _references, before + 1, before);
            if (found == before) return;
            before = found;
        }
    }

    internal void Release()
    {
        if (Interlocked.Decrement(ref _references) != 0) return;
        if (_awaiting is not null) Interlocked.Exchange(ref _awaiting, null)?.OnLeft();
        _plain.Release(_budget);
        foreach (SharedFrame? frame in _compressed) frame?.Release(_budget);
        if (_isSpare) SpareMessages.Give(this);
    }

    // Whoever sends it, of those whose bytes are being taken on this thread, waits until it has left if there is much of it. We have a
    // reference yet.
    private void HoldSender()
    {
        long outboxes = Volatile.Read(ref _references) - 1;
        if (outboxes * PayloadBytes < LongDeliveredBytes || EventLoop.Current is not { Batch.Owner: { } sender } loop) return;
        Volatile.Write(ref _awaiting, sender);
        loop.Share.Awaited = this;
    }

    void IUnderWay.Forget(WebSocketConnection sender) => Interlocked.CompareExchange(ref _awaiting, null, sender);

    void IUnderWay.GiveUp()
    {
    }

    bool IUnderWay.TryAwait(WebSocketConnection sender) => true; // it was named before the last reference went, and is told in a turn to come

    private SharedFrame Compress(SharedFrame plain, int window, MessageDeflate deflate)
    {
        lock (_plain)
        {
            if (_compressed.Length == 0) _compressed = new SharedFrame?[WindowCount];
            SharedFrame frame = _compressed[window] ??= new SharedFrame(this);
            if (frame.IsMade) return frame;
            ReadOnlySpan<byte> payload = plain.Bytes.AsSpan(plain.Length - PayloadBytes, PayloadBytes);
            byte[]? bytes = _budget.TryRentToWait(payload.Length + Deflater.Slack + FrameWriter.HeaderBytesMax);
            int length = bytes is null ? 0 : deflate.TryEncode(bytes, Kind, payload, window + WindowBitsMin);
            if (length == 0 && bytes is not null) _budget.Return(bytes);
            frame.Make(length == 0 ? null : bytes, length);
            return frame;
        }
    }

    private static SharedMessage? TryFill(SharedMessage message, MemoryBudget budget, MessageKind kind, ReadOnlySpan<byte> payload)
    {
        byte[]? bytes = budget.TryRentToWait(FrameWriter.HeaderLength((ulong)payload.Length, masked: false) + payload.Length);
        if (bytes is null)
        {
            if (message._isSpare) SpareMessages.Give(message);
            return null;
        }

        message._budget = budget;
        message.Kind = kind;
        message.PayloadBytes = payload.Length;
        message._plain.Make(bytes, FrameWriter.Write(bytes, (Opcode)kind, payload));
        message._references = 1;
        message._disposed = 0;
        return message;
    }
}

/// <summary>One form of a shared message.</summary>
internal sealed class SharedFrame(SharedMessage message)
{
    private byte[]? _bytes;

    // Written last by Make: who reads it without a lock sees the frame with it.
    private volatile bool _isMade;

    /// <summary>Whose it is.</summary>
    public SharedMessage Message { get; } = message;

    /// <summary>It has been made, or it has been found that it is not worth it: then its length is 0.</summary>
    public bool IsMade => _isMade;

    /// <summary>The frame's length in bytes.</summary>
    public int Length { get; private set; }

    /// <summary>The array in which the frame lies, from its first byte on.</summary>
    public byte[] Bytes => _bytes ?? throw new ObjectDisposedException(nameof(SharedMessage));

    public ReadOnlySpan<byte> Span => Bytes.AsSpan(0, Length);

    public void Make(byte[]? bytes, int length)
    {
        (_bytes, Length) = (bytes, length);
        _isMade = true;
    }

    public void Release(MemoryBudget budget)
    {
        if (_bytes is not null) budget.Return(_bytes);
        (_bytes, Length, _isMade) = (null, 0, false);
    }
}
