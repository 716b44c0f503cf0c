// Reads one request head at the front of a connection's bytes. In: the bytes that have arrived, in any segmentation. Out: the request, or
// the rule that it breaks, as soon as the bytes that prove it are there. Nothing is consumed before the head is whole, and then no byte
// after it: a frame that the client sent without waiting stays in the pipe. However small the pieces are in which the head comes, each byte
// is read a few times at most, because RequestProgress remembers what has been checked.
//
//   GET /ws/chat HTTP/1.1 CR LF          request line: method SP target SP version          RFC 9112 §3
//   Host: server.example.com CR LF       field: name ":" OWS value OWS                      RFC 9112 §5
//   ...
//   CR LF                                the empty line ends the head

using System.Buffers;
using System.IO.Pipelines;

namespace RawWs.Handshake;

/// <summary>The result of reading a request's head.</summary>
public enum RequestStatus : byte
{
    /// <summary>The head is not whole yet.</summary>
    NeedMoreData,

    /// <summary>The head is whole, and well formed.</summary>
    Done,

    /// <summary>The head breaks a rule.</summary>
    Violation,

    /// <summary>The peer ended its stream before the head was whole.</summary>
    EndOfStream,

    /// <summary>The read was canceled (<see cref="PipeReader.CancelPendingRead"/>).</summary>
    Canceled,
}

/// <summary>What <see cref="RequestReader.ReadAsync"/> found.</summary>
/// <param name="Status">The result.</param>
/// <param name="Request">The request when Status is Done, else null.</param>
/// <param name="Violation">The broken rule when Status is Violation, else null.</param>
public readonly record struct RequestReadResult(RequestStatus Status, UpgradeRequest? Request, HandshakeRule? Violation);

/// <summary>
/// How far a head that is not whole yet has been checked, so that the next call need not begin at its first byte. The default value means
/// that nothing has been checked. A value is for one head, and only while that head's bytes are the first of the buffer.
/// </summary>
public readonly struct RequestProgress
{
    internal RequestProgress(int lineStart, int bytesChecked, int fields, bool hasRequestLine) =>
        (LineStart, BytesChecked, Fields, HasRequestLine) = (lineStart, bytesChecked, fields, hasRequestLine);

    /// <summary>Whether any byte of the head has been checked.</summary>
    public bool HasBegun => BytesChecked > 0;

    /// <summary>Where the unfinished line begins, in bytes from the head's first.</summary>
    internal int LineStart { get; }

    /// <summary>How many bytes have been checked. Those of the unfinished line only byte by byte, not as a line.</summary>
    internal int BytesChecked { get; }

    internal int Fields { get; }

    internal bool HasRequestLine { get; }

    internal RequestProgress With(int bytesChecked) => new(LineStart, bytesChecked, Fields, HasRequestLine);
}

