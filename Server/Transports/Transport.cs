// A connection's raw bytes. Inwards it is a PipeReader: the loop brings bytes, and the pending read completes inline, on the
// loop's thread. Outwards it is a byte sink: TryWrite takes what the kernel takes now. A later stage (TLS, say) reads from
// one such pair and is another; nothing above the bytes knows which it has.
//
// The gate: a connection that is not to be read from (its handler runs, its outbox is full) has bits set in it, and no
// read completes until they are all gone; an end of the stream found meanwhile waits too, but a broken connection does not.
//
// All of this on the owner's thread only. No errors are thrown for what a peer does: a reset ends the stream, and Broken says so.

using System.Buffers;
using System.IO.Pipelines;
using System.Threading.Tasks.Sources;
using RawWs.Server.Loops;
using RawWs.Server.Native;

namespace RawWs.Server.Transports;

/// <summary>Why a connection is not read from.</summary>
[Flags]
internal enum GateReasons : byte
{
    None = 0,

    /// <summary>A handler still has a message.</summary>
    Handler = 1,

    /// <summary>The peer does not take what we have for it.</summary>
    Outbox = 2,

    /// <summary>It has used up its share of the loop's turn.</summary>
    Turn = 4,

    /// <summary>What it has caused to be sent to others has not left yet.</summary>
    Deliveries = 8,
}

/// <summary>Who is told what happens at the transport, on the owner's thread.</summary>
internal interface ITransportOwner
{
    /// <summary>The kernel takes bytes again after <see cref="Transport.TryWrite(ReadOnlySpan{byte}, bool)"/> took less than it was given.</summary>
    void OnWritable();

    /// <summary>The connection is dead: nothing can be sent. A pending read completes by itself.</summary>
    /// <param name="failure">The system call that has ended it and its error, in words; empty for what is the peer's doing.</param>
    void OnBroken(string failure);

    /// <summary>
    /// The kernel has not taken all of the bytes whose sending was put off, but so many, or -1: the connection is dead. The rest goes before all else, and
    /// is to be copied; <see cref="OnWritable"/> follows. Nothing may be sent, broken or closed in here.
    /// </summary>
    void OnDeferredTaken(ReadOnlySpan<byte> bytes, int taken);

    /// <summary>
    /// Bytes are there. Whoever knows that a large payload goes on may have them where he wants them, and saves a copy; they are shown to the reader there.
    /// False: they are received into the loop's buffer.
    /// </summary>
    bool TryGetRoom(out ArraySegment<byte> room);

    /// <summary>Bytes that it has not consumed could not be kept, for want of memory, and are gone: nothing can be read from this connection any more.</summary>
    void OnBytesLost();
}

internal abstract partial class Transport(EventLoop loop) : PipeReader, IValueTaskSource<ReadResult>
{
    private readonly EventLoop _loop = loop;

    // The pending read.
    private Continuation? _continuation;
    private short _version;
    private ReadState _state;
    private bool _cancelRequested;
    private bool _endOfStream;
    private GateReasons _gate;

    private enum ReadState : byte
    {
        Idle,
        Pending,
        Completed,
    }

    /// <summary>The peer reset the connection, or a system call on it failed for good.</summary>
    public bool Broken { get; private set; }

    /// <summary>The connection's slot and generation in its loop's table. Set before the first read.</summary>
    public ulong Key { get; set; }

    /// <summary>Bytes received in all.</summary>
    public long BytesReceived { get; private set; }

    /// <summary>
    /// It has lately sent more than its share of a turn: of what comes next less is received at once, so that less waits. To be set by the
    /// owner.
    /// </summary>
    public bool IsBusy { get; set; }

    /// <summary>Whether the kernel has room again, which may not have been told yet.</summary>
    public virtual bool IsWritable => false;

    /// <summary>How many bytes the kernel holds for us. On a connection that is over: 0.</summary>
    public virtual int BytesInKernel => 0;

    /// <summary>Whether a read waits for bytes, with the gate open: then the socket belongs into the interest set.</summary>
    protected bool WantsBytes => _state == ReadState.Pending && _gate == GateReasons.None && !_endOfStream;

    protected EventLoop Loop => _loop;

    /// <summary>Whether a send of this transport's is put off.</summary>
    protected bool HasDeferred { get; set; }

    /// <summary>The bits that keep the gate closed.</summary>
    public GateReasons Gate => _gate;

    /// <summary>
    /// Bytes that <see cref="TryWrite(ReadOnlySpan{byte}, bool)"/> took are still on their way to the kernel: it is full, and the owner hears when
    /// they are through.
    /// </summary>
    public virtual bool IsSending => false;

    /// <summary>
    /// Gives bytes to the kernel, as many as it takes now. Less than all, or <see cref="IsSending"/> afterwards: the owner hears when there is room again.
    /// </summary>
    /// <returns>How many bytes were taken, or -1 when the connection is broken.</returns>
    public abstract int TryWrite(ReadOnlySpan<byte> bytes, bool more);

    /// <summary>Whether frames with insets go in one system call: else it is cheaper to copy.</summary>
    public virtual bool Gathers => false;

