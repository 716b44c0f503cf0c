// Target "request": RequestReader and UpgradeRules over a request's head, cut at places that the fuzzer chooses.
//
//   byte 0       bits 0 and 1: the limits, one of those in the table below; bits 2 to 7: the policy
//   bytes 1–8    the cuts
//   the rest     what the client sends
//
// Properties: the status, the row that is broken and the head's length are those of an oracle that reads one byte at a time, for every
// prefix and any segments, and also when RequestProgress remembers from piece to piece what has been checked; what stands behind the head
// is left; limits are kept; the result is that of an oracle over strings; the request, written again, gives the same result; a 101 is byte
// for byte what it has to be. HandshakeExplainer finds the same rule at the same byte, and covers every byte once.

using System.Buffers;
using System.IO.Pipelines;
using System.Security.Cryptography;
using System.Text;
using RawWs.Handshake;

namespace RawWs.Fuzz;

internal static class UpgradeTarget
{
    private const int OptionBytes = 9;
    private const int EveryPrefixBytesMax = 300;

    private static readonly RequestLimits[] Limits =
    [
        new(),
        new() { RequestLineBytesMax = 30, HeadBytesMax = 250 },
        new() { RequestLineBytesMax = 60, HeadBytesMax = 60 },
        new() { HeadersMax = 6, QueryParametersMax = 3, TokensMax = 3, SubprotocolsMax = 3, ExtensionsMax = 2, ExtensionParametersMax = 2 },
    ];

    public static void Run(ReadOnlySpan<byte> input)
    {
        if (input.Length < OptionBytes) return;
        RequestLimits limits = Limits[input[0] & 3];
        UpgradePolicy policy = Policy(input[0]);
        ReadOnlySpan<byte> bytes = input[OptionBytes..];
        int[] ends = Cuts.Of(input.Slice(1, Cuts.PlanBytes), bytes.Length);
        RequestOracle oracle = new(limits);
        oracle.Take(bytes);

        foreach (int length in Prefixes(bytes.Length, ends, oracle.DecidedAt))
        {
            ReadOnlySequence<byte> prefix = new(bytes[..length].ToArray());
            RequestStatus status = RequestReader.TryRead(ref prefix, limits, out _, out HandshakeRule? violation);
            bool decided = length >= oracle.DecidedAt;
            Property.Same((status, violation), decided ? (oracle.Status, oracle.Rule) : (RequestStatus.NeedMoreData, null));
        }

        CheckProgress(bytes, ends, limits, oracle);
        CheckExplanation(bytes, limits, policy, oracle);
        ReadOnlySequence<byte> sequence = Cuts.Segments(bytes, ends);
        CheckPipe(sequence, limits, oracle);
        RequestStatus whole = RequestReader.TryRead(ref sequence, limits, out UpgradeRequest? request, out HandshakeRule? rule);
        Property.Same((whole, rule), (oracle.Status, oracle.Rule));
        Property.SameBytes(sequence.ToArray(), whole == RequestStatus.Done ? bytes[oracle.DecidedAt..] : bytes);
        if (request is null) return;
        Property.Holds(oracle.DecidedAt <= limits.HeadBytesMax);
        CheckRequest(request, oracle);
        UpgradeResult result = CheckResult(request, policy, limits, oracle);
        CheckRoundTrip(request, policy, limits, result);
        if (result.Kind == UpgradeResultKind.Upgrade) CheckSwitch(request, result.Subprotocol);
    }

    /// <summary>The row that the product says this input breaks, or null.</summary>
    public static HandshakeRule? RuleOf(ReadOnlySpan<byte> input)
    {
        if (input.Length < OptionBytes) return null;
        ReadOnlySequence<byte> bytes = new(input[OptionBytes..].ToArray());
        RequestReader.TryRead(ref bytes, Limits[input[0] & 3], out UpgradeRequest? request, out HandshakeRule? violation);
        return request is null ? violation : UpgradeRules.Check(request, Policy(input[0])).Rule;
    }

