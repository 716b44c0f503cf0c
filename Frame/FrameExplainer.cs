// Says of every bit of one direction's bytes what it is. FrameWalk runs the real protocol over them and finds the frames and the verdict;
// FrameNotes names the bits. Where a rule is broken it is told at the field that breaks it, and nothing behind the byte that proves it
// is read, as on a connection. Not for the hot path: it allocates for each field.

namespace RawWs.Frame;

/// <summary>Explains frames bit by bit (§5.2), with the verdict of <see cref="WebSocketProtocol"/>.</summary>
public static class FrameExplainer
{
    /// <summary>The ids of all sentences that annotations refer to.</summary>
    public static IReadOnlyList<string> TextIds { get; } =
    [
        "frame.fin.1", "frame.fin.0", "frame.rsv1.0", "frame.rsv1.1", "frame.rsv1.marked", "frame.rsv.0", "frame.rsv.1",
        "frame.opcode.continuation", "frame.opcode.text", "frame.opcode.binary", "frame.opcode.close", "frame.opcode.ping",
        "frame.opcode.pong", "frame.opcode.reserved", "frame.mask.1", "frame.mask.0", "frame.length.7", "frame.length.16",
        "frame.length.64", "frame.length16", "frame.length64", "frame.key", "frame.payload.text", "frame.payload.binary",
        "frame.payload.ping", "frame.payload.pong", "frame.payload.marked", "frame.close.code", "frame.close.reason", "frame.cut",
        "frame.broken", "frame.rest.close", "frame.rest.broken", "frame.left",
    ];

    /// <summary>Explains the bytes that one end has sent after the handshake.</summary>
    /// <param name="bytes">The bytes, from a frame's first on. They stay the caller's, and are not changed.</param>
    /// <param name="options">What they are read with.</param>
    /// <returns>The annotations, the frames, and the rule that is broken, if one is.</returns>
    public static FrameExplanation Explain(ReadOnlySpan<byte> bytes, FrameExplainerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        FrameWalk walk = FrameWalk.Of(bytes, options);
        List<FrameAnnotation> annotations = [];
        List<ExplainedFrame> frames = [];
        for (int i = 0; i < walk.Frames.Count; i++)
        {
            WalkedFrame frame = walk.Frames[i];
            if (walk.LeftOut > 0 && frame.Start == walk.LeftTo) annotations.Add(LeftOut(bytes, walk));
            FrameNotes notes = new(bytes[..frame.End], i, walk, options, i == walk.Frames.Count - 1 ? walk.Rule : null);
            notes.AddTo(annotations);
            frames.Add(notes.MakeFrame());
        }

        if (walk.LeftOut > 0 && walk.LeftTo == walk.End) annotations.Add(LeftOut(bytes, walk));
        if (walk.End < bytes.Length) annotations.Add(Rest(bytes[walk.End..], walk));
        return new FrameExplanation
        {
            Annotations = annotations,
            Frames = frames,
            FramesLeftOut = walk.LeftOut,
            Rule = walk.Rule,
            FailedAt = walk.Rule is null ? 0 : walk.End,
            State = walk.State,
        };
    }

    private static FrameAnnotation LeftOut(ReadOnlySpan<byte> bytes, FrameWalk walk) => new()
    {
        Frame = -1,
        Offset = walk.LeftFrom,
        FirstBit = 0,
        BitCount = (walk.LeftTo - walk.LeftFrom) * 8L,
        Field = "frames left out",
        Value = FieldValue.Hex(bytes[walk.LeftFrom..walk.LeftTo]),
        TextId = "frame.left",
        Section = "RFC 6455 §5.2",
        SourceFile = "Frame/WebSocketProtocol.cs",
        SourceMember = "Next",
    };

    // §1.4, §7.1.7: after a Close and after a failure bytes are discarded.
    private static FrameAnnotation Rest(ReadOnlySpan<byte> rest, FrameWalk walk) => new()
    {
        Frame = -1,
        Offset = walk.End,
        FirstBit = 0,
        BitCount = rest.Length * 8L,
        Field = "not read",
        Value = FieldValue.Hex(rest),
        TextId = walk.Rule is null ? "frame.rest.close" : "frame.rest.broken",
        Section = walk.Rule is null ? "RFC 6455 §1.4" : "RFC 6455 §7.1.7",
        SourceFile = "Frame/ProtocolTable.cs",
        SourceMember = "Parses",
    };
}
