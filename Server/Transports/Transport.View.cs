// Who owns the bytes that a transport shows. What a completed read shows lies in the loop's receive buffer, lent until the reader awaits the next read
// or returns to the loop. Unconsumed bytes then move to a tail of the connection's own, right-sized, from the pool; while
// everything is consumed a connection owns no buffer. Bytes that are there but not examined complete the next read at once.
// Where the owner has room of its own for what comes (a large payload that goes on), the bytes are received there, and lent likewise.

using System.Runtime.CompilerServices;
using RawWs.Server.Loops;

namespace RawWs.Server.Transports;

internal abstract partial class Transport
{
    // The view: what the last completed read shows, or what is left of it. It lies in the loop's buffer (lent) or in the tail array.
    private byte[]? _view;
    private int _viewStart;
    private int _viewEnd;
    private bool _viewIsLent;
    private bool _viewIsOwners; // lent, and not the loop's buffer
    private bool _viewIsKept;
    private bool _hasUnexamined;

    /// <summary>
    /// Somebody keeps a pin on the bytes shown: their array is never used again. The loop's buffer is replaced, a tail not given back.
    /// </summary>
    public void KeepView()
    {
        if (!_viewIsLent) _viewIsKept = true;
        else if (!_viewIsOwners) _loop.Buffer.GiveAway();
    }

    /// <summary>The socket is readable and a read waits: receives once, completes the read, and takes the loop's buffer back afterwards.</summary>
    protected void ReceiveOnce(ITransportOwner owner)
    {
        if (_view is null && owner.TryGetRoom(out ArraySegment<byte> room)) ReceiveIntoOwners(room);
        else if (_view is not null && _viewEnd - _viewStart > ReceiveBuffer.HeadroomBytes) ReceiveBehindTail(owner);
        else ReceiveIntoLoopBuffer();
        TakeBufferBack(owner);
    }

    /// <summary>
    /// The synchronous stretch is over: what the reader has left in the loop's buffer moves to a tail of its own. If it has not
    /// even advanced, the buffer is still in use, and the loop makes itself another. Without room for a tail its bytes are lost, and with
    /// them the connection.
    /// </summary>
    private void TakeBufferBack(ITransportOwner owner)
    {
        if (!_viewIsLent || _view is null) return;
        _viewIsLent = _viewIsOwners = false;
        int length = _viewEnd - _viewStart;
        if (_loop.Budget.TryRentToWait(length) is not { } tail)
        {
            _view = null; // it is the loop's
            ReleaseView();
            owner.OnBytesLost();
            return;
        }

        _view.AsSpan(_viewStart, length).CopyTo(tail);
        (_view, _viewStart, _viewEnd) = (tail, 0, length);
    }

    private void ReceiveIntoLoopBuffer()
    {
        ReceiveBuffer buffer = _loop.Buffer;
        int received = Receive(buffer.ReceiveSpan(IsBusy || _loop.IsMemoryTight));
        if (received == -1) return;
        if (received > 0)
        {
            int start = ReceiveBuffer.HeadroomBytes;
            if (_view is not null)
            {
                start = buffer.Prepend(_view.AsSpan(_viewStart, _viewEnd - _viewStart));
                ReturnTail();
            }

            (_view, _viewStart, _viewEnd) = (buffer.Array, start, ReceiveBuffer.HeadroomBytes + received);
            _viewIsLent = _hasUnexamined = true;
        }

        OnReceived(received);
    }

    private void ReceiveIntoOwners(ArraySegment<byte> room)
    {
        int received = Receive(room);
        if (received == -1) return;
        if (received > 0)
        {
            (_view, _viewStart, _viewEnd) = (room.Array, room.Offset, room.Offset + received);
            _viewIsLent = _viewIsOwners = _hasUnexamined = true;
        }

        OnReceived(received);
    }

    // A reader that leaves more than the headroom unconsumed, though it has examined it: its own array grows.
    private void ReceiveBehindTail(ITransportOwner owner)
    {
        int length = _viewEnd - _viewStart;
        if (_loop.Budget.TryRentToWait(length + ReceiveBuffer.HeadroomBytes) is not { } joined)
        {
            ReleaseView();
            owner.OnBytesLost();
            return;
        }

        _view.AsSpan(_viewStart, length).CopyTo(joined);
        int received = Receive(joined.AsSpan(length));
        if (received == -2)
        {
            // The connection broke, and has given its tail back.
            _loop.Budget.Return(joined);
            return;
        }

        ReturnTail();
        (_view, _viewStart, _viewEnd) = (joined, 0, length + Math.Max(received, 0));
        if (received == -1) return;
        _hasUnexamined |= received > 0;
        OnReceived(received);
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
