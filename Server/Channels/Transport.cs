// A connection's raw bytes, over its channel. Inwards it is a PipeReader: the loop says that the channel is ready, the transport receives,
// and the pending read completes inline, on the loop's thread. Outwards it is a byte sink: TryWrite gives the channel what it takes now.
//
// Reading can be paused, for several reasons at once: a handler still runs, the send queue is long, and others (ReadPauseReasons). While
// there is a reason no read completes. An end of the stream that is found meanwhile waits too, but a broken connection does not.
//
// Reader and sink are one object, although they are two things: each object costs every idle connection its head and a reference. What the
// reader is shown is a part of its own (TransportView).
//
// What each read goes through is marked to be compiled into its caller: behind a system call a processor foresees no jump, and each call
// that is left out is a hundredth of what a small message costs (0005).
//
// All of this happens on the owner's thread only. Nothing that a peer does throws: a reset ends the stream, and Broken says so.

using System.IO.Pipelines;
using System.Net;
using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;
using RawWs.Server.Loops;
using RawWs.Server.Native;

namespace RawWs.Server.Channels;

internal sealed class Transport : PipeReader, IValueTaskSource<ReadResult>, IBatchedSender, ILoopWork
{
    private readonly EventLoop _loop;
    private readonly Channel _channel;
    private readonly ITransportOwner _owner;
    private Continuation? _continuation; // of the pending read
    private TransportView _view;
    private short _version; // of the reads
    private ReadState _state;
    private ReadPauseReasons _pausedBy;
    private Traits _traits;

    /// <param name="loop">The loop on which the connection lives.</param>
    /// <param name="channel">Its bytes. The transport closes it.</param>
    /// <param name="owner">The connection: is told what happens.</param>
    public Transport(EventLoop loop, Channel channel, ITransportOwner owner)
    {
        (_loop, _channel, _owner) = (loop, channel, owner);
        channel.Attach(this);
    }

    private enum ReadState : byte
    {
        Idle,
        Pending,
        Completed,
    }

    [Flags]
    private enum Traits : byte
    {
        None = 0,
        CancelRequested = 1,
        EndOfStream = 2,
        Broken = 4,
        Busy = 8,

        /// <summary>A send waits in the batch.</summary>
        InBatch = 16,

        /// <summary>What the channel holds will be received in a turn to come.</summary>
        PendingPosted = 32,
    }

    public EventLoop Loop => _loop;

    /// <summary>The peer has reset the connection, or a system call on it has failed finally.</summary>
    public bool Broken => Has(Traits.Broken);

    /// <summary>The connection's slot and generation in its loop's table. Set before the first read.</summary>
    public ulong Key { get; set; }

    /// <summary>How many bytes have been received in all.</summary>
    public long BytesReceived { get; private set; }

    /// <summary>
    /// Whether the connection has lately sent more than its share of a turn. Then less is received at once, so that less waits. The owner
    /// sets it.
    /// </summary>
    public bool IsBusy
    {
        get => Has(Traits.Busy);
        set => Set(Traits.Busy, value);
    }

    /// <inheritdoc cref="Channel.IsWritable"/>
    public bool IsWritable => _channel.IsWritable;

    /// <summary>Whether bytes are there that have not been examined: the peer has sent more.</summary>
    public bool HasUnexamined => _view.HasUnexamined;

