// The opening handshake: every vector whole and in pieces, the order of the rules, the answers byte for byte.

using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using RawWs.Handshake;
using RawWs.Tests.Support;

namespace RawWs.Tests.Handshake;

public sealed class HandshakeTests
{
    private static readonly UpgradePolicy Policy = RequestVectors.AnyPath;
    private static readonly RequestLimits Limits = new();

    private static IReadOnlyList<RequestVector> Vectors => RequestVectors.All;

    private static IReadOnlyList<HandshakeRule> Rules => HandshakeRules.All;

    [TestCaseSource(nameof(Vectors))]
    public void Vector_InAnySegmentation(RequestVector vector)
    {
        foreach (int[] cuts in CutsOf(vector.Bytes.Length))
        {
            ReadOnlySequence<byte> buffer = Segments.Of(vector.Bytes, cuts);
            RequestStatus status = RequestReader.TryRead(ref buffer, Limits, out UpgradeRequest? request, out HandshakeRule? violation);
            Assert.That(Judge(status, request, violation, vector.Policy), Is.EqualTo((vector.Expected, vector.Rule)),
                $"cuts {string.Join(',', cuts.Take(9))}");
            if (status == RequestStatus.Done) Assert.That(buffer.IsEmpty);
        }
    }

    [TestCaseSource(nameof(Vectors))]
    public async Task Vector_ThroughAPipe_ByteByByte(RequestVector vector)
    {
        Pipe pipe = new();
        ValueTask<RequestReadResult> reading = RequestReader.ReadAsync(pipe.Reader, Limits);
        foreach (byte b in vector.Bytes)
        {
            await pipe.Writer.WriteAsync(new[] { b });
            if (reading.IsCompleted) break;
        }

        await pipe.Writer.WriteAsync("rest"u8.ToArray());
        await pipe.Writer.CompleteAsync(); // so that a reader which wants more gets its end, and the test fails in place of waiting
        RequestReadResult read = await reading;
        Assert.That(Judge(read.Status, read.Request, read.Violation, vector.Policy), Is.EqualTo((vector.Expected, vector.Rule)));
        if (read.Status != RequestStatus.Done) return;
        ReadResult rest = await pipe.Reader.ReadAsync();
        Assert.That(Encoding.ASCII.GetString(rest.Buffer), Is.EqualTo("rest"), "what follows the request stays in the pipe");
    }

    // RequestProgress remembers what has been checked, and the answer is the same at the same byte, however the head is cut.
    [TestCaseSource(nameof(Vectors))]
    public void Vector_WithItsProgressRemembered(RequestVector vector)
    {
        foreach (int[] cuts in CutsOf(vector.Bytes.Length).Append([.. Enumerable.Range(1, vector.Bytes.Length - 1)]))
        {
            RequestProgress progress = default;
            UpgradeRequest request = new();
            foreach (int end in cuts.Append(vector.Bytes.Length))
            {
                ReadOnlySequence<byte> anew = new(vector.Bytes, 0, end), again = anew;
                RequestStatus expected = RequestReader.TryRead(ref anew, Limits, out _, out HandshakeRule? rule);
                RequestStatus status = RequestReader.TryRead(ref again, Limits, request, ref progress, out HandshakeRule? violation);
                Assert.That((status, violation, again.Length), Is.EqualTo((expected, rule, anew.Length)),
                    $"{end} bytes, cuts {string.Join(',', cuts.Take(9))}");
                if (status == RequestStatus.NeedMoreData) continue;
                Assert.That(Judge(status, request, violation, vector.Policy), Is.EqualTo((vector.Expected, vector.Rule)));
                break;
            }
        }
    }

