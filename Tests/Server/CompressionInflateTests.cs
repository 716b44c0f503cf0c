// Reading compressed messages: the RFC's examples, every cut, the limit, and everything that a peer may get wrong.

using System.IO.Compression;
using RawWs.Server.Compression;
using RawWs.Server.Extensions;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

public sealed class CompressionInflateTests
{
    private static readonly byte[] Hello = "Hello"u8.ToArray();

    [TestCase("F248CDC9C90700", "Hello", TestName = "Section_7_2_3_1_OneBlock")]
    [TestCase("F348CDC9C9070000", "Hello", TestName = "Section_7_2_3_4_AFinalBlock")]
    [TestCase("F248050000 00FFFFCAC9C90700", "Hello", TestName = "Section_7_2_3_5_TwoBlocks")]
    [TestCase("000500FAFF48656C6C6F00", "Hello", TestName = "Section_7_2_3_3_NoCompression")]
    [TestCase("0200", "", TestName = "Section_7_2_3_6_AnEmptyFragment")]
    [TestCase("00", "", TestName = "Section_7_2_3_6_AnEmptyMessage")]
    [TestCase("000000FFFF00", "", TestName = "AnEmptyBlockMore")]
    [TestCase("000000FFFF000000FFFF00", "", TestName = "TwoEmptyBlocksMore")]
    [TestCase("000400FBFF0000FFFF00", "\0\0\u00ff\u00ff", TestName = "TheTailAsContent")]
    [TestCase("F348CDC9C90700F348CDC9C9070000", "HelloHello", TestName = "TwoFinalBlocks")]
    [TestCase("F348CDC9C90700F248CDC9C90700", "HelloHello", TestName = "APlainBlockBehindAFinalOne")]
    [TestCase("F348CDC9C90700000500FAFF48656C6C6F00", "HelloHello", TestName = "AStoredBlockBehindAFinalOne")]
    [TestCase("03000300030000", "", TestName = "EmptyFinalBlocks")]
    public void Message(string hex, string expected)
    {
        byte[] payload = Hex.Bytes(hex);
        byte[] bytes = System.Text.Encoding.Latin1.GetBytes(expected);
        using Inflater inflater = Inflater.TryCreate(15)!;
        // Twice under takeover, and in pieces and rooms of a byte: nothing is left behind that the next message would trip over.
        for (int piece = 1; piece <= payload.Length; piece++)
            for (int chunk = 1; chunk < 7; chunk++)
                Expect(Deflate.Read(inflater, payload, chunk: chunk, piece: piece), DecodeStatus.Done, bytes,
                    $"piece {piece}, chunk {chunk}");
    }

    [Test]
    public void Section_7_2_3_2_TheSecondMessageRefersToTheFirst()
    {
        byte[] first = Convert.FromHexString("F248CDC9C90700");
        byte[] second = Convert.FromHexString("F200110000");
        using Inflater inflater = Inflater.TryCreate(15)!;
        Expect(Deflate.Read(inflater, first), DecodeStatus.Done, Hello);
        Expect(Deflate.Read(inflater, second), DecodeStatus.Done, Hello);
        Assert.That(inflater.TryReset(15));
        Assert.That(Deflate.Read(inflater, second).Status, Is.EqualTo(DecodeStatus.Malformed), "after a reset the window is empty");
        Assert.That(inflater.Fault, Does.Contain("distance"));
    }

    [TestCase("", TestName = "NoByteAtAll")]
    [TestCase("FF", TestName = "AReservedBlockType")]
    [TestCase("FFFFFFFF", TestName = "Garbage")]
    [TestCase("F348CDC9C90700", TestName = "NothingBehindAFinalBlock")]
    [TestCase("F248CDC9C907", TestName = "TheLastByteIsMissing")]
    [TestCase("F248CDC9C907000000FFFF", TestName = "TheFourBytesLeftOn")]
    [TestCase("F248CDC9C9070000", TestName = "AByteTooMany")]
    [TestCase("000500FAFF48656C6C6F", TestName = "AStoredBlockWithoutAnEnd")]
    [TestCase("000500FAFE48656C6C6F00", TestName = "AStoredBlockWhoseLengthsDiffer")]
    [TestCase("F200110000", TestName = "AReferenceToNothing")]
    [TestCase("F348CDC9C90700F200110000", TestName = "AReferenceAcrossAFinalBlock")]
    public void Malformed(string hex)
    {
        byte[] payload = Convert.FromHexString(hex);
        using Inflater inflater = Inflater.TryCreate(15)!;
        foreach (int piece in new[] { int.MaxValue, 1 })
        {
            Assert.That(inflater.TryReset(15));
            Assert.That(Deflate.Read(inflater, payload, piece: piece).Status, Is.EqualTo(DecodeStatus.Malformed));
            Assert.That(inflater.Fault, Is.Not.Null);
        }

        Assert.That(inflater.TryReset(15));
        Expect(Deflate.Read(inflater, Convert.FromHexString("F248CDC9C90700")), DecodeStatus.Done, Hello, "a reset makes it good again");
        Assert.That(inflater.Fault, Is.Null);
    }

