// The last events of this node, by their numbers, for a node that has missed some. Older ones than it keeps are in a snapshot.

namespace RawWs.Server.Nats;

internal sealed class EventLog(int capacity)
{
    private readonly UidEvent[] _events = new UidEvent[capacity];

    /// <summary>The number of the last event; 0 before the first.</summary>
    public ulong Last { get; private set; }

    public void Add(UidEvent told) => _events[++Last % (ulong)capacity] = told;

    /// <summary>Whether all events from this number on are kept.</summary>
    public bool Reaches(ulong first) => first > 0 && first <= Last + 1 && Last + 1 - first <= (ulong)capacity;

    /// <summary>One of those events.</summary>
    public UidEvent this[ulong number] => _events[number % (ulong)capacity];
}
