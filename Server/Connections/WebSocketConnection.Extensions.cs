// Compressed messages. Coming in (RFC 7692 §7.2.2): the payload of an event is inflated in bounded pieces, straight into the assembled
// message. Text is checked as it comes out, so neither a wrong byte nor one byte too many waits for the message's end. Going out (§7.2.1):
// the sender's thread compresses before it queues. With takeover it does so under the connection's lock, in the order in which messages
// leave.

using RawWs.Frame;
using RawWs.Server.Compression;

namespace RawWs.Server;

public sealed partial class WebSocketConnection
{
    private ConnectionDeflate? _deflate; // null if compression was not agreed on

    private void Inflate(MessageAssembler assembler, in ProtocolEvent found)
    {
        if (found.EndOfMessage) assembler.MessageDeadline = long.MaxValue;
        if (_phase != Phase.Open)
        {
            // §1.4: after our Close data is not delivered, and so it is not inflated.
            if (found.EndOfMessage) ReleaseMessage(assembler);
            return;
        }

        if (found.StartOfMessage)
        {
            if (_deflate!.TryRentInflater() is not { } inflater)
            {
                FailForMemory();
                return;
            }

            assembler.BeginInflate(inflater, _context.Options.MessageBytesMax);
        }

        InflateStatus status = InflateInto(assembler, found, out Rule? broken);
        if (broken is not null) OnFail(broken);
        else if (status == InflateStatus.OutOfMemory) FailForMemory();
        else if (status == InflateStatus.Done) DeliverInflated(assembler, found.MessageKind);
    }

    private InflateStatus InflateInto(MessageAssembler assembler, in ProtocolEvent found, out Rule? broken)
    {
        Inflater inflater = assembler.Inflater!;
        ReadOnlySpan<byte> rest = found.Payload;
        InflateStatus status;
        broken = null;
        do
        {
            if (!assembler.TryGetRoom(_loop.Budget, out Span<byte> room)) return InflateStatus.OutOfMemory;
            status = inflater.Inflate(rest, room, out int consumed, out int written);
            rest = rest[consumed..];
            broken = assembler.Fill(written, found.MessageKind);
            _loop.Share.SpendInflated(written);
        }
        while (status == InflateStatus.OutputFull && broken is null);

        if (broken is not null) return status;
        if (status == InflateStatus.NeedMoreData && found.EndOfMessage) status = inflater.Finish();
        broken = status switch
        {
            InflateStatus.TooBig => FrameRules.MessageTooBig,
            InflateStatus.Malformed => FrameRules.CompressedDataMalformed,
            InflateStatus.Done when found.MessageKind == MessageKind.Text && !assembler.TextIsComplete =>
                FrameRules.TextEndsInsideCharacter,
            _ => null,
        };
        return status;
    }

    private void DeliverInflated(MessageAssembler assembler, MessageKind kind)
    {
        _deflate!.Return(assembler.Inflater!);
        assembler.Inflater = null;
        _messagesIn++;
        DeliverAssembled(assembler, kind);
    }

    // Returns the message's memory, and its inflater if it has one.
    private void ReleaseMessage(MessageAssembler assembler)
    {
        if (assembler.Inflater is { } inflater) _deflate!.Return(inflater);
        assembler.Inflater = null;
        assembler.Release(_loop.Budget);
    }

    private SendResult TrySendCompressed(ConnectionDeflate deflate, MessageKind kind, ReadOnlySpan<byte> payload)
    {
        // With takeover messages must be sent in the order in which they are compressed: both happen under the lock.
        if (deflate.Agreement.ServerTakeover) return TryQueue(kind, payload, Form.InOrder);

        byte[]? frame = _context.Budget.TryRent(payload.Length + Deflater.Slack + FrameWriter.HeaderBytesMax);
        int length = frame is null ? 0 : deflate.Common.TryEncode(frame, kind, payload, deflate.Agreement.ServerWindowBits);
        SendResult result;
        if (length == 0) result = TrySendPlain(kind, payload);
        else if (MaySendNow && _loop.Cork.TryAppend(frame.AsSpan(0, length), isMessage: true)) result = SendResult.Queued;
        else result = TryQueue(kind, frame.AsSpan(0, length), Form.Frame);
        if (frame is not null) _context.Budget.Return(frame);
        return result;
    }

    // Under the lock. A compressed message must be queued, whatever the memory limit: the next message may refer to it.
    private bool TryCompressInOrder(MessageKind kind, ReadOnlySpan<byte> payload)
    {
        byte[]? frame = _context.Budget.TryRent(FrameWriter.HeaderBytesMax + Deflater.RoomBytes(payload.Length));
        int length = frame is null ? 0 : _deflate!.TryEncodeInOrder(frame, kind, payload);
        if (length > 0) _queue!.Append(frame.AsSpan(0, length), SendQueue.EntryKind.Data);
        if (frame is not null) _context.Budget.Return(frame);
        return length > 0 || _queue!.TryAppend((Opcode)kind, payload);
    }
}