    [TestCase(1)]
    [TestCase(6)]
    public void SplitAtEveryByte_ItReadsTheSame(int level)
    {
        byte[] message = Deflate.Text(1500);
        byte[] payload = Deflate.Compress(message, level);
        using Inflater inflater = Inflater.TryCreate(15)!;
        for (int piece = 1; piece <= payload.Length; piece++)
            Expect(Deflate.Read(inflater, payload, chunk: 1 + (piece % 700), piece: piece), DecodeStatus.Done, message, $"{piece}");
    }

    [TestCase(1)]
    [TestCase(6)]
    public void CutAtEveryByte_ItIsMalformed(int level)
    {
        foreach (byte[] message in new[] { Deflate.Text(1500), Deflate.Noise(1500), new byte[1500] })
        {
            byte[] payload = Deflate.Compress(message, level);
            for (int length = 0; length < payload.Length; length++)
            {
                // Of what begins with a stored block, the first byte alone is a message too: the empty one.
                DecodeStatus expected = length == 1 && payload[0] == 0x00 ? DecodeStatus.Done : DecodeStatus.Malformed;
                Assert.That(Deflate.Read(payload.AsSpan(0, length)).Status, Is.EqualTo(expected), $"{length} of {payload.Length}");
            }
        }
    }

    // The limit is WebSocketProtocol's (ProtocolDecodedTests); the inflater is given no more room than that, and a byte.
    [Test]
    public void ABombIsStopped_WhereItsRoomEnds()
    {
        byte[] bomb = Deflate.Compress(new byte[64 * 1024 * 1024]);
        Assert.That(bomb, Has.Length.LessThan(300_000));
        const int Room = 100_000;
        byte[] output = GC.AllocateUninitializedArray<byte>(1024 * 1024);
        output.AsSpan().Fill(0xAA);
        using Inflater inflater = Inflater.TryCreate(15)!;
        Assert.That(inflater.Inflate(bomb, output.AsSpan(0, Room), out int consumed, out int written), Is.EqualTo(DecodeStatus.OutputFull));
        Assert.That(written, Is.EqualTo(Room));
        Assert.That(consumed, Is.LessThan(1000), "bytes of the bomb that were read");
        Assert.That(output.AsSpan(Room).ContainsAnyExcept((byte)0xAA), Is.False);
    }

    // What zlib itself makes of a finished stream: DeflateStream ends in a final block. Then the byte of an empty block, as §7.2.3.4 asks.
    [TestCase(0)]
    [TestCase(10)]
    [TestCase(100_000)]
    public void FinishedStreamsOfZlib_OneAfterTheOther(int length)
    {
        byte[] message = Deflate.Text(length + 1);
        MemoryStream stream = new();
        using (DeflateStream deflate = new(stream, CompressionLevel.Optimal, leaveOpen: true)) deflate.Write(message);
        byte[] finished = stream.ToArray();
        byte[] twice = [.. message, .. message];
        using Inflater inflater = Inflater.TryCreate(15)!;
        for (int i = 0; i < 3; i++)
        {
            Expect(Deflate.Read(inflater, [.. finished, 0x00], chunk: 777, piece: 100), DecodeStatus.Done, message);
            Expect(Deflate.Read(inflater, [.. finished, .. finished, 0x00]), DecodeStatus.Done, twice);
            Expect(Deflate.Read(inflater, [.. finished, .. Deflate.Compress(message)]), DecodeStatus.Done, twice);
        }
    }

    [Test]
    public void RandomBytes_AlwaysGetADefiniteAnswer()
    {
        Random random = new(5);
        using Inflater inflater = Inflater.TryCreate(15)!;
        int[] counts = new int[5];
        for (int round = 0; round < 20_000; round++)
        {
            byte[] payload = round % 2 == 0 ? Deflate.Noise(random.Next(1, 60), round) : Deflate.Compress(Deflate.Text(200, round & 15), 1);
            payload[random.Next(payload.Length)] ^= (byte)(1 << random.Next(8));
            Assert.That(inflater.TryReset(8 + (round % 8)));
            counts[(int)Deflate.Read(inflater, payload, chunk: 64).Status]++;
        }

        Assert.That(counts[(int)DecodeStatus.Done] + counts[(int)DecodeStatus.Malformed], Is.EqualTo(20_000));
        Assert.That(counts[(int)DecodeStatus.Malformed], Is.GreaterThan(10_000));
    }

    private static void Expect((DecodeStatus Status, byte[] Bytes) result, DecodeStatus status, byte[] bytes, string message = "")
    {
        Assert.That(result.Status, Is.EqualTo(status), message);
        Assert.That(result.Bytes.AsSpan().SequenceEqual(bytes), message);
    }
}
