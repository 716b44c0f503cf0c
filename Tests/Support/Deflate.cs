// What the compression tests share: messages of several kinds, and the base library's DeflateStream as the other end of the wire.

using System.IO.Compression;
using System.Text;
using RawWs.Server.Compression;
using RawWs.Server.Extensions;

namespace RawWs.Tests.Support;

internal static class Deflate
{
    private static readonly string[] Words =
        ("the connection sends a message to every peer that asked for it and the server says who was here before "
            + "{\"uid\": \"value\", 100: true}").Split(' ');

    public static readonly byte[] Tail = [0x00, 0x00, 0xFF, 0xFF];

    public static byte[] Text(int length, int seed = 1)
    {
        Random random = new(seed);
        StringBuilder text = new(length + 16);
        while (text.Length < length) text.Append(Words[random.Next(Words.Length)]).Append(' ');
        return Encoding.ASCII.GetBytes(text.ToString(0, length));
    }

    public static byte[] Noise(int length, int seed = 1)
    {
        byte[] noise = new byte[length];
        new Random(seed).NextBytes(noise);
        return noise;
    }

    // The bytes whose codes are the longest in deflate's fixed table.
    public static byte[] LongCodes(int length, int seed = 1)
    {
        byte[] bytes = Noise(length, seed);
        for (int i = 0; i < length; i++) bytes[i] = (byte)(144 + (bytes[i] % 112));
        return bytes;
    }

    public static byte[] Compress(Deflater deflater, ReadOnlySpan<byte> message)
    {
        byte[] room = new byte[Deflater.RoomBytes(message.Length)];
        Assert.That(deflater.TryDeflate(message, room, out int written));
        return room[..written];
    }

    public static byte[] Compress(byte[] message, int level = 6, int windowBits = 15)
    {
        using Deflater deflater = Deflater.TryCreate(level, windowBits, takeover: false)!;
        return Compress(deflater, message);
    }

    // Whole messages through one inflater; what is wrong comes back as the status.
    public static (DecodeStatus Status, byte[] Bytes) Read(
        Inflater inflater, ReadOnlySpan<byte> payload, int chunk = 4096, int piece = int.MaxValue)
    {
        MemoryStream all = new();
        byte[] output = new byte[chunk];
        while (!payload.IsEmpty)
        {
            ReadOnlySpan<byte> input = payload[..Math.Min(piece, payload.Length)];
            payload = payload[input.Length..];
            DecodeStatus status;
            do
            {
                status = inflater.Inflate(input, output, out int consumed, out int written);
                input = input[consumed..];
                all.Write(output, 0, written);
            }
            while (status == DecodeStatus.OutputFull);
            if (status != DecodeStatus.NeedMoreData) return (status, all.ToArray());
            Assert.That(input.IsEmpty);
        }

        return (inflater.Finish(), all.ToArray());
    }

    public static (DecodeStatus Status, byte[] Bytes) Read(ReadOnlySpan<byte> payload, int windowBits = 15)
    {
        using Inflater inflater = Inflater.TryCreate(windowBits)!;
        return Read(inflater, payload);
    }

    // The base library's compressor under takeover: one stream, flushed at each message.
    internal sealed class StreamCompressor : IDisposable
    {
        private readonly MemoryStream _out = new();
        private readonly DeflateStream _deflate;

        public StreamCompressor(CompressionLevel level = CompressionLevel.Fastest) => _deflate = new DeflateStream(_out, level);

        public byte[] Next(byte[] message)
        {
            if (message.Length == 0) return [0x00];
            _out.SetLength(0);
            _deflate.Write(message);
            _deflate.Flush();
            byte[] bytes = _out.ToArray();
            Assert.That(bytes[^4..], Is.EqualTo(Tail));
            return bytes[..^4];
        }

        public void Dispose()
        {
            _deflate.Dispose();
            _out.Dispose();
        }
    }

    // The base library's decompressor under takeover: it reads on where the last message ended.
    internal sealed class StreamDecompressor : IDisposable
    {
        private readonly MemoryStream _in = new();
        private readonly DeflateStream _inflate;

        public StreamDecompressor() => _inflate = new DeflateStream(_in, CompressionMode.Decompress);

        public byte[] Next(byte[] payload, int length)
        {
            _in.SetLength(0);
            _in.Write(payload);
            _in.Write(Tail);
            _in.Position = 0;
            byte[] message = new byte[length];
            Assert.That(_inflate.ReadAtLeast(message, length, throwOnEndOfStream: false), Is.EqualTo(length));
            if (length > 0) Assert.That(_inflate.Read(new byte[1]), Is.Zero);
            return message;
        }

        public void Dispose()
        {
            _inflate.Dispose();
            _in.Dispose();
        }
    }
}
