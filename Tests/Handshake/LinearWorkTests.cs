// Whatever a stranger sends is handled in linear time, with a bound on its count: twice the input is at most twice the work. Work is
// counted, not timed: the bytes allocated, or how often the pieces of a head that comes byte by byte are read.

using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using RawWs.Handshake;

namespace RawWs.Tests.Handshake;

[NonParallelizable]
public sealed class LinearWorkTests
{
    private static readonly UpgradePolicy Policy = new() { Subprotocols = ["x"] };

    // Without the bounds these lists took long: 9,263 subprotocols in one head cost 93 ms.
    [TestCase("Sec-WebSocket-Protocol: ", ",", 100, "", 431)]
    [TestCase("Sec-WebSocket-Extensions: ", ",", 32, "", 431)]
    [TestCase("Sec-WebSocket-Extensions: permessage-deflate;", ";", 16, "", 431)]
    [TestCase("Sec-WebSocket-Extensions: a;b=\"c\",", ",", 31, "", 431)]
    [TestCase("Connection: upgrade, ", ",", 97, "", 431)]
    [TestCase("Upgrade: ", ",", 99, "", 431)]
    public void AList_HasABound(string field, string separator, int most, string end, int past)
    {
        Assert.That(StatusOf(RequestVectors.With(field + Elements(most, separator) + end + "\r\n")), Is.EqualTo(101), $"{most}");
        Assert.That(StatusOf(RequestVectors.With(field + Elements(most + 2, separator) + end + "\r\n")), Is.EqualTo(past), $"{most + 2}");
    }

    // RFC 9110 §5.6.1.2: empty elements are ignored, but not any number of them.
    [TestCase("Sec-WebSocket-Protocol: a", 90, 200)]
    [TestCase("Sec-WebSocket-Extensions: a", 30, 64)]
    [TestCase("Connection: a", 90, 200)]
    [TestCase("Upgrade: a", 90, 200)]
    public void EmptyElements_CountToo(string field, int few, int many)
    {
        Assert.That(StatusOf(RequestVectors.With(field + new string(',', few) + "\r\n")), Is.EqualTo(101));
        Assert.That(StatusOf(RequestVectors.With(field + new string(',', many) + "\r\n")), Is.EqualTo(431));
    }

    [Test]
    public void TheParametersOfAQuery_HaveABound()
    {
        Assert.That(StatusOf(WithTarget("/?" + Elements(256, "&"))), Is.EqualTo(101));
        Assert.That(StatusOf(WithTarget("/?" + Elements(257, "&"))), Is.EqualTo(431));
        Assert.That(StatusOf(WithTarget("/?" + new string('&', 4000))), Is.EqualTo(431));
    }

    // A name that is not found allocates nothing that stays: it was once copied for each parameter.
    [Test]
    public void AQuery_IsSearched_WithoutAllocation()
    {
        UpgradeRequest request = Parse(WithTarget("/?" + Elements(200, "&") + "&uid=1"))!;
        Assert.That(request.TryGetQuery("uid"u8, out _, out _));
        Assert.That(Allocated(() => request.TryGetQuery("nobody"u8, out _, out _)), Is.Zero);
        Assert.That(Allocated(() => request.TryGetQuery("uid"u8, out _, out _)), Is.LessThan(64));
    }

    // The list is checked, and the application asks for it once more: it is parsed once.
    [Test]
    public void AList_IsParsedOnce()
    {
        UpgradeRequest request = Parse(
            RequestVectors.With($"Sec-WebSocket-Protocol: {Elements(50, ",")}\r\nSec-WebSocket-Extensions: {Elements(20, ",")}\r\n"))!;
        Assert.That(UpgradeRules.Check(request, Policy).Kind, Is.EqualTo(UpgradeResultKind.Upgrade));
        Assert.That((request.Subprotocols.Count, request.Extensions.Count), Is.EqualTo((50, 20)));
        Assert.That(Allocated(() => _ = request.Subprotocols.Count + request.Extensions.Count), Is.Zero);
        Assert.That(Allocated(() => UpgradeRules.Check(request, Policy)), Is.LessThan(1024));
    }

