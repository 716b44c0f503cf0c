// Writing compressed messages: read back by our own inflater and by the base library, at every window, with takeover and without.

using RawWs.Server.Compression;
using RawWs.Server.Extensions;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

public sealed class CompressionDeflateTests
{
    private static readonly int[] Lengths =
        [0, 1, 2, 3, 4, 5, 31, 125, 126, 127, 256, 257, 1000, 4095, 4096, 16_384, 32_767, 32_768, 65_535, 65_536, 131_072];

    [Test]
    public void OursToTheBaseLibrary([Values(1, 2, 3, 6, 9)] int level, [Values] bool takeover)
    {
        using Deflater deflater = Deflater.TryCreate(level, 15, takeover)!;
        using Deflate.StreamDecompressor reader = new();
        foreach (int length in Lengths)
            foreach (byte[] message in Kinds(length))
                Assert.That(reader.Next(Deflate.Compress(deflater, message), length).AsSpan().SequenceEqual(message), $"{length}");
    }

    [Test]
    public void TheBaseLibraryToOurs([Values] bool takeover)
    {
        Deflate.StreamCompressor writer = new();
        using Inflater inflater = Inflater.TryCreate(15)!;
        foreach (int length in Lengths)
        {
            foreach (byte[] message in Kinds(length))
            {
                if (!takeover)
                {
                    writer.Dispose();
                    writer = new Deflate.StreamCompressor(System.IO.Compression.CompressionLevel.SmallestSize);
                    Assert.That(inflater.TryReset(15));
                }

                Expect(inflater, writer.Next(message), message, $"{length}");
            }
        }

        writer.Dispose();
    }

    // A thousand messages of changing kinds and sizes through one context. Without takeover each of them is read with an empty window.
    [Test]
    public void AThousandMessages([Values(8, 9, 10, 11, 12, 13, 14, 15)] int windowBits, [Values] bool takeover, [Values(1, 6)] int level)
    {
        Random random = new(windowBits);
        using Deflater deflater = Deflater.TryCreate(level, windowBits, takeover)!;
        using Inflater inflater = Inflater.TryCreate(windowBits)!;
        for (int i = 0; i < 1000; i++)
        {
            int length = i % 100 == 99 ? random.Next(70_000) : random.Next(600);
            byte[] message = Kinds(length, i % 7)[i % 4];
            if (!takeover) Assert.That(inflater.TryReset(windowBits));
            Expect(inflater, Deflate.Compress(deflater, message), message, $"message {i}");
        }
    }

    [Test]
    public void Section_7_1_1_WithoutTakeover_TheSameMessageIsTheSameBytes([Values(1, 6)] int level)
    {
        byte[] message = Deflate.Text(1000);
        using Deflater without = Deflater.TryCreate(level, 15, takeover: false)!;
        byte[] first = Deflate.Compress(without, message);
        Assert.That(Deflate.Compress(without, Deflate.Text(5000, 2)), Has.Length.GreaterThan(100));
        Assert.That(Deflate.Compress(without, message), Is.EqualTo(first));
        using Deflater with = Deflater.TryCreate(level, 15, takeover: true)!;
        Assert.That(Deflate.Compress(with, message), Has.Length.GreaterThan(100));
        Assert.That(Deflate.Compress(with, message), Has.Length.LessThan(first.Length / 4), "with takeover it refers to the first");
    }

    // Noise that repeats at a distance: behind the window it must not shrink; within, it does. An inflater of this window reads both.
    [Test]
    public void Section_7_1_2_TheWindowIsHonoured([Values(8, 9, 10, 11, 12, 13, 14, 15)] int windowBits, [Values(1, 4, 9)] int level)
    {
        int window = 1 << windowBits;
        byte[] far = Repeated(window + 1);
        Assert.That(Written(far), Is.GreaterThanOrEqualTo(far.Length), "the repetition lies behind the window");
        if (windowBits == 8) return; // This one makes no references at all.
        byte[] near = Repeated((window / 2) - 20);
        Assert.That(Written(near), Is.LessThan(near.Length * 3 / 4), "the repetition lies within the window");

        // Exactly twice a piece of noise, so that the only repetition is at this distance.
        static byte[] Repeated(int distance)
        {
            byte[] noise = Deflate.Noise(distance);
            return [.. noise, .. noise];
        }

        int Written(byte[] message)
        {
            using Deflater deflater = Deflater.TryCreate(level, windowBits, takeover: true)!;
            using Inflater inflater = Inflater.TryCreate(windowBits)!;
            byte[] payload = Deflate.Compress(deflater, message);
            // Byte by byte, the library has nothing to look back to but its window.
            (DecodeStatus status, byte[] bytes) = Deflate.Read(inflater, payload, chunk: 1, piece: 64);
            Assert.That((status, bytes.AsSpan().SequenceEqual(message)), Is.EqualTo((DecodeStatus.Done, true)));
            return payload.Length;
        }
    }