    [Test]
    public void EveryRuleHasAVector()
    {
        // The server checks the last six, by its clock, its counts and its memory; its own tests have them.
        IEnumerable<HandshakeRule> tested = Vectors.Select(static vector => vector.Rule).OfType<HandshakeRule>()
            .Append(HandshakeRules.TooSlow).Append(HandshakeRules.TooManyConnections).Append(HandshakeRules.TooManyFromAddress)
            .Append(HandshakeRules.TooManyHandshakes).Append(HandshakeRules.TooManyOfUid).Append(HandshakeRules.OutOfMemory);
        Assert.That(Rules.Except(tested), Is.Empty);
    }

    [Test]
    public void TheFirstBrokenRowAnswers()
    {
        // Everything is wrong with this one. With each thing mended, the next rule in the table's order answers.
        List<HandshakeRule> expected =
            [HandshakeRules.MethodNotAllowed, HandshakeRules.MajorVersionNotSupported, HandshakeRules.TargetMalformed,
            HandshakeRules.HostDoubled, HandshakeRules.ConnectionWithoutUpgrade, HandshakeRules.ProtocolVersionNot13,
            HandshakeRules.KeyMalformed,
            HandshakeRules.BodyNotAllowed, HandshakeRules.SubprotocolsMalformed, HandshakeRules.ExtensionsMalformed,
                HandshakeRules.OriginNotAllowed];
        (string Wrong, string Right)[] parts =
            [("POST", "GET"), ("HTTP/3.1", "HTTP/1.1"), ("/%", "/other"), ("Host: b\r\n", ""), ("close", "upgrade"),
                ("Version: 12", "Version: 13"),
            ("Key: x", "Key: dGhlIHNhbXBsZSBub25jZQ=="), ("Content-Length: 1\r\n", ""), ("a,a", "a"), (";;", "x"),
                ("http://evil.example", "http://localhost")];
        string request =
            "POST /% HTTP/3.1\r\nHost: a\r\nHost: b\r\nUpgrade: websocket\r\nConnection: close\r\nSec-WebSocket-Version: 12\r\n"
            + "Sec-WebSocket-Key: x\r\n"
            + "Content-Length: 1\r\nSec-WebSocket-Protocol: a,a\r\nSec-WebSocket-Extensions: ;;\r\nOrigin: http://evil.example\r\n\r\n";
        for (int i = 0; i < expected.Count; i++)
        {
            Assert.That(JudgeWhole(request).Rule, Is.EqualTo(expected[i]));
            if (i < parts.Length) request = request.Replace(parts[i].Wrong, parts[i].Right, StringComparison.Ordinal);
        }
    }

    [Test]
    public void Limits_HoldAtTheirByte()
    {
        string line = "GET /" + new string('a', 8192 - 14) + " HTTP/1.1";
        Assert.That(line, Has.Length.EqualTo(8192));
        Assert.That(JudgeWhole(line + "\r\nHost: a\r\n\r\n").Rule, Is.EqualTo(HandshakeRules.UpgradeNotAsked));
        Assert.That(JudgeWhole(line.Replace("/a", "/aa", StringComparison.Ordinal) + "\r\nHost: a\r\n\r\n").Rule,
            Is.EqualTo(HandshakeRules.RequestLineTooLong));

        string fields = string.Concat(Enumerable.Repeat("A: b\r\n", 94));
        Assert.That(JudgeWhole(RequestVectors.With(fields)).Kind, Is.EqualTo(UpgradeResultKind.Upgrade), "99 fields");
        Assert.That(JudgeWhole(RequestVectors.With(fields + "A: b\r\n")).Kind, Is.EqualTo(UpgradeResultKind.Upgrade), "100 fields");
        Assert.That(JudgeWhole(RequestVectors.With(fields + "A: b\r\nA: b\r\n")).Rule,
            Is.EqualTo(HandshakeRules.TooManyHeaders), "101 fields");

        string filler = "A: " + new string('a', 32768 - RequestVectors.Valid.Length - 5) + "\r\n";
        Assert.That(JudgeWhole(RequestVectors.With(filler)).Kind, Is.EqualTo(UpgradeResultKind.Upgrade), "32,768 bytes");
        Assert.That(JudgeWhole(RequestVectors.With("A" + filler)).Rule, Is.EqualTo(HandshakeRules.HeadTooLarge), "32,769 bytes");
    }

