// Tells the log what happens in a cluster: the backplane goes and comes, nodes go and come, messages are lost. It looks once a second, and
// each kind has one line then, with a count: so no flood of anything makes a flood of lines.

using Microsoft.Extensions.Logging;

namespace RawWs.Server.Nats;

/// <param name="node">Whom it looks at.</param>
/// <param name="nats">What NATS has told.</param>
/// <param name="nonsense">How many questions made no sense so far; the node counts its messages itself.</param>
/// <param name="log">Where the lines go.</param>
internal sealed class ClusterWatch(ClusterNode node, NatsTold nats, Func<long> nonsense, ILogger log)
{
    private const int NamesMax = 20;
    private const long LineEvery = 60_000; // of what lasts

    private readonly Lock _lock = new();
    private HashSet<string> _here = [];
    private HashSet<string> _claimOtherwise = [];
    private bool _isAway;
    private bool _tellsComplete;
    private bool _isTaken;
    private bool _isNarrow;
    private long _awaySince;
    private long _awayLineAt;
    private long _disconnects;
    private long _errors;
    private long _lost;
    private long _unanswered;
    private long _refused;
    private long _unknown;
    private long _leftOut;
    private long _nonsense;
    private long _failures;
    private long _undecided;
    private long _otherVersion;
    private long _otherVersionLineAt = long.MinValue;

    /// <summary>The node has joined: who is here has come before.</summary>
    public void Begin(string cluster)
    {
        lock (_lock)
        {
            _here = [.. node.GetPeers().Select(static peer => peer.Id)];
            log.ClusterJoined(node.Id, cluster, _here.Count);
        }
    }

    /// <summary>Looks, and tells what is new.</summary>
    /// <param name="now">The time in milliseconds.</param>
    public void Look(long now)
    {
        lock (_lock)
        {
            if (node.IsTaken)
            {
                if (!_isTaken) log.NodeTaken(node.Id);
                _isTaken = true;
            }
            else
            {
                LookAtBackplane(now);
                LookAtNodes();
            }

            ClusterCounts counts = node.Counts;
            LookAtVersions(counts, now);
            if (New(counts.Lost, ref _lost) is > 0 and var lost) log.MessagesLost(lost);
            if (New(counts.Unanswered, ref _unanswered) is > 0 and var unanswered) log.MessagesUnanswered(unanswered);
            if (New(counts.Refused, ref _refused) is > 0 and var refused) log.MessagesRefused(refused);
            if (New(counts.Unknown, ref _unknown) is > 0 and var unknown) log.MessagesUnknown(unknown);
            if (New(counts.LeftOut, ref _leftOut) is > 0 and var leftOut) log.MessagesLeftOut(leftOut);
            if (New(counts.Nonsense + nonsense(), ref _nonsense) is > 0 and var dropped) log.NonsenseDropped(dropped);
            if (New(counts.Undecided, ref _undecided) is > 0 and var undecided) log.ClaimsUndecided(undecided, counts.LastUndecided);
            if (New(counts.Failures, ref _failures) is > 0 and var failed) log.NodeFailed(failed, counts.LastFailure);
            if (New(nats.Errors, ref _errors) is > 0 and var errors) log.NatsTold(errors, nats.Reason);
        }
    }

    private void LookAtBackplane(long now)
    {
        bool wasNarrow = _isNarrow;
        _isNarrow = node.IsTooNarrow;
        if (_isNarrow && !wasNarrow) log.PayloadTooSmall(node.PayloadBytesMax, ClusterNode.PayloadBytesMin);
        bool wentBetween = New(nats.Disconnects, ref _disconnects) > 0; // it may be back already
        if (!_isAway && (wentBetween || !node.IsConnected))
        {
            _isAway = true;
            (_awaySince, _awayLineAt) = (now, now + LineEvery);
            log.BackplaneLost();
        }

        long seconds = (now - _awaySince) / 1000;
        if (_isAway && node.IsConnected)
        {
            _isAway = false;
            _tellsComplete = true;
            log.BackplaneBack(seconds);
        }
        else if (_isAway && now >= _awayLineAt)
        {
            _awayLineAt = now + LineEvery;
            log.BackplaneAway(seconds, _isNarrow ? $"its max_payload is {node.PayloadBytesMax}" : nats.Reason);
        }

        if (!_tellsComplete || !node.IsComplete) return;
        _tellsComplete = false;
        log.ClusterComplete(node.PeersHere + 1);
    }

    private void LookAtNodes()
    {
        IReadOnlyList<PeerStatus> peers = node.GetPeers();
        HashSet<string> here = [.. peers.Select(static peer => peer.Id)];
        HashSet<string> claimOtherwise = [.. peers.Where(static peer => peer.ClaimsOtherwise).Select(static peer => peer.Id)];
        string[] came = [.. here.Except(_here)], went = [.. _here.Except(here)], disagree = [.. claimOtherwise.Except(_claimOtherwise)];
        (_here, _claimOtherwise) = (here, claimOtherwise);
        if (came.Length > 0) log.NodesCame(came.Length, Listed(came));
        if (went.Length > 0) log.NodesWent(went.Length, Listed(went));
        if (disagree.Length > 0) log.NodesClaimOtherwise(disagree.Length, Listed(disagree));
    }

    private void LookAtVersions(ClusterCounts counts, long now)
    {
        if (New(counts.OtherVersion, ref _otherVersion) == 0 || now < _otherVersionLineAt) return;
        if (counts.LastOfOtherVersion is not { } other) return;
        _otherVersionLineAt = now + LineEvery;
        log.OtherVersion(other.NodeId, other.Version, WireHead.OwnVersion);
    }

    private static string Listed(string[] nodes) =>
        string.Join(", ", nodes.Order(StringComparer.Ordinal).Take(NamesMax)) + (nodes.Length > NamesMax ? ", …" : "");

    private static long New(long count, ref long seen)
    {
        long fresh = count - seen;
        seen = count;
        return fresh;
    }
}
