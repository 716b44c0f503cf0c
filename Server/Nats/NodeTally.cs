// What went wrong with messages between this node and one other, since this one began. The numbers stay when that node goes, as those of
// counters must.

namespace RawWs.Server.Nats;

/// <summary>What went wrong with one node. The node's own thread writes it, but for what senders count; any thread reads.</summary>
/// <param name="name">The node's id, or <see cref="NodeTallies.Everybody"/>, or <see cref="NodeTallies.Rest"/>.</param>
internal sealed class NodeTally(string name)
{
    private long _refused;

    public string Name => name;

    /// <summary>Whether its node is known: then no other node is given its place.</summary>
    public bool IsUsed { get; set; }

    /// <summary>Messages to it that it has not answered, or not in time.</summary>
    public long Unanswered { get; set; }

    /// <summary>Messages of it that were lost on the way here.</summary>
    public long Lost { get; set; }

    /// <summary>Messages that did not go to it, because too much waits for it.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    public bool IsEmpty => (Unanswered | Lost | Refused) == 0;

    /// <summary>Any thread.</summary>
    public void CountRefused() => Interlocked.Increment(ref _refused);
}
