// Deflates the messages of one direction (RFC 1951, RFC 7692 §7.2.1). With the window of 15 bits it is the base library's DeflateStream,
// flushed behind each message; with a smaller one, which that can't have, an encoder of few lines: fixed codes, and the last place of each
// three bytes within the window, up to its very edge.

using System.IO.Compression;
using System.Runtime.InteropServices;

namespace RawWs.Conformance;

/// <param name="windowBits">How far a reference may reach back, 8 to 15.</param>
/// <param name="keepsContext">Whether a message may refer to the ones before it.</param>
internal sealed class Deflater(int windowBits, bool keepsContext) : IDisposable
{
    private const int LibraryWindowBits = 15, MatchBytesMin = 3, MatchBytesMax = 258, HashBits = 14;

    private readonly MemoryStream _library = new();
    private readonly List<byte> _bytes = [];
    private readonly int[] _places = new int[1 << HashBits]; // one more than where three bytes of this hash were last
    private readonly List<byte> _output = [];
    private DeflateStream? _stream;
    private int _floor; // nothing in front of it may be referred to
    private uint _pending;
    private int _pendingBits;

    /// <summary>Deflates a message.</summary>
    /// <returns>Its compressed payload, without the last 00 00 FF FF.</returns>
    public byte[] Deflate(ReadOnlySpan<byte> message)
    {
        // §7.2.3.6: an empty message is an empty block, whose header is one byte. A flush with nothing new writes nothing.
        if (message.IsEmpty) return [0x00];
        return windowBits == LibraryWindowBits ? ByLibrary(message) : ByHand(message);
    }

    public void Dispose()
    {
        _stream?.Dispose();
        _library.Dispose();
    }

    private byte[] ByLibrary(ReadOnlySpan<byte> message)
    {
        if (!keepsContext)
        {
            _stream?.Dispose();
            _stream = null;
        }

        _library.SetLength(0); // what a disposed stream wrote at its end belongs to no message

        _stream ??= new DeflateStream(_library, CompressionLevel.Fastest, leaveOpen: true);
        _stream.Write(message);
        _stream.Flush();
        return _library.GetBuffer()[..((int)_library.Length - 4)];
    }

    private byte[] ByHand(ReadOnlySpan<byte> message)
    {
        if (!keepsContext) _floor = _bytes.Count;
        int at = _bytes.Count;
        _bytes.AddRange(message);
        ReadOnlySpan<byte> all = CollectionsMarshal.AsSpan(_bytes);
        _output.Clear();
        Put(0b010, 3); // not the final block, fixed codes
        while (at < all.Length)
        {
            int length = Match(all, at, out int distance);
            if (length < MatchBytesMin)
            {
                PutLiteral(all[at]);
                length = 1;
            }
            else
            {
                PutMatch(length, distance);
            }

            for (int end = at + length; at < end; at++)
                if (at + MatchBytesMin <= all.Length) _places[HashOf(all, at)] = at + 1;
        }

        PutLiteral(256); // the end of the block
        Put(0, 3); // an empty stored block: its header, and then up to the byte's end
        if (_pendingBits > 0) Put(0, 8 - _pendingBits);
        return [.. _output];
    }

    private static int HashOf(ReadOnlySpan<byte> all, int at) =>
        (int)(((uint)(all[at] | (all[at + 1] << 8) | (all[at + 2] << 16)) * 0x9E3779B1) >> (32 - HashBits));

    private int Match(ReadOnlySpan<byte> all, int at, out int distance)
    {
        distance = 0;
        if (at + MatchBytesMin > all.Length) return 0;
        int place = _places[HashOf(all, at)] - 1;
        distance = at - place;
        if (place < _floor || distance > 1 << windowBits) return 0;
        int length = 0, most = Math.Min(MatchBytesMax, all.Length - at);
        while (length < most && all[place + length] == all[at + length]) length++;
        return length;
    }

    // RFC 1951 §3.2.6.
    private void PutLiteral(int symbol)
    {
        if (symbol < 144) PutCode(0x30 + symbol, 8);
        else if (symbol < 256) PutCode(0x190 + symbol - 144, 9);
        else if (symbol < 280) PutCode(symbol - 256, 7);
        else PutCode(0xC0 + symbol - 280, 8);
    }

    private void PutMatch(int length, int distance)
    {
        (int symbol, int extra, int low) = SymbolOf(length - 3, 2);
        if (length == MatchBytesMax) (symbol, extra, low) = (28, 0, 0);
        PutLiteral(257 + symbol);
        Put(low, extra);
        (symbol, extra, low) = SymbolOf(distance - 1, 1);
        PutCode(symbol, 5);
        Put(low, extra);
    }

    // Lengths and distances grow alike (RFC 1951 §3.2.5): the first 2^(k+1) values have a symbol each; from there on, every doubling has
    // 2^k symbols.
    private static (int Symbol, int ExtraBits, int Low) SymbolOf(int value, int k)
    {
        int extra = Math.Max(0, System.Numerics.BitOperations.Log2((uint)Math.Max(1, value)) - k);
        return ((extra << k) + (value >> extra), extra, value & ((1 << extra) - 1));
    }

    // Codes are written from their first bit on, everything else from the last.
    private void PutCode(int code, int bits)
    {
        for (int i = bits - 1; i >= 0; i--) Put((code >> i) & 1, 1);
    }

    private void Put(int value, int bits)
    {
        _pending |= (uint)value << _pendingBits;
        _pendingBits += bits;
        for (; _pendingBits >= 8; _pendingBits -= 8, _pending >>= 8) _output.Add((byte)_pending);
    }
}
