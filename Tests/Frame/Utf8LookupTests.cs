// The table lookup: its tables follow from the definition of UTF-8, and at each width, masked and not, it says of every sequence of one to
// four bytes what an oracle says, wherever the sequence stands: across the edge of a vector, of four vectors, of the tail, and in long text
// of the front up to where vectors are aligned.
//
// What is tried in the suite: all sequences of one and two bytes, and all of three and four made of the 32 byte values at which a rule
// begins or ends; in long text, of the latter, those behind a lead of four. The explicit test tries all of three bytes, and all of four
// that begin with a lead of four: many minutes at each width.

using System.Runtime.InteropServices;
using RawWs.Frame;
using RawWs.Fuzz;

namespace RawWs.Tests.Frame;

[Parallelizable(ParallelScope.Self)]
public sealed class Utf8LookupTests
{
    // The first and the last byte of each range of RFC 3629 §4, and its neighbours.
    private static readonly byte[] Edges =
    [
        0x00, 0x41, 0x7F, 0x80, 0x81, 0x8F, 0x90, 0x9F, 0xA0, 0xAF, 0xB0, 0xBF, 0xC0, 0xC1, 0xC2, 0xC3, 0xDF, 0xE0, 0xE1, 0xEC, 0xED,
        0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xF7, 0xF8, 0xFB, 0xFF,
    ];

    private static IEnumerable<string> Names => Utf8Widths.All.Select(static width => width.Name);

    [Test]
    public void TheTables_SayOfEveryPair_WhatTheDefinitionSays()
    {
        for (int first = 0; first < 256; first++)
        {
            for (int second = 0; second < 256; second++)
            {
                int bits = Utf8Tables.FirstHigh[first >> 4] & Utf8Tables.FirstLow[first & 0x0F] & Utf8Tables.SecondHigh[second >> 4];
                bool secondContinues = second is >= 0x80 and < 0xC0;
                Utf8Oracle oracle = default;
                bool wrong = first switch
                {
                    < 0x80 => secondContinues,
                    < 0xC0 => false, // two continuations: that depends on what stands before them
                    _ => !oracle.Take((byte)first) || !oracle.Take((byte)second),
                };
                Assert.That((bits & 0x7F) != 0, Is.EqualTo(wrong), $"{first:X2} {second:X2}");
                Assert.That((bits & 0x80) != 0, Is.EqualTo(first is >= 0x80 and < 0xC0 && secondContinues), $"{first:X2} {second:X2}");
            }
        }
    }

    [TestCaseSource(nameof(Names))]
    public void AllOfOneAndTwoBytes_AtEveryEdge(string width)
    {
        foreach (Places places in (Places[])[Places.Short(width), .. Places.Long(width)])
        {
            for (int first = 0; first < 256; first++)
            {
                places.Try([(byte)first]);
                for (int second = 0; second < 256; second++) places.Try([(byte)first, (byte)second]);
            }
        }
    }

    [TestCaseSource(nameof(Names))]
    public void ThreeAndFourBytes_OfTheValuesThatDecide_AtEveryEdge(string width)
    {
        Places places = Places.Short(width);
        Places[] others = [.. Places.Long(width)];
        foreach (byte first in Edges)
        {
            foreach (byte second in Edges)
            {
                foreach (byte third in Edges)
                {
                    places.Try([first, second, third]);
                    foreach (Places other in others) other.TryAcross([first, second, third]);
                    foreach (byte fourth in Edges)
                    {
                        places.TryAcross([first, second, third, fourth]);
                        if (first is < 0xF0 or > 0xF4) continue;
                        foreach (Places other in others) other.TryAcross([first, second, third, fourth]);
                    }
                }
            }
        }
    }

    // A fourth byte is judged by the one before it, and by the one three before it if that is E0 or more: below that, what it may be is
    // tried above, with two bytes.
    [TestCaseSource(nameof(Names))]
    [Explicit("Many minutes.")]
    public void AllOfThreeBytes_AndAllOfFourFromE0On_AtEveryEdge(string width)
    {
        long tried = 0;
        Parallel.For(0, 256 * 256, () => (Places: Places.Short(width), Tried: 0L), (two, _, mine) =>
        {
            byte first = (byte)(two >> 8), second = (byte)two;
            for (int third = 0; third < 256; third++)
            {
                mine.Places.TryAcross([first, second, (byte)third]);
                mine.Tried++;
                if (first < 0xE0) continue;
                for (int fourth = 0; fourth < 256; fourth++) mine.Places.TryAcross([first, second, (byte)third, (byte)fourth]);
                mine.Tried += 256;
            }

            return mine;
        }, mine => Interlocked.Add(ref tried, mine.Tried));
        Assert.That(tried, Is.EqualTo((1 << 24) + (32L << 24)));
    }

