// What HandshakeExplainer found out about a request or a response: annotations that cover every byte once, in order, and the verdict, which
// is that of RequestReader and UpgradeRules. All of it belongs to the caller and refers to no memory of his.

namespace RawWs.Handshake;

/// <summary>Some bytes of a head, and what they are.</summary>
public sealed class HandshakeAnnotation
{
    /// <summary>The first byte in the input.</summary>
    public required int Offset { get; init; }

    /// <summary>How many bytes there are; 1 or more.</summary>
    public required int Length { get; init; }

    /// <summary>What they are called: "method", "name", "value of Host".</summary>
    public required string Field { get; init; }

    /// <summary>The bytes as text, for people; what a terminal might obey is escaped, and a long text is cut.</summary>
    public required string Value { get; init; }

    /// <summary>The id of the sentence that says why: one of <see cref="HandshakeExplainer.TextIds"/>.</summary>
    public required string TextId { get; init; }

    /// <summary>The rule that these bytes break, or null. What is missing is missed where the head ends.</summary>
    public HandshakeRule? Rule { get; init; }

    /// <summary>Document and section: "RFC 6455 §4.2.1".</summary>
    public required string Section { get; init; }

    /// <summary>The file of the sources that reads, judges or writes these bytes, from the root of the repository.</summary>
    public required string SourceFile { get; init; }

    /// <summary>The member in that file.</summary>
    public required string SourceMember { get; init; }
}

/// <summary>How Sec-WebSocket-Accept is made, step by step (RFC 6455 §4.2.2, point 5.4).</summary>
/// <param name="Key">The key as it was sent. It is not decoded.</param>
/// <param name="Joined">The key with the fixed text behind it.</param>
/// <param name="Hash">The SHA-1 hash of that: 20 bytes in hexadecimal.</param>
/// <param name="Accept">The hash in base64.</param>
public sealed record AcceptDerivation(string Key, string Joined, string Hash, string Accept);

/// <summary>What <see cref="HandshakeExplainer"/> found.</summary>
public sealed class HandshakeExplanation
{
    /// <summary>Annotations in the order of the bytes. Together they cover the input, each byte once.</summary>
    public required IReadOnlyList<HandshakeAnnotation> Annotations { get; init; }

    /// <summary>Whether the head is whole, breaks the syntax, or more bytes are needed.</summary>
    public required RequestStatus Status { get; init; }

    /// <summary>The head's length in bytes when it is whole, else 0. What follows is not part of it.</summary>
    public int HeadBytes { get; init; }

    /// <summary>The rule that is broken, or null.</summary>
    public HandshakeRule? Rule { get; init; }

    /// <summary>
    /// How many bytes prove that; 0 when no rule is broken. The syntax is judged byte by byte, the meaning when the head is whole.
    /// </summary>
    public int FailedAt { get; init; }

    /// <summary>Of a request that is whole: what the answer is.</summary>
    public UpgradeResult? Result { get; init; }

    /// <summary>Of a response: its status, or null when its first line is not whole or not well formed.</summary>
    public int? StatusCode { get; init; }

    /// <summary>Of a response: the byte for which its first line is none; null if there is no such byte.</summary>
    public int? MalformedAt { get; init; }

    /// <summary>Of a request: its key, or null.</summary>
    public string? Key { get; init; }

    /// <summary>How Accept is made of the request's key; null when there is no key.</summary>
    public AcceptDerivation? Accept { get; init; }

    /// <summary>The extensions that the head lists, in order: offers of a request, agreements of a response.</summary>
    public IReadOnlyList<ExtensionOffer> Extensions { get; init; } = [];
}
