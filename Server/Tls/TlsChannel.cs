// TLS as a layer over a connection's plain channel. In: the peer's records, collected until they are whole, opened where the transport
// wants the bytes. Out: what the transport sends, sealed at once, and what TLS itself has to say (SealedBytes).
//
// What makes it right:
// - Whatever is received is opened, as far as there is room for it, so that nothing lies where epoll does not see it. What does not fit is
//   pending (HasPending). A record that is not whole waits here, in an array of its size, and is asked the budget for.
// - What is sealed must leave, in its order, and cannot be taken back. What the kernel does not take is charged to the budget, and nothing
//   more is sealed before it has left. Closed meanwhile the connection is reset.
// - What joins the loop's batch is sealed when it does. If TLS itself has something to say after that, the batch is sent before.
// - A handshake that takes milliseconds (RSA) runs on a thread of the pool. Meanwhile reading is paused, and nobody else uses the session.
// - What the peer breaks is no exception: the stream ends, and Fault says why.

using System.Net;
using RawWs.Server.Channels;
using RawWs.Server.Loops;
using RawWs.Server.Memory;
using RawWs.Server.Native;

namespace RawWs.Server.Tls;

internal sealed class TlsChannel : Channel, ITlsSink, ILoopWork, IThreadPoolWorkItem
{
    private const int ReceiveBytesMax = 64 * 1024;

    // Full records, and as many as the kernel may well take at once. What it does not take is kept.
    private const int PieceBytesMax = 48 * 1024;
    private const int PieceBytesMin = 1024; // without asking the budget

    // What TLS adds at most to bytes that one record has room for (RFC 8446 §5.2), with an answer to a key update before it.
    private const int SealBytesMax = 300;

    private const int Closed = int.MinValue + 2; // the error of a call that comes too early or too late

    // Where the session is. On the loop's thread; handed to a thread of the pool; done there; to be freed there.
    private const int Here = 0;
    private const int Away = 1;
    private const int Back = 2;
    private const int Abandoned = 3;

    [ThreadStatic] private static byte[]? _threadRecords;
    [ThreadStatic] private static byte[]? _threadPiece;

    private readonly Channel _below;
    private readonly TlsSession _session;
    private readonly TlsHandshakes _handshakes;
    private Transport _transport = null!;
    private WaitingBytes _incoming; // not opened yet
    private SealedBytes _outgoing;
    private long _sealedBytes; // less those that were given
    private int _place;
    private bool _isHandshake = true;
    private bool _isLost;
    private bool _saidGoodbye;
    private bool _isShut;
    private bool _isClosed;

    /// <param name="below">The channel over which it lies.</param>
    /// <param name="certificates">Among which the peer chooses.</param>
    /// <param name="handshakes">Which count its handshake.</param>
    public TlsChannel(Channel below, TlsCertificates certificates, TlsHandshakes handshakes)
    {
        (_below, _handshakes) = (below, handshakes);
        _session = new SslStreamSession(this, certificates);
        handshakes.Begin();
    }

    public override OpeningLayer Opening =>
        _below.Opening is not OpeningLayer.None and var layer ? layer : _isHandshake ? OpeningLayer.Tls : OpeningLayer.None;

    public override string? Fault => _below.Fault ?? (_place == Here ? _session.Fault : null);

    public override string? FaultRule => _below.FaultRule;

    public override bool HasPending =>
        _place == Here && (_session.HasPlain || WholeRecords(_incoming.Bytes) > 0 || _below.HasPending);

    public override bool WantsWrite => _outgoing.Waiting > 0 || _below.WantsWrite;

    public override bool IsWritable => _below.IsWritable;

    public override int BytesThere => _incoming.Length + _below.BytesThere;

    public override int BytesUnacknowledged =>
        _below.BytesUnacknowledged is >= 0 and int unacknowledged ? unacknowledged + _outgoing.Waiting : -1;

    public override int RoundTripMicroseconds => _below.RoundTripMicroseconds;

    public override long BytesOfItsOwn => _sealedBytes + _below.BytesOfItsOwn;

    private MemoryBudget Budget => _transport.Loop.Budget;

    public override void Attach(Transport transport)
    {
        _transport = transport;
        _below.Attach(transport);
    }

    public override Readiness OnReady(Transport transport, uint events)
    {
        Readiness ready = _below.OnReady(transport, events);
        if ((ready & Readiness.Writable) == 0 || _outgoing.Waiting == 0 || _place != Here) return ready;
        if (SendRest() < 0) return Readiness.Broken;
        if (!WantsWrite) return ready;
        return _below.WantWritable(transport) < 0 ? Readiness.Broken : ready & ~Readiness.Writable;
    }

