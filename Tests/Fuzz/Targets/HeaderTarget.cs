// Target "header": FrameReader, FrameCheck and FrameWriter's headers, at every prefix of the input.
//
//   byte 0       bit 0: who reads; bits 1 and 2: no message, a text, a binary one is open; bits 4 to 6: the reserved bits negotiated
//   byte 1       how many fragments may still come
//   bytes 2–9    how many bytes the message may still bring, big-endian
//   bytes 10–17  the cuts
//   the rest     the header and what follows it
//
// Properties: status and fields agree with an oracle at every prefix, so a violation is told at the earliest byte and never taken back;
// segments change nothing; nothing past the header is consumed; the broken rule is the oracle's; what is read whole is written
// back byte for byte.

using System.Buffers;
using System.Buffers.Binary;
using RawWs.Frame;

namespace RawWs.Fuzz;

internal static class HeaderTarget
{
    private const int OptionBytes = 18;

    public static void Run(ReadOnlySpan<byte> input)
    {
        if (input.Length < OptionBytes) return;
        FrameContext context = new(
            (input[0] & 1) == 0 ? Role.Server : Role.Client,
            (ReservedBits)(input[0] & 0x70),
            (MessageState)(((input[0] >> 1) & 3) % 3),
            (long)(BinaryPrimitives.ReadUInt64BigEndian(input[2..]) >> 1),
            input[1]);
        ReadOnlySpan<byte> bytes = input[OptionBytes..];
        bytes = bytes[..Math.Min(bytes.Length, FrameWriter.HeaderBytesMax + 4)];
        for (int length = 0; length <= bytes.Length; length++)
        {
            CheckRead(bytes[..length], input.Slice(10, Cuts.PlanBytes));
            CheckResult(bytes[..length], context);
        }
    }

    private static void CheckRead(ReadOnlySpan<byte> seen, ReadOnlySpan<byte> plan)
    {
        ReadStatus status = FrameReader.TryRead(seen, out FrameHeader header);
        int headerLength = FrameOracle.HeaderLength(seen);
        bool whole = headerLength > 0 && seen.Length >= headerLength;
        Property.Same(status, FrameOracle.BrokenByLength(seen) is not null ? ReadStatus.Violation : whole
            ? ReadStatus.Done
            : ReadStatus.NeedMoreData);
        Property.Same(header.First, seen.Length > 0 ? seen[0] : (byte)0);
        Property.Same(header.Second, seen.Length > 1 ? seen[1] : (byte)0);
        if (seen.Length >= 2)
        {
            Property.Same(header.PayloadLength, FrameOracle.Lengths(seen).Least);
            Property.Same(header.HeaderLength, headerLength);
        }

        if (whole)
        {
            for (int i = 0; i < 4; i++) Property.Same((byte)(header.MaskingKey >> (8 * i)), FrameOracle.KeyByte(seen, i));
        }

        if (status == ReadStatus.Done) CheckRoundTrip(seen[..headerLength], header);

        ReadOnlySequence<byte> sequence = Cuts.Segments(seen, Cuts.Of(plan, seen.Length));
        Property.Same(FrameReader.TryRead(ref sequence, out FrameHeader fromSegments), status);
        Property.Same(fromSegments, header);
        Property.Same(sequence.Length, status == ReadStatus.Done ? seen.Length - headerLength : seen.Length);
    }

    private static void CheckRoundTrip(ReadOnlySpan<byte> bytes, in FrameHeader header)
    {
        // §5.5: what no writer may send (a fragmented or long control frame) is FrameCheck's to refuse.
        if (header.IsControl && (!header.Fin || header.PayloadLength > FrameWriter.ControlPayloadBytesMax)) return;
        Span<byte> written = stackalloc byte[FrameWriter.HeaderBytesMax];
        int length = header.Masked
            ? FrameWriter.WriteHeader(written, header.Opcode, header.PayloadLength, header.MaskingKey, header.Fin, header.Reserved)
            : FrameWriter.WriteHeader(written, header.Opcode, header.PayloadLength, header.Fin, header.Reserved);
        Property.SameBytes(written[..length], bytes);
        Property.Same(FrameWriter.HeaderLength(header.PayloadLength, header.Masked), length);
    }

    private static void CheckResult(ReadOnlySpan<byte> seen, in FrameContext context)
    {
        _ = FrameReader.TryRead(seen, out FrameHeader header);
        Rule? expected = FrameOracle.Broken(
            seen, context.Role, (int)context.Permitted, (int)context.Message, context.MessageBytesLeft, context.FragmentsLeft);
        Property.Same(FrameCheck.Check(header, seen.Length, context), expected);
    }
}
