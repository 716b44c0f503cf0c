// What the reader of a head owes to the memory it reads from: a pipe is told after each read how far it was consumed, and an array of the
// pool's goes back.

using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using RawWs.Handshake;
using RawWs.Tests.Support;

namespace RawWs.Tests.Handshake;

public sealed class PipeTests
{
    private static readonly byte[] Head = Encoding.ASCII.GetBytes(RequestVectors.Valid);

    [TestCase(true, RequestStatus.Canceled, 0)]
    [TestCase(false, RequestStatus.Done, 1)]
    public async Task AfterEachRead_ThePipeIsTold(bool canceled, RequestStatus expected, int heads)
    {
        ToldPipe pipe = new(new ReadResult(new ReadOnlySequence<byte>(Head), canceled, isCompleted: false));
        Assert.That((await RequestReader.ReadAsync(pipe, new RequestLimits())).Status, Is.EqualTo(expected));
        Assert.That(pipe.Consumed, Is.EqualTo(new long[] { heads * Head.Length }));
    }

    // A head in several segments is copied.
    [Test]
    public void TheCopyOfAHead_IsReturned()
    {
        byte[] pooled = ArrayPool<byte>.Shared.Rent(Head.Length);
        ArrayPool<byte>.Shared.Return(pooled);
        ReadOnlySequence<byte> bytes = Segments.Of(Head, [20]);
        Assert.That(RequestReader.TryRead(ref bytes, new RequestLimits(), out _, out _), Is.EqualTo(RequestStatus.Done));
        Assert.That(ArrayPool<byte>.Shared.Rent(Head.Length), Is.SameAs(pooled));
        ArrayPool<byte>.Shared.Return(pooled);
    }

    /// <summary>A pipe with one result, which writes down what it is told was consumed.</summary>
    private sealed class ToldPipe(ReadResult result) : PipeReader
    {
        public List<long> Consumed { get; } = [];

        public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) => new(result);

        public override bool TryRead(out ReadResult found) => throw new NotSupportedException();

        public override void AdvanceTo(SequencePosition consumed) => Consumed.Add(result.Buffer.Slice(0, consumed).Length);

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) => AdvanceTo(consumed);

        public override void CancelPendingRead() => throw new NotSupportedException();

        public override void Complete(Exception? exception = null) => throw new NotSupportedException();
    }
}
