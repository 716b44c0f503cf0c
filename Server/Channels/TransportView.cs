// Who owns the bytes that a transport shows to its reader: the view. After a completed read the view lies in the loop's receive buffer,
// which is lent until the reader awaits the next read or returns to the loop. Then unconsumed bytes move to an array of the connection's
// own, the tail, from the pool. While everything is consumed a connection owns no buffer. Bytes that are there but not examined complete
// the next read at once. If the owner has a place of its own for what comes (a large payload that goes on), the bytes are received there,
// and lent in the same way.

using System.Buffers;
using System.Runtime.CompilerServices;
using RawWs.Server.Loops;
using RawWs.Server.Memory;

namespace RawWs.Server.Channels;

internal struct TransportView
{
    // What the last completed read shows, or what is left of it. It lies in the loop's buffer (lent), in the owner's array (lent), or in
    // the tail.
    private byte[]? _array;
    private int _start;
    private int _end;
    private Traits _traits;

    [Flags]
    private enum Traits : byte
    {
        None = 0,

        /// <summary>The array is not the view's: it is the loop's, or its owner's.</summary>
        Lent = 1,

        /// <summary>Lent, and by the owner.</summary>
        Owners = 2,

        /// <summary>A handler keeps the tail's array.</summary>
        Kept = 4,

        Unexamined = 8,
    }

    /// <summary>Whether it shows nothing, and owns nothing.</summary>
    public readonly bool IsEmpty => _array is null;

    /// <summary>Whether bytes are there that have not been examined.</summary>
    public readonly bool HasUnexamined => (_traits & Traits.Unexamined) != 0;

    /// <summary>Whether the array is lent, and bytes in it are not consumed yet.</summary>
    public readonly bool IsLent => (_traits & Traits.Lent) != 0;

    /// <summary>How many bytes it shows.</summary>
    public readonly int Length => _end - _start;

    /// <summary>Shows the bytes to the reader, who is now told of all of them.</summary>
    public ReadOnlySequence<byte> Examine()
    {
        _traits &= ~Traits.Unexamined;
        return _array is null ? ReadOnlySequence<byte>.Empty : new ReadOnlySequence<byte>(_array, _start, _end - _start);
    }

    /// <summary>Moves on to these places in the array. What is consumed is given up.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Advance(int consumed, int examined, MemoryBudget budget)
    {
        if (consumed == _end)
        {
            Release(budget);
            return;
        }

        _start = consumed;
        if (examined < _end) _traits |= Traits.Unexamined;
        else _traits &= ~Traits.Unexamined;
    }

    /// <summary>
    /// A handler keeps the bytes shown: their array is never used again. The loop's buffer is replaced, and a tail is not returned.
    /// </summary>
    public void Keep(ReceiveBuffer loopBuffer)
    {
        if (!IsLent) _traits |= Traits.Kept;
        else if ((_traits & Traits.Owners) == 0) loopBuffer.GiveAway();
    }

    /// <summary>So many bytes have come into the loop's buffer: they are added to a tail with room for them, or shown there.</summary>
    public void ShowLoopBuffer(ReceiveBuffer buffer, int received, MemoryBudget budget)
    {
        if (_array is null || !TryAppendToTail(buffer, received)) ShowBehindTail(buffer, received, budget);
        _traits |= Traits.Unexamined;
    }

    /// <summary>So many bytes have come into an array of the owner's.</summary>
    public void ShowOwners(ArraySegment<byte> room, int received)
    {
        (_array, _start, _end) = (room.Array, room.Offset, room.Offset + received);
        _traits |= Traits.Lent | Traits.Owners | Traits.Unexamined;
    }

    /// <summary>
    /// The room behind a long tail, whose array doubles when it is nearly full. False when there is no memory for that.
    /// </summary>
    public bool TryGetRoomBehindTail(ReceiveBuffer buffer, MemoryBudget budget, out Span<byte> room)
    {
        room = default;
        if (_array!.Length - _end < ReceiveBuffer.LittleReceiveBytesMax && !TryDoubleTail(buffer, budget)) return false;
        room = _array.AsSpan(_end);
        room = room[..Math.Min(room.Length, ReceiveBuffer.ReceiveBytesMax)];
        return true;
    }

    /// <summary>So many bytes have come into that room.</summary>
    public void GrowTail(int received)
    {
        _end += received;
        _traits |= Traits.Unexamined;
    }

    /// <summary>
    /// The synchronous handling is over: what the reader has left in a lent array moves to a tail. False when there is no memory for one:
    /// then the bytes are lost.
    /// </summary>
    public bool TryMoveToTail(ReceiveBuffer buffer, MemoryBudget budget)
    {
        _traits &= ~(Traits.Lent | Traits.Owners);
        int length = Length;
        if (budget.TryRentToWait(length) is not { } tail)
        {
            _array = null; // it belongs to whoever has lent it
            Release(budget);
            return false;
        }

        _array.AsSpan(_start, length).CopyTo(tail);
        buffer.MovedBytes += length;
        (_array, _start, _end) = (tail, 0, length);
        return true;
    }

    /// <summary>Gives everything up.</summary>
    public void Release(MemoryBudget budget)
    {
        if (_array is not null && !IsLent) ReturnTail(budget);
        _array = null;
        _start = _end = 0;
        _traits = Traits.None;
    }

    private void ShowBehindTail(ReceiveBuffer buffer, int received, MemoryBudget budget)
    {
        int start = ReceiveBuffer.HeadroomBytes;
        if (_array is not null)
        {
            start = buffer.Prepend(_array.AsSpan(_start, Length));
            ReturnTail(budget);
        }

        (_array, _start, _end) = (buffer.Array, start, ReceiveBuffer.HeadroomBytes + received);
        _traits |= Traits.Lent;
    }

    // What comes in small pieces (a head, a control frame, byte by byte) is not moved with each of them, but when the tail has doubled.
    // Once something of a tail is consumed it is not added to, so that a large one does not stay for a few bytes.
    private bool TryAppendToTail(ReceiveBuffer buffer, int received)
    {
        if (_start > 0 || received > _array!.Length - _end) return false;
        buffer.Array.AsSpan(ReceiveBuffer.HeadroomBytes, received).CopyTo(_array.AsSpan(_end));
        buffer.MovedBytes += received;
        _end += received;
        return true;
    }

    private bool TryDoubleTail(ReceiveBuffer buffer, MemoryBudget budget)
    {
        int length = Length;
        if (budget.TryRentToWait(length + ReceiveBuffer.HeadroomBytes) is not { } larger) return false;
        _array.AsSpan(_start, length).CopyTo(larger);
        buffer.MovedBytes += length;
        ReturnTail(budget);
        (_array, _start, _end) = (larger, 0, length);
        return true;
    }

    private void ReturnTail(MemoryBudget budget)
    {
        if ((_traits & Traits.Kept) != 0) budget.Forget(_array!);
        else budget.Return(_array!);
        _traits &= ~Traits.Kept;
    }
}
