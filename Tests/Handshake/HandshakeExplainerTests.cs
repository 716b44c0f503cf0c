// HandshakeExplainer over every vector, whole and cut: its annotations cover each byte once and in order, they rebuild what the reader
// read, and the verdict is that of RequestReader and UpgradeRules, at the same byte. The fuzz target "request" holds the same over its
// corpus.

using System.Buffers;
using System.Text;
using RawWs.Handshake;

namespace RawWs.Tests.Handshake;

public sealed class HandshakeExplainerTests
{
    private const string Key = "dGhlIHNhbXBsZSBub25jZQ==", Accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
    private const string Switch = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";

    private static IReadOnlyList<RequestVector> Vectors => RequestVectors.All;

    [TestCaseSource(nameof(Vectors))]
    public void Annotations_CoverEveryByteOnce_AndTheVerdictIsTheRules(RequestVector vector)
    {
        byte[] bytes = vector.Bytes;
        HandshakeExplanation explained = HandshakeExplainer.ExplainRequest(bytes, RequestLimits.Default, vector.Policy);
        AssertCovered(explained, bytes.Length);
        Assert.That(explained.Rule, Is.EqualTo(vector.Rule));
        Assert.That(explained.Result?.Kind ?? UpgradeResultKind.Refuse, Is.EqualTo(vector.Expected));
        HandshakeAnnotation[] broken = [.. explained.Annotations.Where(static note => note.Rule is not null)];
        Assert.That(broken.Select(static note => note.Rule), Is.EqualTo(vector.Rule is null ? [] : (HandshakeRule[])[vector.Rule]));
        if (explained.Status == RequestStatus.Done)
        {
            Assert.That(explained.HeadBytes, Is.EqualTo(bytes.Length));
            return;
        }

        // The syntax: a byte less does not prove it.
        Assert.That(StatusOf(bytes[..explained.FailedAt]), Is.EqualTo((RequestStatus.Violation, vector.Rule)));
        Assert.That(StatusOf(bytes[..(explained.FailedAt - 1)]), Is.EqualTo((RequestStatus.NeedMoreData, (HandshakeRule?)null)));
        Assert.That(broken[0].Offset + broken[0].Length, Is.EqualTo(explained.FailedAt));
    }

    [TestCaseSource(nameof(Vectors))]
    public void EveryPrefix_IsCovered(RequestVector vector)
    {
        byte[] bytes = vector.Bytes;
        Random random = new(20261129);
        IEnumerable<int> lengths = bytes.Length <= 400
            ? Enumerable.Range(0, bytes.Length)
            : Enumerable.Range(0, 20).Select(_ => random.Next(bytes.Length));
        foreach (int length in lengths)
        {
            HandshakeExplanation explained =
                HandshakeExplainer.ExplainRequest(bytes.AsSpan(0, length), RequestLimits.Default, vector.Policy);
            AssertCovered(explained, length);
            (RequestStatus status, HandshakeRule? rule) = StatusOf(bytes[..length]);
            Assert.That(explained.Status, Is.EqualTo(status), $"{length} bytes");
            if (status != RequestStatus.Done) Assert.That(explained.Rule, Is.EqualTo(rule), $"{length} bytes");
        }
    }

    [TestCaseSource(nameof(Vectors))]
    public void Annotations_RebuildWhatTheReaderRead(RequestVector vector)
    {
        HandshakeExplanation explained = HandshakeExplainer.ExplainRequest(vector.Bytes, RequestLimits.Default, vector.Policy);
        ReadOnlySequence<byte> sequence = new(vector.Bytes);
        if (RequestReader.TryRead(ref sequence, RequestLimits.Default, out UpgradeRequest? request, out _) != RequestStatus.Done) return;
        List<string> read = [Text(request!.Method), Text(request.Target)];
        foreach (HeaderField field in request.Headers)
        {
            read.Add(Text(field.Name));
            if (field.Value.Length > 0) read.Add(Text(field.Value));
        }

        List<string> rebuilt = [Of("method")[0], string.Concat(Of("target").Concat(Of("query")))];
        rebuilt.AddRange(explained.Annotations.Where(static note => note.Field == "name" || note.Field.StartsWith("value of "))
            .Select(At));
        Assert.That(rebuilt, Is.EqualTo(read));

        string At(HandshakeAnnotation note) => Text(vector.Bytes.AsSpan(note.Offset, note.Length));
        string[] Of(string field) => [.. explained.Annotations.Where(note => note.Field == field).Select(At)];
    }

