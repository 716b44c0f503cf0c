// §5.1 to §5.3: framing, reserved bits, opcodes, masking.

using System.Globalization;
using System.Text;

namespace RawWs.Conformance;

internal static class FrameCases
{
    private static readonly int[] Opcodes = [Wire.Text, Wire.Binary, Wire.Continuation, Wire.Close, Wire.Ping, Wire.Pong];

    public static IEnumerable<Case> All() => [.. Echoes(), .. Lengths(), .. ReservedBits(), .. ReservedOpcodes(), .. Masks()];

    /// <summary>So many bytes of text, or of bytes that are no text.</summary>
    public static byte[] PayloadOf(int opcode, int length)
    {
        byte[] payload = new byte[length];
        for (int i = 0; i < length; i++) payload[i] = opcode == Wire.Text ? (byte)('!' + (i % 89)) : (byte)(0xFF - (i * 7 % 251));
        return payload;
    }

    private static IEnumerable<Case> Echoes()
    {
        foreach (int opcode in (int[])[Wire.Text, Wire.Binary])
        {
            string kind = Wire.NameOf(opcode);
            foreach (int length in (int[])[0, 1, 2, 124, 125, 126, 127, 128, 255, 256, 4095, 4096, 65535, 65536, 65537, 131072])
            {
                byte[] payload = PayloadOf(opcode, length), frame = Wire.FrameOf(opcode, payload);
                int piece = length <= 256 ? 1 : 1021;
                yield return new Dialogue(Chapters.Framing, "6455 §5.6", $"{kind} of {length} bytes", Kind.Required, new Send(frame),
                    new Echo(opcode, payload));
                yield return new Dialogue(Chapters.Framing, "6455 §5.2", $"{kind} of {length} bytes in pieces of {piece}", Kind.Required,
                    new Send(frame, piece), new Echo(opcode, payload));
            }

            foreach (int length in (int[])[5, 200, 65600])
            {
                byte[] payload = PayloadOf(opcode, length), frame = Wire.FrameOf(opcode, payload);
                for (int cut = 1; cut < frame.Length - length + 1; cut++)
                    yield return new Dialogue(Chapters.Framing, "6455 §5.2",
                        $"{kind} of {length} bytes, cut behind byte {cut}", Kind.Required,
                        new Send(frame[..cut]), new Send(frame[cut..]), new Echo(opcode, payload));
            }
        }

        foreach (int count in (int[])[2, 10, 100, 1000])
        {
            (int Opcode, byte[] Payload)[] messages = [.. Enumerable.Range(0,
                count).Select(static i => (Wire.Text + (i % 2), Encoding.ASCII.GetBytes(i.ToString(CultureInfo.InvariantCulture))))];
            byte[] together = Wire.Join(messages.Select(static message => Wire.FrameOf(message.Opcode, message.Payload)));
            yield return new Dialogue(Chapters.Framing, "6455 §5.4", $"{count} messages in one write come back in order", Kind.Required,
                [new Send(together), .. messages.Select(static message => new Echo(message.Opcode, message.Payload))]);
        }
    }

    private static IEnumerable<Case> Lengths()
    {
        foreach (int length in (int[])[0, 1, 125])
            foreach (Case item in Breach.Cases(Chapters.Framing, "6455 §5.2", $"{length} bytes with a length of 16 bits",
                         Wire.FrameOf(Wire.Binary, PayloadOf(Wire.Binary, length), form: Wire.LengthForm.In16Bits), 4, Kind.Required,
                             [1002])) yield return item;
        foreach (int length in (int[])[0, 1, 125, 126, 65535])
            foreach (Case item in Breach.Cases(Chapters.Framing, "6455 §5.2", $"{length} bytes with a length of 64 bits",
                         Wire.FrameOf(Wire.Binary, PayloadOf(Wire.Binary, length), form: Wire.LengthForm.In64Bits), 8, Kind.Required,
                             [1002])) yield return item;
        // Whoever leaves the top bit out finds a whole frame.
        foreach (int length in (int[])[0, 5, 70_000])
            foreach (Case item in Breach.Cases(
                Chapters.Framing, "6455 §5.2", $"a length of 64 bits with its top bit set, and {length} bytes",
                         Wire.FrameOf(Wire.Binary, PayloadOf(Wire.Binary, length), form: Wire.LengthForm.In64Bits, declared: (1UL << 63)
                             + (ulong)length), 3, Kind.Required, [1002])) yield return item;
    }

