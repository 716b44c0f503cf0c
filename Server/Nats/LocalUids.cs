// Which uids this node has, counted by connection, and what of it the other nodes have not been told. Any thread says that a connection has
// joined or left; the node's own thread takes what is new.

namespace RawWs.Server.Nats;

/// <summary>A uid has come to a node, or has left it.</summary>
internal readonly record struct UidEvent(ulong Hash, bool IsHere);

internal sealed class LocalUids
{
    private readonly Lock _lock = new();
    private readonly Dictionary<ulong, int> _counts = [];
    private List<UidEvent> _news = [];

    /// <summary>A connection has joined. What it costs is a dictionary's entry.</summary>
    /// <returns>Whether the first thing waits to be told: then somebody has to be woken.</returns>
    public bool Join(ulong hash) => Count(hash, 1);

    /// <summary>
    /// A connection has left. Its joining may be told later, by a thread that was overtaken: until then it counts below 0, so that in the
    /// end the count is true.
    /// </summary>
    /// <inheritdoc cref="Join"/>
    public bool Leave(ulong hash) => Count(hash, -1);

    /// <summary>What is new, in order. The list given is filled next.</summary>
    public List<UidEvent> Take(List<UidEvent> empty)
    {
        lock (_lock)
        {
            List<UidEvent> news = _news;
            _news = empty;
            return news;
        }
    }

    private bool Count(ulong hash, int change)
    {
        lock (_lock)
        {
            int before = _counts.GetValueOrDefault(hash);
            int after = before + change;
            if (after == 0) _counts.Remove(hash);
            else _counts[hash] = after;
            if (before > 0 == after > 0) return false;
            _news.Add(new UidEvent(hash, after > 0));
            return _news.Count == 1;
        }
    }
}
