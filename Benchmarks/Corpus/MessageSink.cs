// Where a parser's messages go. Measured, it only counts, so that nothing which a parser finds out can be optimised away; at the gate it
// keeps the messages too.

using RawWs.Frame;

namespace RawWs.Benchmarks.Corpus;

/// <summary>Takes messages.</summary>
/// <param name="keeps">Whether the messages are kept.</param>
public sealed class MessageSink(bool keeps = false)
{
    /// <summary>What has been kept.</summary>
    public List<SentMessage> Kept { get; } = [];

    /// <summary>How many messages have come.</summary>
    public long Count { get; private set; }

    /// <summary>How many bytes they had.</summary>
    public long Bytes { get; private set; }

    /// <summary>Takes one message; its bytes are the parser's again when this returns.</summary>
    public void OnMessage(MessageKind kind, ReadOnlySpan<byte> payload)
    {
        Count++;
        Bytes += payload.Length;
        if (keeps) Kept.Add(new SentMessage(kind, payload.ToArray()));
    }
}
