// The members of one loop, by slot. The owner adds and removes. Other threads may read while they broadcast: they see the array as it
// was at one moment, with everybody who was there before they began.
// A slot is used again, so each use has a generation. Find with an old generation finds nobody. So a late event, or a descriptor that was
// closed and given out again, never reaches another member.

namespace RawWs.Server.Loops;

internal sealed class MemberTable
{
    private readonly Stack<int> _free = new();
    private ILoopMember?[] _members = new ILoopMember?[16];
    private uint[] _generations = new uint[16];
    private int _used;
    private int _count;

    /// <summary>How many members are in the table. Any thread.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Every slot, filled or null, as it is at this moment. Any thread.</summary>
    public ReadOnlySpan<ILoopMember?> Snapshot => Volatile.Read(ref _members);

    /// <summary>Puts a member into a slot and returns slot and generation as one number. Owner only.</summary>
    public ulong Add(ILoopMember member)
    {
        if (!_free.TryPop(out int slot))
        {
            if (_used == _members.Length) Grow();
            slot = _used++;
        }

        if (++_generations[slot] == 0) _generations[slot] = 1; // no member has generation 0
        uint generation = _generations[slot];
        Volatile.Write(ref _members[slot], member);
        Volatile.Write(ref _count, _count + 1);
        return ((ulong)generation << 32) | (uint)slot;
    }

    /// <summary>Finds the member with this slot and generation; null if there is none. Owner only.</summary>
    public ILoopMember? Find(ulong key)
    {
        uint slot = (uint)key;
        return slot < (uint)_generations.Length && _generations[slot] == (uint)(key >> 32) ? _members[slot] : null;
    }

    /// <summary>Empties a slot. Owner only.</summary>
    public void Remove(ulong key)
    {
        int slot = (int)(uint)key;
        Volatile.Write(ref _members[slot], null);
        Volatile.Write(ref _count, _count - 1);
        _free.Push(slot);
    }

    private void Grow()
    {
        ILoopMember?[] larger = new ILoopMember?[_members.Length * 2];
        _members.CopyTo(larger, 0);
        Array.Resize(ref _generations, larger.Length);
        Volatile.Write(ref _members, larger);
    }
}
