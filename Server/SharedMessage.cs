// One message that is encoded once for many receivers. A frame is whole, header and payload, as a server sends it: unmasked frames are the
// same for everybody (§5.1). Receivers that have agreed on an extension get an encoded frame. It is made for the first of them, once for
// each way in which they encode, and refers to no other message.
// References are counted: the maker holds one, and each send queue that holds one of the frames another. Who releases the last one returns
// the bytes.

using RawWs.Frame;
using RawWs.Server.Extensions;
using RawWs.Server.Memory;
using RawWs.Server.Sending;

namespace RawWs.Server;

/// <summary>
/// A message that is encoded once and sent to any number of connections. Dispose it after you have sent it to the last one.
/// </summary>
public sealed class SharedMessage : IDisposable, IPendingDelivery
{
    // So many bytes, to all receivers together, keep the kernel busy for a while.
    private const long LongDeliveredBytes = 1024 * 1024;

    // Peers choose what is agreed on. Whoever encodes in a way past these is sent the plain frame, which everybody can read.
    private const int EncodedFramesMax = 32;
    private const int FirstEncodedFrames = 8;

    // Nobody outside ever has a broadcast's message, so the object itself can be pooled.
    private static readonly Pool<SharedMessage> MessagePool = new(1024);

    private readonly bool _isPooled;
    private readonly SharedFrame _plain;
    private SharedFrame?[] _encoded = []; // pooled with the message; those that are in use come first
    private MemoryBudget _budget = null!;
    private IHeldSender? _awaiting;
    private int _references;
    private int _use; // a number for each message that the object is used for
    private int _disposed;

    private SharedMessage(bool isPooled)
    {
        _isPooled = isPooled;
        _plain = new SharedFrame(this);
    }

    /// <summary>Whether the message is text or binary.</summary>
    public MessageKind Kind { get; private set; }

    /// <summary>The payload's length in bytes.</summary>
    public int PayloadBytes { get; private set; }

    /// <summary>The frame for receivers that have not agreed on an extension.</summary>
    internal SharedFrame Plain => _plain.IsMade ? _plain : throw new ObjectDisposedException(nameof(SharedMessage));

    int IPendingDelivery.Remaining => Volatile.Read(ref _references);

    // In that time at least one receiver should have got it.
    long IPendingDelivery.CheckInterval => 1000;

