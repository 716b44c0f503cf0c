// Compressed messages, coming in (RFC 7692 §7.2.2). What a step brings is inflated in bounded pieces straight into the message's assembly, and
// text is judged as it comes out: neither a wrong byte nor one byte too many waits for the message's end.

using RawWs.Frame;
using RawWs.Server.Compression;

namespace RawWs.Server;

public sealed partial class WebSocketConnection
{
    private ConnectionDeflate? _deflate; // null where compression was not agreed on

    private void Inflate(Inbox inbox, in Step step)
    {
        if (step.EndOfMessage) inbox.MessageDeadline = long.MaxValue;
        if (_phase != Phase.Open)
        {
            // §1.4: after our Close, data is not delivered; nor, then, inflated.
            if (step.EndOfMessage) ReleaseInbox(inbox);
            return;
        }

        if (step.StartOfMessage)
        {
            if (_deflate!.TryTakeInflater() is not { } taken)
            {
                FailForMemory();
                return;
            }

            inbox.BeginInflate(taken, _context.Options.MessageBytesMax);
        }

        InflateStatus status = InflateInto(inbox, step, out Rule? broken);
        if (broken is not null && FrameRules.Broken(broken) is { } rule) OnFail(rule);
        else if (status == InflateStatus.OutOfMemory) FailForMemory();
        else if (status == InflateStatus.Done) DeliverInflated(inbox, step.MessageKind);
    }

    private InflateStatus InflateInto(Inbox inbox, in Step step, out Rule? broken)
    {
        Inflater inflater = inbox.Inflater!;
        ReadOnlySpan<byte> rest = step.Payload;
        InflateStatus status;
        broken = null;
        do
        {
            if (!inbox.TryGetRoom(_loop.Budget, out Span<byte> room)) return InflateStatus.OutOfMemory;
            status = inflater.Inflate(rest, room, out int consumed, out int written);
            rest = rest[consumed..];
            broken = inbox.Fill(written, step.MessageKind);
        }
        while (status == InflateStatus.OutputFull && broken is null);

        if (broken is not null) return status;
        if (status == InflateStatus.NeedMoreData && step.EndOfMessage) status = inflater.Finish();
        broken = status switch
        {
            InflateStatus.TooBig => FrameRules.MessageTooBig,
            InflateStatus.Malformed => FrameRules.CompressedDataMalformed,
            InflateStatus.Done when step.MessageKind == MessageKind.Text && !inbox.TextIsComplete => FrameRules.TextEndsInsideCharacter,
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
}
