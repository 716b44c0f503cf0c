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

    /// <summary>
    /// Adds bytes behind those that wait. They are charged without asking for the limit: the caller has asked before (for what it seals),
    /// or they have a bound of their own (a PROXY header).
    /// </summary>
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

    /// <summary>Keeps the first bytes, when none wait. False when the budget has no memory for them.</summary>
    public bool TryKeep(ReadOnlySpan<byte> bytes, MemoryBudget budget)
    {
        if (bytes.IsEmpty) return true;
        if (budget.TryRentToWait(bytes.Length) is not { } array) return false;
        bytes.CopyTo(array);
        (_array, _start, _end) = (array, 0, bytes.Length);
        return true;
    }

    /// <summary>So many of the first bytes are done with. With the last ones the array goes back.</summary>
    public void Remove(int count, MemoryBudget budget)
    {
        _start += count;
        if (_start < _end || _array is null) return;
        budget.Return(_array);
        (_array, _start, _end) = (null, 0, 0);
    }
}
