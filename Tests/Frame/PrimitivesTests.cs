// Masking and UTF-8 against one-line oracles, the writer against the reader, the close codes against the RFC's table.

using System.Text;
using RawWs.Frame;

namespace RawWs.Tests.Frame;

public sealed class PrimitivesTests
{
    [Test]
    public void Section_5_3_Masking_IsAnXorWithTheKey_AtAnyOffsetAndLength()
    {
        Random random = new(1);
        byte[] source = new byte[700];
        random.NextBytes(source);
        for (int length = 0; length < 300; length++)
        {
            for (int start = 0; start < 9; start++)
            {
                uint key = (uint)random.NextInt64();
                int offset = random.Next(0, 4);
                byte[] bytes = source.ToArray();
                Masking.Apply(bytes.AsSpan(start, length), key, offset);
                byte[] expected = source.ToArray();
                for (int i = 0; i < length; i++) expected[start + i] ^= (byte)(key >> (8 * ((i + offset) & 3)));
                Assert.That(bytes.AsSpan().SequenceEqual(expected), $"length {length}, start {start}, offset {offset}");
            }
        }
    }

    [Test]
    public void Section_5_3_Masking_ResumesWithTheKeyItReturned()
    {
        byte[] whole = new byte[100];
        byte[] pieces = new byte[100];
        Masking.Apply(whole, 0xA1B2C3D4);
        uint key = 0xA1B2C3D4;
        foreach ((int from, int to) in new[] { (0, 1), (1, 4), (4, 37), (37, 37), (37, 99), (99, 100) })
            key = Masking.Apply(pieces.AsSpan(from, to - from), key);
        Assert.That(pieces, Is.EqualTo(whole));
    }

    [Test]
    public void Section_5_3_UnmaskingText_TellsWhetherItIsAscii_WhereverTheOneByteThatIsNotStands()
    {
        Random random = new(1);
        for (int length = 0; length < 200; length++)
        {
            byte[] text = new byte[length];
            for (int i = 0; i < length; i++) text[i] = (byte)random.Next(0x80);
            for (int other = -1; other < length; other++)
            {
                byte[] expected = text.ToArray();
                if (other >= 0) expected[other] |= 0x80;
                byte[] masked = expected.ToArray();
                uint key = (uint)random.NextInt64(), turned = key;
                uint after = Masking.Apply(masked, key);
                Assert.That(Masking.ApplyToText(masked, ref turned), Is.EqualTo(other < 0), $"length {length}, at {other}");
                Assert.That((masked.AsSpan().SequenceEqual(expected), turned), Is.EqualTo((true, after)), $"length {length}, at {other}");
            }
        }
    }

    [Test]
    public void Section_8_1_Utf8_AgreesWithTheOracle_ForAllStringsOfThreeBytes()
    {
        byte[] bytes = new byte[3];
        for (int value = 0; value < 1 << 24; value++)
        {
            // ASCII leads are dull
            if ((value & 0xFF) is not (0 or 0x61 or 0x7F or 0x80 or 0xBF or 0xC2 or 0xFF) && (value >> 16) < 0x80) continue;
            bytes[0] = (byte)(value >> 16);
            bytes[1] = (byte)(value >> 8);
            bytes[2] = (byte)value;
            Utf8Validator validator = default;
            bool valid = validator.Append(bytes) && validator.IsComplete;
            if (valid != System.Text.Unicode.Utf8.IsValid(bytes)) Assert.Fail(Convert.ToHexString(bytes));
        }
    }

    [Test]
    public void Section_8_1_Utf8_RefusesTheFirstByteThatCannotFollow()
    {
        Random random = new(2);
        Encoding strict = new UTF8Encoding(false, true);
        for (int round = 0; round < 20_000; round++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(1, 20)).Select(_ => RandomRune(random).ToString()));
            byte[] bytes = strict.GetBytes(text);
            bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            Utf8Validator whole = default;
            bool accepted = whole.Append(bytes) && whole.IsComplete;
            Utf8Validator cut = default;
            bool acceptedCut = true;
            for (int at = 0; at < bytes.Length && acceptedCut;)
            {
                int length = Math.Min(random.Next(1, 5), bytes.Length - at);
                acceptedCut = cut.Append(bytes.AsSpan(at, length));
                at += length;
            }

