// Decompresses the compressed messages of one direction for the explainer, by the same inflater as a connection (RFC 7692 §7.2.2). What
// comes out is bounded by what the message may have.

using RawWs.Server.Compression;
using RawWs.Server.Extensions;

namespace RawWs.Server.Console.Explain;

internal sealed class MessageInflater : IDisposable
{
    private const int PieceBytes = 4096;
    private const int WindowBits = 15;

    private readonly Inflater _inflater = Inflater.TryCreate(WindowBits) ?? throw NoMemory();
    private readonly bool _takeover;
    private byte[] _room = new byte[PieceBytes];

    /// <param name="takeover">Whether a message may refer to earlier ones.</param>
    public MessageInflater(bool takeover) => _takeover = takeover;

    /// <summary>Decodes the next part of a message.</summary>
    public bool Decode(
        ReadOnlySpan<byte> payload, bool startOfMessage, bool endOfMessage, int bytesMax, out ReadOnlySpan<byte> decoded)
    {
        if (startOfMessage && !_takeover && !_inflater.TryReset(WindowBits)) throw NoMemory();
        int written = 0;
        DecodeStatus status;
        do
        {
            if (_room.Length - written < PieceBytes) Array.Resize(ref _room, _room.Length * 2);
            int room = Math.Min(_room.Length - written, bytesMax - written);
            status = _inflater.Inflate(payload, _room.AsSpan(written, room), out int consumed, out int made);
            payload = payload[consumed..];
            written += made;
        }
        while (status == DecodeStatus.OutputFull && written < bytesMax);

        decoded = _room.AsSpan(0, written);
        if (status == DecodeStatus.NeedMoreData && endOfMessage) status = _inflater.Finish();
        return status switch
        {
            DecodeStatus.Malformed => false,
            DecodeStatus.OutOfMemory => throw NoMemory(),
            _ => true,
        };
    }

    public void Dispose() => _inflater.Dispose();

    private static ShortageException NoMemory() => new("there is not enough memory to decompress");
}
