// One node of a cluster, without input and output: messages of other nodes and the time come in by calls, what it says goes out by its
// wire. So the same code runs over NATS, and fifty times in one process over a wire that a test controls.
//
// Two threads' worth of callers. Senders, any thread: Publish, Join, Leave. The node's own thread: everything else. What both share has a
// lock of its own: the interest table, the links out, the news of local uids.
//
//   Who is where   Each node tells all others which uids come and go, as numbered events. Who has missed some asks for them, and is told
//                  them, or all that there is (a snapshot). A node that is silent for some seconds is taken to have none.
//   Messages       A message goes to this node's own receivers first, then once to each node that has its uid, in order (LinkOut, LinkIn).
//                  Each node answers; the sender's result is there when all have. What is lost on the way is seen and told.

using System.Collections.Concurrent;
using System.Text;

namespace RawWs.Server.Nats;

internal sealed partial class ClusterNode : IMessageTaker
{
    /// <summary>The shortest message that the wire must take.</summary>
    public const int PayloadBytesMin = 1024;

    private const int Self = 0;

    private readonly ClusterSettings _settings;
    private readonly IWire _wire;
    private readonly ILocalDelivery _local;
    private readonly byte[] _id;
    private readonly WireWriter _writer = new();
    private readonly InterestTable _table = new();
    private readonly LocalUids _uids = new();
    private readonly EventLog _events;
    private readonly LinkOut _everybody;
    private readonly CompletionWaits _waits = new();
    private readonly ConcurrentQueue<(string Node, byte[] Uid)> _probes = new();
    private readonly Dictionary<string, PeerNode> _peers = [];
    private readonly Dictionary<string, PeerNode>.AlternateLookup<ReadOnlySpan<char>> _peersByName;
    private volatile PeerNode?[] _numbered = new PeerNode?[1]; // by their numbers; replaced when one comes or goes
    private List<UidEvent> _spareNews = [];
    private uint _links; // how many links to nodes there have been
    private byte[] _spare = [];
    private int _flushFrom; // the number of the node whose turn it is to be flushed first; Self: the link to everybody
    private long _now;
    private long _lastTurn;
    private ReadOnlyMemory<byte> _message; // that is being dealt with
    private bool _isEverybody; // whom the message that is being taken is for
    private bool _isUp; // the backplane is there
    private int _pieceBytesMax;
    private volatile int _payloadBytesMax = int.MaxValue;
    private volatile bool _isConnected;
    private volatile bool _isComplete;
    private volatile int _peersHere;
    private volatile bool _someAreSilent;

    /// <param name="settings">What it goes by.</param>
    /// <param name="wire">The backplane.</param>
    /// <param name="local">The connections of this node.</param>
    public ClusterNode(ClusterSettings settings, IWire wire, ILocalDelivery local)
    {
        (_settings, _wire, _local) = (settings, wire, local);
        _id = Encoding.ASCII.GetBytes(settings.Id);
        _peersByName = _peers.GetAlternateLookup<ReadOnlySpan<char>>();
        _events = new EventLog(settings.EventsKept);
        _everybody = new LinkOut(settings.LinkBytesMax, settings.UnansweredMax);
        _pieceBytesMax = settings.PieceBytesMax;
    }

    /// <summary>Somebody has something for the node's own thread. Called on any thread.</summary>
    public Action Wake { get; set; } = static () => { };

    /// <summary>Whether the uids of all nodes that are here are known. Any thread.</summary>
    public bool IsComplete => _isComplete;

    /// <summary>Whether the backplane is there, and can be used. Any thread.</summary>
    public bool IsConnected => _isConnected;

    /// <summary>
    /// Whether it has spoken to all, and still can: before that it may have the id of another node, and says nothing in its name. Any
    /// thread.
    /// </summary>
    public bool IsHeard => _isConnected && _hasHailed;

    /// <summary>The longest message that the wire takes, as was seen last. Any thread.</summary>
    public int PayloadBytesMax => _payloadBytesMax;

    /// <summary>Whether that is not enough: then it is as if the backplane were gone. Any thread.</summary>
    public bool IsTooNarrow => _payloadBytesMax < PayloadBytesMin;