    // A head that comes byte by byte, with lines of every length: pieces that were there before are not read again with each byte.
    [TestCase("A: b\r\n")]
    [TestCase("A: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n")]
    [TestCase("")]
    public void AHeadThatComesByteByByte_IsLinear(string line)
    {
        string filler = line.Length == 0 ? "A: " + new string('a', 2000) + "\r\n" : string.Concat(Enumerable.Repeat(line, 40));
        string twice = line.Length == 0 ? "A: " + new string('a', 4000) + "\r\n" : string.Concat(Enumerable.Repeat(line, 80));
        long once = LooksAt(RequestVectors.With(filler)), doubled = LooksAt(RequestVectors.With(twice));
        TestContext.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{once} looks, {doubled} for twice as much"));
        Assert.That(doubled, Is.LessThan(once * 3));
        Assert.That(once, Is.LessThan(RequestVectors.With(filler).Length * 8));
    }

    // A pipe whose pieces say how often they are looked at.
    private static long LooksAt(string text)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(text);
        WatchedPipe pipe = new(bytes);
        RequestReadResult read = RequestReader.ReadAsync(pipe, new RequestLimits()).AsTask().GetAwaiter().GetResult();
        Assert.That(read.Status, Is.EqualTo(RequestStatus.Done));
        return pipe.Looks;
    }

    private static string Elements(int count, string separator) =>
        string.Join(separator, Enumerable.Range(0, count).Select(static i => string.Create(CultureInfo.InvariantCulture, $"p{i}")));

    private static string WithTarget(string target) => RequestVectors.Valid.Replace("/ws/chat", target, StringComparison.Ordinal);

    private static long Allocated(Action act)
    {
        long least = long.MaxValue;
        for (int i = 0; i < 20; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            act();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }

    private static UpgradeRequest? Parse(string text)
    {
        ReadOnlySequence<byte> buffer = new(Encoding.ASCII.GetBytes(text));
        RequestReader.TryRead(ref buffer, new RequestLimits(), out UpgradeRequest? request, out _);
        return request;
    }

    private static int StatusOf(string text)
    {
        ReadOnlySequence<byte> buffer = new(Encoding.ASCII.GetBytes(text));
        RequestStatus status = RequestReader.TryRead(
            ref buffer, new RequestLimits(), out UpgradeRequest? request, out HandshakeRule? violation);
        Assert.That(status, Is.Not.EqualTo(RequestStatus.NeedMoreData));
        return violation?.Status ?? UpgradeRules.Check(request!, Policy).Rule?.Status ?? 101;
    }

    /// <summary>Shows one byte more with each read, in segments of 32 bytes, and counts how often the bytes of one are asked for.</summary>
    private sealed class WatchedPipe : PipeReader
    {
        private const int SegmentBytes = 32;

        private readonly Watched[] _segments;
        private readonly int _length;
        private int _shown;

        public WatchedPipe(byte[] bytes)
        {
            _length = bytes.Length;
            _segments = [.. bytes.Chunk(SegmentBytes).Select(piece => new Watched(this, piece))];
            for (int i = 1; i < _segments.Length; i++) _segments[i - 1].Append(_segments[i], i * SegmentBytes);
        }

        public long Looks { get; private set; }

        public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
        {
            _shown = Math.Min(_shown + 1, _length);
            int last = (_shown - 1) / SegmentBytes;
            ReadOnlySequence<byte> buffer = new(_segments[0], 0, _segments[last], _shown - (last * SegmentBytes));
            return new(new ReadResult(buffer, isCanceled: false, isCompleted: false));
        }

        public override bool TryRead(out ReadResult result) => throw new NotSupportedException();

        public override void AdvanceTo(SequencePosition consumed)
        {
        }

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
        {
        }

        public override void CancelPendingRead()
        {
        }

        public override void Complete(Exception? exception = null)
        {
        }

        private sealed class Watched : ReadOnlySequenceSegment<byte>
        {
            public Watched(WatchedPipe pipe, byte[] bytes) => Memory = new Source(pipe, bytes).Memory;

            public void Append(Watched next, int at)
            {
                Next = next;
                next.RunningIndex = at;
            }
        }

        private sealed class Source(WatchedPipe pipe, byte[] bytes) : MemoryManager<byte>
        {
            public override Span<byte> GetSpan()
            {
                pipe.Looks++;
                return bytes;
            }

            public override MemoryHandle Pin(int elementIndex = 0) => throw new NotSupportedException();

            public override void Unpin()
            {
            }

            protected override void Dispose(bool disposing)
            {
            }
        }
    }
}