    [TestCase(nameof(HandshakeRules.KeyMissing), "end of the head")]
    [TestCase(nameof(HandshakeRules.HostMissing), "end of the head")]
    [TestCase(nameof(HandshakeRules.KeyDoubled), "value of Sec-WebSocket-Key")]
    [TestCase(nameof(HandshakeRules.MethodNotAllowed), "method")]
    [TestCase(nameof(HandshakeRules.QueryParametersTooMany), "query")]
    [TestCase(nameof(HandshakeRules.MajorVersionNotSupported), "version")]
    [TestCase(nameof(HandshakeRules.OriginNotAllowed), "value of Origin")]
    [TestCase(nameof(HandshakeRules.HeaderFolded), "line")]
    public void ARule_StandsWhereItShows(string rule, string field)
    {
        foreach (RequestVector vector in Vectors.Where(vector => vector.Rule?.Name == rule))
        {
            HandshakeExplanation explained = HandshakeExplainer.ExplainRequest(vector.Bytes, RequestLimits.Default, vector.Policy);
            Assert.That(explained.Annotations.Single(static note => note.Rule is not null).Field, Is.EqualTo(field), vector.Name);
        }
    }

    [Test]
    public void WhatFollowsTheHead_IsNotOfIt()
    {
        byte[] bytes = [.. Encoding.ASCII.GetBytes(RequestVectors.Valid), 0x81, 0x80, 0, 0, 0, 0];
        HandshakeExplanation explained = HandshakeExplainer.ExplainRequest(bytes, RequestLimits.Default, RequestVectors.AnyPath);
        Assert.That((explained.HeadBytes, explained.Annotations[^1].TextId), Is.EqualTo((bytes.Length - 6, "head.rest")));
        AssertCovered(explained, bytes.Length);
    }