/// <summary>Reads the head of an HTTP request (RFC 9112 §2 to §5).</summary>
public static class RequestReader
{
    /// <summary>
    /// Reads from the pipe until the head is whole, breaks a rule, or cannot come any more. Consumes the head, and no byte after it.
    /// </summary>
    /// <param name="reader">The caller's reader. It stays usable: what follows the head is still in it.</param>
    /// <param name="limits">How large the head may be.</param>
    /// <returns>Any status but NeedMoreData. <see cref="PipeReader.CancelPendingRead"/> ends the call with Canceled.</returns>
    public static async ValueTask<RequestReadResult> ReadAsync(PipeReader reader, RequestLimits limits)
    {
        ArgumentNullException.ThrowIfNull(reader);
        ArgumentNullException.ThrowIfNull(limits);
        UpgradeRequest filled = new();
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

            RequestStatus status = TryRead(ref buffer, limits, filled, ref progress, out HandshakeRule? violation);
            if (status == RequestStatus.NeedMoreData)
            {
                reader.AdvanceTo(buffer.Start, buffer.End);
                if (!read.IsCompleted) continue;
                return new RequestReadResult(RequestStatus.EndOfStream, null, null);
            }

            reader.AdvanceTo(buffer.Start);
            return new RequestReadResult(status, status == RequestStatus.Done ? filled : null, violation);
        }
    }

    /// <summary>Reads the head at the front of <paramref name="buffer"/>, if it is whole.</summary>
    /// <param name="buffer">The bytes that have arrived. When the status is Done the head is removed from it.</param>
    /// <param name="limits">How large the head may be.</param>
    /// <param name="request">The request when the status is Done, else null.</param>
    /// <param name="violation">The broken rule when the status is Violation, else null.</param>
    /// <returns>Done, NeedMoreData or Violation.</returns>
    public static RequestStatus TryRead(
        ref ReadOnlySequence<byte> buffer, RequestLimits limits, out UpgradeRequest? request, out HandshakeRule? violation)
    {
        UpgradeRequest filled = new();
        RequestStatus status = TryRead(ref buffer, limits, filled, out violation);
        request = status == RequestStatus.Done ? filled : null;
        return status;
    }

    /// <summary>
    /// Reads the head at the front of <paramref name="buffer"/>, if it is whole, into a request that may have been used before. Nothing is
    /// allocated when the request's memory is large enough.
    /// </summary>
    /// <param name="buffer">The bytes that have arrived. When the status is Done the head is removed from it.</param>
    /// <param name="limits">How large the head may be.</param>
    /// <param name="request">The caller's request: filled when the status is Done, else not changed.</param>
    /// <param name="violation">The broken rule when the status is Violation, else null.</param>
    /// <returns>Done, NeedMoreData or Violation.</returns>
    public static RequestStatus TryRead(
        ref ReadOnlySequence<byte> buffer, RequestLimits limits, UpgradeRequest request, out HandshakeRule? violation)
    {
        RequestProgress progress = default;
        return TryRead(ref buffer, limits, request, ref progress, out violation);
    }

    /// <summary>
    /// Reads the head at the front of <paramref name="buffer"/>, if it is whole. This overload is for a head that comes in pieces: what an
    /// earlier call has checked is not checked again.
    /// </summary>
    /// <param name="buffer">
    /// The bytes that have arrived: those of the earlier calls for this head, and what follows. When the status is Done the head is
    /// removed.
    /// </param>
    /// <param name="limits">How large the head may be; the same in every call for one head.</param>
    /// <param name="request">The caller's request: filled when the status is Done, else not changed.</param>
    /// <param name="progress">A new value in the first call for a head, and the same variable in each further call.</param>
    /// <param name="violation">The broken rule when the status is Violation, else null.</param>
    /// <returns>Done, NeedMoreData or Violation.</returns>
    public static RequestStatus TryRead(
        ref ReadOnlySequence<byte> buffer, RequestLimits limits, UpgradeRequest request, ref RequestProgress progress,
        out HandshakeRule? violation)
    {
        ArgumentNullException.ThrowIfNull(limits);
        ArgumentNullException.ThrowIfNull(request);
        // One byte more than the limit proves that it is passed. The bytes after that one are not read.
        int length = (int)Math.Min(buffer.Length, (long)limits.HeadBytesMax + 1);
        if (progress.HasBegun && DecidesNothing(buffer, length, limits, progress))
        {
            progress = progress.With(length);
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

    // Whether the new bytes all belong to the unfinished line and break no rule: no line end, no control character, no limit passed.
    private static bool DecidesNothing(ReadOnlySequence<byte> buffer, int length, RequestLimits limits, RequestProgress progress)
    {
        if (length < progress.BytesChecked || length > limits.HeadBytesMax) return false;
        if (!progress.HasRequestLine && length - progress.LineStart > limits.RequestLineBytesMax) return false;
        foreach (ReadOnlyMemory<byte> piece in buffer.Slice(progress.BytesChecked, length - progress.BytesChecked))
            if (piece.Span.ContainsAny(HttpGrammar.ControlBytes)) return false;
        return true;
    }
}
