// What a watch knows of one other node: the uids that it has told. Its messages are numbered. When one is missing it is asked to begin
// again, and what it had told before stays until it has told all: then what is not among it has gone.

namespace RawWs.Server.Nats;

/// <param name="node">The node.</param>
/// <param name="watch">Who is told.</param>
internal sealed class PresenceOfNode(string node, PresenceWatch watch)
{
    private const long AskAgainEvery = 1_000;

    private HashSet<string> _uids = [];
    private HashSet<string>? _fresh; // while it begins again
    private bool _isInStep; // nothing was missed
    private long _feed;
    private long _next;
    private long _mayAskAt;

    /// <summary>When it was last heard, in milliseconds.</summary>
    public long HeardAt { get; private set; }

    /// <summary>Whether it has told all that there was when it was last heard.</summary>
    public bool IsWhole { get; private set; }

    /// <summary>It tells something.</summary>
    /// <returns>Whether it has to begin again.</returns>
    public bool Take(PresenceTold told, long now)
    {
        HeardAt = now;
        if (told.Number == 0)
        {
            GiveUpFresh();
            _fresh = [];
            (_feed, _next) = (told.Feed, 0);
            _isInStep = true;
        }

        _isInStep &= told.Feed == _feed && told.Number == _next;
        IsWhole = _isInStep && told.State == PresenceMessage.All;
        if (!_isInStep) return Miss(now);
        _next++;
        watch.TellLeftOut(told.LeftOut);
        foreach (string uid in told.Came) Add(uid);
        foreach (string uid in told.Went) Remove(uid);
        if (told.State == PresenceMessage.Many) watch.End(isTooMany: true);
        if (IsWhole) TakeAll();
        return false;
    }

    /// <summary>The node is gone, and its uids with it.</summary>
    public void Forget()
    {
        foreach (string uid in _uids) watch.Tell(uid, node, isHere: false);
        if (_fresh is not null)
            foreach (string uid in _fresh) watch.Tell(uid, node, isHere: false);
    }

    // What it has told so far was told to the watch.
    private void GiveUpFresh()
    {
        if (_fresh is not null) _uids.UnionWith(_fresh);
        _fresh = null;
    }

    private bool Miss(long now)
    {
        GiveUpFresh();
        if (now < _mayAskAt) return false;
        _mayAskAt = now + AskAgainEvery;
        return true;
    }

    private void Add(string uid)
    {
        if (!watch.IsAskedFor(uid)) return;
        HashSet<string> uids = _fresh ?? _uids;
        if (uids.Count >= watch.Options.UidsMax && !uids.Contains(uid))
        {
            watch.End(isTooMany: true);
            return;
        }

        uids.Add(uid);
        watch.Tell(uid, node, isHere: true);
    }

    private void Remove(string uid)
    {
        bool wasThere = _uids.Remove(uid);
        if (_fresh is not null) wasThere |= _fresh.Remove(uid);
        if (wasThere) watch.Tell(uid, node, isHere: false);
    }

    private void TakeAll()
    {
        if (_fresh is not { } fresh) return;
        foreach (string uid in _uids)
            if (!fresh.Contains(uid)) watch.Tell(uid, node, isHere: false);
        _uids = fresh;
        _fresh = null;
    }
}
