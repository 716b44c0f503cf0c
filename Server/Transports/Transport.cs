// A connection's raw bytes. Inwards it is a PipeReader: the loop brings bytes, and the pending read completes inline, on the loop's thread.
// Outwards it is a byte sink: TryWrite gives the kernel what it accepts now.
//
// Reading can be paused, for several reasons at once: a handler still runs, the send queue is long, and others (ReadPauseReasons). While
// there is a reason no read completes. An end of the stream that is found meanwhile waits too, but a broken connection does not.
//
// All of this happens on the owner's thread only. Nothing that a peer does throws: a reset ends the stream, and Broken says so.

using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Threading.Tasks.Sources;
using RawWs.Server.Loops;
using RawWs.Server.Native;

namespace RawWs.Server.Transports;

internal abstract partial class Transport(EventLoop loop) : PipeReader, IValueTaskSource<ReadResult>
{
    private readonly EventLoop _loop = loop;

    // The state of the pending read.
    private Continuation? _continuation;
    private short _version;
    private ReadState _state;
    private bool _cancelRequested;
    private bool _endOfStream;
    private ReadPauseReasons _pausedBy;

    private enum ReadState : byte
    {
        Idle,
        Pending,
        Completed,
    }

    /// <summary>The peer has reset the connection, or a system call on it has failed finally.</summary>
    public bool Broken { get; private set; }

    /// <summary>The connection's slot and generation in its loop's table. Set before the first read.</summary>
    public ulong Key { get; set; }

    /// <summary>How many bytes have been received in all.</summary>
    public long BytesReceived { get; private set; }

    /// <summary>
    /// Whether the connection has lately sent more than its share of a turn. Then less is received at once, so that less waits. The owner
    /// sets it.
    /// </summary>
    public bool IsBusy { get; set; }

    /// <summary>The loop's events for this transport's descriptor, if it has one in the loop.</summary>
    public virtual void OnReady(uint events)
    {
    }

    /// <summary>Whether the kernel has room again, which it may not have reported yet.</summary>
    public virtual bool IsWritable => false;

    /// <summary>How many bytes the kernel holds for us; 0 on a connection that is over.</summary>
    public virtual int BytesInKernel => 0;

    /// <summary>Whether bytes are there that have not been examined: the peer has sent more.</summary>
    public bool HasUnexamined => _hasUnexamined;

    /// <summary>Whether a read waits for bytes and is not paused. Then the socket belongs into the interest set.</summary>
    protected bool WantsBytes => _state == ReadState.Pending && _pausedBy == ReadPauseReasons.None && !_endOfStream;

    protected EventLoop Loop => _loop;

    /// <summary>Whether a send of this transport waits in the batch.</summary>
    protected bool IsInBatch { get; set; }

    /// <summary>The reasons for which reading is paused now.</summary>
    public ReadPauseReasons PausedBy => _pausedBy;

    /// <summary>
    /// Whether bytes that <see cref="TryWrite(ReadOnlySpan{byte}, bool)"/> has accepted are still on their way to the kernel. The kernel is
    /// full then, and the owner is told when they are sent.
    /// </summary>
    public virtual bool IsSending => false;

    /// <summary>
    /// Gives bytes to the kernel, as many as it accepts now. If that is less than all, or if <see cref="IsSending"/> afterwards, the owner
    /// is told when there is room again.
    /// </summary>
    /// <returns>How many bytes were sent, or -1 when the connection is broken.</returns>
    public abstract int TryWrite(ReadOnlySpan<byte> bytes, bool more);

    /// <summary>Whether frames with payload segments go to the kernel in one system call. Otherwise it is cheaper to copy.</summary>
    public virtual bool Gathers => false;