    /// <summary>Whether a read waits for bytes and is not paused. Then the channel is asked for them.</summary>
    public bool WantsBytes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => _state == ReadState.Pending && _pausedBy == ReadPauseReasons.None && !Has(Traits.EndOfStream);
    }

    /// <summary>The reasons for which reading is paused now.</summary>
    public ReadPauseReasons PausedBy => _pausedBy;

    /// <summary>
    /// Whether bytes that <see cref="TryWrite(ReadOnlySpan{byte}, bool)"/> has accepted are still on their way to the kernel. The kernel is
    /// full then, and the owner is told when they are sent.
    /// </summary>
    public bool IsSending => _channel.WantsWrite;

    /// <inheritdoc cref="Channel.BytesUnacknowledged"/>
    public int BytesUnacknowledged => _channel.BytesUnacknowledged;

    /// <inheritdoc cref="Channel.RoundTripMicroseconds"/>
    public int RoundTripMicroseconds => _channel.RoundTripMicroseconds;

    /// <inheritdoc cref="Channel.BytesOfItsOwn"/>
    public long BytesOfItsOwn => _channel.BytesOfItsOwn;

    /// <inheritdoc cref="Channel.Opening"/>
    public OpeningLayer Opening => _channel.Opening;

    /// <inheritdoc cref="Channel.Fault"/>
    public string? Fault => _channel.Fault;

    /// <inheritdoc cref="Channel.FaultRule"/>
    public string? FaultRule => _channel.FaultRule;

    /// <inheritdoc cref="Channel.Gathers"/>
    public bool Gathers => _channel.Gathers;

    /// <summary>Whether the read that was begun has completed.</summary>
    internal bool IsReadCompleted => _state == ReadState.Completed;

    private bool IsReady => Has(Traits.CancelRequested) || (Broken && !IsTurnOver)
        || (_pausedBy == ReadPauseReasons.None && (_view.HasUnexamined || Has(Traits.EndOfStream)));

    // What a connection has sent before it broke is handled in shares of a turn, like any other bytes.
    private bool IsTurnOver => (_pausedBy & ReadPauseReasons.Turn) != 0;

    /// <summary>The loop's events for this connection.</summary>
    public void OnReady(uint events)
    {
        bool wanted = WantsBytes;
        Readiness ready = _channel.OnReady(this, events);
        if ((ready & Readiness.Broken) != 0)
        {
            Break("");
            return;
        }

        if ((ready & Readiness.Writable) != 0) _owner.OnWritable();
        if ((ready & Readiness.Readable) != 0 && WantsBytes) ReceiveOnce();
        Check("epoll_ctl", _channel.Settle(this, wanted));
    }

    /// <summary>
    /// Gives bytes to the channel, as many as it takes now. If that is less than all, or if <see cref="IsSending"/> afterwards, the owner
    /// is told when there is room again.
    /// </summary>
    /// <returns>How many bytes were sent, or -1 when the connection is broken.</returns>
    public int TryWrite(ReadOnlySpan<byte> bytes, bool more)
    {
        ThrowIfInBatch();
        return Written(_channel.Send(bytes, more), bytes.Length);
    }

    /// <summary>
    /// The same for frames with payload segments. Each payload is sent from where it lies in <paramref name="source"/>, between the frames;
    /// in one system call if the channel <see cref="Gathers"/>.
    /// </summary>
    public int TryWrite(ReadOnlySpan<byte> frames, ReadOnlySpan<byte> source, ReadOnlySpan<PayloadSegment> segments)
    {
        ThrowIfInBatch();
        return Written(_channel.Send(frames, source, segments), PayloadSegment.TotalBytes(frames, segments));
    }

    /// <summary>
    /// Adds frames to the loop's batch: they are sent when the events of this turn are handled, with those of other connections. They are
    /// pinned, and must not change until <see cref="EventLoop.SubmitBatch"/> has returned. This transport must have nothing else in the
    /// batch. False: they must be sent now.
    /// </summary>
    public bool TryAddToBatch(ReadOnlySpan<byte> frames)
    {
        ThrowIfInBatch();
        if (!_channel.TryAddToBatch(this, frames, frames)) return false;
        Set(Traits.InBatch, true);
        return true;
    }

    /// <summary>
    /// Sends what this transport has in the batch, if anything. The owner calls it before it sends more, or when it must know the result.
    /// </summary>
    public void SendBatched()
    {
        if (Has(Traits.InBatch)) _loop.SubmitBatch();
    }

    /// <summary>Ends our direction: the peer sees the end of the stream after the last byte.</summary>
    public void ShutdownWrite()
    {
        ThrowIfInBatch();
        _channel.ShutdownWrite();
        // A layer may have bytes of its own to send before.
        if (_channel.WantsWrite) Check("epoll_ctl", _channel.WantWritable(this));
    }

    /// <summary>A layer knows who the client is, which is not the peer that has connected.</summary>
    public void NameClient(PeerAddress client) => _owner.OnClientNamed(client);

    /// <inheritdoc cref="Channel.SetUserTimeout"/>
    public void SetUserTimeout(TimeSpan timeout) => _channel.SetUserTimeout(timeout);

    /// <inheritdoc cref="Channel.FindLocalEndPoint"/>
    public IPEndPoint? FindLocalEndPoint() => _channel.FindLocalEndPoint();

    /// <summary>Closes the channel and returns every buffer. With <paramref name="reset"/> the peer sees RST.</summary>
    public void Close(bool reset)
    {
        _view.Release(_loop.Budget);
        SendBatched(); // the descriptor's number will soon be another socket's
        _channel.Close(this, reset);
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
        if (_view.HasUnexamined || Has(Traits.EndOfStream)) Complete();
        else WantBytes();
    }

    /// <inheritdoc cref="TransportView.Keep"/>
    [MethodImpl(MethodImplOptions.NoInlining)] // it is rare
    public void KeepView() => _view.Keep(_loop.Buffer);

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

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        if (_view.IsEmpty) return;
        // A position in an array carries its index. The top bit only tells a sequence's end from its start.
        _view.Advance(consumed.GetInteger() & int.MaxValue, examined.GetInteger() & int.MaxValue, _loop.Budget);
    }

    public override void CancelPendingRead()
    {
        Set(Traits.CancelRequested, true);
        if (_state == ReadState.Pending) Complete();
    }

    public override void Complete(Exception? exception = null) => _view.Release(_loop.Budget);

    /// <summary>The connection is dead. A pending read completes at once, inside this call.</summary>
    /// <param name="failure">The words that a log shows; empty if the peer has caused it.</param>
    public void Break(string failure = "")
    {
        if (Broken) return;
        Set(Traits.Broken | Traits.EndOfStream, true);
        _owner.OnBroken(failure);
        if (_state == ReadState.Pending && !IsTurnOver) Complete();
    }

    /// <summary>
    /// Receives what is there at this moment, if a read waits for it. This is done before a deadline is held against the peer, because its
    /// bytes may show otherwise.
    /// </summary>
    public void ReceiveWhatIsThere()
    {
        long end = BytesReceived + _channel.BytesThere;
        long before;
        do
        {
            if (!WantsBytes) return;
            before = BytesReceived;
            ReceiveOnce();
        }
        while (BytesReceived > before && BytesReceived < end);
    }

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

    void IBatchedSender.OnBatchSent(ReadOnlySpan<byte> frames, ReadOnlySpan<byte> bytes, int result)
    {
        Set(Traits.InBatch, false);
        if (result == bytes.Length)
        {
            if (_loop.WatchesFrames) _owner.OnBatchSent(frames, frames.Length);
            return;
        }

        bool alive = (result >= 0 || MayBeTriedAgain(-result)) && _channel.WantWritable(this) >= 0;
        int sent = alive ? Math.Max(result, 0) : -1;
        if (alive && _channel.TryKeepBatched(bytes[sent..])) sent = frames.Length;
        _owner.OnBatchSent(frames, sent);
    }

    // The channel holds bytes. This is a turn of its own, so that whoever has much there does not hold up the others.
    void ILoopWork.OnPosted()
    {
        Set(Traits.PendingPosted, false);
        if (WantsBytes) ReceiveOnce();
        if (WantsBytes) WantBytes();
    }

    void ILoopWork.OnFailed(Exception exception) => _owner.OnFailed(exception);

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

    private void WantBytes()
    {
        if (!_channel.HasPending)
        {
            Check("epoll_ctl", _channel.WantReadable(this));
        }
        else if (!Has(Traits.PendingPosted))
        {
            Set(Traits.PendingPosted, true);
            _loop.Post(this);
        }
    }

    // Receives, completes the read, and takes back afterwards what was lent for it.
    private void ReceiveOnce()
    {
        if (_view.IsEmpty && _owner.TryGetRoom(out ArraySegment<byte> room)) ReceiveIntoOwners(room);
        else if (_view.Length > ReceiveBuffer.HeadroomBytes) ReceiveBehindTail();
        else ReceiveIntoLoopBuffer();
        if (_view.IsLent && !_view.TryMoveToTail(_loop.Buffer, _loop.Budget)) _owner.OnBytesLost();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void ReceiveIntoLoopBuffer()
    {
        ReceiveBuffer buffer = _loop.Buffer;
        int received = Receive(buffer.ReceiveSpan(IsBusy || _loop.IsMemoryTight));
        if (received > 0) _view.ShowLoopBuffer(buffer, received, _loop.Budget);
        OnReceived(received);
    }

    private void ReceiveIntoOwners(ArraySegment<byte> room)
    {
        int received = Receive(room);
        if (received > 0) _view.ShowOwners(room, received);
        OnReceived(received);
    }

    // The reader leaves more than the headroom unconsumed, though it has examined it. What comes next is received behind that.
    private void ReceiveBehindTail()
    {
        if (!_view.TryGetRoomBehindTail(_loop.Buffer, _loop.Budget, out Span<byte> room))
        {
            _view.Release(_loop.Budget);
            _owner.OnBytesLost();
            return;
        }

        int received = Receive(room);
        if (received > 0) _view.GrowTail(received);
        OnReceived(received);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int Receive(Span<byte> room)
    {
        int received = _channel.Receive(room);
        if (received > 0 && _loop.WatchesFrames) _owner.OnReceived(room[..received]);
        return received;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void OnReceived(int received)
    {
        if (received < 0)
        {
            if (received == Channel.Lost) _owner.OnBytesLost();
            else if (received != Channel.Nothing) Check("recv", received);
            else if (_channel.HasPending && WantsBytes) WantBytes(); // a layer needs more, which one below it has
            return;
        }

        if (received == 0) OnStreamEnd();
        else BytesReceived += received;
        Complete();
    }

    private void OnStreamEnd()
    {
        Set(Traits.EndOfStream, true);
        _owner.OnStreamEnd();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Complete()
    {
        _state = ReadState.Completed;
        Continuation? continuation = _continuation;
        _continuation = null;
        if (continuation is null) return;
        continuation.Run();
        _loop.RestoreContext();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ReadResult MakeResult()
    {
        bool canceled = Has(Traits.CancelRequested);
        Set(Traits.CancelRequested, false);
        return new ReadResult(_view.Examine(), canceled, Has(Traits.EndOfStream));
    }

    // The result of a send: the bytes sent (fewer than given when the kernel is full), or -1 for a dead connection.
    private int Written(int sent, int length)
    {
        if (!Check("send", sent)) return -1;
        if (sent < length || _channel.WantsWrite) Check("epoll_ctl", _channel.WantWritable(this));
        return sent;
    }

    // False for an error, which ends the connection.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool Check(string call, int result)
    {
        if (result >= 0) return true;
        BreakAfter(call, result);
        return false;
    }

    private void BreakAfter(string call, int result) => Break(Broken ? "" : _channel.Describe(call, result));

    // What waits in the batch is older than whatever comes now, and may not be sent whole. The caller must look at its result first.
    private void ThrowIfInBatch()
    {
        if (Has(Traits.InBatch)) throw new InvalidOperationException("Bytes wait in the batch that must be sent first.");
    }

    // Nothing was sent. The kernel is full, or the error is the ring's and perhaps not the connection's. What is queued is sent next by a
    // call of its own, and an error of that call ends the connection. After EIO nobody knows whether something was sent (SendRing).
    private static bool MayBeTriedAgain(int error) => error != Linux.Eio && !Errno.IsOfThePeer(error);

    private bool Has(Traits trait) => (_traits & trait) != 0;

    private void Set(Traits trait, bool value) => _traits = value ? _traits | trait : _traits & ~trait;
}
