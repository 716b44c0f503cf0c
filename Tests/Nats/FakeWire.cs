// A backplane in one process: nodes, and messages between them on their way. A test decides how long one takes, and what is lost.

using System.Text;
using RawWs.Server;
using RawWs.Server.Nats;

namespace RawWs.Tests.Nats;

/// <summary>All nodes of a cluster, and the time.</summary>
internal sealed class FakeCluster
{
    private readonly PriorityQueue<(FakeNode To, byte[] Message), (long At, long Order)> _onTheWay = new();
    private long _order;

    public List<FakeNode> Nodes { get; } = [];

    public long Now { get; private set; } = 1_000_000;

    /// <summary>How long a message takes from one node to another, in milliseconds; less than 0: it is lost.</summary>
    public Func<FakeNode, FakeNode, long> Delay { get; set; } = static (_, _) => 1;

    public FakeNode Add(string id, Func<ClusterSettings, ClusterSettings>? change = null)
    {
        ClusterSettings settings = new() { Id = id, Incarnation = (ulong)(Nodes.Count + 1) };
        FakeNode node = new(this, change?.Invoke(settings) ?? settings);
        Nodes.Add(node);
        return node;
    }

    /// <summary>Lets time pass.</summary>
    public void Pass(long milliseconds)
    {
        for (long end = Now + milliseconds; Now < end;)
        {
            Now++;
            while (_onTheWay.TryPeek(out (FakeNode To, byte[] Message) next, out (long At, long Order) due) && due.At <= Now)
            {
                _onTheWay.Dequeue();
                if (next.To.IsRunning && next.To.IsAttached) next.To.Node.Receive(next.Message, Now);
            }

            foreach (FakeNode node in Nodes)
                if (node.IsRunning) node.Node.Turn(Now);
        }
    }

    public void Send(FakeNode from, FakeNode to, ReadOnlySpan<byte> message)
    {
        long delay = Delay(from, to);
        if (delay >= 0 && from.IsAttached) _onTheWay.Enqueue((to, message.ToArray()), (Now + delay, _order++));
    }
}

/// <summary>One node, with receivers that only remember what they got.</summary>
internal sealed class FakeNode : IWire, ILocalDelivery
{
    private readonly FakeCluster _cluster;
    private readonly Dictionary<string, int> _connections = [];

    public FakeNode(FakeCluster cluster, ClusterSettings settings)
    {
        (_cluster, Settings) = (cluster, settings);
        Node = new ClusterNode(settings, this, this);
    }

    public ClusterSettings Settings { get; }

    public ClusterNode Node { get; }

    /// <summary>Whether its process runs: one that is stopped neither receives nor turns.</summary>
    public bool IsRunning { get; set; } = true;

    /// <summary>Whether its line to the backplane is whole.</summary>
    public bool IsAttached { get; set; } = true;

    /// <summary>What its receivers got: uid and text.</summary>
    public List<string> Got { get; } = [];

    /// <summary>Uids whose receiver takes nothing.</summary>
    public HashSet<string> Slow { get; } = [];

    /// <summary>Is told what it publishes.</summary>
    public Action<byte[]> Seen { get; set; } = static _ => { };

    public bool Has(string uid) => _connections.ContainsKey(uid);

    public void Join(string uid)
    {
        _connections[uid] = _connections.GetValueOrDefault(uid) + 1;
        Node.Join(Encoding.UTF8.GetBytes(uid));
    }

    public void Leave(string uid)
    {
        if (--_connections[uid] == 0) _connections.Remove(uid);
        Node.Leave(Encoding.UTF8.GetBytes(uid));
    }

    public Task<DeliveryResult> Send(string uid, string text) =>
        Node.Send(Encoding.UTF8.GetBytes(uid), WebSocketMessage.Text(text), _cluster.Now).AsTask();

    public Task<DeliveryResult> SendToEverybody(string text) =>
        Node.SendToEverybody(WebSocketMessage.Text(text), _cluster.Now).AsTask();

    void IWire.PublishToAll(ReadOnlySpan<byte> message)
    {
        Seen(message.ToArray());
        foreach (FakeNode node in _cluster.Nodes)
            if (node != this) _cluster.Send(this, node, message);
    }

    void IWire.PublishTo(string id, ReadOnlySpan<byte> message)
    {
        foreach (FakeNode node in _cluster.Nodes)
            if (node.Settings.Id == id) _cluster.Send(this, node, message);
    }

    DeliveryResult ILocalDelivery.Send(ReadOnlySpan<byte> uid, in WebSocketMessage message)
    {
        string name = Encoding.UTF8.GetString(uid);
        if (!_connections.ContainsKey(name)) return DeliveryResult.Offline;
        if (Slow.Contains(name)) return DeliveryResult.TooSlow;
        Got.Add($"{name}:{Encoding.UTF8.GetString(message.Span)}");
        return DeliveryResult.Delivered;
    }

    DeliveryResult ILocalDelivery.SendToEverybody(in WebSocketMessage message)
    {
        Got.Add($"all:{Encoding.UTF8.GetString(message.Span)}");
        return DeliveryResult.Delivered;
    }
}
