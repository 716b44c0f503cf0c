// What is said. The messages of a connection are an endless stream of frames of one length, each a function of connection and number,
// its masking key too. So nothing that waits to be sent is kept: where a send has stopped, the next one writes on from there, and what
// comes back is compared with what must have been sent.
//
// A payload is a prefix and a body. The body is a stretch of one text for all, and which stretch, goes by the message's number:
// neighbours differ, so a message that is lost, doubled or overtaken shows.

using System.Globalization;
using System.Text;
using RawWs.Benchmarks.Corpus;
using RawWs.Frame;

namespace RawWs.Benchmarks.Load;

internal sealed class LoadTraffic
{
    private const int Different = 64; // a power of two

    private readonly byte[] _text;
    private readonly ulong _seed;

    public LoadTraffic(LoadOptions options)
    {
        Opcode = options.Binary ? Opcode.Binary : Opcode.Text;
        _text = Payload.Make(options.Binary ? PayloadKind.Binary : PayloadKind.Ascii, options.SizeBytes + Different, new Random(6455));
        _seed = (ulong)Random.Shared.NextInt64();
    }

    public Opcode Opcode { get; }

    /// <summary>%d becomes a connection's number, %p that of the one it is paired with.</summary>
    public static byte[] Expand(string template, int index) => Encoding.UTF8.GetBytes(template
        .Replace("%d", index.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
        .Replace("%p", (index ^ 1).ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal));

    /// <summary>
    /// Writes what a connection sends next, as far as it is due and there is room. Returns the bytes; the connection is left as it is.
    /// </summary>
    public int Write(LoadConnection connection, Span<byte> room)
    {
        int written = 0;
        int offset = connection.SentBytesOfFrame;
        for (long number = connection.Sent; number < connection.Due && written < room.Length; number++)
        {
            uint key = KeyOf(connection.Index, number);
            if (offset == 0 && room.Length - written >= connection.FrameBytes)
            {
                written += WriteFrame(connection, number, key, room[written..]);
                continue;
            }

            written += WritePart(connection, number, key, offset, room[written..]);
            offset = 0;
        }

        return written;
    }

    /// <summary>Whether a stretch of a message that a connection has received is what it must be.</summary>
    public bool IsRight(LoadConnection connection, ReadOnlySpan<byte> piece)
    {
        int at = connection.MessageBytes;
        ReadOnlySpan<byte> prefix = connection.ExpectedPrefix;
        if (piece.Length > connection.ExpectedBytes - at) return false;
        if (at < prefix.Length)
        {
            int length = Math.Min(piece.Length, prefix.Length - at);
            if (!piece[..length].SequenceEqual(prefix.Slice(at, length))) return false;
            piece = piece[length..];
            at += length;
        }

        return piece.SequenceEqual(_text.AsSpan(StartOf(connection.Received) + at - prefix.Length, piece.Length));
    }

    private static int StartOf(long number) => (int)(number & (Different - 1));

    // §5.3 wants a key that the application which chose the payload cannot foresee; here nobody is to be protected from it, and it only
    // has to be another one each time: the finalizer of splitmix64 over a number that never comes twice.
    private uint KeyOf(int index, long number)
    {
        ulong mixed = _seed + (((ulong)index << 44) + (ulong)number) * 0x9E37_79B9_7F4A_7C15;
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58_476D_1CE4_E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D0_49BB_1331_11EB;
        return (uint)(mixed >> 32);
    }

    private int WriteFrame(LoadConnection connection, long number, uint key, Span<byte> room)
    {
        byte[] prefix = connection.Prefix;
        int bodyBytes = connection.PayloadBytes - prefix.Length;
        int header = FrameWriter.WriteHeader(room, Opcode, (ulong)connection.PayloadBytes, key);
        uint turned = prefix.Length > 0 ? Masking.Apply(prefix, room[header..], key) : key;
        Masking.Apply(_text.AsSpan(StartOf(number), bodyBytes), room[(header + prefix.Length)..], turned);
        return connection.FrameBytes;
    }

    // From the middle, or not to the end.
    private int WritePart(LoadConnection connection, long number, uint key, int offset, Span<byte> room)
    {
        Span<byte> header = stackalloc byte[FrameWriter.HeaderBytesMax];
        header = header[..FrameWriter.WriteHeader(header, Opcode, (ulong)connection.PayloadBytes, key)];
        int written = 0;
        if (offset < header.Length) written += CopyPart(header, offset, room);
        int inPayload = offset + written - header.Length;
        byte[] prefix = connection.Prefix;
        if (inPayload < prefix.Length)
        {
            int length = Math.Min(prefix.Length - inPayload, room.Length - written);
            Masking.Apply(prefix.AsSpan(inPayload, length), room[written..], key, inPayload);
            written += length;
            inPayload += length;
        }

        int rest = Math.Min(connection.PayloadBytes - inPayload, room.Length - written);
        Masking.Apply(_text.AsSpan(StartOf(number) + inPayload - prefix.Length, rest), room[written..], key, inPayload);
        return written + rest;
    }

    private static int CopyPart(ReadOnlySpan<byte> from, int offset, Span<byte> room)
    {
        int length = Math.Min(from.Length - offset, room.Length);
        from.Slice(offset, length).CopyTo(room);
        return length;
    }
}
