// A hierarchical timing wheel. In: entries with a due time in milliseconds. Out: calls of OnDue, never early and at most one tick
// late. No clock, no thread, no lock: its owner tells it the time.
//
// Four wheels of 64 slots. A slot of the first spans one tick (16 ms), so the first wheel reaches 1.024 s ahead; a slot of the second
// spans a whole turn of the first, and so on: 65.5 s, 70 minutes, 74 hours. An entry goes into the lowest wheel that reaches its due
// tick. Each time the first wheel has turned once, the second's next slot is emptied into it, and likewise upwards.
//
//   A worked example. The time is tick 0, and an entry is due at 2.5 s: tick 157 (2,500 / 16, rounded up). 157 is past the
//   first wheel's 63, so it goes into the second, slot 157 / 64 = 2. At tick 128 (2.048 s) that slot is emptied: the entry moves to
//   the first wheel, slot 157 mod 64 = 29. At tick 157 (2.512 s) slot 29 is due, and OnDue is called.
//
// An entry is a link of its slot's ring, so arming and disarming are a few writes and cost no memory, and a tick looks at one slot
// however many entries there are. A mask per wheel knows the filled slots: empty ticks are skipped, and the time until the next
// one that matters is a few bit operations.

using System.Numerics;

namespace RawWs.Server.Time;

/// <summary>Something that a wheel holds. It is armed for one time at most.</summary>
internal interface ITimerEntry
{
    /// <summary>The wheel's own part of the entry: a field.</summary>
    ref TimerLink Link { get; }

    void OnDue(long now);
}

/// <summary>Where an entry is in its wheel. Every connection has one, so its two numbers share a word.</summary>
internal struct TimerLink
{
    private const int PlaceBits = 9;
    private const long PlaceMask = (1 << PlaceBits) - 1;

    public ITimerEntry? Next;
    public ITimerEntry? Previous;

    private long _tickAndPlace; // the tick above, the place + 1 below

    /// <summary>The latest tick that there is: later times are this one.</summary>
    public static long TickMax => long.MaxValue >> PlaceBits;

    public long DueTick
    {
        readonly get => _tickAndPlace >> PlaceBits;
        set => _tickAndPlace = (value << PlaceBits) | (_tickAndPlace & PlaceMask);
    }

    /// <summary>Level and slot, or -1 while it is not armed.</summary>
    public int Place
    {
        readonly get => (int)(_tickAndPlace & PlaceMask) - 1;
        set => _tickAndPlace = (_tickAndPlace & ~PlaceMask) | (long)(value + 1);
    }

    /// <summary>Whether it is armed.</summary>
    public readonly bool IsArmed => (_tickAndPlace & PlaceMask) != 0;

    /// <summary>Whether it is armed for this time in milliseconds, or an earlier one.</summary>
    public readonly bool IsArmedBy(long due) => IsArmed && DueTick <= TimerWheel.TickOf(due);
}

/// <summary>An entry that needs no other base class.</summary>
internal abstract class TimerEntry : ITimerEntry
{
    private TimerLink _link;

    ref TimerLink ITimerEntry.Link => ref _link;

    /// <summary>Whether it is armed.</summary>
    protected bool IsArmed => _link.IsArmed;

    void ITimerEntry.OnDue(long now) => OnDue(now);

    internal abstract void OnDue(long now);
}

internal sealed class TimerWheel
{
    /// <summary>The resolution, in milliseconds.</summary>
    public const int TickMilliseconds = 16;

    private const int Levels = 4;
    private const int SlotBits = 6;
    private const int Slots = 1 << SlotBits;
    private const long ReachTicks = 1L << (SlotBits * Levels);

    private readonly Ring[] _rings = new Ring[Levels * Slots];
    private readonly ulong[] _filled = new ulong[Levels];
    private readonly Ring _firing = new();
    private long _tick; // the last tick that has been handled

    public TimerWheel(long now)
    {
        for (int i = 0; i < _rings.Length; i++) _rings[i] = new Ring();
        _tick = now / TickMilliseconds;
    }

    /// <summary>How many entries are armed.</summary>
    public int Count { get; private set; }

    /// <summary>Arms an entry for a time in milliseconds; an armed one is moved. A time in the past means the next tick.</summary>
    public void Arm(ITimerEntry entry, long due)
    {
        if (entry.Link.IsArmed) Disarm(entry);
        Count++;
        // A time beyond the wheels' reach waits in the last slot, and is armed again from there.
        entry.Link.DueTick = TickOf(due);
        Place(entry);
    }

    /// <summary>Disarms an entry, if it is armed.</summary>
    public void Disarm(ITimerEntry entry)
    {
        if (!entry.Link.IsArmed) return;
        Count--;
        Unlink(entry);
    }