    [Test]
    public void AWindowOf8Bits_StillMakesTextShorter()
    {
        byte[] message = Deflate.Text(1000);
        Assert.That(Deflate.Compress(message, 6, 8), Has.Length.LessThan(700));
    }

    [Test]
    public void EveryMessageFitsItsRoom([Values(1, 2, 3, 6, 9)] int level, [Values(8, 9, 12, 15)] int windowBits)
    {
        using Deflater deflater = Deflater.TryCreate(level, windowBits, takeover: false)!;
        foreach (int length in Lengths.Concat(Enumerable.Range(6, 300)).Append(1_000_000))
        {
            byte[] message = Deflate.LongCodes(length, length);
            byte[] room = new byte[Deflater.RoomBytes(length)];
            Assert.That(deflater.TryDeflate(message, room, out _), $"{length}");
        }
    }

    [Test]
    public void WhatDoesNotFit_IsSentAsItIs_AndLeavesNothingBehind([Values(1, 6)] int level, [Values(8, 9, 15)] int windowBits)
    {
        byte[] text = Deflate.Text(1000);
        using Deflater deflater = Deflater.TryCreate(level, windowBits, takeover: false)!;
        byte[] expected = Deflate.Compress(deflater, text);
        foreach (int length in new[] { 1, 4, 100, 1000, 100_000 })
        {
            byte[] noise = Deflate.Noise(length);
            byte[] room = new byte[length + Deflater.Slack - 1];
            Assert.That(deflater.TryDeflate(noise, room, out int written), Is.False, $"{length}");
            Assert.That(written, Is.Zero);
            Assert.That(Deflate.Compress(deflater, text), Is.EqualTo(expected), $"behind {length}");
        }

        byte[] exact = new byte[expected.Length + Deflater.Slack];
        Assert.That(deflater.TryDeflate(text, exact, out int exactly));
        Assert.That(exactly, Is.EqualTo(expected.Length));
        Assert.That(deflater.TryDeflate(text, exact.AsSpan(1), out _), Is.False);
    }

    [Test]
    public void UnderTakeover_TooLittleRoomIsTheCallersMistake()
    {
        using Deflater deflater = Deflater.TryCreate(1, 15, takeover: true)!;
        byte[] message = Deflate.Text(100);
        Assert.That(() => deflater.TryDeflate(message, new byte[message.Length], out _), Throws.ArgumentException);
        Assert.That(Deflate.Read(Deflate.Compress(deflater, message)).Status, Is.EqualTo(DecodeStatus.Done), "nothing has been compressed");
    }

    [Test]
    public void Section_7_2_3_6_AnEmptyMessageIsOneByte_EveryTime([Values(8, 9, 15)] int windowBits, [Values] bool takeover)
    {
        using Deflater deflater = Deflater.TryCreate(1, windowBits, takeover)!;
        using Inflater inflater = Inflater.TryCreate(windowBits)!;
        for (int i = 0; i < 3; i++)
        {
            Assert.That(Deflate.Compress(deflater, []), Is.EqualTo(new byte[] { 0x00 }));
            Expect(inflater, [0x00], [], "empty");
            byte[] message = Deflate.Text(50);
            Expect(inflater, Deflate.Compress(deflater, message), message, "between");
        }
    }

    [Test]
    public void Forgotten_ATakeoverBeginsAnew()
    {
        byte[] message = Deflate.Text(1000);
        using Deflater deflater = Deflater.TryCreate(1, 15, takeover: true)!;
        byte[] first = Deflate.Compress(deflater, message);
        deflater.Forget();
        deflater.Forget();
        Assert.That(Deflate.Compress(deflater, message), Is.EqualTo(first));
    }

    private static byte[][] Kinds(int length, int seed = 1) =>
        [Deflate.Text(length, seed), Deflate.Noise(length, seed), new byte[length], Deflate.LongCodes(length, seed)];

    private static void Expect(Inflater inflater, byte[] payload, byte[] message, string about)
    {
        (DecodeStatus status, byte[] bytes) = Deflate.Read(inflater, payload);
        Assert.That((status, bytes.AsSpan().SequenceEqual(message)), Is.EqualTo((DecodeStatus.Done, true)), about);
    }
}
