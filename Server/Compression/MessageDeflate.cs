// permessage-deflate as the server's connections use it: which messages are compressed, and with what. One for all of them.
// Without takeover, compressing a message is nobody's business but its sender's thread: a pooled deflater, a frame, done. With takeover
// messages must leave in the order in which they were compressed, so ConnectionDeflate does it under the connection's lock.

using RawWs.Frame;
using RawWs.Handshake;

namespace RawWs.Server.Compression;

internal sealed class MessageDeflate(DeflateContexts contexts, DeflatePolicy policy, int bytesMin)
{
    /// <summary>Where inflaters and deflaters come from.</summary>
    public DeflateContexts Contexts { get; } = contexts;

    /// <summary>What is agreed to.</summary>
    public DeflatePolicy Policy { get; } = policy;

    /// <summary>Whether a message of this size is worth the trouble.</summary>
    public bool IsWorthwhile(int payloadBytes) => payloadBytes >= bytesMin;

    /// <summary>
    /// What a connection of this agreement cannot do without, in bytes: an inflater, and with takeover a deflater of its own. Without takeover
    /// a deflater is nobody's for long, and a message for which there is none is sent as it is.
    /// </summary>
    public static int ContextBytes(DeflateAgreement agreement) =>
        Inflater.ContextBytes + (agreement.ServerTakeover ? Deflater.ContextBytes(agreement.ServerWindowBits) : 0);

    /// <summary>
    /// Writes a compressed frame that refers to nothing outside of itself. 0 when the message is too small for it, would not
    /// become smaller, or there is no context to be had: then it is sent as it is, which is always allowed (RFC 7692 §6).
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
    /// Puts the header in front of a compressed payload that begins behind the room for the longest one, and moves both to the beginning.
    /// RSV1 marks the message (RFC 7692 §6).
    /// </summary>
    public static int Frame(Span<byte> frame, MessageKind kind, int payloadBytes)
    {
        int header = FrameWriter.WriteHeader(frame, (Opcode)kind, (ulong)payloadBytes, reserved: ReservedBits.Rsv1);
        frame.Slice(FrameWriter.HeaderBytesMax, payloadBytes).CopyTo(frame[header..]);
        return header + payloadBytes;
    }
}

/// <summary>The contexts that one connection keeps from message to message: only where takeover was agreed on.</summary>
internal sealed class ConnectionDeflate(MessageDeflate deflate, DeflateAgreement agreement)
{
    private Inflater? _inflater;
    private Deflater? _deflater;
    private bool _mustForget;

    /// <summary>What was agreed on.</summary>
    public DeflateAgreement Agreement { get; } = agreement;

    /// <summary>What is common to all connections.</summary>
    public MessageDeflate Common { get; } = deflate;

    /// <summary>An inflater for a message that begins; null when the memory limit is reached. The owner's.</summary>
    public Inflater? TryTakeInflater()
    {
        if (_inflater is not null) return _inflater;
        Inflater? inflater = Common.Contexts.TryRentInflater(Agreement.ClientWindowBits);
        if (Agreement.ClientTakeover) _inflater = inflater;
        return inflater;
    }

    /// <summary>Its message has ended.</summary>
    public void GiveBack(Inflater inflater)
    {
        if (inflater != _inflater) Common.Contexts.Return(inflater);
    }

    /// <summary>
    /// Compresses a message with all that came before it. 0 when there is no context to be had: it is sent as it is. What was
    /// compressed must be queued. Under the connection's lock.
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
    /// A message was compressed elsewhere: the receiver's window has it, ours has not. What is compressed from here on refers to nothing
    /// before it. Under the connection's lock.
    /// </summary>
    public void OnSharedFrame() => _mustForget = _deflater is not null;

    /// <summary>The connection ends.</summary>
    public void Release()
    {
        if (_inflater is not null) Common.Contexts.Return(_inflater);
        if (_deflater is not null) Common.Contexts.Return(_deflater);
        _inflater = null;
        _deflater = null;
    }
}