    public override int Settle(Transport transport, bool wanted) => _below.Settle(transport, wanted);

    public override int Receive(Span<byte> destination)
    {
        if (_place != Here || _isClosed) return Nothing;
        if (_isLost) return _below.Receive(destination); // nobody reads it any more
        int opened = OpenHeld(destination);
        if (opened == Nothing) opened = ReceiveRecords(destination);
        if (_place != Here) return Nothing; // from here on the session is another thread's
        if (_isHandshake && _session.IsOpen) EndHandshake();
        // What TLS has said meanwhile, and the kernel has not taken, waits for it.
        if (WantsWrite && _below.WantWritable(_transport) is < 0 and int error) return error;
        return _outgoing.Error < 0 ? _outgoing.Error : opened;
    }

    public override int Send(ReadOnlySpan<byte> bytes, bool more)
    {
        if (_isHandshake || _isClosed) return Closed;
        if (SendRest() is < 0 and int error) return error;
        int taken = 0;
        while (taken < bytes.Length && !WantsWrite)
        {
            int most = Budget.HasRoomToWait(PieceBytesMax) ? PieceBytesMax : PieceBytesMin;
            ReadOnlySpan<byte> piece = bytes.Slice(taken, Math.Min(bytes.Length - taken, most));
            _sealedBytes -= piece.Length;
            if (!_session.TrySeal(piece)) return Closed;
            if (_outgoing.Error < 0) return _outgoing.Error;
            taken += piece.Length;
        }

        return taken;
    }

    public override int Send(ReadOnlySpan<byte> frames, ReadOnlySpan<byte> source, ReadOnlySpan<PayloadSegment> segments)
    {
        PieceSender sender = new(this, _threadPiece ??= GC.AllocateUninitializedArray<byte>(PieceBytesMax));
        int at = 0;
        foreach (PayloadSegment segment in segments)
        {
            if (!sender.TryAdd(frames[at..segment.FramesEnd]) || !sender.TryAdd(source.Slice(segment.Start, segment.Length)))
                return sender.Sent;
            at = segment.FramesEnd;
        }

        if (sender.TryAdd(frames[at..])) sender.TrySend();
        return sender.Sent;
    }

    public override bool TryAddToBatch(Transport transport, ReadOnlySpan<byte> frames, ReadOnlySpan<byte> bytes)
    {
        // What the kernel does not take will be kept without asking the budget.
        if (_isHandshake || _isClosed || WantsWrite || transport.Loop.IsMemoryTight) return false;
        ArraySegment<byte> room = _below.BatchRoom(transport, bytes.Length + SealBytesMax);
        if (room.Count == 0) return false;
        _outgoing.BeginBatch(room);
        bool isSealed = _session.TrySeal(bytes);
        ReadOnlySpan<byte> records = _outgoing.EndBatch();
        if (!isSealed) return false;
        _sealedBytes -= bytes.Length;
        return _below.TryAddToBatch(transport, frames, records);
    }

    public override bool TryKeepBatched(ReadOnlySpan<byte> bytes)
    {
        if (!_below.TryKeepBatched(bytes)) _outgoing.Keep(bytes, Budget);
        return true;
    }

    public override int WantReadable(Transport transport) => _below.WantReadable(transport);

    public override int WantWritable(Transport transport) => _below.WantWritable(transport);

    public override void ShutdownWrite()
    {
        _isShut = true;
        SayGoodbye();
        if (_outgoing.Waiting == 0) _below.ShutdownWrite();
    }

    public override void Close(Transport transport, bool reset)
    {
        if (_isClosed) return;
        _isClosed = true;
        if (_isHandshake) EndHandshake();
        if (Interlocked.CompareExchange(ref _place, Abandoned, Away) == Away)
        {
            _below.Close(transport, reset);
            return;
        }

        if (!reset)
        {
            SayGoodbye();
            SendRest();
        }

        _below.Close(transport, reset || _outgoing.Waiting > 0);
        Free();
    }

    public override IPEndPoint? FindLocalEndPoint() => _below.FindLocalEndPoint();

    public override void SetUserTimeout(TimeSpan timeout) => _below.SetUserTimeout(timeout);

    public override string Describe(string call, int error) => error == Closed ? _session.Fault ?? "" : _below.Describe(call, error);

    void ITlsSink.OnSealed(ReadOnlySpan<byte> records)
    {
        _sealedBytes += records.Length;
        if (_outgoing.IsForBatch)
        {
            _outgoing.AddToBatch(records);
        }
        else if (_place != Here)
        {
            _outgoing.Keep(records, Budget);
        }
        else
        {
            _transport.SendBatched(); // it was sealed before
            _outgoing.Send(records, _below, Budget);
        }
    }

