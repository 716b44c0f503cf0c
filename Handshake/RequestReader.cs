// Takes one request head off the front of a connection's bytes. In: what has arrived, in any segmentation. Out: the request, or the
// row that it breaks, told as soon as the bytes that prove it are there. Nothing is consumed before the head is whole, and
// not a byte behind it: a frame that the client sent at once stays in the pipe. However small the pieces are in which it comes, each byte
// is looked at a few times at most: what has been judged is remembered (RequestProgress).
//
//   GET /ws/chat HTTP/1.1 CR LF          request line: method SP target SP version          RFC 9112 §3
//   Host: server.example.com CR LF       field: name ":" OWS value OWS                      RFC 9112 §5
//   ...
//   CR LF                                the empty line ends the head

using System.Buffers;
using System.IO.Pipelines;

namespace RawWs.Handshake;

/// <summary>What came of reading a request.</summary>
public enum RequestStatus : byte
{
    /// <summary>The head is not whole yet.</summary>
    NeedMoreData,

    /// <summary>The head is whole, and well formed.</summary>
    Done,

    /// <summary>It breaks a rule.</summary>
    Violation,

    /// <summary>The peer ended its stream before the head was whole.</summary>
    EndOfStream,

    /// <summary>The read was cancelled.</summary>
    Canceled,
}

/// <summary>What <see cref="RequestReader.ReadAsync"/> found.</summary>
/// <param name="Status">What came of it.</param>
/// <param name="Request">The request, when Done.</param>
/// <param name="Violation">The row, when Violation.</param>
public readonly record struct RequestReadResult(RequestStatus Status, UpgradeRequest? Request, HandshakeRule? Violation);

/// <summary>
/// How far a head that is not whole yet has been judged, so that the next look at it need not begin anew. A new one stands at a head's
/// beginning; it is good for one head, as long as that lies unconsumed at the front of what is shown.
/// </summary>
public readonly struct RequestProgress
{
    internal RequestProgress(int lineStart, int judged, int fields, bool hasRequestLine) =>
        (LineStart, Judged, Fields, HasRequestLine) = (lineStart, judged, fields, hasRequestLine);

    /// <summary>Whether something of the head has been judged.</summary>
    public bool IsUnderWay => Judged > 0;

    /// <summary>Where the line begins that is not whole yet.</summary>
    internal int LineStart { get; }

    /// <summary>How many bytes of the head have been judged, those of that line for themselves.</summary>
    internal int Judged { get; }

    internal int Fields { get; }

    internal bool HasRequestLine { get; }

    internal RequestProgress At(int judged) => new(LineStart, judged, Fields, HasRequestLine);
}

/// <summary>Reads the head of a request.</summary>
public static class RequestReader
{
    /// <summary>
    /// Reads from the pipe until the head is whole, broken, or can't come any more, and advances the reader just past it.
    /// <see cref="PipeReader.CancelPendingRead"/> ends it with Canceled.
    /// </summary>
    public static async ValueTask<RequestReadResult> ReadAsync(PipeReader reader, RequestLimits limits)
    {
        ArgumentNullException.ThrowIfNull(reader);
        ArgumentNullException.ThrowIfNull(limits);
        UpgradeRequest made = new();
        RequestProgress progress = default;
        while (true)
        {
            ReadResult read = await reader.ReadAsync().ConfigureAwait(false);
            ReadOnlySequence<byte> buffer = read.Buffer;
            if (read.IsCanceled)
            {
                reader.AdvanceTo(buffer.Start);
                return new RequestReadResult(RequestStatus.Canceled, null, null);
            }

            RequestStatus status = TryRead(ref buffer, limits, made, ref progress, out HandshakeRule? violation);
            if (status == RequestStatus.NeedMoreData)
            {
                reader.AdvanceTo(buffer.Start, buffer.End);
                if (!read.IsCompleted) continue;
                return new RequestReadResult(RequestStatus.EndOfStream, null, null);
            }

            reader.AdvanceTo(buffer.Start);
            return new RequestReadResult(status, status == RequestStatus.Done ? made : null, violation);
        }
    }

