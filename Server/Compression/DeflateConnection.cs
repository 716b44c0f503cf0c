// permessage-deflate on one connection: its contexts, which it keeps from message to message only if takeover was agreed on. With takeover
// a message may refer to those before it, and so messages must leave in the order in which they were compressed.

using RawWs.Frame;
using RawWs.Handshake;
using RawWs.Server.Extensions;

namespace RawWs.Server.Compression;

internal sealed class DeflateConnection(DeflateTerms terms) : ConnectionExtension(ReservedBits.Rsv1)
{
    private Inflater? _inflater;
    private Deflater? _deflater;
    private bool _mustForget;

    // RFC 7692 §6.2: data that cannot be decompressed fails the connection.
    public override Rule Malformed => FrameRules.CompressedDataMalformed;

    public override bool EncodesInOrder => Agreement.ServerTakeover;

    public override MessageEncoder ForMany => terms.Deflate.EncoderFor(Agreement.ServerWindowBits);

    private DeflateAgreement Agreement => terms.Agreement;

    private DeflateContexts Contexts => terms.Deflate.Contexts;

    public override bool Encodes(int payloadBytes) => terms.Deflate.Encodes(payloadBytes);

    public override bool TryBegin(ReservedBits marks)
    {
        _inflater ??= Contexts.TryRentInflater(Agreement.ClientWindowBits);
        return _inflater is not null;
    }

    public override DecodeStatus Decode(ReadOnlySpan<byte> input, Span<byte> output, out int consumed, out int written) =>
        _inflater!.Inflate(input, output, out consumed, out written);

    public override DecodeStatus Finish() => _inflater!.Finish();

    public override void End()
    {
        if (!Agreement.ClientTakeover) ReturnInflater();
    }

    public override int RoomBytes(int payloadBytes) =>
        EncodesInOrder ? Deflater.RoomBytes(payloadBytes) : ForMany.RoomBytes(payloadBytes);

    /// <summary>With takeover: a message, which may refer to all before it.</summary>
    public override ReservedBits Encode(ReadOnlySpan<byte> payload, Span<byte> output, out int written)
    {
        if (!EncodesInOrder) return ForMany.Encode(payload, output, out written);
        written = 0;
        if (!Encodes(payload.Length)) return ReservedBits.None;
        _deflater ??= Contexts.TryRentDeflater(Agreement.ServerWindowBits, takeover: true);
        if (_deflater is null) return ReservedBits.None;
        if (_mustForget) _deflater.Forget();
        _mustForget = false;
        _deflater.TryDeflate(payload, output, out written);
        return ReservedBits.Rsv1;
    }

    /// <summary>
    /// The receiver's window has a message that this deflater's has not. What is compressed from here on refers to nothing before it.
    /// </summary>
    public override void OnSentToMany() => _mustForget = _deflater is not null;

    public override void Release()
    {
        ReturnInflater();
        if (_deflater is not null) Contexts.Return(_deflater);
        _deflater = null;
    }

    private void ReturnInflater()
    {
        if (_inflater is not null) Contexts.Return(_inflater);
        _inflater = null;
    }
}