    [Test]
    public void Section_1_3_TheExample()
    {
        byte[] accept = new byte[AcceptKey.AcceptBytes];
        AcceptKey.Write("dGhlIHNhbXBsZSBub25jZQ=="u8, accept);
        Assert.That(Encoding.ASCII.GetString(accept), Is.EqualTo("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    }

    [Test]
    public void Section_4_2_2_TheSwitch_ByteForByte()
    {
        UpgradeRequest request = Parse(RequestVectors.With("Sec-WebSocket-Protocol: a, chat\r\n"))!;
        string? subprotocol = UpgradeRules.Check(request, new UpgradePolicy { Subprotocols = ["chat", "a"] }).Subprotocol;
        ArrayBufferWriter<byte> writer = new();
        UpgradeResponse.WriteSwitchingProtocols(writer, request, subprotocol);
        Assert.That(Encoding.ASCII.GetString(writer.WrittenSpan), Is.EqualTo(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n"));
    }

    // The key is checked by the rules, not here. Whatever it is, the answer is one: at most 24 bytes of it count.
    [TestCase("", "Kfh9QIsMVZcl6xEPYxPHzW8SZ8w=")]
    [TestCase("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==more\r\n", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")]
    public void Section_4_2_2_AnswersToAnyKey(string field, string accept)
    {
        UpgradeRequest request = Parse(
            RequestVectors.Valid.Replace("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", field, StringComparison.Ordinal))!;
        ArrayBufferWriter<byte> writer = new();
        UpgradeResponse.WriteSwitchingProtocols(writer, request, null);
        Assert.That(Encoding.ASCII.GetString(writer.WrittenSpan), Does.EndWith($"Sec-WebSocket-Accept: {accept}\r\n\r\n"));
    }

    [Test]
    public void Section_4_2_2_WithNothingInCommon_NeitherFieldIsInTheAnswer()
    {
        UpgradeRequest request = Parse(
            RequestVectors.With("Sec-WebSocket-Protocol: a, b\r\nSec-WebSocket-Extensions: x-nobodys-extension\r\n"))!;
        UpgradeResult result = UpgradeRules.Check(request, new UpgradePolicy { Subprotocols = ["chat"] });
        Assert.That((result.Kind, result.Subprotocol), Is.EqualTo((UpgradeResultKind.Upgrade, (string?)null)));
        ArrayBufferWriter<byte> writer = new();
        UpgradeResponse.WriteSwitchingProtocols(writer, request, result.Subprotocol);
        Assert.That(Encoding.ASCII.GetString(writer.WrittenSpan), Is.EqualTo(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"));
    }

    [TestCase(nameof(HandshakeRules.HostMissing), 400)]
    [TestCase(nameof(HandshakeRules.OriginNotAllowed), 403)]
    [TestCase(nameof(HandshakeRules.PathUnknown), 404)]
    [TestCase(nameof(HandshakeRules.MethodNotAllowed), 405)]
    [TestCase(nameof(HandshakeRules.TooSlow), 408)]
    [TestCase(nameof(HandshakeRules.UpgradeNotAsked), 426)]
    [TestCase(nameof(HandshakeRules.ProtocolVersionNot13), 426)]
    [TestCase(nameof(HandshakeRules.HeadTooLarge), 431)]
    [TestCase(nameof(HandshakeRules.TooManyFromAddress), 429)]
    [TestCase(nameof(HandshakeRules.TooManyConnections), 503)]
    [TestCase(nameof(HandshakeRules.MajorVersionNotSupported), 505)]
    public void TheStatus_SaysWhatKindOfWrong(string rule, int status) =>
        Assert.That(Rules.Single(row => row.Name == rule).Status, Is.EqualTo(status));

    [TestCaseSource(nameof(Rules))]
    public void EveryRefusal_SaysWhatWasWrong_AndCloses(HandshakeRule rule)
    {
        ArrayBufferWriter<byte> writer = new();
        UpgradeResponse.WriteRefusal(writer, rule);
        string[] parts = Encoding.UTF8.GetString(writer.WrittenSpan).Split("\r\n\r\n", 2);
        Assert.That(parts[0], Does.StartWith($"HTTP/1.1 {rule.Status} ").And.Contain("\r\nConnection: ").And.Contain("close"));
        Assert.That(parts[0], Does.Contain($"\r\nContent-Length: {Encoding.UTF8.GetByteCount(parts[1])}\r\n"));
        Assert.That(parts[1], Does.StartWith(rule.Text));
        Assert.That(parts[0].Contains("\r\nAllow: GET, HEAD\r\n", StringComparison.Ordinal), Is.EqualTo(rule.Status == 405));
        Assert.That(parts[0].Contains("\r\nUpgrade: websocket\r\n", StringComparison.Ordinal), Is.EqualTo(rule.Status == 426));
        Assert.That(parts[0].Contains("\r\nSec-WebSocket-Version: 13\r\n", StringComparison.Ordinal),
            Is.EqualTo(rule == HandshakeRules.ProtocolVersionNot13));
        Assert.That(parts[0].Contains("\r\nRetry-After: ", StringComparison.Ordinal), Is.EqualTo(rule.Status is 429 or 503));
    }

    [TestCase("https://example.com", "https://example.com:443", true)]
    [TestCase("https://example.com", "http://example.com", false)]
    [TestCase("*", "https://anything.example", true)]
    [TestCase("https://example.com", "null", false)]
    public void Section_10_2_NamedOrigins(string allowed, string origin, bool expected)
    {
        UpgradeResult result = UpgradeRules.Check(
            Parse(RequestVectors.With($"Origin: {origin}\r\n"))!, new UpgradePolicy { AllowedOrigins = [allowed] });
        Assert.That(result.Kind == UpgradeResultKind.Upgrade, Is.EqualTo(expected));
    }

    [TestCase("ws.example", true)]
    [TestCase("other.example", false)]
    public void Section_10_2_SameHost_CountsWhereTheHostIsKnown(string allowedHost, bool expected)
    {
        string request = RequestVectors.With("Origin: https://ws.example\r\n")
            .Replace("Host: localhost:2000", "Host: ws.example", StringComparison.Ordinal);
        Assert.That(UpgradeRules.Check(
            Parse(request)!, new UpgradePolicy { AllowedHosts = [allowedHost] }).Kind == UpgradeResultKind.Upgrade, Is.EqualTo(expected));
    }

    [Test]
    public void Rfc9112_3_2_2_InAbsoluteForm_TheTargetsAuthorityCounts()
    {
        UpgradeRequest request = Parse(RequestVectors.Valid.Replace("/ws/chat", "ws://evil.example:81/ws/a?b", StringComparison.Ordinal))!;
        Assert.That((Encoding.ASCII.GetString(request.Host), request.Path, Encoding.ASCII.GetString(request.Query)),
            Is.EqualTo(("evil.example:81", "/ws/a", "b")));
    }

    [TestCase("/ws", "/ws", true)]
    [TestCase("/ws", "/ws/", false)]
    [TestCase("/ws", "/ws/a", false)]
    [TestCase("/ws/", "/ws/", true)]
    [TestCase("/ws/", "/ws/a", true)]
    [TestCase("/ws/", "/ws", false)]
    [TestCase("/ws/", "/wsa", false)]
    [TestCase("/", "/", true)]
    [TestCase("/", "/a", false)]
    [TestCase("/\u20ac", "/%E2%82%AC", true)]
    public void APolicy_MayNameTheEndpoints(string endpoint, string path, bool expected)
    {
        UpgradeRequest request = Parse(RequestVectors.Valid.Replace("/ws/chat", path, StringComparison.Ordinal))!;
        Assert.That(UpgradeRules.Check(request, new UpgradePolicy { Endpoints = [endpoint] }).Rule,
            Is.EqualTo(expected ? null : HandshakeRules.PathUnknown));
    }

    [Test]
    public void Rfc9110_6_6_1_TheDate_IsTheCallers()
    {
        byte[] date = HttpDate.Format(new DateTimeOffset(1994, 11, 6, 9, 49, 37, TimeSpan.FromHours(1)));
        Assert.That(date, Has.Length.EqualTo(HttpDate.Bytes));
        ArrayBufferWriter<byte> with = new(), without = new();
        UpgradeResponse.WriteRefusal(with, HandshakeRules.HostMissing, headOnly: false, date);
        UpgradeResponse.WriteRefusal(without, HandshakeRules.HostMissing);
        Assert.That(Encoding.ASCII.GetString(with.WrittenSpan), Is.EqualTo(Encoding.ASCII.GetString(without.WrittenSpan)
            .Replace("400 Bad Request\r\n", "400 Bad Request\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n", StringComparison.Ordinal)));
    }

    [TestCase("/?uid=100", "100", 1)]
    [TestCase("/?a=b&uid=%E2%82%AC&c", "€", 1)]
    [TestCase("/?uid=1&uid=2", "1", 2)]
    [TestCase("/?uid", "", 1)]
    public void Query_IsDecoded(string target, string value, int count)
    {
        UpgradeRequest request = Parse(RequestVectors.Valid.Replace("/ws/chat", target, StringComparison.Ordinal))!;
        Assert.That(request.TryGetQuery("uid"u8, out byte[] found, out int times));
        Assert.That((Encoding.UTF8.GetString(found), times), Is.EqualTo((value, count)));
    }

    [Test]
    public void MutatedRequests_AlwaysGetADefiniteAnswer()
    {
        Random random = new(3);
        for (int round = 0; round < 20_000; round++)
        {
            byte[] bytes = Encoding.Latin1.GetBytes(Vectors[random.Next(16)].Request);
            for (int i = random.Next(1, 4); i > 0; i--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            ReadOnlySequence<byte> buffer = new(bytes);
            if (RequestReader.TryRead(ref buffer, Limits, out UpgradeRequest? request, out _) != RequestStatus.Done) continue;
            UpgradeResult result = UpgradeRules.Check(request!, Policy);
            Assert.That(result.Rule is null, Is.EqualTo(result.Kind != UpgradeResultKind.Refuse), $"seed 3, round {round}");
        }
    }

    private static (UpgradeResultKind Kind, HandshakeRule? Rule) JudgeWhole(string text)
    {
        ReadOnlySequence<byte> buffer = new(Encoding.Latin1.GetBytes(text));
        RequestStatus status = RequestReader.TryRead(ref buffer, Limits, out UpgradeRequest? request, out HandshakeRule? violation);
        return Judge(status, request, violation, Policy);
    }

    private static UpgradeRequest? Parse(string text)
    {
        ReadOnlySequence<byte> buffer = new(Encoding.Latin1.GetBytes(text));
        RequestReader.TryRead(ref buffer, Limits, out UpgradeRequest? request, out _);
        return request;
    }

    private static (UpgradeResultKind Kind, HandshakeRule? Rule) Judge(
        RequestStatus status, UpgradeRequest? request, HandshakeRule? violation, UpgradePolicy policy)
    {
        if (status == RequestStatus.Violation) return (UpgradeResultKind.Refuse, violation);
        Assert.That(status, Is.EqualTo(RequestStatus.Done));
        UpgradeResult result = UpgradeRules.Check(request!, policy);
        return (result.Kind, result.Rule);
    }

    private static IEnumerable<int[]> CutsOf(int length)
    {
        yield return [];
        if (length > 1000)
        {
            yield return [length / 2];
            yield break;
        }

        yield return [.. Enumerable.Range(1, length - 1)];
        for (int split = 1; split < length; split++) yield return [split];
    }
}