    /// <summary>
    /// The same for frames with payload segments. Each payload is sent from where it lies in <paramref name="source"/>, between the frames;
    /// in one system call if the system has one for it.
    /// </summary>
    public virtual int TryWrite(ReadOnlySpan<byte> frames, ReadOnlySpan<byte> source, ReadOnlySpan<PayloadSegment> segments)
    {
        int sent = 0, at = 0, total = PayloadSegment.TotalBytes(frames, segments);
        foreach (PayloadSegment segment in segments)
        {
            if (!TryWriteOn(frames[at..segment.FramesEnd], total, ref sent)
                || !TryWriteOn(source.Slice(segment.Start, segment.Length), total, ref sent)) return sent;
            at = segment.FramesEnd;
        }

        if (at < frames.Length) TryWriteOn(frames[at..], total, ref sent);
        return sent;
    }

    /// <summary>
    /// Adds bytes to the loop's batch: they are sent when the events of this turn are handled, with those of other connections. The bytes
    /// are pinned, and must not change until <see cref="EventLoop.SubmitBatch"/> has returned. This transport must have nothing else in the
    /// batch. False: they must be sent now.
    /// </summary>
    public virtual bool TryAddToBatch(ReadOnlySpan<byte> bytes) => false;

    /// <summary>
    /// Sends what this transport has in the batch, if anything. The owner calls it before it sends more, or when it must know the result.
    /// </summary>
    public void SendBatched()
    {
        if (IsInBatch) _loop.SubmitBatch();
    }

    /// <summary>Ends our direction (SHUT_WR): the peer sees the end of the stream after the last byte.</summary>
    public abstract void ShutdownWrite();

    /// <summary>Makes the kernel give up when sent bytes stay unacknowledged for so long, if the system can do that.</summary>
    public abstract void SetUserTimeout(TimeSpan timeout);

    /// <summary>This end's address; null where the system does not say it. On the owner's thread.</summary>
    public virtual IPEndPoint? FindLocalEndPoint() => null;

    /// <summary>Closes the socket and returns every buffer. With <paramref name="reset"/> the peer sees RST.</summary>
    public void Close(bool reset)
    {
        ReleaseView();
        CloseSocket(reset);
    }

    public void PauseReading(ReadPauseReasons reason) => _pausedBy |= reason;

    /// <summary>
    /// Removes a reason to pause. When it was the last one a pending read goes on, and may complete at once, inside this call.
    /// </summary>
    public void ResumeReading(ReadPauseReasons reason)
    {
        if ((_pausedBy & reason) == 0) return;
        _pausedBy &= ~reason;
        if (_state != ReadState.Pending || (_pausedBy != ReadPauseReasons.None && !(Broken && !IsTurnOver))) return;
        if (_hasUnexamined || _endOfStream) Complete();
        else WantBytes();
    }