    // Long text begins with a vector or two up to where the others are aligned, wherever that is: among ASCII, which ends at each byte, and
    // among characters of two bytes.
    [TestCaseSource(nameof(Names))]
    public void LongText_IsRead_WhereverItBegins(string width)
    {
        Utf8Widths.Width of = Utf8Widths.All.Single(one => one.Name == width);
        int length = 512 + (6 * of.Count) + 3;
        byte[] bytes = new byte[length + 64], room = new byte[length + 64];
        byte[] ascii = [.. Enumerable.Repeat((byte)'a', length)];
        byte[] pairs = [.. Enumerable.Range(0, length - 1).Select(static i => (byte)(i % 2 == 0 ? 0xC3 : 0xA9)), (byte)'a'];
        byte[][] sequences = [[0xC3, 0xA9], [0xE2, 0x82, 0xAC], [0x80], [0xC3, 0x41], [0xF0, 0x9F, 0x98, 0x80]];
        foreach (byte[] like in new[] { ascii, pairs })
        {
            for (int begin = 0; begin < 64; begin++)
            {
                Span<byte> text = bytes.AsSpan(begin, length);
                for (int at = 0; at < length; at += at < 3 * of.Count ? 1 : 37)
                {
                    foreach (byte[] sequence in sequences)
                    {
                        int after = at + sequence.Length;
                        if (after >= length) continue;
                        like.CopyTo(text);
                        if (at % 2 == 1) text[at - 1] = (byte)'a'; // it ends with a character, and what follows begins with one
                        if (after % 2 == 1) text[after] = (byte)'a';
                        sequence.CopyTo(text[at..]);
                        bool expected = Utf8Oracle.ValidPrefix(sequence, out bool complete) == sequence.Length && complete;
                        if (Utf8Widths.MayFollow(of, text, room.AsSpan(begin, length), 0x9D3C71A5) != expected)
                            Assert.Fail($"{Convert.ToHexString(sequence)} at {at}, {begin} bytes behind the array's first: {!expected}");
                    }
                }
            }
        }
    }

    [Test]
    public void RandomText_IsCheckedAlike_ByAllOfThem()
    {
        (long wrong, long all) = Utf8Differential.Run(20_000_000, 20261128);
        Assert.That(wrong, Is.GreaterThan(all / 10).And.LessThan(all - (all / 10)));
    }

    [Test]
    public void TheFirstWrongByte_IsNamed()
    {
        byte[] text = [.. Enumerable.Repeat("\u00e9"u8.ToArray(), 500).SelectMany(static bytes => bytes)];
        text[701] = 0x41;
        Utf8Validator validator = default;
        Assert.That((validator.Append(text, out int accepted), accepted), Is.EqualTo((false, 701)));
        Assert.That((validator.Append([0x41], out accepted), accepted), Is.EqualTo((false, 0)), "what is refused stays refused");
        validator.Reset();
        Assert.That((validator.Append(text.AsSpan(0, 701), out accepted), accepted, validator.IsComplete), Is.EqualTo((true, 701, false)));
        Assert.That((validator.Append(text.AsSpan(701), out accepted), accepted), Is.EqualTo((false, 0)));
    }

    // Text of five vectors and a part of one, or of some more, in which a sequence is put at each place where something changes; once among
    // ASCII, once among characters of two bytes.
    private sealed class Places
    {
        private const int Alignment = 64; // of the longest vectors

        private readonly Utf8Widths.Width _width;
        private readonly byte[][] _texts;
        private readonly Memory<byte> _text, _room;
        private readonly int[] _all, _across;

        private Places(Utf8Widths.Width width, int length, int unaligned, params int[] edges)
        {
            _width = width;
            byte[] ascii = [.. Enumerable.Repeat((byte)'a', length)];
            _texts = [ascii, [.. Enumerable.Range(0, length).Select(static i => (byte)(i % 2 == 0 ? 0xC3 : 0xA9))]];
            (_text, _room) = (Unaligned(length, unaligned), Unaligned(length, unaligned));
            _across = [.. edges.Append(length - width.Count).SelectMany(static edge => Enumerable.Range(edge - 4, 5)).Where(
                static place => place >= 0).Distinct(), length - 4, length - 3];
            _all = [0, 1, .. _across, length - 2, length - 1];
        }

        public static Places Short(string name)
        {
            Utf8Widths.Width width = Utf8Widths.All.Single(one => one.Name == name);
            return new Places(width, (5 * width.Count) + 7, unaligned: 0, width.Count, 4 * width.Count);
        }

        // Vectors are aligned 5 bytes behind the text's first one, and 2 behind it, which are too few: then one vector further on.
        public static IEnumerable<Places> Long(string name)
        {
            Utf8Widths.Width width = Utf8Widths.All.Single(one => one.Name == name);
            int count = width.Count, length = 512 + (5 * count) + 7;
            yield return new Places(width, length, Alignment - 5, 5, count, 5 + count, 5 + (2 * count), 5 + (4 * count), 5 + (5 * count));
            yield return new Places(width, length, Alignment - 2, 2, count, 2 + count, 2 * count, 2 + (2 * count), 2 + (6 * count));
        }

        private static Memory<byte> Unaligned(int length, int by)
        {
            byte[] bytes = GC.AllocateArray<byte>(length + Alignment, pinned: true);
            nint first = Marshal.UnsafeAddrOfPinnedArrayElement(bytes, 0);
            return bytes.AsMemory((int)((by - first) & (Alignment - 1)), length);
        }

        public void Try(ReadOnlySpan<byte> sequence) => Try(sequence, _all);

        public void TryAcross(ReadOnlySpan<byte> sequence) => Try(sequence, _across);

        private void Try(ReadOnlySpan<byte> sequence, int[] places)
        {
            bool begins = Utf8Oracle.ValidPrefix(sequence, out bool complete) == sequence.Length;
            foreach (byte[] like in _texts)
            {
                foreach (int at in places)
                {
                    if (at + sequence.Length > like.Length) continue;

                    // What stands before it ends with a character, and what comes after begins with one.
                    Span<byte> text = _text.Span;
                    like.CopyTo(text);
                    if (at % 2 == 1) text[at - 1] = (byte)'a';
                    int after = at + sequence.Length;
                    if (after % 2 == 1 && after < text.Length) text[after] = (byte)'a';
                    if (text.Length % 2 == 1) text[^1] = (byte)'a';
                    sequence.CopyTo(text[at..]);
                    bool expected = begins && (complete || after == text.Length);
                    if (Utf8Widths.MayFollow(_width, text, _room.Span, 0x9D3C71A5) != expected)
                        Assert.Fail($"{Convert.ToHexString(sequence)} at {at} of {text.Length}: {!expected}");
                }
            }
        }
    }
}