    /// <summary>
    /// Gives up the maker's reference, once. If much of the message is still unsent, and a handler of a connection makes this call, the
    /// server stops reading from that connection until the message is sent.
    /// </summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        HoldSender();
        Release();
    }

    /// <summary>Makes one that the caller may give to others. Null when the memory limit is reached.</summary>
    internal static SharedMessage? TryCreate(MemoryBudget budget, MessageKind kind, ReadOnlySpan<byte> payload) =>
        TryFill(new SharedMessage(isPooled: false), budget, kind, payload);

    /// <summary>
    /// Rents one that stays with the caller and with send queues. Once disposed it must not be used again. Null when the memory limit is
    /// reached.
    /// </summary>
    internal static SharedMessage? TryRent(MemoryBudget budget, MessageKind kind, ReadOnlySpan<byte> payload) =>
        TryFill(MessagePool.TryRent() ?? new SharedMessage(isPooled: true), budget, kind, payload);

    /// <summary>
    /// The frame that an encoder has made of the message. It is the plain frame if the message is not worth it, or if there is no memory.
    /// The first caller makes it; the others wait.
    /// </summary>
    internal SharedFrame Encoded(MessageEncoder encoder)
    {
        SharedFrame plain = Plain;
        // For all but the first receiver the frame is there. A lock would then be most of the cost.
        SharedFrame frame = FindEncoded(encoder, out _) ?? Encode(plain, encoder);
        return frame.Length > 0 ? frame : plain;
    }

    /// <summary>Adds a reference. There must be one already.</summary>
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
        if (_awaiting is not null) Interlocked.Exchange(ref _awaiting, null)?.OnDelivered();
        _plain.Release(_budget);
        foreach (SharedFrame? frame in _encoded) frame?.Release(_budget);
        if (_isPooled) MessagePool.Return(this);
    }

    // If much is unsent, the connection whose bytes are handled on this thread waits until it is sent. We still hold a reference here.
    private void HoldSender()
    {
        long queues = Volatile.Read(ref _references) - 1;
        if (queues * PayloadBytes < LongDeliveredBytes) return;
        if (SendingLoop.Current is not { } loop)
        {
            HandlerShare.Current?.WaitFor(this, _use);
            return;
        }

        if (loop.Cork.Owner is not { } sender) return;
        Volatile.Write(ref _awaiting, sender);
        loop.Share.PendingDelivery = this;
    }

    /// <summary>
    /// The same for a sender that learns later that the message is disposed. False when it has been sent meanwhile, or when the object is
    /// used for another message, whose own sender is named after this one.
    /// </summary>
    internal bool TryWait(IHeldSender sender, int use)
    {
        if (Interlocked.CompareExchange(ref _awaiting, sender, null) is not null) return false;
        if (Volatile.Read(ref _references) > 0 && Volatile.Read(ref _use) == use) return true;
        Interlocked.CompareExchange(ref _awaiting, null, sender);
        return false;
    }

    void IPendingDelivery.Forget(IHeldSender sender) => Interlocked.CompareExchange(ref _awaiting, null, sender);

    void IPendingDelivery.GiveUp()
    {
    }

    // It was named before the last reference went, and will be told in a later turn.
    bool IPendingDelivery.TryWait(IHeldSender sender) => true;

    // Any thread: a frame that is not made yet may be missed. `used` is how many are made.
    private SharedFrame? FindEncoded(MessageEncoder encoder, out int used)
    {
        SharedFrame?[] encoded = Volatile.Read(ref _encoded);
        for (used = 0; used < encoded.Length && encoded[used] is { IsMade: true } frame; used++)
            if (ReferenceEquals(frame.Encoder, encoder) || encoder.Equals(frame.Encoder)) return frame;
        return null;
    }

    private SharedFrame Encode(SharedFrame plain, MessageEncoder encoder)
    {
        lock (_plain)
        {
            if (FindEncoded(encoder, out int used) is { } made) return made;
            if (used == EncodedFramesMax) return plain;
            if (used == _encoded.Length)
            {
                SharedFrame?[] longer = new SharedFrame?[Math.Max(FirstEncodedFrames, used * 2)];
                _encoded.CopyTo(longer, 0);
                Volatile.Write(ref _encoded, longer);
            }

            SharedFrame frame = _encoded[used] ??= new SharedFrame(this);
            ReadOnlySpan<byte> payload = plain.Bytes.AsSpan(plain.Length - PayloadBytes, PayloadBytes);
            byte[]? bytes = _budget.TryRentToWait(encoder.FrameRoomBytes(payload.Length));
            int length = bytes is null ? 0 : encoder.TryWriteFrame(bytes, Kind, payload);
            if (length == 0 && bytes is not null) _budget.Return(bytes);
            frame.Make(length == 0 ? null : bytes, length, encoder);
            return frame;
        }
    }

    private static SharedMessage? TryFill(SharedMessage message, MemoryBudget budget, MessageKind kind, ReadOnlySpan<byte> payload)
    {
        byte[]? bytes = budget.TryRentToWait(FrameWriter.HeaderLength((ulong)payload.Length, masked: false) + payload.Length);
        if (bytes is null)
        {
            if (message._isPooled) MessagePool.Return(message);
            return null;
        }

        message._budget = budget;
        message.Kind = kind;
        message.PayloadBytes = payload.Length;
        message._plain.Make(bytes, FrameWriter.Write(bytes, (Opcode)kind, payload));
        message._use++;
        message._disposed = 0;
        Volatile.Write(ref message._references, 1); // last: whoever sees it sees the rest
        return message;
    }
}
