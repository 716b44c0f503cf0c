// Who is online in the whole cluster, for those who watch. Nobody is told of it before somebody asks: then each node tells the node that
// asks of its own uids (PresenceFeed), and what all have told is put together there (PresenceOfNode). By name, and from the node that
// knows: the hashes by which messages find their way (0015) would not do, for two uids may have the same.
//
// Without input and output: what has come and the time come in by calls, what it says goes out by its wire. One thread at a time.

namespace RawWs.Server.Nats;

/// <summary>Carries what nodes say to each other of presence, at most once each.</summary>
internal interface IPresenceWire
{
    /// <summary>To all nodes. Answers come to this one.</summary>
    void Ask(byte[] message);

    /// <summary>To one that has asked.</summary>
    void Tell(string inbox, byte[] message);

    /// <summary>The longest message that it takes at present.</summary>
    int PayloadBytesMax => int.MaxValue;

    /// <summary>Is told why a watch has ended that somebody would have gone on with.</summary>
    void Refuse(string reason)
    {
        // Whoever watches sees the end.
    }
}

/// <summary>The cluster, as this node sees it.</summary>
/// <param name="IsConnected">Whether the backplane is there, and this node has spoken to all.</param>
/// <param name="IsComplete">Whether all nodes that are there are among the others.</param>
/// <param name="Others">The other nodes that are there.</param>
internal sealed record ClusterMembers(bool IsConnected, bool IsComplete, IReadOnlyCollection<string> Others);

