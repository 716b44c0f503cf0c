// Who owns the bytes that a transport shows to its reader: the view. After a completed read the view lies in the loop's receive buffer,
// which is lent until the reader awaits the next read or returns to the loop. Then unconsumed bytes move to an array of the connection's
// own, the tail, from the pool. While everything is consumed a connection owns no buffer. Bytes that are there but not examined complete
// the next read at once. If the owner has a place of its own for what comes (a large payload that goes on), the bytes are received there,
// and lent in the same way.

using System.Runtime.CompilerServices;
using RawWs.Server.Loops;

namespace RawWs.Server.Transports;

internal abstract partial class Transport
{
    // The view: what the last completed read shows, or what is left of it. It lies in the loop's buffer (lent), in the owner's array
    // (lent), or in the tail.
    private byte[]? _view;
    private int _viewStart;
    private int _viewEnd;
    private bool _viewIsLent;
    private bool _viewIsOwners; // lent, and the owner's array
    private bool _viewIsKept;
    private bool _hasUnexamined;

    /// <summary>
    /// A handler keeps the bytes shown: their array is never used again. The loop's buffer is replaced, and a tail is not returned.
    /// </summary>
    public void KeepView()
    {
        if (!_viewIsLent) _viewIsKept = true;
        else if (!_viewIsOwners) _loop.Buffer.GiveAway();
    }

    /// <summary>
    /// The socket is readable and a read waits: receives once, completes the read, and reclaims the loop's buffer afterwards.
    /// </summary>
    protected void ReceiveOnce(ITransportOwner owner)
    {
        if (_view is null && owner.TryGetRoom(out ArraySegment<byte> room)) ReceiveIntoOwners(owner, room);
        else if (_view is not null && _viewEnd - _viewStart > ReceiveBuffer.HeadroomBytes) ReceiveBehindTail(owner);
        else ReceiveIntoLoopBuffer(owner);
        ReclaimBuffer(owner);
    }

    /// <summary>
    /// The synchronous handling is over: what the reader has left in the loop's buffer moves to a tail of its own. Without memory for a
    /// tail the bytes are lost, and the connection with them.
    /// </summary>
    private void ReclaimBuffer(ITransportOwner owner)
    {
        if (!_viewIsLent || _view is null) return;
        _viewIsLent = _viewIsOwners = false;
        int length = _viewEnd - _viewStart;
        if (_loop.Budget.TryRentToWait(length) is not { } tail)
        {
            _view = null; // the loop owns the array
            ReleaseView();
            owner.OnBytesLost();
            return;
        }

        _view.AsSpan(_viewStart, length).CopyTo(tail);
        _loop.Buffer.MovedBytes += length;
        (_view, _viewStart, _viewEnd) = (tail, 0, length);
    }

    private int Receive(ITransportOwner owner, Span<byte> room)
    {
        int received = Receive(room);
        if (received > 0 && _loop.WatchesFrames) owner.OnReceived(room[..received]);
        return received;
    }

    private void ReceiveIntoLoopBuffer(ITransportOwner owner)
    {
        ReceiveBuffer buffer = _loop.Buffer;
        int received = Receive(owner, buffer.ReceiveSpan(IsBusy || _loop.IsMemoryTight));
        if (received == -1) return;
        if (received > 0)
        {
            Span<byte> bytes = buffer.Array.AsSpan(ReceiveBuffer.HeadroomBytes, received);
            if (_view is null || !TryAppendToTail(bytes)) ShowLoopBuffer(buffer, received);
            _hasUnexamined = true;
        }

        OnReceived(received);
    }

    private void ShowLoopBuffer(ReceiveBuffer buffer, int received)
    {
        int start = ReceiveBuffer.HeadroomBytes;
        if (_view is not null)
        {
            start = buffer.Prepend(_view.AsSpan(_viewStart, _viewEnd - _viewStart));
            ReturnTail();
        }

        (_view, _viewStart, _viewEnd) = (buffer.Array, start, ReceiveBuffer.HeadroomBytes + received);
        _viewIsLent = true;
    }

    // What comes in small pieces (a head, a control frame, byte by byte) is not moved with each of them, but when the tail has doubled.
    // Once something of a tail is consumed it is not added to, so that a large one does not stay for a few bytes.
    private bool TryAppendToTail(ReadOnlySpan<byte> received)
    {
        if (_viewStart > 0 || received.Length > _view!.Length - _viewEnd) return false;
        received.CopyTo(_view.AsSpan(_viewEnd));
        _loop.Buffer.MovedBytes += received.Length;
        _viewEnd += received.Length;
        return true;
    }

    private void ReceiveIntoOwners(ITransportOwner owner, ArraySegment<byte> room)
    {
        int received = Receive(owner, room);
        if (received == -1) return;
        if (received > 0)
        {
            (_view, _viewStart, _viewEnd) = (room.Array, room.Offset, room.Offset + received);
            _viewIsLent = _viewIsOwners = _hasUnexamined = true;
        }

        OnReceived(received);
    }

    // The reader leaves more than the headroom unconsumed, though it has examined it. What comes next is received behind that, and the
    // array doubles when it is nearly full.
    private void ReceiveBehindTail(ITransportOwner owner)
    {
        if (_view!.Length - _viewEnd < ReceiveBuffer.LittleReceiveBytesMax && !TryDoubleTail())
        {
            ReleaseView();
            owner.OnBytesLost();
            return;
        }

        Span<byte> room = _view.AsSpan(_viewEnd);
        int received = Receive(owner, room[..Math.Min(room.Length, ReceiveBuffer.ReceiveBytesMax)]);
        if (received == -1) return;
        if (received > 0)
        {
            _viewEnd += received;
            _hasUnexamined = true;
        }

        OnReceived(received);
    }

    private bool TryDoubleTail()
    {
        int length = _viewEnd - _viewStart;
        if (_loop.Budget.TryRentToWait(length + ReceiveBuffer.HeadroomBytes) is not { } larger) return false;
        _view.AsSpan(_viewStart, length).CopyTo(larger);
        _loop.Buffer.MovedBytes += length;
        ReturnTail();
        (_view, _viewStart, _viewEnd) = (larger, 0, length);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Advance(int consumed, int examined)
    {
        if (consumed == _viewEnd)
        {
            ReleaseView();
            return;
        }

        _viewStart = consumed;
        _hasUnexamined = examined < _viewEnd;
    }

    private void ReturnTail()
    {
        if (_viewIsKept) _loop.Budget.Forget(_view!);
        else _loop.Budget.Return(_view!);
        _viewIsKept = false;
    }

    private void ReleaseView()
    {
        if (_view is not null && !_viewIsLent) ReturnTail();
        _view = null;
        _viewStart = _viewEnd = 0;
        _viewIsLent = _viewIsOwners = _hasUnexamined = false;
    }
}
