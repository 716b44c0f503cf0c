// Compressed messages. Coming in (RFC 7692 §7.2.2): what a step brings is inflated in bounded pieces straight into the message's assembly, and
// text is judged as it comes out: neither a wrong byte nor one byte too many waits for the message's end. Going out (§7.2.1): compressed by whoever
// sends, before it is queued; with takeover under the connection's lock, in the order in which messages leave.

using RawWs.Frame;
using RawWs.Server.Compression;

namespace RawWs.Server;

public sealed partial class WebSocketConnection
{
    private ConnectionDeflate? _deflate; // null where compression was not agreed on

    private void Inflate(Inbox inbox, in ProtocolEvent found)
    {
        if (found.EndOfMessage) inbox.MessageDeadline = long.MaxValue;
        if (_phase != Phase.Open)
        {
            // §1.4: after our Close, data is not delivered; nor, then, inflated.
            if (found.EndOfMessage) ReleaseInbox(inbox);
            return;
        }

        if (found.StartOfMessage)
        {
            if (_deflate!.TryTakeInflater() is not { } taken)
            {
                FailForMemory();
                return;
            }

            inbox.BeginInflate(taken, _context.Options.MessageBytesMax);
        }

        InflateStatus status = InflateInto(inbox, found, out Rule? broken);
        if (broken is not null && FrameRules.Broken(broken) is { } rule) OnFail(rule);
        else if (status == InflateStatus.OutOfMemory) FailForMemory();
        else if (status == InflateStatus.Done) DeliverInflated(inbox, found.MessageKind);
    }

    private InflateStatus InflateInto(Inbox inbox, in ProtocolEvent found, out Rule? broken)
    {
        Inflater inflater = inbox.Inflater!;
        ReadOnlySpan<byte> rest = found.Payload;
        InflateStatus status;
        broken = null;
        do
        {
            if (!inbox.TryGetRoom(_loop.Budget, out Span<byte> room)) return InflateStatus.OutOfMemory;
            status = inflater.Inflate(rest, room, out int consumed, out int written);
            rest = rest[consumed..];
            broken = inbox.Fill(written, found.MessageKind);
            _loop.Share.SpendInflated(written);
        }
        while (status == InflateStatus.OutputFull && broken is null);

        if (broken is not null) return status;
        if (status == InflateStatus.NeedMoreData && found.EndOfMessage) status = inflater.Finish();
        broken = status switch
        {
            InflateStatus.TooBig => FrameRules.MessageTooBig,
            InflateStatus.Malformed => FrameRules.CompressedDataMalformed,
            InflateStatus.Done when found.MessageKind == MessageKind.Text && !inbox.TextIsComplete => FrameRules.TextEndsInsideCharacter,
            _ => null,
        };
        return status;
    }

    private void DeliverInflated(Inbox inbox, MessageKind kind)
    {
        _deflate!.GiveBack(inbox.Inflater!);
        inbox.Inflater = null;
        _messagesIn++;
        DeliverAssembled(inbox, kind);
    }

    // The message's memory goes back, and its inflater if it had one.
    private void ReleaseInbox(Inbox inbox)
    {
        if (inbox.Inflater is { } inflater) _deflate!.GiveBack(inflater);
        inbox.Inflater = null;
        inbox.Release(_loop.Budget);
    }

    private SendResult TrySendCompressed(ConnectionDeflate deflate, MessageKind kind, ReadOnlySpan<byte> payload)
    {
        // With takeover messages are sent in the order in which they are compressed: both happen under the lock.
        if (deflate.Agreement.ServerTakeover) return TryQueue(kind, payload, Form.InOrder);

        byte[]? frame = _context.Budget.TryRent(payload.Length + Deflater.Slack + FrameWriter.HeaderBytesMax);
        int length = frame is null ? 0 : deflate.Common.TryEncode(frame, kind, payload, deflate.Agreement.ServerWindowBits);
        SendResult result;
        if (length == 0) result = MaySendNow && TrySendNow((Opcode)kind, payload) ? SendResult.Queued : TryQueue(kind, payload, Form.Plain);
        else if (MaySendNow && _loop.Batch.TryAppend(frame.AsSpan(0, length), isMessage: true)) result = SendResult.Queued;
        else result = TryQueue(kind, frame.AsSpan(0, length), Form.Frame);
        if (frame is not null) _context.Budget.Return(frame);
        return result;
    }

    // Under the lock. Once compressed it has to be queued, whatever the memory limit: the receiver must see what the next message refers to.
    private bool TryCompressInOrder(MessageKind kind, ReadOnlySpan<byte> payload)
    {
        byte[]? frame = _context.Budget.TryRent(FrameWriter.HeaderBytesMax + Deflater.RoomBytes(payload.Length));
        int length = frame is null ? 0 : _deflate!.TryEncodeInOrder(frame, kind, payload);
        if (length > 0) _outbox!.Append(frame.AsSpan(0, length), Outbox.EntryKind.Data);
        if (frame is not null) _context.Budget.Return(frame);
        return length > 0 || _outbox!.TryAppend((Opcode)kind, payload);
    }
}