/// <param name="id">This node.</param>
/// <param name="local">Begins to watch this node's own uids; throws InvalidOperationException when it cannot.</param>
/// <param name="members">Who is there.</param>
/// <param name="wire">The backplane.</param>
internal sealed class ClusterPresence(
    string id, Func<PresenceOptions, PresenceWatch> local, Func<ClusterMembers> members, IPresenceWire wire) : IDisposable
{
    private const int WatchesMax = 64;
    private const int FeedsMax = 128;
    private const int NodesMax = 1_000;
    private const long AskEvery = 1_000;
    private const long AskedFor = 4_000;
    private const long SilentAfter = 4_000;
    private const long GoneAfter = 1_000; // a node may be heard here a moment before it is known to be there
    private const long WholeWithin = 2_000; // who comes new has so long to tell all

    private readonly Lock _lock = new();
    private readonly List<Watched> _watches = [];
    private readonly Dictionary<(string Inbox, long Watch), PresenceFeed> _feeds = [];
    private long _lastNumber;
    private long _nonsense;
    private bool _hasEnded;

    /// <summary>How many questions and answers made no sense.</summary>
    public long Nonsense => Interlocked.Read(ref _nonsense);

    /// <summary>Whether somebody watches, here or elsewhere.</summary>
    public bool IsBusy
    {
        get
        {
            lock (_lock) return _watches.Count + _feeds.Count > 0;
        }
    }

    /// <summary>Begins to watch. Any thread.</summary>
    /// <exception cref="InvalidOperationException">
    /// There are too many watches, or the node has ended, or so many uids are named that the question is too long for the backplane.
    /// </exception>
    public PresenceWatch Watch(PresenceOptions options)
    {
        PresenceWatch watch = new(options);
        if (FindError(PresenceMessage.Write(QuestionOf(long.MaxValue, options))) is { } error) throw new InvalidOperationException(error);
        PresenceWatch own = local(options);
        lock (_lock)
        {
            if (!_hasEnded && _watches.Count < WatchesMax)
            {
                _watches.Add(new Watched(++_lastNumber, watch, own));
                return watch;
            }
        }

        own.Dispose();
        throw new InvalidOperationException(_hasEnded ? "The backplane has ended." : $"There are {WatchesMax} watches already.");
    }

    /// <summary>Another node has asked something. Whatever it is, this throws nothing.</summary>
    /// <param name="bytes">What has come.</param>
    /// <param name="inbox">Where the answer goes.</param>
    /// <param name="now">The time in milliseconds.</param>
    public void ReceiveQuestion(ReadOnlySpan<byte> bytes, string inbox, long now)
    {
        if (PresenceMessage.Read(bytes) is not { } question)
        {
            CountNonsense();
            return;
        }

        if (question.From == id) return;
        lock (_lock)
        {
            (string Inbox, long Watch) key = (inbox, question.Watch);
            if (_feeds.TryGetValue(key, out PresenceFeed? feed) && feed.HasEnded)
            {
                // It is asked for all the same: what it said last has not come there.
                Remove(key, feed);
                feed = null;
            }

            if (question.Kind == PresenceMessage.WatchKind && feed is not null)
            {
                feed.AskedAt = now;
            }
            else if (question.Kind == PresenceMessage.WatchKind)
            {
                Begin(key, PresenceMessage.OptionsOf(question), now);
            }
            else if (feed is not null && (question.Kind == PresenceMessage.EndKind || question.Node == id))
            {
                Remove(key, feed);
                if (question.Kind == PresenceMessage.AgainKind) Begin(key, feed.Options, now);
            }
        }
    }

    /// <summary>Another node has told something to a watch of this one. Whatever it is, this throws nothing.</summary>
    public void ReceiveTold(ReadOnlySpan<byte> bytes, long now)
    {
        if (PresenceMessage.ReadTold(bytes) is not { } told)
        {
            CountNonsense();
            return;
        }

        lock (_lock)
        {
            Watched? watched = _watches.Find(one => one.Number == told.Watch);
            if (watched is null || told.Node == id) return;
            if (!watched.Nodes.TryGetValue(told.Node, out PresenceOfNode? node))
            {
                if (watched.Nodes.Count == NodesMax) return;
                watched.Nodes.Add(told.Node, node = new PresenceOfNode(told.Node, watched.Watch));
            }

            if (node.Take(told, now))
                Ask(new PresenceQuestion(PresenceMessage.Version, id, PresenceMessage.AgainKind, told.Watch, Node: told.Node));
        }
    }

    /// <summary>What is due at this time. Called every few milliseconds.</summary>
    public void Turn(long now)
    {
        lock (_lock)
        {
            if (_watches.Count + _feeds.Count == 0) return;
            ClusterMembers cluster = members();
            foreach (Watched watched in _watches)
            {
                if (!watched.Watch.HasEnded) Turn(watched, cluster, now);
                if (watched.Watch.HasEnded) End(watched);
            }

            _watches.RemoveAll(static watched => watched.IsOver);
            foreach (KeyValuePair<(string Inbox, long Watch), PresenceFeed> feed in _feeds)
            {
                if (now - feed.Value.AskedAt >= AskedFor) Remove(feed.Key, feed.Value);
                else if (cluster.IsConnected) feed.Value.Turn(wire, now);
            }
        }
    }

    /// <summary>The node ends: nobody is told anything more.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _hasEnded = true;
            foreach (Watched watched in _watches)
            {
                watched.Own.Dispose();
                watched.Watch.End();
            }

            _watches.Clear();
            foreach (PresenceFeed feed in _feeds.Values) feed.Dispose();
            _feeds.Clear();
        }
    }

    private void Turn(Watched watched, ClusterMembers cluster, long now)
    {
        PresenceWatch watch = watched.Watch;
        watched.ReadOwn(id);
        if (!cluster.IsConnected)
        {
            watch.TellWhole(false); // what was told of the others stays: nobody knows better
            watched.WholeAt = null;
            watched.AwayAt = now;
            return;
        }

        bool isNew = cluster.Others.Any(node => !watched.Nodes.ContainsKey(node) && watched.Awaited.Add(node));
        if (isNew || now - watched.AskedAt >= AskEvery)
        {
            watched.AskedAt = now;
            byte[] question = PresenceMessage.Write(QuestionOf(watched.Number, watch.Options));
            if (FindError(question) is { } error)
            {
                wire.Refuse($"a watch of presence has ended: {error}"); // the server has changed since it began
                watch.End();
                return;
            }

            wire.Ask(question);
        }

        foreach ((string node, PresenceOfNode presence) in watched.Nodes)
        {
            if (cluster.Others.Contains(node) || now - presence.HeardAt < GoneAfter) continue;
            presence.Forget();
            watched.Nodes.Remove(node);
            watched.Awaited.Remove(node);
        }

        bool isWhole = watched.OwnIsWhole && cluster.IsComplete && cluster.Others.All(node =>
            watched.Nodes.TryGetValue(node, out PresenceOfNode? presence) && presence.IsWhole
            && presence.HeardAt > watched.AwayAt && now - presence.HeardAt < SilentAfter);
        watched.WholeAt = isWhole ? now : watched.WholeAt ?? now;
        if (isWhole) watch.TellWhole(true);
        else if (now - watched.WholeAt >= WholeWithin) watch.TellWhole(false);
    }

    private void Begin((string Inbox, long Watch) key, PresenceOptions options, long now)
    {
        if (_hasEnded || _feeds.Count >= FeedsMax) return; // whoever asks is told that he does not hear all
        try
        {
            _feeds.Add(key, new PresenceFeed(id, key.Watch, key.Inbox, local(options)) { AskedAt = now });
        }
        catch (InvalidOperationException)
        {
            // The server has too many watches, or has stopped: the same.
        }
    }

    private void End(Watched watched)
    {
        watched.IsOver = true;
        watched.Own.Dispose();
        Ask(new PresenceQuestion(PresenceMessage.Version, id, PresenceMessage.EndKind, watched.Number));
    }

    private void Remove((string Inbox, long Watch) key, PresenceFeed feed)
    {
        feed.Dispose();
        _feeds.Remove(key);
    }

    private PresenceQuestion QuestionOf(long number, PresenceOptions options) =>
        new(PresenceMessage.Version, id, PresenceMessage.WatchKind, number, options.UidsMax, options.Uids?.ToArray());

    private string? FindError(byte[] question) => question.Length > wire.PayloadBytesMax
        ? $"To name its uids takes a message of {question.Length} bytes, and the backplane takes {wire.PayloadBytesMax} (max_payload)."
        : null;

    private void Ask(PresenceQuestion question) => wire.Ask(PresenceMessage.Write(question));

    /// <summary>Something that has come makes no sense.</summary>
    public void CountNonsense() => Interlocked.Increment(ref _nonsense);

    /// <summary>A watch of this node's.</summary>
    private sealed class Watched(long number, PresenceWatch watch, PresenceWatch own)
    {
        public long Number => number;

        public PresenceWatch Watch => watch;

        /// <summary>This node's uids.</summary>
        public PresenceWatch Own => own;

        /// <summary>It has ended, and that has been said.</summary>
        public bool IsOver { get; set; }

        public bool OwnIsWhole { get; private set; }

        public Dictionary<string, PresenceOfNode> Nodes { get; } = [];

        /// <summary>Nodes that were asked as soon as they were there.</summary>
        public HashSet<string> Awaited { get; } = [];

        /// <summary>When all nodes were asked last.</summary>
        public long AskedAt { get; set; } = long.MinValue / 2;

        /// <summary>When the backplane was last away. What was told before may have changed since.</summary>
        public long AwayAt { get; set; } = long.MinValue;

        /// <summary>When it was last known that all is told; or since when it is waited for.</summary>
        public long? WholeAt { get; set; }

        public void ReadOwn(string id)
        {
            bool hasEnded = own.HasEnded; // and what it says last is among what is read now
            while (own.TryRead(out PresenceEvent? told))
            {
                OwnIsWhole |= told.Kind == PresenceKind.Whole;
                watch.TellLeftOut(told.LeftOut);
                if (told.Kind is PresenceKind.Came or PresenceKind.Went) watch.Tell(told.Uid, id, told.Kind == PresenceKind.Came);
                else if (told.Kind == PresenceKind.TooMany) watch.End(isTooMany: true);
            }

            if (hasEnded) watch.End();
        }
    }
}
