// Plays bytes into a Conversation in given cuts, as a connection would, and writes down what comes out.

using System.Buffers;
using System.Text;
using RawWs.Frame;

namespace RawWs.Tests.Support;

internal sealed class ConversationRun
{
    private readonly StringBuilder _steps = new();
    private readonly List<byte> _message = [];

    private ConversationRun(Conversation conversation) => Conversation = conversation;

    public Conversation Conversation { get; }

    public string Steps => _steps.ToString().TrimEnd();

    public Rule? Rule { get; private set; }

    /// <summary>How many bytes had arrived when the rule was found broken.</summary>
    public int FailedAt { get; private set; }

    public static ConversationRun Of(Conversation conversation, ReadOnlySpan<byte> bytes, IEnumerable<int> cuts)
    {
        ConversationRun run = new(conversation);
        byte[] held = [];
        int from = 0;
        foreach (int cut in cuts.Append(bytes.Length))
        {
            held = [.. held, .. bytes[from..cut]];
            from = cut;
            int at = 0;
            while (true)
            {
                Step step = conversation.Next(held.AsSpan(at), out int consumed);
                at += consumed;
                if (step.Kind == StepKind.NeedMoreData) break;
                run.Add(step, cut);
            }

            held = held[at..];
        }

        return run;
    }

    public static ConversationRun OfSequence(Conversation conversation, ReadOnlySpan<byte> bytes, IReadOnlyList<int> cuts)
    {
        ConversationRun run = new(conversation);
        ReadOnlySequence<byte> sequence = Segments.Of(bytes.ToArray(), cuts);
        Span<byte> scratch = stackalloc byte[Conversation.ScratchBytesMin];
        while (true)
        {
            Step step = conversation.Next(ref sequence, scratch);
            if (step.Kind == StepKind.NeedMoreData) return run;
            run.Add(step, bytes.Length);
        }
    }

    private void Add(in Step step, int arrived)
    {
        switch (step.Kind)
        {
            case StepKind.Message:
                _steps.Append(Kind(step)).Append(Convert.ToHexString(step.Payload)).Append(' ');
                break;
            case StepKind.Payload:
                Assert.That(step.StartOfMessage, Is.EqualTo(_message.Count == 0 && step.StartOfMessage));
                _message.AddRange(step.Payload);
                if (!step.EndOfMessage) break;
                _steps.Append(Kind(step)).Append(Convert.ToHexString([.. _message])).Append(' ');
                _message.Clear();
                break;
            case StepKind.Ping:
            case StepKind.Pong:
                _steps.Append(step.Kind == StepKind.Ping ? "ping:" : "pong:").Append(Convert.ToHexString(step.Payload)).Append(' ');
                break;
            case StepKind.Close:
                string code = step.CloseCode is { } given ? $"{given}:" : "";
                _steps.Append("close:").Append(code).Append(Convert.ToHexString(step.Payload)).Append(' ');
                break;
            case StepKind.Fail:
                Assert.That(Rule, Is.Null, "A conversation fails once.");
                Rule = step.Rule;
                FailedAt = arrived;
                break;
        }
    }

    private static string Kind(in Step step) => step.MessageKind == MessageKind.Text ? "text:" : "binary:";
}

internal static class Segments
{
    /// <summary>The bytes as a sequence with a segment between any two cuts.</summary>
    public static ReadOnlySequence<byte> Of(byte[] bytes, IReadOnlyList<int> cuts)
    {
        Segment first = new(bytes.AsMemory(0, cuts.Count > 0 ? cuts[0] : bytes.Length), 0);
        Segment last = first;
        for (int i = 0; i < cuts.Count; i++)
        {
            int end = i + 1 < cuts.Count ? cuts[i + 1] : bytes.Length;
            last = last.Append(bytes.AsMemory(cuts[i], end - cuts[i]));
        }

        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, long start)
        {
            Memory = memory;
            RunningIndex = start;
        }

        public Segment Append(ReadOnlyMemory<byte> memory)
        {
            Segment next = new(memory, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}
