// What a node counts. Each number is written by one thread, or by an interlocked add, and read by any.

using System.Text;

namespace RawWs.Server.Nats;

/// <summary>A node, and the version in which it speaks to others.</summary>
internal sealed record Speaker(string NodeId, byte Version);

internal sealed class ClusterCounts
{
    private long _forwarded;
    private long _unknown;
    private long _leftOut;
    private long _undecided;
    private long _failures;

    /// <summary>What went wrong with which node.</summary>
    public NodeTallies Nodes { get; } = new();

    /// <summary>Messages that could not be understood.</summary>
    public long Nonsense { get; set; }

    /// <summary>Messages of nodes that speak another version.</summary>
    public long OtherVersion { get; private set; }

    /// <summary>Who has sent the last of those; null for nobody.</summary>
    public Speaker? LastOfOtherVersion { get; private set; }

    public void CountOtherVersion(WireHead head)
    {
        LastOfOtherVersion = new Speaker(Encoding.ASCII.GetString(head.Id), head.Version);
        OtherVersion++;
    }

    /// <summary>
    /// Messages to other nodes to which no answer came, or not in time: they may have been delivered, or not. One for everybody counts
    /// once for each node that has not answered.
    /// </summary>
    public long Unanswered => Nodes.All.Sum(static node => node.Unanswered);

    /// <summary>Messages of other nodes, for this node or for everybody, that were lost on the way here, and told so.</summary>
    public long Lost => Nodes.All.Sum(static node => node.Lost);

    /// <summary>Messages of other nodes that came here.</summary>
    public long Received { get; set; }

    /// <summary>Uids of other nodes that were told again as a whole.</summary>
    public long Snapshots { get; set; }

    /// <summary>Messages that went to another node; one for everybody counts once.</summary>
    public long Forwarded => Interlocked.Read(ref _forwarded);

    /// <summary>Messages that did not go to another node, because too much waits for it.</summary>
    public long Refused => Nodes.All.Sum(static node => node.Refused);

    /// <summary>
    /// Messages that did not go to other nodes: the backplane was away, or it was not known in time who has the uid, or a node has gone
    /// in that moment.
    /// </summary>
    public long Unknown => Interlocked.Read(ref _unknown);

    /// <summary>
    /// Messages that did not go to a node which has said nothing for some time, and is not forgotten yet: it was killed, or stands still,
    /// or is cut off. They are for everybody, or for a uid that other nodes have too; their senders are not told. A uid that only such a
    /// node has is told as offline, and not counted.
    /// </summary>
    public long LeftOut => Interlocked.Read(ref _leftOut);

    /// <summary>Turns, messages and questions that have ended with an exception which nobody expects.</summary>
    public long Failures => Interlocked.Read(ref _failures);

    /// <summary>The last of those exceptions, in one line.</summary>
    public string LastFailure { get; private set; } = "";

    public void CountFailure(Exception exception)
    {
        LastFailure = $"{exception.GetType().Name}: {exception.Message.ReplaceLineEndings(" ")}";
        Interlocked.Increment(ref _failures);
    }

    /// <summary>How often it could not be found out in time whose a uid is.</summary>
    public long Undecided => Interlocked.Read(ref _undecided);

    /// <summary>Why, the last time, in one line.</summary>
    public string LastUndecided { get; private set; } = "";

    public void CountUndecided(Exception exception)
    {
        LastUndecided = exception.Message.ReplaceLineEndings(" ");
        Interlocked.Increment(ref _undecided);
    }

    public void CountUnknown() => Interlocked.Increment(ref _unknown);

    public void CountLeftOut() => Interlocked.Increment(ref _leftOut);

    public void CountForwarded() => Interlocked.Increment(ref _forwarded);
}
