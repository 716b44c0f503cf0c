// Plays bytes into a WebSocketProtocol in given cuts, as a connection would, and writes down what comes out.

using System.Buffers;
using System.Text;
using RawWs.Frame;

namespace RawWs.Tests.Support;

internal sealed class ProtocolRun
{
    private readonly StringBuilder _events = new();
    private readonly List<byte> _message = [];

    private ProtocolRun(WebSocketProtocol protocol) => Protocol = protocol;

    public WebSocketProtocol Protocol { get; }

    public string Events => _events.ToString().TrimEnd();

    public Rule? Rule { get; private set; }

    /// <summary>How many bytes had arrived when the rule was found broken.</summary>
    public int FailedAt { get; private set; }

    public static ProtocolRun Of(WebSocketProtocol protocol, ReadOnlySpan<byte> bytes, IEnumerable<int> cuts)
    {
        ProtocolRun run = new(protocol);
        byte[] held = [];
        int from = 0;
        foreach (int cut in cuts.Append(bytes.Length))
        {
            held = [.. held, .. bytes[from..cut]];
            from = cut;
            int at = 0;
            while (true)
            {
                ProtocolEvent found = protocol.Next(held.AsSpan(at), out int consumed);
                at += consumed;
                if (found.Kind == ProtocolEventKind.NeedMoreData) break;
                run.Add(found, cut);
            }

            held = held[at..];
        }

        return run;
    }

    public static ProtocolRun OfSequence(WebSocketProtocol protocol, ReadOnlySpan<byte> bytes, IReadOnlyList<int> cuts)
    {
        ProtocolRun run = new(protocol);
        ReadOnlySequence<byte> sequence = Segments.Of(bytes.ToArray(), cuts);
        Span<byte> scratch = stackalloc byte[WebSocketProtocol.ScratchBytesMin];
        while (true)
        {
            ProtocolEvent found = protocol.Next(ref sequence, scratch);
            if (found.Kind == ProtocolEventKind.NeedMoreData) return run;
            run.Add(found, bytes.Length);
        }
    }

    private void Add(in ProtocolEvent found, int arrived)
    {
        switch (found.Kind)
        {
            case ProtocolEventKind.Message:
                _events.Append(Kind(found)).Append(Convert.ToHexString(found.Payload)).Append(' ');
                break;
            case ProtocolEventKind.MessageChunk:
                Assert.That(found.StartOfMessage, Is.EqualTo(_message.Count == 0 && found.StartOfMessage));
                _message.AddRange(found.Payload);
                if (!found.EndOfMessage) break;
                _events.Append(Kind(found)).Append(Convert.ToHexString([.. _message])).Append(' ');
                _message.Clear();
                break;
            case ProtocolEventKind.Ping:
            case ProtocolEventKind.Pong:
                string kind = found.Kind == ProtocolEventKind.Ping ? "ping:" : "pong:";
                _events.Append(kind).Append(Convert.ToHexString(found.Payload)).Append(' ');
                break;
            case ProtocolEventKind.Close:
                string code = found.CloseCode is { } given ? $"{given}:" : "";
                _events.Append("close:").Append(code).Append(Convert.ToHexString(found.Payload)).Append(' ');
                break;
            case ProtocolEventKind.Fail:
                Assert.That(Rule, Is.Null, "A connection fails once.");
                Rule = found.Rule;
                FailedAt = arrived;
                break;
        }
    }

    private static string Kind(in ProtocolEvent found) => found.MessageKind == MessageKind.Text ? "text:" : "binary:";
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
