// What a node counts. Each number is written by one thread, or by an interlocked add, and read by any.

namespace RawWs.Server.Nats;

internal sealed class ClusterCounts
{
    private long _forwarded;
    private long _refused;

    /// <summary>Messages that could not be understood.</summary>
    public long Nonsense { get; set; }

    /// <summary>Messages to other nodes to which no answer came in time: they may have been delivered, or not.</summary>
    public long Unanswered { get; set; }

    /// <summary>Messages of other nodes that were lost on the way here, and told so.</summary>
    public long Lost { get; set; }

    /// <summary>Messages of other nodes that came here.</summary>
    public long Received { get; set; }

    /// <summary>Uids of other nodes that were told again as a whole.</summary>
    public long Snapshots { get; set; }

    /// <summary>Messages that went to another node; one for everybody counts once.</summary>
    public long Forwarded => Interlocked.Read(ref _forwarded);

    /// <summary>Messages that did not go to another node, because too much waits for it.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    public void CountForwarded() => Interlocked.Increment(ref _forwarded);

    public void CountRefused() => Interlocked.Increment(ref _refused);
}
