// A second, naive decompressor: RFC 1951 bit by bit, a code looked up in a dictionary after each bit, all that was ever decompressed kept
// in one list. It reads a message at once, whole and with the four bytes that its sender took away (RFC 7692 §7.2.2), and so never waits
// for anything. Since the library under the product is native code, which the fuzzer cannot see into, the fuzzer is guided by this one's
// branches instead.

using RawWs.Server.Extensions;

namespace RawWs.Fuzz;

internal sealed class InflateOracle(int windowBits)
{
    private const int CodeBitsMax = 15;
    private const int EndOfBlock = 256;
    private const int LengthSymbolsMax = 286;
    private const int DistanceSymbolsMax = 30;

    private static readonly byte[] Tail = [0x00, 0x00, 0xFF, 0xFF];

    private static readonly int[] CodeLengthOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

    private static readonly Dictionary<int, int> FixedLengths =
        Codes([.. Enumerable.Range(0, 288).Select(static symbol => symbol switch { < 144 => 8, < 256 => 9, < 280 => 7, _ => 8 })])!;

    private static readonly Dictionary<int, int> FixedDistances = Codes([.. Enumerable.Repeat(5, 32)])!;

    private readonly List<byte> _stream = []; // what the deflate stream has given since it began
    private byte[] _data = [];
    private int _at; // in bits
    private int _payloadBits;
    private int _bitsLeft; // of the last byte of a tail: they are the first ones of the next message
    private int _limit;
    private List<byte> _message = [];

    /// <summary>Whether something has referred farther back than the window: a library need not have it, and may.</summary>
    public bool IsBeyondWindow { get; private set; }

    /// <summary>Whether a block with BFINAL set has come.</summary>
    public bool HasFinalBlock { get; private set; }

    public void Reset()
    {
        _stream.Clear();
        _bitsLeft = 0;
    }

    /// <summary>
    /// The status of the next message, which is Done, Malformed or OutputFull (it has more than the limit), and the bytes that it gives up
    /// to there.
    /// </summary>
    public (DecodeStatus Status, byte[] Bytes) Read(ReadOnlySpan<byte> payload, int limit)
    {
        _data = [0xFF, .. payload, .. Tail];
        _at = 8 - _bitsLeft;
        _payloadBits = 8 * (1 + payload.Length);
        _limit = limit;
        _message = [];
        DecodeStatus status = DecodeStatus.Done;
        while (status == DecodeStatus.Done && _at <= _payloadBits) status = Block();
        // A message ends where a block does that has taken the whole tail.
        _bitsLeft = (8 * _data.Length) - _at;
        return (status == DecodeStatus.Done && _bitsLeft >= 8 ? DecodeStatus.Malformed : status, [.. _message]);
    }

    // Done: the block is read to its end.
    private DecodeStatus Block()
    {
        if (!TryBits(1, out int isFinal) || !TryBits(2, out int type)) return DecodeStatus.Malformed;
        Dictionary<int, int>? lengths = FixedLengths, distances = FixedDistances;
        if (type == 2 && !TryCodes(out lengths, out distances)) return DecodeStatus.Malformed;
        DecodeStatus status = type switch
        {
            0 => Stored(),
            1 or 2 => Compressed(lengths!, distances!),
            _ => DecodeStatus.Malformed,
        };
        if (status != DecodeStatus.Done || isFinal == 0) return status;
        HasFinalBlock = true;
        _stream.Clear();
        ToByte();
        return status;
    }

    private DecodeStatus Stored()
    {
        ToByte();
        if (!TryBits(16, out int length) || !TryBits(16, out int complement) || length != (complement ^ 0xFFFF))
            return DecodeStatus.Malformed;
        DecodeStatus status = DecodeStatus.Done;
        for (; length > 0 && status == DecodeStatus.Done; length--)
            status = TryBits(8, out int value) ? Give((byte)value) : DecodeStatus.Malformed;
        return status;
    }

    private DecodeStatus Compressed(Dictionary<int, int> lengths, Dictionary<int, int> distances)
    {
        DecodeStatus status = DecodeStatus.Done;
        while (status == DecodeStatus.Done)
        {
            if (!TrySymbol(lengths, out int symbol)) return DecodeStatus.Malformed;
            if (symbol == EndOfBlock) return status;
            if (symbol < EndOfBlock) status = Give((byte)symbol);
            else if (TryLength(symbol, out int length) && TryDistance(distances, out int distance)) status = Repeat(length, distance);
            else return DecodeStatus.Malformed;
        }

        return status;
    }

    // RFC 1951 §3.2.5: 257 to 264 are the lengths 3 to 10; then four symbols each have one more bit; 285 is 258, without a bit.
    private bool TryLength(int symbol, out int length)
    {
        length = 258;
        if (symbol >= LengthSymbolsMax) return false;
        if (symbol == 285) return true;
        int group = Math.Max(0, (symbol - 261) / 4);
        int first = group == 0 ? symbol - 254 : (4 << group) + 3 + ((symbol - 265 - (4 * (group - 1))) << group);
        bool there = TryBits(group, out int more);
        length = first + more;
        return there;
    }

