// Nodes that tell each other who is online, without NATS and without time: a test decides what arrives, who is there and what time it is.

using RawWs.Server;
using RawWs.Server.Nats;

namespace RawWs.Tests.Cluster;

internal sealed class SimulatedPresence
{
    private readonly Queue<(PresenceNode To, byte[] Message, string? Inbox)> _onTheWay = new();

    public Dictionary<string, PresenceNode> Nodes { get; } = [];

    public long Now { get; private set; }

    /// <summary>Whether a message arrives: from, to, whether it is an answer.</summary>
    public Func<PresenceNode, PresenceNode, bool, bool> Arrives { get; set; } = static (_, _, _) => true;

    /// <summary>How many messages have been sent, and how long the longest was.</summary>
    public (int Count, int BytesMax) Sent { get; private set; }

    public PresenceNode Add(string id) => Nodes[id] = new PresenceNode(this, id);

    /// <summary>Lets time pass, a turn of each node every 50 ms.</summary>
    public void Pass(long milliseconds)
    {
        for (long end = Now + milliseconds; Now < end; Now += 50)
        {
            while (_onTheWay.TryDequeue(out (PresenceNode To, byte[] Message, string? Inbox) next))
            {
                if (!next.To.IsRunning) continue;
                if (next.Inbox is not null) next.To.Presence.ReceiveQuestion(next.Message, next.Inbox, Now);
                else next.To.Presence.ReceiveTold(next.Message, Now);
            }

            foreach (PresenceNode node in Nodes.Values)
                if (node.IsRunning) node.Presence.Turn(Now);
        }
    }

    public void Publish(PresenceNode from, string? to, byte[] message, string? inbox)
    {
        if (!from.IsAttached || message.Length > from.PayloadBytesMax) return;
        Sent = (Sent.Count + 1, Math.Max(Sent.BytesMax, message.Length));
        foreach (PresenceNode node in Nodes.Values)
            if ((to is null || to == node.Inbox) && node.IsAttached && Arrives(from, node, to is not null))
                _onTheWay.Enqueue((node, message, inbox));
    }
}

/// <summary>A node, with the uids that it has.</summary>
internal sealed class PresenceNode : IPresenceWire
{
    private readonly SimulatedPresence _cluster;
    private readonly HashSet<string> _uids = [];
    private readonly List<PresenceWatch> _watches = [];

    public PresenceNode(SimulatedPresence cluster, string id)
    {
        (_cluster, Id) = (cluster, id);
        Presence = new ClusterPresence(id, WatchOwn, Members, this);
    }

    public string Id { get; }

    public string Inbox => $"_INBOX.{Id}";

    public ClusterPresence Presence { get; }

    /// <summary>Whether its process runs.</summary>
    public bool IsRunning { get; set; } = true;

    /// <summary>Whether it reaches the backplane.</summary>
    public bool IsAttached { get; set; } = true;

    /// <summary>Nodes that it takes for gone.</summary>
    public HashSet<string> Gone { get; } = [];

    /// <summary>How many watch its own uids.</summary>
    public int Watching => _watches.Count(static watch => !watch.HasEnded);

    /// <summary>The longest message that the backplane takes from it.</summary>
    public int PayloadBytesMax { get; set; } = 1024 * 1024;

    /// <summary>Why watches have ended.</summary>
    public List<string> Refused { get; } = [];

    /// <summary>How many may.</summary>
    public int WatchesMax { get; set; } = int.MaxValue;

    public void Join(params string[] uids)
    {
        foreach (string uid in uids)
        {
            _uids.Add(uid);
            _watches.ForEach(watch => watch.Tell(uid, "", true));
        }
    }

    public void Leave(params string[] uids)
    {
        foreach (string uid in uids)
        {
            _uids.Remove(uid);
            _watches.ForEach(watch => watch.Tell(uid, "", false));
        }
    }

    void IPresenceWire.Ask(byte[] message) => _cluster.Publish(this, null, message, Inbox);

    void IPresenceWire.Tell(string inbox, byte[] message) => _cluster.Publish(this, inbox, message, null);

    void IPresenceWire.Refuse(string reason) => Refused.Add(reason);

    private PresenceWatch WatchOwn(PresenceOptions options)
    {
        if (Watching >= WatchesMax) throw new InvalidOperationException("There are too many watches.");
        PresenceWatch watch = new(options);
        _watches.Add(watch);
        foreach (string uid in _uids) watch.Tell(uid, "", true);
        watch.TellWhole(true);
        return watch;
    }

    private ClusterMembers Members() =>
        new(IsAttached, IsAttached, [.. _cluster.Nodes.Keys.Where(id => id != Id && !Gone.Contains(id))]);
}
