// Bytes that wait, in an array of the budget's, and charged to it. Without any there is no array.

namespace RawWs.Server.Memory;

internal struct WaitingBytes
{
    private byte[]? _array;
    private int _start;
    private int _end;

    public readonly int Length => _end - _start;

    public readonly ReadOnlySpan<byte> Bytes => _array.AsSpan(_start, Length);

    public readonly ArraySegment<byte> Segment => new(_array!, _start, Length);

    // Without asking the limit: it was asked before these bytes were sealed, or they are few.
    public void Append(ReadOnlySpan<byte> bytes, MemoryBudget budget)
    {
        if (_array is null || _array.Length - _end < bytes.Length)
        {
            byte[] larger = budget.Rent(Length + bytes.Length);
            Bytes.CopyTo(larger);
            int length = Length;
            if (_array is not null) budget.Return(_array);
            (_array, _start, _end) = (larger, 0, length);
        }

        bytes.CopyTo(_array.AsSpan(_end));
        _end += bytes.Length;
    }

    // It must be empty. False when there is no memory.
    public bool TryKeep(ReadOnlySpan<byte> bytes, MemoryBudget budget)
    {
        if (bytes.IsEmpty) return true;
        if (budget.TryRentToWait(bytes.Length) is not { } array) return false;
        bytes.CopyTo(array);
        (_array, _start, _end) = (array, 0, bytes.Length);
        return true;
    }

    public void Remove(int count, MemoryBudget budget)
    {
        _start += count;
        if (_start < _end || _array is null) return;
        budget.Return(_array);
        (_array, _start, _end) = (null, 0, 0);
    }
}