    /// <summary>
    /// The same for frames with insets, each of which has its place between them, sent from where it lies in <paramref name="source"/>: in one system call
    /// where the system has one for it.
    /// </summary>
    public virtual int TryWrite(ReadOnlySpan<byte> frames, ReadOnlySpan<byte> source, ReadOnlySpan<Inset> insets)
    {
        int taken = 0, at = 0, total = Inset.TotalBytes(frames, insets);
        foreach (Inset inset in insets)
        {
            if (!TryWriteOn(frames[at..inset.FramesEnd], total, ref taken) || !TryWriteOn(source.Slice(inset.Start, inset.Length), total, ref taken)) return taken;
            at = inset.FramesEnd;
        }

        if (at < frames.Length) TryWriteOn(frames[at..], total, ref taken);
        return taken;
    }

    /// <summary>
    /// Has bytes sent when the events of this turn are through, with those of other connections. They are pinned, and stay as they are until <see
    /// cref="EventLoop.SubmitDeferred"/> has returned. Nothing of this transport's is put off at the moment. False: they have to be sent now.
    /// </summary>
    public virtual bool TryDefer(ReadOnlySpan<byte> bytes) => false;

    /// <summary>Sends what was put off, if anything was: the owner wants to send more, or to know.</summary>
    public void SendDeferred()
    {
        if (HasDeferred) _loop.SubmitDeferred();
    }

    /// <summary>Ends our direction: the peer sees the end of the stream behind the last byte (SHUT_WR).</summary>
    public abstract void ShutdownWrite();

    /// <summary>Has the kernel give up on sent bytes that stay unacknowledged for so long, where the system knows such a thing.</summary>
    public abstract void SetUserTimeout(TimeSpan timeout);

    /// <summary>Closes the socket and gives every buffer back. With <paramref name="reset"/> the peer sees RST.</summary>
    public void Close(bool reset)
    {
        ReleaseView();
        CloseSocket(reset);
    }

    public void CloseGate(GateReasons reason) => _gate |= reason;

    /// <summary>Takes a bit away. The last one gone, a pending read goes on; it may complete here and now.</summary>
    public void OpenGate(GateReasons reason)
    {
        if ((_gate & reason) == 0) return;
        _gate &= ~reason;
        if (_state != ReadState.Pending || (_gate != GateReasons.None && !(Broken && !IsTurnOver))) return;
        if (_hasUnexamined || _endOfStream) Complete();
        else WantBytes();
    }

    /// <summary>The next read, for the method that the connection is.</summary>
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
        result = ready ? TakeResult() : default;
        return ready;
    }

    /// <summary>Whether the read that was begun has its result.</summary>
    internal bool IsReadCompleted => _state == ReadState.Completed;

    private bool IsReady => _cancelRequested || (Broken && !IsTurnOver) || (_gate == GateReasons.None && (_hasUnexamined || _endOfStream));

    // What it has sent before it broke is worked through in its shares, as of any other.
    private bool IsTurnOver => (_gate & GateReasons.Turn) != 0;

    /// <summary>The result of the read that was begun: once.</summary>
    internal ReadResult EndRead()
    {
        if (_state != ReadState.Completed) throw new InvalidOperationException("No read is completed.");
        _version++;
        _state = ReadState.Idle;
        return TakeResult();
    }

    /// <summary>What goes on when the pending read completes. One thread owns reader and loop, so it has not completed meanwhile.</summary>
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
        if (_gate == GateReasons.None) WantBytes();
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        if (_view is null) return;
        // Positions in an array carry its index; the top bit only tells a sequence's end from its start.
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

    void IValueTaskSource<ReadResult>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        ContinueWith(new ActionContinuation(continuation, state));

    /// <summary>Bytes are wanted: the socket belongs into the interest set.</summary>
    protected abstract void WantBytes();

    /// <summary>Receives once into <paramref name="destination"/>: bytes, 0 at the end, -1 for nothing there, -2 for a dead connection.</summary>
    protected abstract int Receive(Span<byte> destination);

    protected abstract void CloseSocket(bool reset);

    /// <summary>The connection is dead. The pending read completes, here and now.</summary>
    public void Break(ITransportOwner owner) => Break(owner, "");

    /// <summary>The same, by a system call that has failed.</summary>
    protected void Break(ITransportOwner owner, string call, int error) =>
        Break(owner, Broken || Errno.IsOfThePeer(error) ? "" : Errno.Describe(call, error));

    /// <summary>The same, for what is said of it.</summary>
    protected void Break(ITransportOwner owner, string failure)
    {
        if (Broken) return;
        Broken = _endOfStream = true;
        owner.OnBroken(failure);
        if (_state == ReadState.Pending && !IsTurnOver) Complete();
    }

    // Adds to what is taken, or makes it -1. False when it was not all.
    private bool TryWriteOn(ReadOnlySpan<byte> bytes, int total, ref int taken)
    {
        int further = TryWrite(bytes, more: taken + bytes.Length < total);
        taken = further < 0 ? further : taken + further;
        return further == bytes.Length;
    }

    /// <summary>
    /// Receives what the kernel holds at this moment, if a read waits for it: before something is held against the peer that its bytes may
    /// show to be otherwise.
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
        else return; // dead: Receive has told it
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

    private ReadResult TakeResult()
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