    // The same with two symbols for each number of bits.
    private bool TryDistance(Dictionary<int, int> codes, out int distance)
    {
        distance = 0;
        if (!TrySymbol(codes, out int symbol) || symbol >= DistanceSymbolsMax) return false;
        int group = Math.Max(0, (symbol - 2) / 2);
        int first = group == 0 ? symbol + 1 : (2 << group) + 1 + ((symbol & 1) << group);
        bool there = TryBits(group, out int more);
        distance = first + more;
        return there;
    }

    private DecodeStatus Repeat(int length, int distance)
    {
        if (distance > _stream.Count) return DecodeStatus.Malformed;
        IsBeyondWindow |= distance > 1 << windowBits;
        DecodeStatus status = DecodeStatus.Done;
        for (; length > 0 && status == DecodeStatus.Done; length--) status = Give(_stream[^distance]);
        return status;
    }

    private DecodeStatus Give(byte value)
    {
        if (_at > _payloadBits) return DecodeStatus.Malformed; // the tail is no message's content
        if (_message.Count == _limit) return DecodeStatus.OutputFull;
        _message.Add(value);
        _stream.Add(value);
        return DecodeStatus.Done;
    }

    // §3.2.7: the codes of a block, whose lengths are written with a third code.
    private bool TryCodes(out Dictionary<int, int>? lengths, out Dictionary<int, int>? distances)
    {
        lengths = distances = null;
        if (!TryBits(5, out int lengthSymbols) || !TryBits(5, out int distanceSymbols) || !TryBits(4, out int codeLengths)) return false;
        lengthSymbols += 257;
        distanceSymbols += 1;
        if (lengthSymbols > LengthSymbolsMax || distanceSymbols > DistanceSymbolsMax) return false;
        int[] bits = new int[19];
        for (int i = 0; i < codeLengths + 4; i++)
        {
            if (!TryBits(3, out bits[CodeLengthOrder[i]])) return false;
        }

        if (Codes(bits) is not { } code || !IsComplete(bits) || !TryCodeLengths(code, lengthSymbols + distanceSymbols, out List<int> all))
            return false;
        int[] ofLengths = [.. all.Take(lengthSymbols)];
        int[] ofDistances = [.. all.Skip(lengthSymbols)];
        if (ofLengths[EndOfBlock] == 0 || !IsUsable(ofLengths) || !IsUsable(ofDistances)) return false;
        lengths = Codes(ofLengths);
        distances = Codes(ofDistances);
        return lengths is not null && distances is not null;
    }

    private bool TryCodeLengths(Dictionary<int, int> code, int count, out List<int> all)
    {
        all = [];
        while (all.Count < count)
        {
            if (!TrySymbol(code, out int symbol)) return false;
            if (symbol < 16)
            {
                all.Add(symbol);
                continue;
            }

            if (symbol == 16 && all.Count == 0) return false;
            if (!TryBits(symbol switch { 16 => 2, 17 => 3, _ => 7 }, out int times)) return false;
            times += symbol == 18 ? 11 : 3;
            if (all.Count + times > count) return false;
            all.AddRange(Enumerable.Repeat(symbol == 16 ? all[^1] : 0, times));
        }

        return true;
    }

    // Of a code that lacks some bits' meaning, only one of no symbol, or of one symbol with one bit, may be.
    private static bool IsUsable(int[] bits) => IsComplete(bits) || bits.Max() == 0 || (bits.Max() == 1 && bits.Sum() == 1);

    private static bool IsComplete(int[] bits) =>
        bits.Sum(static length => length == 0 ? 0 : 1 << (CodeBitsMax - length)) == 1 << CodeBitsMax;

    // §3.2.2: the shorter codes first, and among equals in the order of the symbols. A key has a one in front of the code's bits, so that
    // its length tells too. Null when there are more codes of a length than that has.
    private static Dictionary<int, int>? Codes(int[] bits)
    {
        Dictionary<int, int> codes = [];
        int next = 0;
        for (int length = 1; length <= CodeBitsMax; length++, next <<= 1)
        {
            for (int symbol = 0; symbol < bits.Length; symbol++)
            {
                if (bits[symbol] != length) continue;
                if (next == 1 << length) return null;
                codes[(1 << length) | next++] = symbol;
            }
        }

        return codes;
    }

    private bool TrySymbol(Dictionary<int, int> codes, out int symbol)
    {
        symbol = 0;
        for (int key = 1; key < 1 << CodeBitsMax && TryBits(1, out int bit);)
        {
            key = (key << 1) | bit;
            if (codes.TryGetValue(key, out symbol)) return true;
        }

        return false;
    }

    // Least significant bit first.
    private bool TryBits(int count, out int value)
    {
        value = 0;
        if (_at + count > 8 * _data.Length) return false;
        for (int i = 0; i < count; i++, _at++) value |= ((_data[_at / 8] >> (_at % 8)) & 1) << i;
        return true;
    }

    private void ToByte() => _at = (_at + 7) / 8 * 8;
}
