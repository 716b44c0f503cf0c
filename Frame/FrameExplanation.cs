// What FrameExplainer found out about the bytes of one direction: annotations that cover every bit once, in order; the frames that they
// belong to; and the verdict, which is the protocol's own. All of it belongs to the caller and refers to no memory of his.

namespace RawWs.Frame;

/// <summary>Some bits of the input, and what they are.</summary>
public sealed class FrameAnnotation
{
    /// <summary>The index of the frame in <see cref="FrameExplanation.Frames"/>; -1 for what is not read.</summary>
    public required int Frame { get; init; }

    /// <summary>The byte of the input in which the bits begin.</summary>
    public required int Offset { get; init; }

    /// <summary>The first bit in that byte. Bit 0 is the most significant one, as in the RFC's picture (§5.2).</summary>
    public required int FirstBit { get; init; }

    /// <summary>How many bits there are; 1 or more.</summary>
    public required long BitCount { get; init; }

    /// <summary>The field's name, in the RFC's words.</summary>
    public required string Field { get; init; }

    /// <summary>The field's value, for people: bytes in hexadecimal, text in quotes; a long one is cut. Payload is unmasked.</summary>
    public required string Value { get; init; }

    /// <summary>The id of the sentence that says why: one of <see cref="FrameExplainer.TextIds"/>.</summary>
    public required string TextId { get; init; }

    /// <summary>The rule that these bits break, or null.</summary>
    public Rule? Rule { get; init; }

    /// <summary>Document and section: "RFC 6455 §5.2".</summary>
    public required string Section { get; init; }

    /// <summary>The file of the sources that reads or judges these bits, from the root of the repository.</summary>
    public required string SourceFile { get; init; }

    /// <summary>The member in that file.</summary>
    public required string SourceMember { get; init; }
}

/// <summary>A frame of the input.</summary>
public sealed class ExplainedFrame
{
    /// <summary>The frame's first byte in the input.</summary>
    public required int Offset { get; init; }

    /// <summary>How many of its bytes are there and were read.</summary>
    public required int Length { get; init; }

    /// <summary>Its header, with zeros for bytes that are not there.</summary>
    public required FrameHeader Header { get; init; }

    /// <summary>Whether all its bytes are there, and it breaks no rule.</summary>
    public required bool IsWhole { get; init; }

    /// <summary>The payload that is there, unmasked.</summary>
    public required ReadOnlyMemory<byte> Payload { get; init; }

    /// <summary>What a decoder has made of the payload, or its beginning; null when the message is not marked, or nobody decodes.</summary>
    public ReadOnlyMemory<byte>? Decoded { get; init; }
}

/// <summary>What <see cref="FrameExplainer"/> found.</summary>
public sealed class FrameExplanation
{
    /// <summary>Annotations in the order of the bits. Together they cover the input, each bit once.</summary>
    public required IReadOnlyList<FrameAnnotation> Annotations { get; init; }

    /// <summary>The frames, in order. The last one may not be whole.</summary>
    public required IReadOnlyList<ExplainedFrame> Frames { get; init; }

    /// <summary>How many frames were judged and are not explained one by one.</summary>
    public int FramesLeftOut { get; init; }

    /// <summary>The rule that is broken, or null.</summary>
    public Rule? Rule { get; init; }

    /// <summary>How many bytes of the input prove that; 0 when no rule is broken.</summary>
    public int FailedAt { get; init; }

    /// <summary>What the protocol knows when it has read the input.</summary>
    public ExplainedState State { get; init; } = new();
}
