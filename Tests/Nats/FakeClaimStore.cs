// The store of claims in one process, as several nodes share it: each has its own view, which a test can cut off.

using RawWs.Server.Nats;

namespace RawWs.Tests.Nats;

/// <summary>What the store holds.</summary>
internal sealed class SharedClaims
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Claim> _claims = [];
    private readonly List<FakeClaimStore> _views = [];
    private ulong _revision;

    public HashSet<ClaimHolder> Alive { get; } = [];

    public FakeClaimStore Add(string nodeId)
    {
        FakeClaimStore view = new(this, new ClaimHolder(nodeId, (ulong)_views.Count + 1));
        _views.Add(view);
        Alive.Add(view.Self);
        return view;
    }

    public Claim? Find(string key)
    {
        lock (_lock) return _claims.TryGetValue(key, out Claim claim) ? claim : null;
    }

    /// <summary>If the revision is the last one, 0 for none, there is a new one.</summary>
    public ulong Put(string key, ClaimHolder holder, ulong revision)
    {
        lock (_lock)
        {
            ulong last = _claims.TryGetValue(key, out Claim present) ? present.Revision : 0;
            if (last != revision) return 0;
            Claim claim = _claims[key] = new Claim(key, holder, ++_revision);
            foreach (FakeClaimStore view in _views) view.Tell(claim);
            return claim.Revision;
        }
    }

    public void Delete(ulong revision)
    {
        lock (_lock)
        {
            foreach (Claim claim in _claims.Values)
            {
                if (claim.Revision != revision) continue;
                _claims.Remove(claim.Key);
                return;
            }
        }
    }

    /// <summary>The store begins anew, as empty as at first.</summary>
    public void Restart()
    {
        lock (_lock)
        {
            _claims.Clear();
            _revision = 0;
        }
    }
}

/// <summary>One node's view.</summary>
internal sealed class FakeClaimStore(SharedClaims shared, ClaimHolder self) : IClaimStore
{
    private readonly Lock _lock = new();
    private readonly Queue<Claim> _untold = [];

    public ClaimHolder Self => self;

    /// <summary>Whether it cannot be reached.</summary>
    public bool IsAway { get; set; }

    /// <summary>Whether this node's lease is known to be there.</summary>
    public bool HasLease { get; set; } = true;

    /// <summary>Whether what it does is done, and its answer lost.</summary>
    public bool LosesAnswers { get; set; }

    /// <summary>Is awaited between what the store does and its answer.</summary>
    public Func<Task> BeforeAnswer { get; set; } = static () => Task.CompletedTask;

    /// <summary>Is told what changes; null: it is kept until it is set.</summary>
    public Action<Claim>? Changed
    {
        get;
        set
        {
            field = value;
            if (value is null) return;
            while (_untold.TryDequeue(out Claim claim)) value(claim);
        }
    }

    public void Tell(Claim claim)
    {
        if (IsAway || Changed is null)
        {
            lock (_lock) _untold.Enqueue(claim);
            return;
        }

        Changed(claim);
    }

    public void CheckLease()
    {
        if (!HasLease) throw new ClaimStoreException("no lease");
    }

    public ValueTask<ulong> CreateAsync(string key, CancellationToken cancellation) => WithLeaseAsync(() => shared.Put(key, self, 0));

    public ValueTask<ulong> TakeOverAsync(string key, ulong revision, CancellationToken cancellation) =>
        WithLeaseAsync(() => shared.Put(key, self, revision));

    public ValueTask<Claim?> FindAsync(string key, CancellationToken cancellation) => AnswerAsync(() => shared.Find(key));

    public async ValueTask DeleteAsync(ulong revision, CancellationToken cancellation) => await WithLeaseAsync(() =>
    {
        shared.Delete(revision);
        return true;
    });

    public ValueTask<bool> LivesAsync(ClaimHolder holder, CancellationToken cancellation) =>
        AnswerAsync(() => shared.Alive.Contains(holder));

    private ValueTask<T> WithLeaseAsync<T>(Func<T> act)
    {
        CheckLease();
        return AnswerAsync(act);
    }

    private async ValueTask<T> AnswerAsync<T>(Func<T> act)
    {
        if (IsAway) throw new ClaimStoreException("away");
        T answer = act();
        await BeforeAnswer();
        return LosesAnswers ? throw new ClaimStoreException("the answer is lost") : answer;
    }
}
