// Says of every byte of a request's or a response's head what it is. The real reader and the real rules run over the bytes, one more at a
// time, and give the verdict; HeadNotes only names the bytes. A response is read as a client would see it: its fields follow the same
// grammar, and so the same reader reads them, behind a request line that is put in place of the status line. Not for the hot path.

using System.Buffers;
using System.Text;

namespace RawWs.Handshake;

/// <summary>Explains the opening handshake byte by byte (RFC 6455 §4), with the verdict of the reader and of the rules.</summary>
public static class HandshakeExplainer
{
    private const int ResponseLineBytesMax = 8 * 1024;

    private static ReadOnlySpan<byte> RequestLineForResponses => "GET / HTTP/1.1\r\n"u8;

    /// <summary>The ids of all sentences that annotations refer to.</summary>
    public static IReadOnlyList<string> TextIds { get; } =
    [
        "request.ignored", "request.method", "request.space", "request.target", "request.query", "request.version", "head.line",
        "head.name", "head.colon", "head.white", "head.end", "head.unfinished", "head.broken", "head.rest", "head.rest.broken",
        "response.version", "response.space", "response.status", "response.status.other", "response.reason", "response.begun",
        "response.malformed",
        "response.rest",
        .. HeadNotes.KnownNames.Select(static name => HeadNotes.IdOf(name)), "field.other", "field.accept.differs",
    ];

    /// <summary>Explains a request.</summary>
    /// <param name="bytes">What the client has sent, from its first byte on. What follows the head is one annotation.</param>
    /// <param name="limits">How large the head may be.</param>
    /// <param name="policy">What the server allows.</param>
    /// <returns>The annotations and the verdict.</returns>
    public static HandshakeExplanation ExplainRequest(ReadOnlySpan<byte> bytes, RequestLimits limits, UpgradePolicy policy)
    {
        ArgumentNullException.ThrowIfNull(limits);
        ArgumentNullException.ThrowIfNull(policy);
        UpgradeRequest request = new();
        byte[] read = bytes[..Math.Min(bytes.Length, limits.HeadBytesMax + 1)].ToArray();
        int decided = Read(read, 0, limits, request, out RequestStatus status, out HandshakeRule? rule);
        UpgradeResult? result = status == RequestStatus.Done ? UpgradeRules.Check(request, policy) : null;
        HeadNotes notes = new(bytes.ToArray(), 0);
        notes.AddHead(read.AsSpan(0, decided), limits, status, rule);
        rule ??= result?.Rule;
        if (result?.Rule is { } broken) notes.Mark(broken);
        if (decided < bytes.Length) notes.AddRest(decided, rule is null ? "head.rest" : "head.rest.broken");
        bool hasKey = request.TryGetHeader("Sec-WebSocket-Key"u8, out ReadOnlySpan<byte> key);
        return new HandshakeExplanation
        {
            Annotations = notes.All,
            Status = status,
            HeadBytes = status == RequestStatus.Done ? decided : 0,
            Rule = rule,
            FailedAt = rule is null ? 0 : decided,
            Result = result,
            Key = hasKey ? Encoding.Latin1.GetString(key) : null,
            Accept = hasKey ? DeriveAccept(key) : null,
            Extensions = request.Extensions,
        };
    }

    /// <summary>Explains the answer to a request.</summary>
    /// <param name="bytes">What the server has sent, from its first byte on. What follows the head is one annotation.</param>
    /// <param name="key">The key of the request, from which Accept must be made; null when it is not known.</param>
    /// <returns>The annotations. Of the rules only those of a head's syntax can be broken.</returns>
    public static HandshakeExplanation ExplainResponse(ReadOnlySpan<byte> bytes, string? key = null)
    {
        AcceptDerivation? accept = key is null ? null : DeriveAccept(Encoding.Latin1.GetBytes(key));
        HeadNotes notes = new(bytes.ToArray(), 0);
        int feed = bytes[..Math.Min(bytes.Length, ResponseLineBytesMax)].IndexOf((byte)'\n');
        int lineEnd = feed < 0 ? Math.Min(bytes.Length, ResponseLineBytesMax) : feed + 1;
        int? code = notes.AddStatusLine(lineEnd, feed >= 0, out int wrongAt);
        if (code is null)
            return new HandshakeExplanation
            {
                Annotations = notes.All,
                Status = wrongAt < 0 ? RequestStatus.NeedMoreData : RequestStatus.Violation,
                MalformedAt = wrongAt < 0 ? null : wrongAt,
                Accept = accept,
            };

        // The fields are read behind a request line of our own. So places in what is read differ from those in the input.
        RequestLimits limits = RequestLimits.Default;
        UpgradeRequest fields = new();
        int ours = RequestLineForResponses.Length;
        byte[] read = [.. RequestLineForResponses, .. bytes[(feed + 1)..Math.Min(bytes.Length, feed + 1 + limits.HeadBytesMax)]];
        int decided = Read(read, ours, limits, fields, out RequestStatus status, out HandshakeRule? rule);
        notes = new HeadNotes(bytes.ToArray(), feed + 1 - ours, notes.All) { Accept = accept?.Accept };
        notes.AddHead(read.AsSpan(0, decided), limits, status, rule);
        int end = decided - ours + feed + 1;
        if (end < bytes.Length) notes.AddRest(end, rule is not null ? "head.rest.broken" : code == 101 ? "head.rest" : "response.rest");
        return new HandshakeExplanation
        {
            Annotations = notes.All,
            Status = status,
            HeadBytes = status == RequestStatus.Done ? end : 0,
            Rule = rule,
            FailedAt = rule is null ? 0 : end,
            StatusCode = code,
            Accept = accept,
            Extensions = fields.Extensions,
        };
    }

    /// <summary>Makes Sec-WebSocket-Accept, and shows each step (RFC 6455 §4.2.2, point 5.4).</summary>
    /// <param name="key">The key as it was sent. It is not checked. Of a longer one the first 24 bytes count.</param>
    /// <returns>The steps.</returns>
    public static AcceptDerivation DeriveAccept(ReadOnlySpan<byte> key)
    {
        key = key[..Math.Min(key.Length, AcceptKey.KeyBytes)];
        byte[] joined = [.. key, .. AcceptKey.Guid], hash = new byte[Sha1.HashBytes], accept = new byte[AcceptKey.AcceptBytes];
        Sha1.HashData(joined, hash);
        AcceptKey.Write(key, accept);
        return new AcceptDerivation(
            Encoding.Latin1.GetString(key), Encoding.Latin1.GetString(joined), Convert.ToHexStringLower(hash),
            Encoding.ASCII.GetString(accept));
    }

    // Gives the reader one more byte at a time, until it decides. Returns how many it took.
    private static int Read(
        byte[] bytes, int from, RequestLimits limits, UpgradeRequest request, out RequestStatus status, out HandshakeRule? rule)
    {
        RequestProgress progress = default;
        (status, rule) = (RequestStatus.NeedMoreData, null);
        int there = from;
        while (status == RequestStatus.NeedMoreData && there < bytes.Length)
        {
            ReadOnlySequence<byte> arrived = new(bytes, 0, ++there);
            status = RequestReader.TryRead(ref arrived, limits, request, ref progress, out rule);
        }

        return there;
    }
}