    private static IEnumerable<Case> ReservedBits()
    {
        foreach (int opcode in Opcodes)
        {
            // A continuation needs a message to continue, so that nothing else is wrong with it.
            byte[] before = opcode == Wire.Continuation ? Wire.FrameOf(Wire.Text, "be", fin: false) : [];
            byte[] payload = opcode == Wire.Close ? Wire.CloseBody(1000) : "fore"u8.ToArray();
            for (int bits = 1; bits < 8; bits++)
            {
                string names = string.Join('+', new[] { (Wire.Rsv1, "RSV1"), (Wire.Rsv2, "RSV2"),
                    (Wire.Rsv3, "RSV3") }.Where(bit => (bits & bit.Item1) != 0).Select(static bit => bit.Item2));
                foreach (Case item in Breach.Cases(Chapters.ReservedBits, "6455 §5.2", $"{names} on {Wire.NameOf(opcode)}",
                             [.. before, .. Wire.FrameOf(opcode, payload, reserved: bits)], before.Length + 1, Kind.Required, [1002],
                                 opcode == Wire.Close)) yield return item;
            }
        }
    }

    private static IEnumerable<Case> ReservedOpcodes()
    {
        foreach (int opcode in (int[])[3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
        {
            foreach (Case item in Breach.Cases(
                Chapters.Opcodes, "6455 §5.2", $"opcode {opcode}", Wire.FrameOf(opcode, "Hello"), 1, Kind.Required,
                [1002])) yield return item;
            yield return new Dialogue(Chapters.Opcodes, "6455 §5.2", $"opcode {opcode}, empty", Kind.Required,
                new Send(Wire.FrameOf(opcode, [])), new Fails());
            byte[] inside =
                Wire.Join([Wire.FrameOf(Wire.Text, "be", fin: false), Wire.FrameOf(opcode, "xx"), Wire.FrameOf(Wire.Continuation, "fore")]);
            yield return new Dialogue(Chapters.Opcodes, "6455 §5.2", $"opcode {opcode} inside a message", Kind.Required,
                new Send(inside), new Fails());
            byte[] echoed = PayloadOf(Wire.Text, opcode);
            yield return new Dialogue(Chapters.Opcodes, "6455 §5.2", $"opcode {opcode} after a message", Kind.Required,
                new Send(Wire.FrameOf(Wire.Text, echoed)), new Echo(Wire.Text, echoed),
                    new Send(Wire.FrameOf(opcode, "Hello")), new Fails());
        }
    }

    private static IEnumerable<Case> Masks()
    {
        foreach (int opcode in Opcodes)
        {
            byte[] before = opcode == Wire.Continuation ? Wire.FrameOf(Wire.Text, "be", fin: false) : [];
            byte[] payload = opcode == Wire.Close ? Wire.CloseBody(1000) : "fore"u8.ToArray();
            foreach (Case item in Breach.Cases(Chapters.Masking, "6455 §5.1", $"{Wire.NameOf(opcode)} without a mask",
                         [.. before, .. Wire.FrameOf(opcode, payload, key: null)], before.Length + 2, Kind.Required, [1002],
                             opcode == Wire.Close)) yield return item;
        }

        foreach (uint key in (uint[])[0, 0xFFFFFFFF, 0x01020304, 0x80000001, 0x000000FF, 0xFF000000, 0xDEADBEEF])
        {
            int[] lengths = [1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 129, 1023];
            byte[] frames = Wire.Join(lengths.Select(length => Wire.FrameOf(Wire.Binary, PayloadOf(Wire.Binary, length), key: key)));
            Move[] echoes = [.. lengths.Select(static length => new Echo(Wire.Binary, PayloadOf(Wire.Binary, length)))];
            yield return new Dialogue(Chapters.Masking, "6455 §5.3", $"key {key:x8} with lengths 1 to 1023", Kind.Required,
                [new Send(frames), .. echoes]);
            foreach (int piece in (int[])[1, 3, 5])
                yield return new Dialogue(Chapters.Masking, "6455 §5.3",
                    $"key {key:x8} with lengths 1 to 1023, in pieces of {piece}", Kind.Required,
                    [new Send(frames, piece), .. echoes]);
        }
    }
}
