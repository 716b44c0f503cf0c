// A message in the loop's receive buffer, lent to a handler. While the handler runs synchronously the memory is the receive
// buffer itself: nothing is copied. If the handler goes on after an await, the bytes are moved to right-sized pooled memory
// and every Memory<byte> made from this object follows, because it asks for its span anew. The loop keeps one such object
// and lends it for message after message; one that a handler keeps leaves with the connection, and the loop makes another.

using System.Buffers;

namespace RawWs.Server.Memory;

internal sealed class LentMessage : MemoryManager<byte>
{
    private byte[] _array = [];
    private int _offset;
    private int _length;
    private int _pins;
    private bool _rented;

    /// <summary>Points at <paramref name="length"/> bytes of the receive buffer and returns them as memory.</summary>
    public ReadOnlyMemory<byte> Lend(byte[] array, int offset, int length)
    {
        _array = array;
        _offset = offset;
        _length = length;
        return length == 0 ? default : CreateMemory(length);
    }

    /// <summary>
    /// Moves the bytes out of the receive buffer. False when the handler has pinned them (it gave them to the operating
    /// system, say): then the receive buffer itself must stay, and the loop takes another.
    /// </summary>
    public bool TryMove(MemoryBudget budget)
    {
        if (Volatile.Read(ref _pins) != 0) return false;
        if (_length == 0) return true;
        byte[] moved = budget.Rent(_length);
        _array.AsSpan(_offset, _length).CopyTo(moved);
        _array = moved;
        _offset = 0;
        _rented = true;
        return true;
    }

    /// <summary>The handler is done: gives moved bytes back.</summary>
    public void Release(MemoryBudget budget)
    {
        if (_rented) budget.Return(_array);
        _rented = false;
        _array = [];
        _offset = _length = 0;
    }

    public override Span<byte> GetSpan() => _array.AsSpan(_offset, _length);

    public override unsafe MemoryHandle Pin(int elementIndex = 0)
    {
        Interlocked.Increment(ref _pins);
        MemoryHandle inner = _array.AsMemory(_offset + elementIndex).Pin();
        return new MemoryHandle(inner.Pointer, default, new Pinned(this, inner));
    }

    public override void Unpin() => Interlocked.Decrement(ref _pins);

    protected override void Dispose(bool disposing)
    {
    }

    /// <summary>Keeps the inner pin alive and counts itself out when it is disposed.</summary>
    private sealed class Pinned(LentMessage owner, MemoryHandle inner) : IPinnable
    {
        public MemoryHandle Pin(int elementIndex) => throw new NotSupportedException("A pin is not pinned again.");

        public void Unpin()
        {
            inner.Dispose();
            owner.Unpin();
        }
    }
}