    /// <summary>How many other nodes are here.</summary>
    public int PeersHere => _peersHere;

    /// <summary>What has been counted. Written by the node's own thread, but for what senders count.</summary>
    public ClusterCounts Counts { get; } = new();

    /// <summary>The backplane is there, for the first time or again.</summary>
    public void OnConnected(long now)
    {
        _now = _lastTurn = _heardSelf = now;
        _isUp = true;
        FitWire();
    }

    /// <summary>The backplane is gone. What has not been answered is unreachable.</summary>
    public void OnDisconnected(long now)
    {
        _now = now;
        _isUp = false;
        GoAway();
    }

    /// <summary>The node ends: the others need not wait until it is silent.</summary>
    public void End()
    {
        if (_isConnected && _hasHailed) _wire.PublishToAll(Begin(WireKind.Bye).Written.Span);
    }

    /// <summary>Nobody runs the node any more: whoever sends from now on, or waits, is told so at once.</summary>
    public void Close(long now)
    {
        OnDisconnected(now);
        _waits.Close(now);
        foreach (PeerNode peer in _peers.Values) Leave(peer); // what is appended in this moment is for nobody
    }

    /// <summary>
    /// What is due at this time, and everything that senders have left. Called after <see cref="Wake"/>, and ten times a second.
    /// </summary>
    public void Turn(long now)
    {
        _now = now;
        // It stood still for so long that the others may have gone, or come again: their words wait for it, and its own.
        bool stoodStill = now - _lastTurn >= _settings.SilentAfter / 2;
        if (stoodStill) _heardSelf = now;
        FitWire();
        if (_isConnected && stoodStill) Listen();
        _lastTurn = now;
        if (!_isConnected || !_wire.IsBusy)
        {
            TellNews();
            Probe();
            Flush();
            Answer();
            TellWhatIsWanted();
        }

        if (_isConnected && !_hasHailed && now >= _hailAt) Hail();
        if (now >= _aliveAt) SayAlive();
        foreach (PeerNode? peer in _numbered)
            if (peer is not null) Look(peer);
        GiveUpToEverybodyBefore(now - _settings.AnswerWithin);
        bool complete = _isConnected && now >= _begunAt + _settings.ListenFirst;
        foreach (PeerNode peer in _peers.Values) complete &= !peer.IsHere || peer.IsCurrent;
        _isComplete = complete;
        _someAreSilent = _peers.Count > _peersHere;
        _hasJoined |= complete;
        _waits.Look(now, complete);
    }

    /// <summary>A message of another node's has come. Whatever it is, this throws nothing.</summary>
    public void Receive(ReadOnlyMemory<byte> message, long now)
    {
        _now = now;
        if (_isTaken || IsTooNarrow) return; // it can answer nothing
        _message = message;
        WireReader reader = new(message.Span);
        if (!reader.TryReadHead(out WireHead head)) Counts.Nonsense++;
        else if (head.Version != WireHead.OwnVersion) Counts.CountOtherVersion(head);
        else if (head.Kind is not (>= WireKind.Hello and <= WireKind.Probe)) Counts.Nonsense++;
        else if (head.Id.SequenceEqual(_id)) ReceiveOfOwnId(head, ref reader);
        else if (FindPeer(head) is { } peer) Receive(peer, head.Kind, ref reader);
    }

    private void Receive(PeerNode peer, WireKind kind, ref WireReader reader)
    {
        peer.LastHeard = _now;
        if (!peer.IsHere) Enter(peer);
        bool sense = kind switch
        {
            WireKind.Hello => OnHello(),
            WireKind.Alive => OnAlive(peer, ref reader),
            WireKind.Bye => OnBye(peer),
            WireKind.Events => OnEvents(peer, ref reader),
            WireKind.Wanted => OnWanted(peer, ref reader),
            WireKind.Snapshot => OnSnapshot(peer, ref reader),
            WireKind.Direct => OnDirect(peer, ref reader),
            WireKind.Everybody => OnEverybody(peer, ref reader),
            WireKind.Answers => OnAnswers(peer, ref reader),
            WireKind.Probe => OnProbe(ref reader),
            _ => true,
        };
        if (!sense || reader.IsCut) Counts.Nonsense++;
    }

