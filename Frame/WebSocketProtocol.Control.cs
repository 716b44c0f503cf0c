// Control frames (§5.5). One is read when it is whole. A Close that is not whole yet is checked as far as it has come, because its first
// bytes may already prove a violation.

namespace RawWs.Frame;

public sealed partial class WebSocketProtocol
{
    // The header of a control frame is whole, and keeps the rules. The payload may not be whole yet.
    private ProtocolEvent ReadControlFrame(Span<byte> buffer, FrameHeader header, out int consumed)
    {
        int offset = header.HeaderLength;
        if ((ulong)(buffer.Length - offset) < header.PayloadLength)
        {
            consumed = 0;
            return header.Opcode == Opcode.Close && CheckPartOfClose(buffer[offset..], header) is { } early
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
            ProtocolEventKind kind = header.Opcode == Opcode.Ping ? ProtocolEventKind.Ping : ProtocolEventKind.Pong;
            return new ProtocolEvent { Kind = kind, Payload = payload, Header = header };
        }

        if (ClosePayload.Read(payload, out ushort? code, out ReadOnlySpan<byte> reason) is { } broken)
        {
            return Fail(broken, header, buffer.Length, out consumed);
        }

        _closing = ProtocolTable.After(_closing, ClosingEvent.CloseReceived);
        UpdateBytesMax();
        return new ProtocolEvent { Kind = ProtocolEventKind.Close, CloseCode = code, Payload = payload[^reason.Length..], Header = header };
    }

    // The frame is not consumed yet, so its bytes must not change: a copy is unmasked.
    private static Rule? CheckPartOfClose(ReadOnlySpan<byte> part, FrameHeader header)
    {
        Span<byte> copy = stackalloc byte[FrameWriter.ControlPayloadBytesMax];
        Masking.Apply(part, copy, header.MaskingKey);
        return ClosePayload.CheckPrefix(copy[..part.Length]);
    }
}