    /// <summary>Takes the head off <paramref name="buffer"/>, if it is all there.</summary>
    /// <param name="buffer">What has arrived; moved past the head only when Done.</param>
    /// <param name="limits">How large it may be.</param>
    /// <param name="request">The request, when Done.</param>
    /// <param name="violation">The row that is broken, when Violation.</param>
    /// <returns>Done, NeedMoreData or Violation.</returns>
    public static RequestStatus TryRead(ref ReadOnlySequence<byte> buffer, RequestLimits limits, out UpgradeRequest? request, out HandshakeRule? violation)
    {
        UpgradeRequest made = new();
        RequestStatus status = TryRead(ref buffer, limits, made, out violation);
        request = status == RequestStatus.Done ? made : null;
        return status;
    }

    /// <summary>The same into a request that has been used before: nothing is allocated once it is large enough.</summary>
    /// <param name="buffer">As for the other.</param>
    /// <param name="limits">As for the other.</param>
    /// <param name="request">Filled when Done, else left as it was.</param>
    /// <param name="violation">As for the other.</param>
    /// <returns>As for the other.</returns>
    public static RequestStatus TryRead(ref ReadOnlySequence<byte> buffer, RequestLimits limits, UpgradeRequest request, out HandshakeRule? violation)
    {
        RequestProgress progress = default;
        return TryRead(ref buffer, limits, request, ref progress, out violation);
    }

    /// <summary>
    /// The same for a head that comes in pieces: the first look at it is given a new progress, and each further one, at those bytes and
    /// more, what the one before has made of it.
    /// </summary>
    /// <param name="buffer">As for the other.</param>
    /// <param name="limits">As for the other; those of the first look.</param>
    /// <param name="request">As for the other.</param>
    /// <param name="progress">How far the head has been judged; moved on when NeedMoreData.</param>
    /// <param name="violation">As for the other.</param>
    /// <returns>As for the other.</returns>
    public static RequestStatus TryRead(
        ref ReadOnlySequence<byte> buffer, RequestLimits limits, UpgradeRequest request, ref RequestProgress progress,
        out HandshakeRule? violation)
    {
        ArgumentNullException.ThrowIfNull(limits);
        ArgumentNullException.ThrowIfNull(request);
        // One byte more than the limit proves that it is passed; beyond that nothing is looked at.
        int length = (int)Math.Min(buffer.Length, (long)limits.HeadBytesMax + 1);
        if (progress.IsUnderWay && ShowsNothing(buffer, length, limits, progress))
        {
            progress = progress.At(length);
            violation = null;
            return RequestStatus.NeedMoreData;
        }

        byte[]? rented = null;
        ReadOnlySpan<byte> bytes = buffer.FirstSpan.Length >= length ? buffer.FirstSpan[..length] : default;
        if (bytes.Length < length)
        {
            rented = ArrayPool<byte>.Shared.Rent(length);
            buffer.Slice(0, length).CopyTo(rented);
            bytes = rented.AsSpan(0, length);
        }

        HeadParser parser = new(bytes, limits, progress);
        RequestStatus status = parser.Parse(out violation);
        if (status == RequestStatus.Done && progress.LineStart > 0)
        {
            parser = new HeadParser(bytes, limits, default);
            status = parser.Parse(out violation);
        }

        if (status == RequestStatus.NeedMoreData) progress = parser.Progress;
        if (status == RequestStatus.Done)
        {
            parser.Fill(request);
            buffer = buffer.Slice(parser.Length);
        }

        if (rented is not null) ArrayPool<byte>.Shared.Return(rented);
        return status;
    }

    // Whether what has come since belongs to the unfinished line and proves nothing: no line end, no control character, no limit passed.
    private static bool ShowsNothing(ReadOnlySequence<byte> buffer, int length, RequestLimits limits, RequestProgress progress)
    {
        if (length < progress.Judged || length > limits.HeadBytesMax) return false;
        if (!progress.HasRequestLine && length - progress.LineStart > limits.RequestLineBytesMax) return false;
        foreach (ReadOnlyMemory<byte> piece in buffer.Slice(progress.Judged, length - progress.Judged))
            if (piece.Span.ContainsAny(HttpGrammar.ControlBytes)) return false;
        return true;
    }
}