    // A node that has begun anew is another one: what was known of its life before is not true any more.
    private PeerNode? FindPeer(WireHead head)
    {
        Span<char> name = stackalloc char[WireHead.IdBytesMax]; // of each message: so nothing is made for it
        name = name[..Encoding.ASCII.GetChars(head.Id, name)];
        if (_peersByName.TryGetValue(name, out PeerNode? peer) && peer.Incarnation == head.Incarnation) return peer;
        // What else is said by a life not known here may be a late word of one that is over: Bye goes over the subject of all, and can
        // overtake what was sent to this node alone. A life that goes on says Alive soon, and what is dropped is seen from the numbers.
        if (head.Kind is not (WireKind.Hello or WireKind.Alive)) return null;
        if (peer is not null) Forget(peer);
        if (_peers.Count >= _settings.PeersMax)
        {
            Counts.Nonsense++; // no cluster has so many nodes
            return null;
        }

        string id = new(name);
        int number = Array.IndexOf(_numbered, null, 1);
        if (number < 0) number = _numbered.Length;
        peer = new PeerNode(id, number, head.Incarnation, ++_links, _settings) { Tally = Counts.Nodes.Use(id), LastHeard = _now };
        _peers.Add(id, peer);
        Renumber(number, peer);
        Enter(peer);
        return peer;
    }

    private void Renumber(int number, PeerNode? peer)
    {
        PeerNode?[] numbered = _numbered;
        Array.Resize(ref numbered, Math.Max(numbered.Length, number + 1)); // a new array in any case
        if (ReferenceEquals(numbered, _numbered)) numbered = [.. numbered];
        numbered[number] = peer;
        _numbered = numbered;
    }

    // It is here, for the first time or again.
    private void Enter(PeerNode peer)
    {
        peer.Answered = peer.Out.Enter();
        peer.EverybodyAnswered = _everybody.Enter();
        peer.IsHere = true;
        peer.HasSaidLast = false;
        _peersHere++;
    }

    private void Leave(PeerNode peer)
    {
        if (!peer.IsHere) return;
        peer.IsHere = false;
        _peersHere--;
        peer.Tally.Unanswered += peer.Out.Leave(peer.Answered);
        peer.Tally.Unanswered += _everybody.Leave(peer.EverybodyAnswered);
    }

    private void Forget(PeerNode peer)
    {
        Leave(peer);
        NodeTallies.Release(peer.Tally);
        _peers.Remove(peer.Id);
        Renumber(peer.Number, null);
        if (peer.LastEvent > 0) _table.RemoveAll(peer.Number);
    }

    private void Look(PeerNode peer)
    {
        peer.Tally.Unanswered += peer.Out.GiveUpBefore(_now - _settings.AnswerWithin, out _, out _);
        if (!peer.IsHere)
        {
            if (_now - peer.LastHeard >= _settings.ForgottenAfter) Forget(peer);
            return;
        }

        // While nobody can be heard, nobody is silent: what is silence counts up to when the line was known to be alive.
        bool isSure = _now - _heardSelf < _settings.AliveEvery * 3 / 2;
        if (_isConnected && (isSure ? _now : _heardSelf) - peer.LastHeard >= _settings.SilentAfter)
        {
            Leave(peer);
        }
        else if (peer.HasSaidLast && !peer.IsCurrent)
        {
            Ask(peer);
        }
    }

    // Each node has a position of its own in what is for all: so it is known which of them have not answered.
    private void GiveUpToEverybodyBefore(long time)
    {
        long missing = _everybody.GiveUpBefore(time, out ulong from, out ulong behind);
        if (missing == 0) return;
        foreach (PeerNode peer in _peers.Values)
        {
            if (!peer.IsHere || peer.EverybodyAnswered >= behind) continue;
            long owed = (long)(behind - Math.Max(peer.EverybodyAnswered, from));
            peer.Tally.Unanswered += owed;
            missing -= owed;
        }

        Counts.Nodes.OfEverybody.Unanswered += missing;
    }

    private WireWriter Begin(WireKind kind) => _writer.Begin(kind, _settings.Incarnation, _id);
}
