// A frame that comes in small pieces is not looked at again before there are enough bytes to say more of it (§5.2). It would cost quadratic
// time. Who looks too early is found out here: in place of the bytes that were there, others come, which are wrong from the first on.

using RawWs.Frame;

namespace RawWs.Tests.Frame;

public sealed class UndecidedBytesTests
{
    private static IEnumerable<TestCaseData> Frames() =>
        from opcode in new[] { Opcode.Text, Opcode.Binary, Opcode.Ping, Opcode.Pong, Opcode.Close }
        from length in new[] { 0, 2, 10, 125, 126, 65535, 65536 }
        where length <= 125 || opcode is Opcode.Text or Opcode.Binary
        from masked in new[] { true, false }
        select new TestCaseData(opcode, length, masked).SetArgDisplayNames($"{opcode}", $"{length}", masked ? "masked" : "plain");

    [TestCaseSource(nameof(Frames))]
    public void APart_IsNotLookedAtAgain_BeforeItCanSayMore(Opcode opcode, int length, bool masked)
    {
        byte[] frame = Make(opcode, length, masked);
        int header = frame.Length - length;
        bool isControl = opcode >= Opcode.Close;
        for (int seen = 1; seen < (isControl ? frame.Length : Math.Min(header + 1, frame.Length)); seen++)
        {
            WebSocketProtocol protocol = new(masked ? Role.Server : Role.Client, new ProtocolLimits());
            Assert.That(protocol.Next(frame.AsSpan(0, seen).ToArray(), out _).Kind, Is.EqualTo(ProtocolEventKind.NeedMoreData));
            int enough = Enough(opcode, length, header, seen);
            Assert.That(protocol.BytesWanted, Is.EqualTo(enough), $"after {seen} bytes");
            for (int count = seen; count < enough; count++)
            {
                byte[] others = [.. Enumerable.Repeat((byte)0xFF, count)];
                ProtocolEvent found = protocol.Next(others, out int consumed);
                Assert.That((found.Kind, consumed), Is.EqualTo((ProtocolEventKind.NeedMoreData, 0)), $"{count} bytes after {seen}");
            }

            ProtocolEvent last = protocol.Next(frame, out int all);
            Assert.That((last.Rule, all), Is.EqualTo(((Rule?)null, frame.Length)), $"the whole frame after {seen} bytes");
            Assert.That(protocol.BytesWanted, Is.Zero, "any byte may be one of the next frame");
        }
    }

    // The next byte that may decide. A code in a Close is judged as its bytes come (§7.1.5, §8.1), a length as soon as it is too large or
    // not the shortest (§5.2), a payload from its first byte on. One byte of two can't prove any of that where there is room for 65,535.
    private static int Enough(Opcode opcode, int length, int header, int seen)
    {
        int lengthBytes = length < 126 ? 0 : length < 65536 ? 2 : 8;
        if (seen < 2) return 2;
        if (seen < 2 + lengthBytes) return lengthBytes == 2 ? 4 : seen + 1;
        int begun = header + Math.Min(length, 1);
        return opcode == Opcode.Close ? Math.Max(seen + 1, begun) : opcode > Opcode.Close ? header + length : begun;
    }

    private static byte[] Make(Opcode opcode, int length, bool masked)
    {
        byte[] payload = [.. Enumerable.Repeat((byte)'a', length)];
        if (opcode == Opcode.Close && length >= 2) (payload[0], payload[1]) = (0x03, 0xE8);
        byte[] frame = new byte[length + FrameWriter.HeaderBytesMax];
        byte[] plain = frame[..FrameWriter.Write(frame, opcode, payload)];
        if (!masked) return plain;
        int header = plain.Length - length;
        plain[1] |= FrameHeader.MaskBit;
        return [.. plain[..header], 0, 0, 0, 0, .. plain[header..]];
    }
}
