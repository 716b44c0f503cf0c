// Where records of TLS end (RFC 8446 §5.1, RFC 5246 §6.2.1): a type, a version that begins with 3, a length of two bytes, big-endian, and
// so many bytes. What is in them is the session's.

using System.Buffers.Binary;

namespace RawWs.Server.Tls;

internal static class TlsRecord
{
    private const int HeaderBytes = 5;

    /// <summary>The longest: 2^14 bytes of content, and 2,048 of its own around them (RFC 8446 §5.2, RFC 5246 §6.2.3).</summary>
    public const int BytesMax = HeaderBytes + (16 * 1024) + 2048;

    /// <summary>How many of the first bytes are whole records.</summary>
    /// <param name="bytes">Bytes that begin with a record.</param>
    /// <param name="isBroken">Whether what follows is no record.</param>
    public static int WholeBytes(ReadOnlySpan<byte> bytes, out bool isBroken)
    {
        isBroken = false;
        int whole = 0;
        while (bytes.Length - whole >= HeaderBytes)
        {
            ReadOnlySpan<byte> header = bytes.Slice(whole, HeaderBytes);
            int length = HeaderBytes + BinaryPrimitives.ReadUInt16BigEndian(header[3..]);
            isBroken = header[0] is < 20 or > 23 || header[1] != 3 || length > BytesMax;
            if (isBroken || length > bytes.Length - whole) break;
            whole += length;
        }

        return whole;
    }
}
