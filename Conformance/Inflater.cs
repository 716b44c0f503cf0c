// Inflates the messages of one direction (RFC 1951, RFC 7692 §7.2.2), and finds a back reference that reaches further than the window
// that was agreed: zlib does not, so that a server which ignores server_max_window_bits would never be found out. Plain and slow by intent:
// one bit at a time, canonical codes told by how many there are of each length.

namespace RawWs.Conformance;

/// <param name="windowBits">The window that was agreed for this direction, 8 to 15.</param>
/// <param name="keepsContext">Whether a message may refer to the ones before it.</param>
internal sealed class Inflater(int windowBits, bool keepsContext)
{
    private const int HistoryBytes = 32 * 1024;

    private static readonly ushort[] LengthBase =
        [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163,
        195, 227, 258];
    private static readonly byte[] LengthExtra = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
    private static readonly ushort[] DistanceBase =
        [1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049,
        3073, 4097, 6145, 8193, 12289, 16385, 24577];
    private static readonly byte[] DistanceExtra =
        [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13];
    private static readonly byte[] LengthOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

    private static readonly Code FixedLiterals =
        new([.. Enumerable.Range(0, 288).Select(static i => (byte)(i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8))]);
    private static readonly Code FixedDistances = new([.. Enumerable.Repeat((byte)5, 30)]);

    private readonly int _distanceMax = 1 << windowBits;
    private byte[] _output = new byte[64 * 1024];
    private int _history;
    private int _length;
    private byte[] _input = [];
    private int _bit;

    /// <summary>The furthest back that a reference has reached, in bytes.</summary>
    public int FurthestReference { get; private set; }

    /// <summary>Inflates a message.</summary>
    /// <param name="payload">Its compressed payload, without the 00 00 FF FF that §7.2.1 takes off.</param>
    /// <param name="bytesMax">The most that it may become; past it inflating stops, and what is there is longer than that.</param>
    /// <returns>The message; valid until the next call.</returns>
    /// <exception cref="NotAsExpectedException">It is no such payload.</exception>
    public ReadOnlyMemory<byte> Inflate(ReadOnlySpan<byte> payload, int bytesMax = int.MaxValue)
    {
        _input = [.. payload, 0x00, 0x00, 0xFF, 0xFF];
        _bit = 0;
        int keep = keepsContext ? Math.Min(HistoryBytes, _length) : 0;
        _output.AsSpan(_length - keep, keep).CopyTo(_output);
        _history = _length = keep;
        while (_bit < _input.Length * 8)
        {
            bool final = Bits(1) == 1;
            switch (Bits(2))
            {
                case 0:
                    Stored();
                    break;
                case 1:
                    Compressed(FixedLiterals, FixedDistances, bytesMax);
                    break;
                case 2:
                    (Code literals, Code distances) = Codes();
                    Compressed(literals, distances, bytesMax);
                    break;
                default:
                    throw Broken("a block of type 3");
            }

            if (_length - _history > bytesMax) break;
            // What follows a final block begins at the next byte (RFC 7692 §7.2.3.4).
            if (final) _bit = (_bit + 7) & ~7;
        }

        return _output.AsMemory(_history, _length - _history);
    }

    private static NotAsExpectedException Broken(string what) => new($"the compressed data are broken: {what}");

    private int Bits(int count)
    {
        int value = 0;
        for (int i = 0; i < count; i++, _bit++)
        {
            if (_bit >= _input.Length * 8) throw Broken("they end inside a block");
            value |= ((_input[_bit >> 3] >> (_bit & 7)) & 1) << i;
        }

        return value;
    }

    private void Stored()
    {
        _bit = (_bit + 7) & ~7;
        int length = Bits(16);
        if (Bits(16) != (length ^ 0xFFFF)) throw Broken("a stored block's length and its complement differ");
        int at = _bit >> 3;
        if (at + length > _input.Length) throw Broken("they end inside a stored block");
        Reserve(length);
        _input.AsSpan(at, length).CopyTo(_output.AsSpan(_length));
        _length += length;
        _bit += length * 8;
    }

    private void Compressed(Code literals, Code distances, int bytesMax)
    {
        while (true)
        {
            int symbol = Symbol(literals);
            if (symbol < 256)
            {
                Reserve(1);
                _output[_length++] = (byte)symbol;
                continue;
            }

            if (symbol == 256) return;
            if (symbol > 285) throw Broken($"the length symbol {symbol}");
            int length = LengthBase[symbol - 257] + Bits(LengthExtra[symbol - 257]), code = Symbol(distances);
            if (code > 29) throw Broken($"the distance symbol {code}");
            int distance = DistanceBase[code] + Bits(DistanceExtra[code]);
            if (distance > _length) throw Broken($"a reference {distance} bytes back, where there are {_length}");
            if (distance > _distanceMax)
                throw new NotAsExpectedException(
                    $"a reference reaches {distance} bytes back, and the window that was agreed has {_distanceMax}");
            FurthestReference = Math.Max(FurthestReference, distance);
            Reserve(length);
            for (int i = 0; i < length; i++, _length++) _output[_length] = _output[_length - distance];
            if (_length - _history > bytesMax) return;
        }
    }

    private (Code Literals, Code Distances) Codes()
    {
        int literals = Bits(5) + 257, distances = Bits(5) + 1, lengths = Bits(4) + 4;
        if (literals > 286 || distances > 30) throw Broken("more symbols than there are");
        byte[] order = new byte[19];
        for (int i = 0; i < lengths; i++) order[LengthOrder[i]] = (byte)Bits(3);
        Code code = new(order);
        byte[] all = new byte[literals + distances];
        for (int i = 0; i < all.Length;)
        {
            int symbol = Symbol(code);
            if (symbol < 16)
            {
                all[i++] = (byte)symbol;
                continue;
            }

            if (symbol == 16 && i == 0) throw Broken("a length is repeated before there is one");
            byte value = symbol == 16 ? all[i - 1] : (byte)0;
            int times = symbol switch { 16 => 3 + Bits(2), 17 => 3 + Bits(3), _ => 11 + Bits(7) };
            if (i + times > all.Length) throw Broken("too many code lengths");
            all.AsSpan(i, times).Fill(value);
            i += times;
        }

        return (new Code(all[..literals]), new Code(all[literals..]));
    }

    private int Symbol(Code code)
    {
        byte[] input = _input;
        int value = 0, first = 0, index = 0, bits = input.Length * 8;
        for (int length = 1; length < code.CountOfLength.Length; length++, _bit++)
        {
            if (_bit >= bits) throw Broken("they end inside a block");
            value |= (input[_bit >> 3] >> (_bit & 7)) & 1;
            int count = code.CountOfLength[length];
            if (value - first < count)
            {
                _bit++;
                return code.Symbols[index + value - first];
            }

            index += count;
            first = (first + count) << 1;
            value <<= 1;
        }

        throw Broken("bits that are no symbol");
    }

    private void Reserve(int bytes)
    {
        if (_length + bytes > _output.Length) Array.Resize(ref _output, Math.Max(_output.Length * 2, _length + bytes));
    }

    /// <summary>A canonical code: how many symbols have each length, and the symbols in the order of their codes.</summary>
    private sealed class Code
    {
        public Code(byte[] lengths)
        {
            foreach (byte length in lengths) CountOfLength[length]++;
            CountOfLength[0] = 0;
            Symbols =
                [.. Enumerable.Range(0, lengths.Length).Where(i => lengths[i] > 0).OrderBy(i => lengths[i]).Select(static i => (ushort)i)];
        }

        public int[] CountOfLength { get; } = new int[16];

        public ushort[] Symbols { get; }
    }
}
