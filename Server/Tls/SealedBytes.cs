// What is sealed, on its way to the channel below. It must leave, in its order, and cannot be taken back. It is sent at once, or goes into
// the room that the loop's batch has for it. What the kernel does not take waits here, charged to the budget, and goes first.

using RawWs.Server.Channels;
using RawWs.Server.Memory;

namespace RawWs.Server.Tls;

internal struct SealedBytes
{
    private WaitingBytes _waiting;
    private ArraySegment<byte> _room; // in the batch; none: what is sealed is sent
    private int _inRoom;

    /// <summary>How many bytes wait for the kernel.</summary>
    public readonly int Waiting => _waiting.Length;

    /// <summary>The error of a send that has failed, below zero: final. 0 for none.</summary>
    public int Error { get; private set; }

    /// <summary>What is sealed from now on is written into this room of the batch.</summary>
    public void BeginBatch(ArraySegment<byte> room) => (_room, _inRoom) = (room, 0);

    /// <summary>What is sealed from now on is sent again. Returns what is in the room, which may join the batch now.</summary>
    public ReadOnlySpan<byte> EndBatch()
    {
        ReadOnlySpan<byte> records = _room.AsSpan(0, _inRoom);
        _room = default;
        return records;
    }

    /// <summary>Whether <see cref="BeginBatch"/> was called, and <see cref="EndBatch"/> was not.</summary>
    public readonly bool IsForBatch => _room.Array is not null;

    /// <summary>Writes into the room of the batch.</summary>
    public void AddToBatch(ReadOnlySpan<byte> records)
    {
        records.CopyTo(_room.AsSpan(_inRoom));
        _inRoom += records.Length;
    }

    /// <summary>Sends behind what waits: at once if nothing does, and the kernel takes it.</summary>
    public void Send(ReadOnlySpan<byte> records, Channel below, MemoryBudget budget)
    {
        int sent = 0;
        if (_waiting.Length == 0 && (sent = below.Send(records, more: false)) < 0) Error = sent;
        else if (sent < records.Length) Keep(records[sent..], budget);
    }

    /// <summary>These bytes wait, behind those that do.</summary>
    public void Keep(ReadOnlySpan<byte> records, MemoryBudget budget) => _waiting.Append(records, budget);

    /// <summary>Sends what waits, as much as the kernel takes. Returns 0, or the <see cref="Error"/>.</summary>
    public int SendWaiting(Channel below, MemoryBudget budget)
    {
        while (_waiting.Length > 0 && Error == 0)
        {
            int sent = below.Send(_waiting.Bytes, more: false);
            if (sent == 0) break;
            if (sent < 0) Error = sent;
            else _waiting.Remove(sent, budget);
        }

        return Error;
    }

    /// <summary>Gives back what waits.</summary>
    public void Free(MemoryBudget budget) => _waiting.Remove(_waiting.Length, budget);
}
