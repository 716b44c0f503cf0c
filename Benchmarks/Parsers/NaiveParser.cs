// What a tutorial would write: read exactly so many bytes, make an array, unmask it byte by byte, turn text into a string. Correct, and
// slow on purpose: it shows what the care elsewhere is worth. It checks what such readers check: nothing but UTF-8.

using System.Text;
using RawWs.Benchmarks.Corpus;
using RawWs.Frame;

namespace RawWs.Benchmarks.Parsers;

public sealed class NaiveParser : IFrameParser
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public string Name => "Naive";

    public void Read(Wire wire, MessageSink sink)
    {
        ArgumentNullException.ThrowIfNull(wire);
        ArgumentNullException.ThrowIfNull(sink);
        List<byte> message = [];
        MessageKind kind = MessageKind.Binary;
        while (ReadExactly(wire, 2) is { } head)
        {
            bool fin = (head[0] & 0x80) != 0;
            int opcode = head[0] & 0x0F;
            long length = head[1] & 0x7F;
            if (length == 126) length = BigEndian(ReadExactly(wire, 2)!);
            else if (length == 127) length = BigEndian(ReadExactly(wire, 8)!);
            byte[] mask = ReadExactly(wire, 4)!;
            byte[] payload = ReadExactly(wire, (int)length)!;
            for (int i = 0; i < payload.Length; i++) payload[i] = (byte)(payload[i] ^ mask[i % 4]);

            if (opcode == 9) wire.Send([0x8A, (byte)payload.Length, .. payload]);
            if (opcode >= 8) continue;
            if (opcode > 0) kind = (MessageKind)opcode;
            message.AddRange(payload);
            if (!fin) continue;
            byte[] whole = message.ToArray();
            message.Clear();
            if (kind == MessageKind.Text) _ = Utf8.GetString(whole); // its message; the sink looks at bytes
            sink.OnMessage(kind, whole);
        }
    }

    private static byte[]? ReadExactly(Wire wire, int count)
    {
        byte[] bytes = new byte[count];
        int read = 0;
        while (read < count)
        {
            int received = wire.Receive(bytes.AsSpan(read));
            if (received == 0) return null;
            read += received;
        }

        return bytes;
    }

    private static long BigEndian(byte[] bytes)
    {
        long value = 0;
        foreach (byte b in bytes) value = (value << 8) | b;
        return value;
    }
}
