// A request that has been read: its target's parts, its fields by name, its query. And how a pipe's read can end.

using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using RawWs.Handshake;

namespace RawWs.Tests.Handshake;

public sealed class RequestTests
{
    [TestCase("/", "/", "", "localhost:2000")]
    [TestCase("/?", "/", "", "localhost:2000")]
    [TestCase("/?a?b", "/", "a?b", "localhost:2000")]
    [TestCase("/a", "/a", "", "localhost:2000")]
    [TestCase("/a/%41?b=%41", "/a/A", "b=%41", "localhost:2000")]
    [TestCase("//a", "//a", "", "localhost:2000")]
    [TestCase("/a:b@c", "/a:b@c", "", "localhost:2000")]
    [TestCase("/a+b", "/a+b", "", "localhost:2000")]
    [TestCase("/%2f", "//", "", "localhost:2000")]
    [TestCase("ws://a%41", "/", "", "a%41")]
    [TestCase("/%7e%7E", "/~~", "", "localhost:2000")]
    [TestCase("/%3f%23", "/?#", "", "localhost:2000")]
    [TestCase("ws://a.example", "/", "", "a.example")]
    [TestCase("WS://a.example:81/", "/", "", "a.example:81")]
    [TestCase("wss://a.example?b/c", "/", "b/c", "a.example")]
    [TestCase("http://a.example/b?c", "/b", "c", "a.example")]
    [TestCase("https://a.example/b/?c", "/b/", "c", "a.example")]
    [TestCase("https://[::1]/b", "/b", "", "[::1]")]
    public void ATarget_HasParts(string target, string path, string query, string host)
    {
        UpgradeRequest request = Read(RequestVectors.Valid.Replace("/ws/chat", target, StringComparison.Ordinal))!;
        Assert.That((request.Path, Text(request.Query), Text(request.Host), Text(request.Target)), Is.EqualTo((path, query, host, target)));
        Assert.That(UpgradeRules.Check(request, new UpgradePolicy()),
            Is.EqualTo(new UpgradeResult(UpgradeResultKind.Upgrade, null, null, false, false)));
    }

    [TestCase("*")]
    [TestCase("a")]
    [TestCase("a.example:80")]
    [TestCase("ws:/a.example")]
    [TestCase("ws:")]
    [TestCase("ws://")]
    [TestCase("ws:///a")]
    [TestCase("ws://?a")]
    [TestCase("ws://a b")]
    [TestCase("ws://a@b/")]
    [TestCase("ws://a.example:99999/")]
    [TestCase("ftp://a.example/")]
    [TestCase("/a#b")]
    [TestCase("/%")]
    [TestCase("/%4")]
    [TestCase("/%g1")]
    [TestCase("/%1g")]
    [TestCase("/%00")]
    [TestCase("/%09")]
    [TestCase("/%7F")]
    [TestCase("/%ff")]
    [TestCase("/%e2%82")]
    [TestCase("/\u00e9")]
    public void ATargetOfNoOtherForm_IsMalformed(string target)
    {
        string text = RequestVectors.Valid.Replace("/ws/chat", target, StringComparison.Ordinal);
        ReadOnlySequence<byte> bytes = new(Encoding.Latin1.GetBytes(text));
        _ = RequestReader.TryRead(ref bytes, new RequestLimits(), out UpgradeRequest? request, out HandshakeRule? violation);
        if (request is null) Assert.That(violation, Is.AnyOf(HandshakeRules.RequestLineMalformed, HandshakeRules.ControlCharacter));
        else Assert.That((UpgradeRules.Check(request, new UpgradePolicy()).Rule, request.Path, request.Query.Length),
            Is.EqualTo((HandshakeRules.TargetMalformed, "", 0)));
    }