    /// <summary>
    /// Moves on to the time <paramref name="now"/>, in milliseconds, and calls every entry that is due, in the order of their ticks. An
    /// entry is disarmed before it is called. It may arm or disarm itself or any other.
    /// </summary>
    /// <returns>How many were called.</returns>
    public int Advance(long now)
    {
        long target = now / TickMilliseconds;
        int called = 0;
        while (_tick < target)
        {
            long next = NextTick();
            if (next > target)
            {
                _tick = target;
                break;
            }

            _tick = next;
            Cascade();
            called += Fire(now);
        }

        return called;
    }

    /// <summary>
    /// The time in milliseconds of the next tick at which there is something to do, or <see cref="long.MaxValue"/>. It may be too early
    /// (when a slot must be emptied into a lower wheel), but never too late.
    /// </summary>
    public long NextDue()
    {
        long next = NextTick();
        return next == long.MaxValue ? next : next * TickMilliseconds;
    }

    // Rounded up: an entry never fires early.
    internal static long TickOf(long due) =>
        due >= TimerLink.TickMax ? TimerLink.TickMax : (due + TickMilliseconds - 1) / TickMilliseconds;

    // The earliest tick after _tick whose slot, in any wheel, is filled.
    private long NextTick()
    {
        long earliest = long.MaxValue;
        for (int level = 0; level < Levels; level++)
        {
            ulong filled = _filled[level];
            if (filled == 0) continue;
            int shift = SlotBits * level;
            long turn = _tick >> shift; // how many slots of this wheel have gone by
            int slot = (int)turn & (Slots - 1);
            // Rotated so that bit 0 is the slot after the current one: the count of zeros is how many slots are skipped.
            int skipped = BitOperations.TrailingZeroCount(BitOperations.RotateRight(filled, (slot + 1) & (Slots - 1)));
            earliest = Math.Min(earliest, (turn + 1 + skipped) << shift);
        }

        return earliest;
    }

    private void Place(ITimerEntry entry)
    {
        // tour: wheel-place
        long due = Math.Max(entry.Link.DueTick, _tick + 1);
        long ahead = due - _tick;
        if (ahead >= ReachTicks)
        {
            due = _tick + ReachTicks - 1;
            ahead = ReachTicks - 1;
        }

        int level = BitOperations.Log2((ulong)ahead) / SlotBits;
        int slot = (int)(due >> (SlotBits * level)) & (Slots - 1);
        int place = (level * Slots) + slot;
        entry.Link.Place = place;
        _rings[place].Add(entry);
        _filled[level] |= 1UL << slot;
        // tour: end
    }

    // When a wheel has turned once, the next slot of the wheel above is emptied into the lower ones.
    private void Cascade()
    {
        for (int level = 1; level < Levels; level++)
        {
            int shift = SlotBits * level;
            if ((_tick & ((1L << shift) - 1)) != 0) return;
            int place = (level * Slots) + ((int)(_tick >> shift) & (Slots - 1));
            while (_rings[place].First is { } entry)
            {
                Unlink(entry);
                if (entry.Link.DueTick <= _tick) PlaceNow(entry);
                else Place(entry);
            }
        }
    }

    // An entry that came down from a higher wheel and is due at this very tick.
    private void PlaceNow(ITimerEntry entry)
    {
        int slot = (int)_tick & (Slots - 1);
        entry.Link.Place = slot;
        _rings[slot].Add(entry);
        _filled[0] |= 1UL << slot;
    }

    private int Fire(long now)
    {
        int slot = (int)_tick & (Slots - 1);
        if ((_filled[0] & (1UL << slot)) == 0) return 0;

        // The whole ring is moved first, so that an entry that arms itself again for a full turn ahead is not called twice.
        _rings[slot].MoveTo(_firing);
        _filled[0] &= ~(1UL << slot);
        int called = 0;
        while (_firing.First is { } entry)
        {
            Unlink(entry);
            Count--;
            called++;
            entry.OnDue(now);
        }

        return called;
    }

    private void Unlink(ITimerEntry entry)
    {
        ref TimerLink link = ref entry.Link;
        int place = link.Place;
        link.Place = -1;
        link.Previous!.Link.Next = link.Next;
        link.Next!.Link.Previous = link.Previous;
        link.Next = link.Previous = null;
        if (_rings[place].First is null) _filled[place / Slots] &= ~(1UL << (place % Slots));
    }

    /// <summary>A slot: the head of a ring of entries.</summary>
    private sealed class Ring : ITimerEntry
    {
        private TimerLink _link;

        public Ring() => _link.Next = _link.Previous = this;

        public ref TimerLink Link => ref _link;

        public ITimerEntry? First => _link.Next == this ? null : _link.Next;

        public void Add(ITimerEntry entry)
        {
            ref TimerLink link = ref entry.Link;
            link.Next = this;
            link.Previous = _link.Previous;
            _link.Previous!.Link.Next = entry;
            _link.Previous = entry;
        }

        public void MoveTo(Ring other)
        {
            if (First is null) return;
            other._link.Next = _link.Next;
            other._link.Previous = _link.Previous;
            _link.Next!.Link.Previous = other;
            _link.Previous!.Link.Next = other;
            _link.Next = _link.Previous = this;
        }

        public void OnDue(long now)
        {
        }
    }
}
