// A cluster in one process: nodes that are real, and a backplane between them that is not. Whoever uses it decides how long a message
// takes, what is lost, and how time passes. The tests have a few nodes in it, and the command `scale` fifty, with a million uids.

using System.Text;
using RawWs.Server;
using RawWs.Server.Nats;

namespace RawWs.Benchmarks.Backplane;

/// <summary>All nodes of a cluster, and the time.</summary>
internal sealed class SimulatedCluster
{
    private readonly PriorityQueue<(SimulatedNode To, byte[] Message), (long At, long Order)> _onTheWay = new();
    private long _order;

    public List<SimulatedNode> Nodes { get; } = [];

    /// <summary>The time, in milliseconds.</summary>
    public long Now { get; private set; } = 1_000_000;

    /// <summary>How long a message takes from one node to another, in milliseconds; less than 0: it is lost.</summary>
    public Func<SimulatedNode, SimulatedNode, long> Delay { get; set; } = static (_, _) => 1;

    /// <summary>How long one takes that is to all nodes, over a subject of its own; null: as any other one.</summary>
    public Func<SimulatedNode, SimulatedNode, long>? DelayToAll { get; set; }

    /// <summary>Whether a message is lost, whoever it is for.</summary>
    public Func<byte[], bool> IsLost { get; set; } = static _ => false;

    /// <summary>How many bytes have been published: those to all nodes count once.</summary>
    public long BytesPublished { get; private set; }

    /// <summary>How many bytes have been received, by all nodes.</summary>
    public long BytesReceived { get; private set; }

    /// <summary>How many messages are on their way that say more than that a node lives.</summary>
    public int NewsOnTheWay { get; private set; }

    public SimulatedNode Add(string id, Func<ClusterSettings, ClusterSettings>? change = null)
    {
        ClusterSettings settings = new() { Id = id, Incarnation = (ulong)(Nodes.Count + 1), BeganAt = Now };
        SimulatedNode node = new(this, change?.Invoke(settings) ?? settings);
        Nodes.Add(node);
        return node;
    }

    /// <summary>Lets time pass.</summary>
    /// <param name="milliseconds">How much.</param>
    /// <param name="step">How often the nodes have a turn.</param>
    public void Pass(long milliseconds, int step = 1)
    {
        for (long end = Now + milliseconds; Now < end;)
        {
            Now += Math.Min(step, end - Now);
            while (_onTheWay.TryPeek(out (SimulatedNode To, byte[] Message) next, out (long At, long Order) due) && due.At <= Now)
            {
                _onTheWay.Dequeue();
                if (IsNews(next.Message)) NewsOnTheWay--;
                if (!next.To.IsRunning || !next.To.IsAttached) continue;
                BytesReceived += next.Message.Length;
                next.To.Node.Receive(next.Message, Now);
            }

            foreach (SimulatedNode node in Nodes)
                if (node.IsRunning) node.Node.Turn(Now);
        }
    }

    /// <summary>Takes what a node publishes.</summary>
    /// <param name="from">The node.</param>
    /// <param name="message">The message. It is not copied.</param>
    /// <param name="id">For whom it is; null: for all nodes.</param>
    public void Publish(SimulatedNode from, byte[] message, string? id)
    {
        if (!from.IsAttached) return;
        BytesPublished += message.Length;
        foreach (SimulatedNode to in Nodes)
        {
            if (id is not null && to.Settings.Id != id) continue;
            if (to == from)
            {
                // What it says to all comes back. Only that it lives means something to it.
                if (from.HearsItself && !IsNews(message)) _onTheWay.Enqueue((to, message), (Now, _order++));
                continue;
            }

            long delay = (id is null ? DelayToAll ?? Delay : Delay)(from, to);
            if (delay < 0 || IsLost(message)) continue;
            if (IsNews(message)) NewsOnTheWay++;
            _onTheWay.Enqueue((to, message), (Now + delay, _order++));
        }
    }

    private static bool IsNews(byte[] message) => message[1] != (byte)WireKind.Alive;
}

/// <summary>One node, with receivers that only remember what they got.</summary>
internal sealed class SimulatedNode : IWire, ILocalDelivery
{
    private readonly SimulatedCluster _cluster;
    private readonly Dictionary<string, int> _connections = [];

    public SimulatedNode(SimulatedCluster cluster, ClusterSettings settings)
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

    /// <summary>Whether what it says comes back to it; not over a line that is dead.</summary>
    public bool HearsItself { get; set; } = true;

    /// <inheritdoc/>
    public bool IsBusy { get; set; }

    /// <inheritdoc/>
    public int PayloadBytesMax { get; set; } = int.MaxValue;

    /// <summary>How many messages were longer than that: they are lost.</summary>
    public int TooLong { get; private set; }

    /// <summary>What its receivers got: uid and text.</summary>
    public List<string> Got { get; } = [];

    /// <summary>Uids whose receiver takes nothing.</summary>
    public HashSet<string> Slow { get; } = [];

    /// <summary>Uids that are told of, and whose receiver has gone.</summary>
    public HashSet<string> Gone { get; } = [];

    /// <summary>Uids whose connections were asked whether they live.</summary>
    public List<string> Probed { get; } = [];

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
        byte[] copy = message.ToArray();
        if (Takes(copy)) _cluster.Publish(this, copy, id: null);
    }

    void IWire.PublishTo(string id, ReadOnlySpan<byte> message)
    {
        byte[] copy = message.ToArray();
        if (Takes(copy)) _cluster.Publish(this, copy, id);
    }

    private bool Takes(byte[] message)
    {
        Seen(message);
        if (message.Length > PayloadBytesMax) TooLong++;
        return !IsBusy && message.Length <= PayloadBytesMax;
    }

    DeliveryResult ILocalDelivery.Send(ReadOnlySpan<byte> uid, in WebSocketMessage message)
    {
        string name = Encoding.UTF8.GetString(uid);
        if (!_connections.ContainsKey(name) || Gone.Contains(name)) return DeliveryResult.Offline;
        if (Slow.Contains(name)) return DeliveryResult.TooSlow;
        Got.Add($"{name}:{Encoding.UTF8.GetString(message.Span)}");
        return DeliveryResult.Delivered;
    }

    void ILocalDelivery.Probe(ReadOnlySpan<byte> uid) => Probed.Add(Encoding.UTF8.GetString(uid));

    DeliveryResult ILocalDelivery.SendToEverybody(in WebSocketMessage message)
    {
        Got.Add($"all:{Encoding.UTF8.GetString(message.Span)}");
        return DeliveryResult.Delivered;
    }
}