    [Test]
    public void Fields_AreFoundByName_AndEnumeratedInOrder([Values(0, 1, 27, 28, 60, 92)] int more)
    {
        string fields = string.Concat(Enumerable.Range(0, more).Select(static i => $"X-{i}:\t {i} \r\n"));
        UpgradeRequest request = Read(RequestVectors.With("Accept: one\r\naccept:two\r\n" + fields))!;
        List<(string Name, string Value)> found = [];
        foreach (HeaderField field in request.Headers) found.Add((Text(field.Name), Text(field.Value)));
        (string, string)[] expected =
        [
            ("Host", "localhost:2000"), ("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("Accept", "one"), ("accept", "two"), .. Enumerable.Range(0, more).Select(static i => ($"X-{i}", $"{i}")),
        ];
        Assert.That(found, Is.EqualTo(expected));
        Assert.That(request.TryGetHeader("ACCEPT"u8, out ReadOnlySpan<byte> value), Is.True);
        Assert.That((Text(value), request.CountHeader("aCCept"u8), request.CountHeader("Nobody"u8)), Is.EqualTo(("one", 2, 0)));
        Assert.That(request.TryGetHeader("Nobody"u8, out value), Is.False);
        Assert.That(value.Length, Is.Zero);
        if (more == 0) return;
        Assert.That(request.TryGetHeader(Encoding.ASCII.GetBytes($"x-{more - 1}"), out value), Is.True);
        Assert.That(Text(value), Is.EqualTo($"{more - 1}"));
    }

    [Test]
    public void ARequest_CanBeFilledAgain()
    {
        UpgradeRequest request = new();
        Assert.That((request.Path, request.Origin, request.Subprotocols.Count, request.Extensions.Count),
            Is.EqualTo(("", (string?)null, 0, 0)));
        string large = RequestVectors.With(
            "Origin: http://localhost\r\nSec-WebSocket-Protocol: a, b\r\nSec-WebSocket-Extensions: c; d=e\r\n"
            + string.Concat(Enumerable.Range(0, 60).Select(static i => $"X-{i}: {i}\r\n")));
        Fill(request, large);
        Assert.That((request.Origin, string.Join('|', request.Subprotocols), request.Extensions[0].Name),
            Is.EqualTo(("http://localhost", "a|b", "c")));
        Assert.That(request.Extensions[0].Parameters, Is.EqualTo(new[] { new ExtensionParameter("d", "e") }));
        Fill(request, RequestVectors.Valid);
        Assert.That((request.Path, request.Origin, request.Subprotocols.Count, request.Extensions.Count),
            Is.EqualTo(("/ws/chat", (string?)null, 0, 0)));
        Assert.That((request.CountHeader("X-1"u8), request.CountHeader("Host"u8), Text(request.Host)),
            Is.EqualTo((0, 1, "localhost:2000")));
        Assert.That((Text(request.Method), request.MajorVersion, request.MinorVersion), Is.EqualTo(("GET", 1, 1)));
    }

    [TestCase("a=1&uid=2", "2", 1)]
    [TestCase("uid=1&uid=2&uid", "1", 3)]
    [TestCase("uid=a+b%2B", "a b+", 1)]
    [TestCase("u%69d=%c3%A9", "é", 1)]
    [TestCase("uid==", "=", 1)]
    [TestCase("uid=%", "", 1)]
    [TestCase("uid=%4", "", 1)]
    [TestCase("uid=%4g", "", 1)]
    [TestCase("uid=", "", 1)]
    [TestCase("&&uid=1&&", "1", 1)]
    [TestCase("uidx=1", "", 0)]
    [TestCase("ui=1", "", 0)]
    [TestCase("ui%=1", "", 0)]
    [TestCase("ui%6=1", "", 0)]
    [TestCase("ui+=1", "", 0)]
    [TestCase("UID=1", "", 0)]
    [TestCase("=uid", "", 0)]
    public void AQuery_IsSearchedForm_Encoded(string query, string value, int count)
    {
        UpgradeRequest request = Read(RequestVectors.Valid.Replace("/ws/chat", "/?" + query, StringComparison.Ordinal))!;
        Assert.That(request.TryGetQuery("uid"u8, out byte[] found, out int times), Is.EqualTo(count > 0));
        Assert.That((Encoding.UTF8.GetString(found), times), Is.EqualTo((value, count)));
    }

    // A name is taken literally: neither the separator nor the sign of equality can be a part of it.
    [TestCase("&uid=1", "&uid", "", 0)]
    [TestCase("=uid", "=uid", "", 0)]
    [TestCase("=x", "", "x", 1)]
    public void AQuerysParameter_HasANameAndAValue(string query, string name, string value, int count)
    {
        UpgradeRequest request = Read(RequestVectors.Valid.Replace("/ws/chat", "/?" + query, StringComparison.Ordinal))!;
        _ = request.TryGetQuery(Encoding.ASCII.GetBytes(name), out byte[] found, out int times);
        Assert.That((Encoding.UTF8.GetString(found), times), Is.EqualTo((value, count)));
    }

    [Test]
    public void ARequestThatIsFilledAgain_AllocatesNothing()
    {
        string text = RequestVectors.With(string.Concat(Enumerable.Range(0, 20).Select(static i => $"X-{i}: {new string('a', 30)}\r\n")))
            .Replace("/ws/chat", "/", StringComparison.Ordinal);
        ReadOnlySequence<byte> bytes = new(Encoding.ASCII.GetBytes(text));
        RequestLimits limits = new();
        UpgradeRequest request = new();
        long least = long.MaxValue;
        for (int i = 0; i < 20; i++)
        {
            ReadOnlySequence<byte> again = bytes;
            long before = GC.GetAllocatedBytesForCurrentThread();
            RequestReader.TryRead(ref again, limits, request, out _);
            if (i > 0) least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.That(least, Is.Zero);
    }

    [Test]
    public void AMalformedList_IsEmpty()
    {
        UpgradeRequest request = Read(RequestVectors.With("Sec-WebSocket-Extensions: a, b; c=\r\nSec-WebSocket-Protocol: a, b c\r\n"))!;
        Assert.That((request.Extensions.Count, request.Subprotocols.Count), Is.EqualTo((0, 0)));
    }

    [Test]
    public async Task AReadOfAPipe_EndsWithTheStream_OrIsCanceled()
    {
        byte[] bytes = Encoding.ASCII.GetBytes(RequestVectors.Valid);
        Pipe pipe = new();
        await pipe.Writer.WriteAsync(bytes.AsMemory(0, 20));
        ValueTask<RequestReadResult> reading = RequestReader.ReadAsync(pipe.Reader, new RequestLimits());
        pipe.Reader.CancelPendingRead();
        Assert.That(await reading, Is.EqualTo(new RequestReadResult(RequestStatus.Canceled, null, null)));

        await pipe.Writer.WriteAsync(bytes.AsMemory(20));
        RequestReadResult read = await RequestReader.ReadAsync(pipe.Reader, new RequestLimits());
        Assert.That((read.Status, read.Request!.Path, read.Violation),
            Is.EqualTo((RequestStatus.Done, "/ws/chat", (HandshakeRule?)null)), "a canceled read has consumed nothing");

        await pipe.Writer.WriteAsync(bytes.AsMemory(0, 20));
        await pipe.Writer.CompleteAsync();
        Assert.That(await RequestReader.ReadAsync(pipe.Reader, new RequestLimits()),
            Is.EqualTo(new RequestReadResult(RequestStatus.EndOfStream, null, null)));
    }

    [Test]
    public async Task ABrokenRule_LeavesTheBytesInThePipe()
    {
        Pipe pipe = new();
        await pipe.Writer.WriteAsync("GET\r\nmore"u8.ToArray());
        Assert.That(await RequestReader.ReadAsync(pipe.Reader, new RequestLimits()),
            Is.EqualTo(new RequestReadResult(RequestStatus.Violation, null, HandshakeRules.RequestLineMalformed)));
        Assert.That((await pipe.Reader.ReadAsync()).Buffer.Length, Is.EqualTo(9));
    }

    [Test]
    public void Progress_BeginsWithTheFirstByte()
    {
        RequestProgress progress = default;
        Assert.That(progress.HasBegun, Is.False);
        ReadOnlySequence<byte> bytes = new("G"u8.ToArray());
        Assert.That(RequestReader.TryRead(ref bytes, new RequestLimits(), new UpgradeRequest(), ref progress, out _),
            Is.EqualTo(RequestStatus.NeedMoreData));
        Assert.That(progress.HasBegun, Is.True);
    }

    [TestCase("/", "/", true)]
    [TestCase("/", "/a", false)]
    [TestCase("/a/", "/a/b", true)]
    [TestCase("/a", "/a/b", false)]
    [TestCase("", "/a", false)]
    public void AnEndpoint_IsAPath_OrAFolder(string endpoint, string path, bool expected) =>
        Assert.That(new UpgradePolicy { Endpoints = ["/never", endpoint] }.IsEndpoint(path), Is.EqualTo(expected));

    [Test]
    public void TheFirstOfOurSubprotocols_IsTaken([Values("b, a", "a, b", "c, b,a")] string offers)
    {
        UpgradeRequest request = Read(RequestVectors.With($"Sec-WebSocket-Protocol: {offers}\r\n"))!;
        Assert.That(UpgradeRules.Check(request, new UpgradePolicy { Subprotocols = ["x", "a", "b"] }).Subprotocol, Is.EqualTo("a"));
        Assert.That(UpgradeRules.Check(request, new UpgradePolicy { Subprotocols = ["A", "x"] }).Subprotocol, Is.Null);
    }

    // Up to eight names are compared one by one, more by a set: a name that is there twice is found either way.
    [Test]
    public void ASubprotocolThatIsThereTwice_IsFound([Range(2, 12)] int count)
    {
        string[] names = [.. Enumerable.Range(0, count).Select(static i => $"p{i}")];
        Assert.That(Read(RequestVectors.With($"Sec-WebSocket-Protocol: {string.Join(", ", names)}\r\n"))!.Subprotocols, Is.EqualTo(names));
        for (int twice = 0; twice < count - 1; twice++)
        {
            UpgradeRequest request = Read(
                RequestVectors.With($"Sec-WebSocket-Protocol: {string.Join(", ", names[..^1])}, {names[twice]}\r\n"))!;
            Assert.That((UpgradeRules.Check(request, new UpgradePolicy()).Rule, request.Subprotocols.Count),
                Is.EqualTo((HandshakeRules.SubprotocolsMalformed, 0)), $"{twice}");
        }
    }

    private static void Fill(UpgradeRequest request, string text)
    {
        ReadOnlySequence<byte> bytes = new(Encoding.Latin1.GetBytes(text));
        Assert.That(RequestReader.TryRead(ref bytes, new RequestLimits(), request, out _), Is.EqualTo(RequestStatus.Done));
    }

    private static UpgradeRequest? Read(string text)
    {
        ReadOnlySequence<byte> bytes = new(Encoding.Latin1.GetBytes(text));
        _ = RequestReader.TryRead(ref bytes, new RequestLimits(), out UpgradeRequest? request, out _);
        return request;
    }

    private static string Text(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes);
}
