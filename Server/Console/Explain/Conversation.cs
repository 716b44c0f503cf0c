// A conversation as it is shown: units (a request, a response, a frame, what is not read) in the order in which they came, each with its
// notes; and what became of each direction. The notes of frames and of heads have one form here, so that both reports have one.

using RawWs.Frame;
using RawWs.Handshake;

namespace RawWs.Server.Console.Explain;

/// <summary>What a unit is.</summary>
internal enum UnitKind : byte
{
    Request,
    Response,
    Frame,
    NotRead,
}

/// <summary>A rule, of a frame or of the handshake. The answer to who breaks it is a close code, or an HTTP status.</summary>
internal sealed record BrokenRule(string Name, string Section, string Text, int Answer, bool IsHandshake)
{
    public static BrokenRule? Of(Rule? rule) =>
        rule is null ? null : new(rule.Name, $"RFC 6455 §{rule.Section}", rule.Text, rule.CloseCode, false);

    public static BrokenRule? Of(HandshakeRule? rule) => rule is null ? null : new(rule.Name, rule.Section, rule.Text, rule.Status, true);
}

/// <summary>An annotation. Offsets are those of the direction's bytes.</summary>
internal sealed record Note(
    int Offset, int FirstBit, long BitCount, string Field, string Value, string TextId, BrokenRule? Rule, string Section, string Source)
{
    public long Bit => (Offset * 8L) + FirstBit;

    public static Note Of(FrameAnnotation note, int shift) => new(
        note.Offset + shift, note.FirstBit, note.BitCount, note.Field, note.Value, note.TextId, BrokenRule.Of(note.Rule), note.Section,
        $"{note.SourceFile}#{note.SourceMember}");

    public static Note Of(HandshakeAnnotation note) => new(
        note.Offset, 0, note.Length * 8L, note.Field, note.Value, note.TextId, BrokenRule.Of(note.Rule), note.Section,
        $"{note.SourceFile}#{note.SourceMember}");
}

/// <summary>A request, a response, a frame, or what is not read.</summary>
internal sealed record Unit(Role Sender, UnitKind Kind, int Offset, int Length, IReadOnlyList<Note> Notes)
{
    public ExplainedFrame? Frame { get; init; }

    public HandshakeExplanation? Head { get; init; }
}

/// <summary>What became of one direction.</summary>
/// <param name="Sender">Who has sent the bytes.</param>
/// <param name="Bytes">The bytes.</param>
/// <param name="Rule">The rule that they break, or null.</param>
/// <param name="FailedAt">How many of the bytes prove that.</param>
internal sealed record Direction(Role Sender, byte[] Bytes, BrokenRule? Rule, int FailedAt)
{
    /// <summary>Of a response: the byte for which its first line is none; null if there is no such byte.</summary>
    public int? MalformedAt { get; init; }

    /// <summary>How many of its frames are no units.</summary>
    public int LeftOut { get; init; }

    /// <summary>What the protocol knows when it has read them; null if they have no place for frames.</summary>
    public ExplainedState? State { get; init; }
}

/// <summary>A whole conversation, or one direction of it.</summary>
internal sealed record Conversation(IReadOnlyList<Unit> Units, IReadOnlyList<Direction> Directions)
{
    /// <summary>Of a capture: who talks with whom, and what the capture lacks; else empty.</summary>
    public string Title { get; init; } = "";

    /// <summary>How many frames were judged and are no units.</summary>
    public int LeftOut => Directions.Sum(static direction => direction.LeftOut);

    /// <summary>Whether the sender was guessed from the bytes.</summary>
    public bool IsGuessed { get; init; }

    public Direction Of(Role sender) => Directions.First(direction => direction.Sender == sender);
}
