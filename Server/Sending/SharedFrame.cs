// A frame that is made once for many receivers, and lies in one place.

using RawWs.Server.Extensions;
using RawWs.Server.Memory;

namespace RawWs.Server.Sending;

/// <summary>One form of a shared message: plain, or as an encoder has made it.</summary>
internal sealed class SharedFrame(SharedMessage message)
{
    private byte[]? _bytes;

    // Make writes this last: whoever reads it as true, without a lock, sees the whole frame.
    private volatile bool _isMade;

    /// <summary>The message of which this is a form.</summary>
    public SharedMessage Message { get; } = message;

    /// <summary>Whether the frame has been made; or encoding was not worth it, and then the length is 0.</summary>
    public bool IsMade => _isMade;

    /// <summary>What has made it; null for the plain frame.</summary>
    public MessageEncoder? Encoder { get; private set; }

    /// <summary>The frame's length in bytes.</summary>
    public int Length { get; private set; }

    /// <summary>The array in which the frame lies, from its first byte on. Owned by the message; nobody may change it.</summary>
    public byte[] Bytes => _bytes ?? throw new ObjectDisposedException(nameof(SharedMessage));

    public ReadOnlySpan<byte> Span => Bytes.AsSpan(0, Length);

    public void Make(byte[]? bytes, int length, MessageEncoder? encoder = null)
    {
        (_bytes, Length, Encoder) = (bytes, length, encoder);
        _isMade = true;
    }

    public void Release(MemoryBudget budget)
    {
        if (_bytes is not null) budget.Return(_bytes);
        (_bytes, Length, Encoder, _isMade) = (null, 0, null, false);
    }
}
