// Messages that an extension transforms (§5.8, §9). Coming in: the payload of an event is decoded in bounded pieces, straight into the
// assembled message. What comes out is judged as it comes, so neither a wrong byte nor one byte too many waits for the message's end. Going
// out: the sender's thread encodes before it queues. If messages must leave in the order in which they were encoded, it does so under the
// connection's lock.

using RawWs.Frame;
using RawWs.Server.Connections;
using RawWs.Server.Extensions;
using RawWs.Server.Sending;

namespace RawWs.Server;

public sealed partial class WebSocketConnection
{
    private ConnectionExtension? _extension; // null if none was agreed on

    private void Decode(MessageAssembler assembler, in ProtocolEvent found)
    {
        if (found.EndOfMessage) assembler.MessageDeadline = long.MaxValue;
        if (_phase != Phase.Open)
        {
            // §1.4: after our Close data is not delivered, and so it is not decoded.
            if (found.EndOfMessage) assembler.Release(_loop.Budget);
            return;
        }

        if (found.StartOfMessage)
        {
            if (!_extension!.TryBegin(found.MessageReserved))
            {
                FailForMemory();
                return;
            }

            assembler.Decoder = _extension;
        }

        DecodeStatus status = DecodeInto(assembler, assembler.Decoder!, found, out Rule? broken);
        if (broken is not null) OnFail(broken);
        else if (status == DecodeStatus.OutOfMemory) FailForMemory();
        else if (status == DecodeStatus.Done) DeliverDecoded(assembler, found.MessageKind);
    }

    private DecodeStatus DecodeInto(MessageAssembler assembler, ConnectionExtension decoder, in ProtocolEvent found, out Rule? broken)
    {
        ReadOnlySpan<byte> rest = found.Payload;
        DecodeStatus status;
        broken = null;
        do
        {
            if (!assembler.TryGetRoom(_loop.Budget, out Span<byte> room)) return DecodeStatus.OutOfMemory;
            status = decoder.Decode(rest, room, out int consumed, out int written);
            rest = rest[consumed..];
            broken = assembler.Fill(written, found.MessageKind);
            _loop.Share.SpendDecoded(written);
        }
        while (status == DecodeStatus.OutputFull && broken is null);

        if (broken is not null) return status;
        if (status == DecodeStatus.NeedMoreData && found.EndOfMessage) status = decoder.Finish();
        broken = status switch
        {
            DecodeStatus.Malformed => decoder.Malformed,
            DecodeStatus.Done => assembler.Protocol.CheckDecoded(default, found.MessageKind, endOfMessage: true),
            _ => null,
        };
        return status;
    }

    private void DeliverDecoded(MessageAssembler assembler, MessageKind kind)
    {
        // Its memory may serve others while a handler has the message.
        assembler.Decoder!.End();
        assembler.Decoder = null;
        _messagesIn++;
        DeliverAssembled(assembler, kind);
    }

    private SendResult TrySendEncoded(ConnectionExtension extension, MessageKind kind, ReadOnlySpan<byte> payload)
    {
        if (extension.EncodesInOrder) return TryQueue(kind, payload, Form.InOrder);

        byte[]? frame = _context.Budget.TryRent(extension.FrameRoomBytes(payload.Length));
        int length = frame is null ? 0 : extension.TryWriteFrame(frame, kind, payload);
        SendResult result;
        if (length == 0) result = TrySendPlain(kind, payload);
        else if (MaySendNow && _loop.Cork.TryAppend(frame.AsSpan(0, length), isMessage: true)) result = SendResult.Queued;
        else result = TryQueue(kind, frame.AsSpan(0, length), Form.Frame);
        if (frame is not null) _context.Budget.Return(frame);
        return result;
    }

    // Under the lock. An encoded message must be queued, whatever the memory limit: the next message may refer to it.
    private bool TryQueueInOrder(MessageKind kind, ReadOnlySpan<byte> payload)
    {
        byte[]? frame = _context.Budget.TryRent(_extension!.FrameRoomBytes(payload.Length));
        int length = frame is null ? 0 : _extension.TryWriteFrame(frame, kind, payload);
        if (length > 0) _queue!.Append(frame.AsSpan(0, length), SendQueue.EntryKind.Data);
        if (frame is not null) _context.Budget.Return(frame);
        return length > 0 || _queue!.TryAppend((Opcode)kind, payload);
    }
}
