// permessage-deflate as the server's connections use it: which messages are compressed, and with what. One instance serves all of them.
// Without takeover only the sender's thread has to do with it: it rents a deflater, makes a frame, and returns the deflater. With takeover
// messages must leave in the order in which they were compressed, so ConnectionDeflate compresses under the connection's lock.

using RawWs.Frame;
using RawWs.Handshake;

namespace RawWs.Server.Compression;

internal sealed class MessageDeflate(DeflateContexts contexts, DeflatePolicy policy, int bytesMin)
{
    /// <summary>Where inflaters and deflaters come from.</summary>
    public DeflateContexts Contexts { get; } = contexts;

    /// <summary>What the server allows.</summary>
    public DeflatePolicy Policy { get; } = policy;

    /// <summary>Whether a message of this size is large enough to be compressed.</summary>
    public bool IsWorthwhile(int payloadBytes) => payloadBytes >= bytesMin;

    /// <summary>
    /// How many bytes of contexts a connection of this agreement needs: an inflater, and with takeover a deflater of its own. Without
    /// takeover a deflater is rented only for a moment, and without one the message is sent uncompressed.
    /// </summary>
    public static int ContextBytes(DeflateAgreement agreement) =>
        Inflater.ContextBytes + (agreement.ServerTakeover ? Deflater.ContextBytes(agreement.ServerWindowBits) : 0);

    /// <summary>
    /// Writes a compressed frame that refers to no other message. 0 when the message is too small, would not become shorter, or no context
    /// is available. Then it is sent uncompressed, which is always allowed (RFC 7692 §6).
    /// </summary>
    /// <param name="frame">At least the payload's length, <see cref="Deflater.Slack"/> and the longest header.</param>
    /// <param name="kind">Text or binary.</param>
    /// <param name="payload">The message.</param>
    /// <param name="windowBits">The receiver's window.</param>
    /// <returns>The frame's length in bytes, or 0.</returns>
    public int TryEncode(Span<byte> frame, MessageKind kind, ReadOnlySpan<byte> payload, int windowBits)
    {
        if (!IsWorthwhile(payload.Length) || Contexts.TryRentDeflater(windowBits, takeover: false) is not { } deflater) return 0;
        Span<byte> room = frame.Slice(FrameWriter.HeaderBytesMax, payload.Length + Deflater.Slack);
        bool fits = deflater.TryDeflate(payload, room, out int written);
        Contexts.Return(deflater);
        return fits && written < payload.Length ? Frame(frame, kind, written) : 0;
    }

    /// <summary>
    /// Writes the header in front of a compressed payload, and moves the payload to it. The payload lies behind the space for the longest
    /// header. RSV1 marks the message (RFC 7692 §6).
    /// </summary>
    public static int Frame(Span<byte> frame, MessageKind kind, int payloadBytes)
    {
        int header = FrameWriter.WriteHeader(frame, (Opcode)kind, (ulong)payloadBytes, reserved: ReservedBits.Rsv1);
        frame.Slice(FrameWriter.HeaderBytesMax, payloadBytes).CopyTo(frame[header..]);
        return header + payloadBytes;
    }
}

/// <summary>The contexts of one connection. It keeps them from message to message only if takeover was agreed on.</summary>
internal sealed class ConnectionDeflate(MessageDeflate deflate, DeflateAgreement agreement)
{
    private Inflater? _inflater;
    private Deflater? _deflater;
    private bool _mustForget;

    /// <summary>What was agreed on.</summary>
    public DeflateAgreement Agreement { get; } = agreement;

    /// <summary>What is common to all connections.</summary>
    public MessageDeflate Common { get; } = deflate;

    /// <summary>Rents an inflater for a new message; null when the memory limit is reached. Owner only.</summary>
    public Inflater? TryRentInflater()
    {
        if (_inflater is not null) return _inflater;
        Inflater? inflater = Common.Contexts.TryRentInflater(Agreement.ClientWindowBits);
        if (Agreement.ClientTakeover) _inflater = inflater;
        return inflater;
    }

    /// <summary>The inflater's message has ended.</summary>
    public void Return(Inflater inflater)
    {
        if (inflater != _inflater) Common.Contexts.Return(inflater);
    }

    /// <summary>
    /// Compresses a message, which may refer to all before it. 0 when no context is available: then it is sent uncompressed. A compressed
    /// message must be queued. Under the connection's lock.
    /// </summary>
    /// <param name="frame">Room for the longest header and <see cref="Deflater.RoomBytes"/> of the message.</param>
    /// <param name="kind">Text or binary.</param>
    /// <param name="payload">The message.</param>
    public int TryEncodeInOrder(Span<byte> frame, MessageKind kind, ReadOnlySpan<byte> payload)
    {
        _deflater ??= Common.Contexts.TryRentDeflater(Agreement.ServerWindowBits, takeover: true);
        if (_deflater is null) return 0;
        if (_mustForget) _deflater.Forget();
        _mustForget = false;
        _deflater.TryDeflate(payload, frame[FrameWriter.HeaderBytesMax..], out int written);
        return MessageDeflate.Frame(frame, kind, written);
    }

    /// <summary>
    /// A message was compressed elsewhere: the receiver's window has it, and this deflater's has not. What is compressed from here on
    /// refers to nothing before it. Under the connection's lock.
    /// </summary>
    public void OnSharedFrame() => _mustForget = _deflater is not null;

    /// <summary>The connection ends: returns its contexts.</summary>
    public void Release()
    {
        if (_inflater is not null) Common.Contexts.Return(_inflater);
        if (_deflater is not null) Common.Contexts.Return(_deflater);
        _inflater = null;
        _deflater = null;
    }
}
