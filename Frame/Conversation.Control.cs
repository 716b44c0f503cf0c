// Control frames (§5.5): whole or not there yet, and a Close that is judged as far as it has come.

namespace RawWs.Frame;

public sealed partial class Conversation
{
    // A control frame whose header is there and has been judged.
    private Step Control(Span<byte> buffer, FrameHeader header, out int consumed)
    {
        int offset = header.HeaderLength;
        if ((ulong)(buffer.Length - offset) < header.PayloadLength)
        {
            consumed = 0;
            return header.Opcode == Opcode.Close && JudgePartOfClose(buffer[offset..], header) is { } early
                ? Fail(early, header, buffer.Length, out consumed)
                : default;
        }

        Span<byte> payload = buffer.Slice(offset, (int)header.PayloadLength);
        if (header.Masked)
        {
            Masking.Apply(payload, header.MaskingKey);
        }

        _lastOpcode = header.Opcode;
        consumed = offset + payload.Length;
        if (header.Opcode != Opcode.Close)
        {
            return new Step { Kind = header.Opcode == Opcode.Ping ? StepKind.Ping : StepKind.Pong, Payload = payload, Header = header };
        }

        if (ClosePayload.TryRead(payload, out ushort? code, out ReadOnlySpan<byte> reason) is { } broken)
        {
            return Fail(broken, header, buffer.Length, out consumed);
        }

        _closing = ConversationTable.After(_closing, ClosingEvent.CloseReceived);
        RefreshQuickPath();
        return new Step { Kind = StepKind.Close, CloseCode = code, Payload = payload[^reason.Length..], Header = header };
    }

    // The bytes stay with the caller and must not change yet: a copy is unmasked.
    private static Rule? JudgePartOfClose(ReadOnlySpan<byte> part, FrameHeader header)
    {
        Span<byte> copy = stackalloc byte[FrameWriter.ControlPayloadBytesMax];
        part = part[..Math.Min(part.Length, copy.Length)];
        Masking.Apply(part, copy, header.MaskingKey);
        return ClosePayload.CheckPrefix(copy[..part.Length]);
    }
}