    private static UpgradePolicy Policy(int bits) => new()
    {
        Pages = (bits & 4) != 0 ? ["/"] : [],
        AllowNullOrigin = (bits & 8) != 0,
        AllowedOrigins = (bits & 16) != 0 ? ["https://example.com", "http://[::1]:81"] : [],
        AllowedHosts = (bits & 32) != 0 ? ["ws.example"] : [],
        Subprotocols = (bits & 64) != 0 ? ["chat", "a"] : [],
        Endpoints = (bits & 128) != 0 ? ["/", "/ws/"] : null,
    };

    private static IEnumerable<int> Prefixes(int length, int[] ends, int decidedAt)
    {
        if (length <= EveryPrefixBytesMax) return Enumerable.Range(0, length + 1);
        List<int> prefixes = [.. ends];
        for (long at = decidedAt - 1L; at <= decidedAt + 1L && at <= length; at++) prefixes.Add((int)at);
        return prefixes;
    }

    private static void CheckProgress(ReadOnlySpan<byte> bytes, int[] ends, RequestLimits limits, RequestOracle oracle)
    {
        RequestProgress progress = default;
        UpgradeRequest request = new();
        for (int i = 0; i < ends.Length; i++)
        {
            ReadOnlySequence<byte> shown = Cuts.Segments(bytes[..ends[i]], ends[..(i + 1)]);
            RequestStatus status = RequestReader.TryRead(ref shown, limits, request, ref progress, out HandshakeRule? violation);
            bool decided = ends[i] >= oracle.DecidedAt;
            Property.Same((status, violation), decided ? (oracle.Status, oracle.Rule) : (RequestStatus.NeedMoreData, null));
            if (!decided) continue;
            if (status == RequestStatus.Done) CheckRequest(request, oracle);
            return;
        }
    }

    private static void CheckExplanation(ReadOnlySpan<byte> bytes, RequestLimits limits, UpgradePolicy policy, RequestOracle oracle)
    {
        HandshakeExplanation explained = HandshakeExplainer.ExplainRequest(bytes, limits, policy);
        Property.Same(explained.Status, oracle.Status);
        if (oracle.Status == RequestStatus.Violation) Property.Same((explained.Rule, explained.FailedAt), (oracle.Rule, oracle.DecidedAt));
        if (oracle.Status == RequestStatus.Done) Property.Same(explained.HeadBytes, oracle.DecidedAt);
        CheckTiles(explained, bytes.Length);

        // As a response it is mostly nonsense; it is covered all the same.
        CheckTiles(HandshakeExplainer.ExplainResponse(bytes), bytes.Length);
        byte[] answer = [.. "HTTP/1.1 101 Yes\r\n"u8, .. bytes];
        CheckTiles(HandshakeExplainer.ExplainResponse(answer, "dGhlIHNhbXBsZSBub25jZQ=="), answer.Length);
    }

    private static void CheckTiles(HandshakeExplanation explained, int length)
    {
        int at = 0;
        foreach (HandshakeAnnotation note in explained.Annotations)
        {
            Property.Same(note.Offset, at);
            Property.Holds(note.Length > 0 && (note.Rule is null || note.Rule == explained.Rule));
            at += note.Length;
        }

        Property.Same(at, length);
        Property.Same(explained.Annotations.Count(static note => note.Rule is not null), explained.Rule is null ? 0 : 1);
    }

    private static void CheckPipe(ReadOnlySequence<byte> sequence, RequestLimits limits, RequestOracle oracle)
    {
        Task<RequestReadResult> reading = RequestReader.ReadAsync(PipeReader.Create(sequence), limits).AsTask();
        Property.Holds(reading.IsCompletedSuccessfully);
        RequestReadResult read = reading.Result;
        RequestStatus expected = oracle.Status == RequestStatus.NeedMoreData ? RequestStatus.EndOfStream : oracle.Status;
        Property.Same((read.Status, read.Violation), (expected, oracle.Rule));
    }