    /// <summary>A thread of the pool: the handshake goes on with what has come.</summary>
    void IThreadPoolWorkItem.Execute()
    {
        int taken = _session.Take(_incoming.Segment[..WholeRecords(_incoming.Bytes)]);
        _incoming.Remove(taken, Budget);
        if (Interlocked.CompareExchange(ref _place, Back, Away) == Away) _transport.Loop.Post(this);
        else Free();
    }

    /// <summary>What was done elsewhere is done.</summary>
    void ILoopWork.OnPosted()
    {
        if (_isClosed) return;
        _place = Here;
        if (_isHandshake && _session.IsOpen) EndHandshake();
        int sent = SendRest();
        if (sent >= 0 && WantsWrite) sent = _below.WantWritable(_transport);
        if (sent < 0) _transport.Break(_below.Describe("send", sent));
        else _transport.ResumeReading(ReadPauseReasons.Channel);
    }

    void ILoopWork.OnFailed(Exception exception) => ((ILoopWork)_transport).OnFailed(exception);

    // How many of the bytes are whole records. What is none is the peer's fault.
    private int WholeRecords(ReadOnlySpan<byte> bytes)
    {
        int whole = TlsRecord.WholeBytes(bytes, out bool isBroken);
        if (isBroken) _session.Break("what has come is no record of TLS");
        return whole;
    }

    // Opens what waits here, as far as there is room for it.
    private int OpenHeld(Span<byte> destination)
    {
        int whole = WholeRecords(_incoming.Bytes);
        if (whole == 0 && !_session.HasPlain) return Nothing;
        int opened = Open(whole == 0 ? default : _incoming.Segment[..whole], destination, out int taken);
        _incoming.Remove(taken, Budget);
        return opened;
    }

    // Receives once, and opens what has come.
    private int ReceiveRecords(Span<byte> destination)
    {
        byte[] records = _threadRecords ??= GC.AllocateUninitializedArray<byte>(TlsRecord.BytesMax + ReceiveBytesMax);
        int held = _incoming.Length;
        int received = _below.Receive(records.AsSpan(held, Math.Clamp(destination.Length, TlsRecord.BytesMax, ReceiveBytesMax)));
        if (received <= 0) return received;
        _incoming.Bytes.CopyTo(records);
        _incoming.Remove(held, Budget);
        int length = held + received, whole = WholeRecords(records.AsSpan(0, length)), taken = 0, opened = Nothing;
        bool isElsewhere = whole > 0 && _isHandshake && _session.IsHandshakeSlow;
        if (!isElsewhere) opened = Open(new ArraySegment<byte>(records, 0, whole), destination, out taken);
        _isLost = !_incoming.TryKeep(records.AsSpan(taken, length - taken), Budget);
        if (_isLost) return Lost;
        if (isElsewhere) GoElsewhere();
        return opened;
    }

    // Gives records to the session, and what it opens to the caller, until there are no more or the room is full.
    private int Open(ArraySegment<byte> records, Span<byte> destination, out int taken)
    {
        taken = 0;
        int total = 0;
        while (true)
        {
            while (total < destination.Length)
            {
                int opened = _session.Open(destination[total..]);
                if (opened == 0) return total; // if that is more than 0, the end is told the next time
                if (opened == Nothing) break;
                total += opened;
            }

            if (total == destination.Length || taken == records.Count) break;
            int further = _session.Take(records[taken..]);
            if (further == 0 && !_session.HasPlain) break;
            taken += further;
        }

        return total > 0 ? total : Nothing;
    }

    private void GoElsewhere()
    {
        _place = Away;
        _transport.PauseReading(ReadPauseReasons.Channel);
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    // Sends what waits, as much as the kernel takes. Below zero: an error.
    private int SendRest()
    {
        bool isWaiting = _outgoing.Waiting > 0;
        int result = _outgoing.SendWaiting(_below, Budget);
        if (isWaiting && _outgoing.Waiting == 0 && _isShut) _below.ShutdownWrite();
        return result;
    }

    private void SayGoodbye()
    {
        if (_saidGoodbye || _place != Here) return;
        _saidGoodbye = true;
        _session.SayGoodbye();
    }

    private void EndHandshake()
    {
        _isHandshake = false;
        _handshakes.End();
    }

    private void Free()
    {
        _incoming.Remove(_incoming.Length, Budget);
        _outgoing.Free(Budget);
        _session.Free();
    }
}