    /// <summary>Begins the next read, for the connection's async method.</summary>
    public TransportRead Read()
    {
        BeginRead();
        return new TransportRead(this);
    }

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        BeginRead();
        return IsReadCompleted ? new ValueTask<ReadResult>(EndRead()) : new ValueTask<ReadResult>(this, _version);
    }

    public override bool TryRead(out ReadResult result)
    {
        bool ready = IsReady;
        result = ready ? MakeResult() : default;
        return ready;
    }

    /// <summary>Whether the read that was begun has completed.</summary>
    internal bool IsReadCompleted => _state == ReadState.Completed;

    private bool IsReady => _cancelRequested || (Broken && !IsTurnOver)
        || (_pausedBy == ReadPauseReasons.None && (_hasUnexamined || _endOfStream));

    // What a connection has sent before it broke is handled in shares of a turn, like any other bytes.
    private bool IsTurnOver => (_pausedBy & ReadPauseReasons.Turn) != 0;

    /// <summary>Returns the result of the read that was begun, once.</summary>
    internal ReadResult EndRead()
    {
        if (_state != ReadState.Completed) throw new InvalidOperationException("No read is completed.");
        _version++;
        _state = ReadState.Idle;
        return MakeResult();
    }

    /// <summary>
    /// Sets what runs when the pending read completes. One thread owns reader and loop, so the read cannot have completed meanwhile.
    /// </summary>
    internal void ContinueWith(Continuation continuation) => _continuation = continuation;

    private void BeginRead()
    {
        if (_state != ReadState.Idle) throw new InvalidOperationException("A read is pending already.");
        if (IsReady)
        {
            _state = ReadState.Completed;
            return;
        }

        _state = ReadState.Pending;
        if (_pausedBy == ReadPauseReasons.None) WantBytes();
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        if (_view is null) return;
        // A position in an array carries its index. The top bit only tells a sequence's end from its start.
        Advance(consumed.GetInteger() & int.MaxValue, examined.GetInteger() & int.MaxValue);
    }

    public override void CancelPendingRead()
    {
        _cancelRequested = true;
        if (_state == ReadState.Pending) Complete();
    }

    public override void Complete(Exception? exception = null) => ReleaseView();

    ReadResult IValueTaskSource<ReadResult>.GetResult(short token)
    {
        if (token != _version) throw new InvalidOperationException("This read is over.");
        return EndRead();
    }

    ValueTaskSourceStatus IValueTaskSource<ReadResult>.GetStatus(short token) =>
        _state == ReadState.Completed ? ValueTaskSourceStatus.Succeeded : ValueTaskSourceStatus.Pending;

    void IValueTaskSource<ReadResult>.OnCompleted(Action<object?> continuation, object? state, short token,
        ValueTaskSourceOnCompletedFlags flags) =>
        ContinueWith(new ActionContinuation(continuation, state));

    /// <summary>Bytes are wanted: the socket must be in the interest set.</summary>
    protected abstract void WantBytes();

    /// <summary>
    /// Receives once into <paramref name="destination"/>. Returns the number of bytes; 0 at the end, -1 when nothing is there, -2 for a
    /// dead connection.
    /// </summary>
    protected abstract int Receive(Span<byte> destination);

    protected abstract void CloseSocket(bool reset);

    /// <summary>The connection is dead. A pending read completes at once, inside this call.</summary>
    public void Break(ITransportOwner owner) => Break(owner, "");

    /// <summary>The same, because a system call has failed.</summary>
    protected void Break(ITransportOwner owner, string call, int error) =>
        Break(owner, Broken || Errno.IsOfThePeer(error) ? "" : Errno.Describe(call, error));

    /// <summary>The same, with the words that a log shows.</summary>
    protected void Break(ITransportOwner owner, string failure)
    {
        if (Broken) return;
        Broken = _endOfStream = true;
        owner.OnBroken(failure);
        if (_state == ReadState.Pending && !IsTurnOver) Complete();
    }

    // Adds to what is sent, or makes it -1. False when not all of it was sent.
    private bool TryWriteOn(ReadOnlySpan<byte> bytes, int total, ref int sent)
    {
        int further = TryWrite(bytes, more: sent + bytes.Length < total);
        sent = further < 0 ? further : sent + further;
        return further == bytes.Length;
    }

    /// <summary>
    /// Receives what the kernel holds at this moment, if a read waits for it. This is done before a deadline is held against the peer,
    /// because its bytes may show otherwise.
    /// </summary>
    public void ReceiveWhatIsThere(ITransportOwner owner)
    {
        long end = BytesReceived + BytesInKernel;
        long before;
        do
        {
            if (!WantsBytes) return;
            before = BytesReceived;
            ReceiveOnce(owner);
        }
        while (BytesReceived > before && BytesReceived < end);
    }

    private void OnReceived(int received)
    {
        if (received > 0) BytesReceived += received;
        else if (received == 0) _endOfStream = true;
        else return; // dead: Receive has reported it
        Complete();
    }

    private void Complete()
    {
        _state = ReadState.Completed;
        Continuation? continuation = _continuation;
        _continuation = null;
        if (continuation is null) return;
        continuation.Run();
        _loop.RestoreContext();
    }

    private ReadResult MakeResult()
    {
        bool canceled = _cancelRequested;
        _cancelRequested = false;
        _hasUnexamined = false;
        ReadOnlySequence<byte> bytes = _view is null
            ? ReadOnlySequence<byte>.Empty
            : new ReadOnlySequence<byte>(_view, _viewStart, _viewEnd - _viewStart);
        return new ReadResult(bytes, canceled, _endOfStream);
    }
}
