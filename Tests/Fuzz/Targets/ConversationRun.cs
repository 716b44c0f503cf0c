// Plays bytes into a Conversation, as a connection does, and holds each step against the contract at the head of Conversation.cs.

using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using RawWs.Frame;

namespace RawWs.Fuzz;

internal sealed class ConversationRun(Conversation conversation, ConversationLimits limits)
{
    // The contract's number: the longest control frame that a server reads is six bytes of header and 125 of payload.
    private const int LeftOverBytesMax = 131;

    private readonly List<byte> _message = [];
    private bool _inMessage;
    private bool _over;

    public Conversation Conversation { get; } = conversation;

    public Transcript Transcript { get; } = new();

    public Rule? Rule { get; private set; }

    /// <summary>How many bytes had arrived when the rule was found broken.</summary>
    public int FailedAt { get; private set; }

    /// <summary>What was handed out of the message that has not ended.</summary>
    public ReadOnlySpan<byte> Unfinished => _message.ToArray();

    /// <summary>The bytes arrive in pieces; what a piece leaves over stands in front of the next.</summary>
    public void Play(ReadOnlySpan<byte> bytes, int[] ends)
    {
        byte[] held = [];
        int from = 0;
        foreach (int end in ends)
        {
            held = [.. held, .. bytes[from..end]];
            from = end;
            int at = 0;
            while (true)
            {
                byte[] before = held[at..];
                Span<byte> buffer = held.AsSpan(at);
                Step step = Conversation.Next(buffer, out int consumed);
                CheckBuffer(step, before, buffer, consumed);
                at += consumed;
                if (step.Kind == StepKind.NeedMoreData) break;
                Property.Holds(consumed > 0);
                Add(step, end);
            }

            held = held[at..];
            Property.Holds(held.Length <= LeftOverBytesMax);
        }
    }

    /// <summary>The bytes are all there, in segments.</summary>
    public void PlaySegments(ReadOnlySpan<byte> bytes, int[] ends)
    {
        ReadOnlySequence<byte> sequence = Cuts.Segments(bytes, ends);
        Span<byte> scratch = stackalloc byte[Conversation.ScratchBytesMin];
        while (true)
        {
            long before = sequence.Length;
            Step step = Conversation.Next(ref sequence, scratch);
            Property.Holds(sequence.Length <= before);
            if (step.Kind == StepKind.NeedMoreData) break;
            Property.Holds(sequence.Length < before);
            Add(step, bytes.Length);
        }

        Property.Holds(sequence.Length <= LeftOverBytesMax);
    }

    private void CheckBuffer(in Step step, ReadOnlySpan<byte> before, Span<byte> after, int consumed)
    {
        Property.Holds(consumed >= 0 && consumed <= after.Length);
        if (_over)
        {
            Property.Same(step.Kind, StepKind.NeedMoreData);
            Property.Same(consumed, after.Length);
            return;
        }

        if (step.Kind == StepKind.Fail)
        {
            Property.Same(consumed, after.Length);
            return;
        }

        // The payload is the end of what was consumed. In front of it stands a header, and the code of a Close; behind it nothing changes.
        int payloadAt = consumed - step.Payload.Length;
        Property.Holds(payloadAt >= 0);
        if (step.Payload.Length > 0) Property.Holds(after.Slice(payloadAt, step.Payload.Length) == step.Payload);
        Property.SameBytes(after[consumed..], before[consumed..]);
        int headerLength = Math.Min(payloadAt, step.Kind == StepKind.Close ? step.Header.HeaderLength : payloadAt);
        Property.SameBytes(after[..headerLength], before[..headerLength]);
    }

    private void Add(in Step step, int arrived)
    {
        Property.Holds(!_over);
        switch (step.Kind)
        {
            case StepKind.Message:
            case StepKind.Payload:
                AddData(step);
                break;
            case StepKind.Ping:
            case StepKind.Pong:
                Property.Same(step.Header.Opcode, step.Kind == StepKind.Ping ? Opcode.Ping : Opcode.Pong);
                Transcript.Control((int)step.Header.Opcode, step.Payload);
                break;
            case StepKind.Close:
                AddClose(step);
                break;
            default:
                Property.Same(step.Kind, StepKind.Fail);
                Property.Holds(step.Rule is not null);
                (Rule, FailedAt, _over) = (step.Rule, arrived, true);
                break;
        }
    }

    private void AddData(in Step step)
    {
        bool whole = step.StartOfMessage && step.EndOfMessage;
        Property.Same(step.Kind, whole ? StepKind.Message : StepKind.Payload);
        Property.Same(step.StartOfMessage, !_inMessage);
        _inMessage = !step.EndOfMessage;
        _message.AddRange(step.Payload);
        Property.Holds(_message.Count <= limits.MessageBytesMax);
        Property.Same(Conversation.MessageBytes, _inMessage ? _message.Count : 0);
        if (!step.EndOfMessage) return;
        Transcript.Message((int)step.MessageKind, (int)step.MessageReserved, CollectionsMarshal.AsSpan(_message));
        _message.Clear();
    }

    private void AddClose(in Step step)
    {
        _over = true;
        if (step.CloseCode is not { } code)
        {
            Property.Holds(step.Payload.IsEmpty);
            Transcript.Control((int)Opcode.Close, []);
            return;
        }

        byte[] payload = new byte[2 + step.Payload.Length];
        BinaryPrimitives.WriteUInt16BigEndian(payload, code);
        step.Payload.CopyTo(payload.AsSpan(2));
        Transcript.Control((int)Opcode.Close, payload);
    }
}