    [Test]
    public void Section_1_3_TheAcceptValue_StepByStep()
    {
        AcceptDerivation steps = HandshakeExplainer.DeriveAccept(Encoding.ASCII.GetBytes(Key));
        Assert.That(steps, Is.EqualTo(new AcceptDerivation(
            Key, Key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", "b37a4f2cc0624f1690f64606cf385945b2bec4ea", Accept)));
        Assert.That(
            HandshakeExplainer.ExplainRequest(Encoding.ASCII.GetBytes(RequestVectors.Valid), RequestLimits.Default, RequestVectors.AnyPath)
                .Accept,
            Is.EqualTo(steps));
    }

    [TestCase(Accept, "field.sec-websocket-accept")]
    [TestCase("s3pPLMBiTxaQ9kYGzzhZRbK+xOp=", "field.accept.differs")]
    public void AResponse_IsCovered_AndItsAcceptCompared(string accept, string id)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(
            $"{Switch}Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n\u0001");
        HandshakeExplanation explained = HandshakeExplainer.ExplainResponse(bytes, Key);
        AssertCovered(explained, bytes.Length);
        Assert.That((explained.Status, explained.StatusCode, explained.HeadBytes), Is.EqualTo((RequestStatus.Done, 101, bytes.Length - 1)));
        Assert.That(explained.Extensions.Select(static extension => extension.Name), Is.EqualTo(["permessage-deflate"]));
        Assert.That(explained.Annotations.Single(static note => note.Field == "value of Sec-WebSocket-Accept").TextId, Is.EqualTo(id));
        for (int length = 0; length < bytes.Length; length++)
            AssertCovered(HandshakeExplainer.ExplainResponse(bytes.AsSpan(0, length), Key), length);
    }

    [Test]
    public void OurOwnAnswers_AreWellFormed()
    {
        foreach (HandshakeRule rule in HandshakeRules.All)
        {
            ArrayBufferWriter<byte> written = new();
            UpgradeResponse.WriteRefusal(written, rule);
            HandshakeExplanation explained = HandshakeExplainer.ExplainResponse(written.WrittenSpan);
            AssertCovered(explained, written.WrittenCount);
            Assert.That((explained.Status, explained.StatusCode, explained.Annotations[^1].TextId),
                Is.EqualTo((RequestStatus.Done, rule.Status, "response.rest")), rule.Name);
        }
    }

    [TestCase("HTTP/1.1 101 Ok\r\nA : b\r\n", "HeaderMalformed", "head.broken")]
    [TestCase("HTTP/1.1 101 \u0001\r\nA: \u0001", "ControlCharacter", "head.broken")]
    [TestCase("HTTP/2 101\r\n", null, "response.malformed")]
    [TestCase("HTTP/1.1 1x1 a\r\n", null, "response.malformed")]
    [TestCase("HTTP/1.1 1", null, "head.unfinished")]
    [TestCase("HTTP/1.1 404\r\n\r\nbody", null, "response.rest")]
    [TestCase("HTTP/1.1 101\rx\r\n\r\n", null, "response.malformed")]
    [TestCase("HTTP/1.1 101 a\n\r\n", null, "response.malformed")]
    [TestCase("HTTP/1.1 101 a\r", null, "head.unfinished")]
    public void AResponse_ThatIsNone(string text, string? rule, string lastId)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(text);
        HandshakeExplanation explained = HandshakeExplainer.ExplainResponse(bytes);
        AssertCovered(explained, bytes.Length);
        Assert.That((explained.Rule?.Name, explained.Annotations[^1].TextId), Is.EqualTo((rule, lastId)));
        int? malformedAt = lastId == "response.malformed" ? explained.Annotations[^1].Offset : null;
        Assert.That(explained.MalformedAt, Is.EqualTo(malformedAt));
        for (int length = 0; length < bytes.Length; length++)
        {
            HandshakeExplanation part = HandshakeExplainer.ExplainResponse(bytes.AsSpan(0, length));
            AssertCovered(part, length);
            Assert.That(part.MalformedAt, Is.EqualTo(length > malformedAt ? malformedAt : null), $"{length}");
        }
    }

    [Test]
    public void AFirstLine_ThatDoesNotEnd_IsNone()
    {
        byte[] bytes = Encoding.ASCII.GetBytes("HTTP/1.1 101 " + new string('a', 10_000));
        HandshakeExplanation explained = HandshakeExplainer.ExplainResponse(bytes);
        AssertCovered(explained, bytes.Length);
        Assert.That((explained.Status, explained.MalformedAt), Is.EqualTo((RequestStatus.Violation, (int?)8192)));
    }

    [Test]
    public void EveryTextId_IsUsed_AndNoOther()
    {
        HashSet<string> used = [];
        foreach (RequestVector vector in Vectors)
        {
            byte[] more = [.. vector.Bytes, 1];
            Add(HandshakeExplainer.ExplainRequest(vector.Bytes, RequestLimits.Default, vector.Policy));
            Add(HandshakeExplainer.ExplainRequest(more, RequestLimits.Default, vector.Policy));
            ReadOnlySpan<byte> beginning = vector.Bytes.AsSpan(0, Math.Min(10, vector.Bytes.Length));
            Add(HandshakeExplainer.ExplainRequest(beginning, RequestLimits.Default, vector.Policy));
        }

        foreach (string text in (string[])[
            $"{Switch}Sec-WebSocket-Accept: {Accept}\r\n\r\n", $"{Switch}Sec-WebSocket-Accept: no\r\n\r\n",
            "HTTP/1.1 400 No\r\n\r\nbody", "HTTP/2\r\n"]) Add(HandshakeExplainer.ExplainResponse(Encoding.ASCII.GetBytes(text), Key));
        Assert.That(used, Is.EquivalentTo(HandshakeExplainer.TextIds));

        void Add(HandshakeExplanation explained) => used.UnionWith(explained.Annotations.Select(static note => note.TextId));
    }

    private static (RequestStatus Status, HandshakeRule? Rule) StatusOf(byte[] bytes)
    {
        ReadOnlySequence<byte> sequence = new(bytes);
        return (RequestReader.TryRead(ref sequence, RequestLimits.Default, out _, out HandshakeRule? rule), rule);
    }

    private static string Text(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes);

    private static void AssertCovered(HandshakeExplanation explained, int bytes)
    {
        int at = 0;
        foreach (HandshakeAnnotation note in explained.Annotations)
        {
            Assert.That(note.Offset, Is.EqualTo(at), note.Field);
            Assert.That(note.Length, Is.Positive);
            at += note.Length;
        }

        Assert.That(at, Is.EqualTo(bytes));
    }
}