            Assert.That((accepted, acceptedCut && cut.IsComplete), Is.EqualTo((System.Text.Unicode.Utf8.IsValid(bytes), accepted)),
                Convert.ToHexString(bytes));
        }
    }

    // A chunk may be empty, and says nothing then; also inside of a character, and after a wrong byte.
    [Test]
    public void Section_8_1_Utf8_AnEmptyChunk_ChangesNothing()
    {
        uint key = 0xA1B2C3D4;
        foreach (byte[] piece in new byte[][] { [], [0x61], [0xE2], [0x82], [0xAC] })
        {
            Utf8Validator validator = default;
            Assert.That(validator.Append([0x61, 0xC3]), Is.True);
            Assert.That((validator.Append([]), validator.AppendMasked([], ref key), validator.IsComplete), Is.EqualTo((true, true, false)));
            Assert.That((validator.Append([0xA9]), validator.Append([]), validator.IsComplete), Is.EqualTo((true, true, true)));
            Assert.That((validator.Append([0xFF]), validator.Append(piece)), Is.EqualTo((false, piece.Length == 0)));
            Assert.That((key, validator.IsComplete), Is.EqualTo((0xA1B2C3D4, false)));
        }
    }

    // A character that an earlier chunk left open goes wrong: what follows is unmasked all the same, and the key goes on behind it.
    [TestCase("62", 0)]
    [TestCase("8262", 1)]
    [TestCase("62616162", 0)]
    [TestCase("8261616161", 1)]
    public void Section_5_3_TextThatGoesWrong_IsUnmaskedToItsEnd(string hex, int right)
    {
        byte[] text = Convert.FromHexString(hex), masked = [.. text];
        uint key = 0xA1B2C3D4, expected = Masking.Apply(masked, key);
        Utf8Validator validator = default;
        Assert.That(validator.Append([0xE2]));
        Assert.That(validator.AppendMasked(masked, ref key), Is.False);
        Assert.That((Convert.ToHexString(masked), key), Is.EqualTo((hex, expected)));
        validator.Reset();
        Assert.That((validator.Append([0xE2]), validator.Append(text, out int accepted), accepted), Is.EqualTo((true, false, right)));
    }

    [Test]
    public void Section_7_4_CloseCodes()
    {
        for (int code = 0; code <= ushort.MaxValue; code++)
        {
            bool valid = code is (>= 1000 and <= 1003) or (>= 1007 and <= 1014) or (>= 3000 and <= 4999);
            Assert.That(CloseCodes.IsValidOnReceipt((ushort)code), Is.EqualTo(valid), $"{code}");
            Assert.That(CloseCodes.MaySend(Role.Server, (ushort)code), Is.EqualTo(valid && code != 1010), $"{code}");
        }
    }

    [TestCase(0, 2)]
    [TestCase(125, 2)]
    [TestCase(126, 4)]
    [TestCase(65535, 4)]
    [TestCase(65536, 10)]
    public void Section_5_2_TheWriterUsesTheShortestLength(int payload, int header)
    {
        byte[] bytes = new byte[FrameWriter.HeaderBytesMax];
        Assert.That(FrameWriter.WriteHeader(bytes, Opcode.Binary, (ulong)payload), Is.EqualTo(header));
        Assert.That(FrameReader.TryRead(bytes, out FrameHeader read), Is.EqualTo(ReadStatus.Done));
        Assert.That((read.PayloadLength, read.HeaderLength, read.Masked), Is.EqualTo(((ulong)payload, header, false)));
    }

    [Test]
    public void Section_5_3_TheMaskedWriter_SaysSo_AndKeepsItsSource()
    {
        byte[] payload = [.. "Hello"u8];
        byte[] frame = new byte[11];
        Assert.That(FrameWriter.WriteMasked(frame, Opcode.Text, payload, 0x3D21FA37), Is.EqualTo(11));
        Assert.That(Convert.ToHexString(frame), Is.EqualTo("818537FA213D7F9F4D5158"), "§5.7's example");
        Assert.That(payload, Is.EqualTo("Hello"u8.ToArray()));
    }

    private static Rune RandomRune(Random random)
    {
        while (true)
        {
            int value = random.Next(4) switch
            {
                0 => random.Next(0x80),
                1 => random.Next(0x800),
                2 => random.Next(0x10000),
                _ => random.Next(0x110000),
            };
            if (Rune.IsValid(value)) return new Rune(value);
        }
    }
}
