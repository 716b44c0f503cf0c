// The limits of a request at their bounds, in any pieces, and what a head in pieces costs.

using System.Buffers;
using System.Text;
using RawWs.Handshake;
using RawWs.Tests.Support;

namespace RawWs.Tests.Handshake;

public sealed class RequestLimitsTests
{
    // A line of the limit is whole at its limit, a byte more is refused at that byte, however the bytes come.
    [TestCase(31, null)]
    [TestCase(32, null)]
    [TestCase(33, nameof(HandshakeRules.RequestLineTooLong))]
    public void ARequestLine_HasALimit_InAnyPieces(int length, string? expected)
    {
        RequestLimits limits = new() { RequestLineBytesMax = 32, HeadBytesMax = 80 };
        byte[] bytes = Encoding.ASCII.GetBytes($"GET /{new string('a', length - 14)} HTTP/1.1\r\nHost: a\r\n\r\n");
        foreach (int cut in Enumerable.Range(0, bytes.Length))
        {
            (RequestStatus status, HandshakeRule? rule) = ReadInTwo(bytes, cut, limits);
            Assert.That((status, rule?.Name),
                Is.EqualTo((expected is null ? RequestStatus.Done : RequestStatus.Violation, expected)), $"cut at {cut}");
        }
    }

    [TestCase(79, null)]
    [TestCase(80, null)]
    [TestCase(81, nameof(HandshakeRules.HeadTooLarge))]
    public void AHead_HasALimit_InAnyPieces(int length, string? expected)
    {
        RequestLimits limits = new() { RequestLineBytesMax = 32, HeadBytesMax = 80 };
        string start = "GET / HTTP/1.1\r\nHost: a\r\nA: ";
        byte[] bytes = Encoding.ASCII.GetBytes(start + new string('b', length - start.Length - 4) + "\r\n\r\n");
        Assert.That(bytes, Has.Length.EqualTo(length));
        foreach (int cut in Enumerable.Range(0, bytes.Length))
        {
            (RequestStatus status, HandshakeRule? rule) = ReadInTwo(bytes, cut, limits);
            Assert.That((status, rule?.Name),
                Is.EqualTo((expected is null ? RequestStatus.Done : RequestStatus.Violation, expected)), $"cut at {cut}");
        }
    }

    // What stands before the byte that passes a limit comes first; what stands at it or behind it does not count. A bar stands for a
    // control character.
    [TestCase("GET /aaaaaaaaaaaaaaaaaaaaaaaaa|", nameof(HandshakeRules.ControlCharacter))]
    [TestCase("GET /aaaaaaaaaaaaaaaaaaaaaaaaaa|", nameof(HandshakeRules.RequestLineTooLong))]
    [TestCase("GET /aaaaaaaaaaaaaaaaaaaaaaaaaaa|", nameof(HandshakeRules.RequestLineTooLong))]
    [TestCase("GET / HTTP/1.1\r\nHost: a\r\nA: bbbbbbbbb|", nameof(HandshakeRules.ControlCharacter))]
    [TestCase("GET / HTTP/1.1\r\nHost: a\r\nA: bbbbbbbbbb|", nameof(HandshakeRules.ControlCharacter))]
    [TestCase("GET / HTTP/1.1\r\nHost: a\r\nA: bbbbbbbbbbb|", nameof(HandshakeRules.HeadTooLarge))]
    [TestCase("GET / HTTP/1.1\r\nHost: a\r\nA: bbbbbbbbbbbb|", nameof(HandshakeRules.HeadTooLarge))]
    [TestCase("GET / HTTP/1.1\r\n\nA: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", nameof(HandshakeRules.LineEndMalformed))]
    public void AtALimit_TheFirstWrongByteDecides(string text, string expected)
    {
        RequestLimits limits = new() { RequestLineBytesMax = 31, HeadBytesMax = 39 };
        byte[] bytes = Encoding.ASCII.GetBytes(text.Replace('|', '\u0001'));
        foreach (int cut in Enumerable.Range(0, bytes.Length))
            Assert.That(ReadInTwo(bytes, cut, limits).Rule?.Name, Is.EqualTo(expected), $"cut at {cut}");
    }

    // What has been checked is not recorded before the head is whole: memory for the fields is taken once, not with each piece.
    [Test]
    public void AHeadOfManyFields_InPieces_TakesMemoryOnce()
    {
        byte[] bytes = Encoding.ASCII.GetBytes(
            RequestVectors.With(string.Concat(Enumerable.Range(0, 90).Select(static i => $"X-{i}: {i}\r\n"))));
        RequestLimits limits = new();
        UpgradeRequest request = new();
        long least = long.MaxValue;
        for (int round = 0; round < 20; round++)
        {
            RequestProgress progress = default;
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int end = 8; end < bytes.Length + 8; end += 8)
            {
                ReadOnlySequence<byte> buffer = new(bytes, 0, Math.Min(end, bytes.Length));
                RequestReader.TryRead(ref buffer, limits, request, ref progress, out _);
            }

            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.That(least, Is.LessThan(4096));
    }

    private static (RequestStatus Status, HandshakeRule? Rule) ReadInTwo(byte[] bytes, int cut, RequestLimits limits)
    {
        RequestProgress progress = default;
        UpgradeRequest request = new();
        ReadOnlySequence<byte> first = new(bytes, 0, cut);
        RequestStatus status = RequestReader.TryRead(ref first, limits, request, ref progress, out HandshakeRule? rule);
        if (status != RequestStatus.NeedMoreData) return (status, rule);
        ReadOnlySequence<byte> all = cut == 0 ? new(bytes) : Segments.Of(bytes, [cut]);
        return (RequestReader.TryRead(ref all, limits, request, ref progress, out rule), rule);
    }
}