    private static void CheckRequest(UpgradeRequest request, RequestOracle oracle)
    {
        Property.Same(Text(request.Method), oracle.Method);
        Property.Same(Text(request.Target), oracle.Target);
        Property.Same($"{request.MajorVersion}.{request.MinorVersion}", oracle.Version);
        int count = 0;
        foreach (HeaderField field in request.Headers)
        {
            Property.Same((Text(field.Name), Text(field.Value)), oracle.Fields[count]);
            count++;
        }

        Property.Same(count, oracle.Fields.Count);
        _ = request.TryGetQuery("uid"u8, out byte[] value, out int times);
        Property.Same((Convert.ToHexString(value), times), QueryOracle.Find(Text(request.Query), "uid"));
        if (request.TargetIsValid && oracle.Target[0] == '/')
            Property.Same(request.Path, Uri.UnescapeDataString(oracle.Target.Split('?')[0]));
    }

    private static UpgradeResult CheckResult(UpgradeRequest request, UpgradePolicy policy, RequestLimits limits, RequestOracle oracle)
    {
        UpgradeResult result = UpgradeRules.Check(request, policy);
        Property.Same((result.Kind, result.Rule), new UpgradeOracle(oracle, request.Path, policy, limits).Judge(result.Rule));
        Property.Same(result.Rule == HandshakeRules.TargetMalformed, !IsBeforeTarget(result.Rule) && !request.TargetIsValid);
        Property.Holds(result.Subprotocol is null || (
            policy.Subprotocols.Contains(result.Subprotocol) && request.Subprotocols.Contains(result.Subprotocol)));
        Property.Holds(!result.NullOriginUsed || request.Origin is "null" or "file://");
        return result;
    }

    private static bool IsBeforeTarget(HandshakeRule? rule) =>
        rule == HandshakeRules.MethodNotAllowed || rule == HandshakeRules.MajorVersionNotSupported;

    private static void CheckRoundTrip(UpgradeRequest request, UpgradePolicy policy, RequestLimits limits, UpgradeResult result)
    {
        StringBuilder text = new();
        text.Append(Text(request.Method)).Append(' ').Append(Text(request.Target))
            .Append($" HTTP/{request.MajorVersion}.{request.MinorVersion}\r\n");
        foreach (HeaderField field in request.Headers) text.Append(Text(field.Name)).Append(": ").Append(Text(field.Value)).Append("\r\n");
        ReadOnlySequence<byte> bytes = new(Encoding.Latin1.GetBytes(text.Append("\r\n").ToString()));
        // Written anew it may be longer: only what it lists has the same limits.
        RequestLimits roomy = new()
        {
            QueryParametersMax = limits.QueryParametersMax,
            TokensMax = limits.TokensMax,
            SubprotocolsMax = limits.SubprotocolsMax,
            ExtensionsMax = limits.ExtensionsMax,
            ExtensionParametersMax = limits.ExtensionParametersMax,
        };
        Property.Same(RequestReader.TryRead(ref bytes, roomy, out UpgradeRequest? again, out _), RequestStatus.Done);
        Property.Same(UpgradeRules.Check(again!, policy), result);
    }

    private static void CheckSwitch(UpgradeRequest request, string? subprotocol)
    {
        ArrayBufferWriter<byte> written = new();
        UpgradeResponse.WriteSwitchingProtocols(written, request, subprotocol);
        Property.Holds(request.TryGetHeader("Sec-WebSocket-Key"u8, out ReadOnlySpan<byte> key));
#pragma warning disable CA5350 // RFC 6455 §1.3 prescribes SHA-1; the oracle is the system's.
        string accept = Convert.ToBase64String(SHA1.HashData(Encoding.Latin1.GetBytes(Text(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
#pragma warning restore CA5350
        string protocol = subprotocol is null ? "" : $"Sec-WebSocket-Protocol: {subprotocol}\r\n";
        Property.Same(Text(written.WrittenSpan),
            $"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + $"Sec-WebSocket-Accept: {accept}\r\n{protocol}\r\n");
    }

    private static string Text(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes);
}
