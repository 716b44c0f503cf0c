// What claims are kept in: a store that all nodes share, and which decides what comes first.

namespace RawWs.Server.Nats;

/// <summary>A node in one of its lives.</summary>
internal readonly record struct ClaimHolder(string NodeId, ulong Incarnation);

/// <summary>Who has a uid.</summary>
/// <param name="Key">The uid, as it is written in the store.</param>
/// <param name="Holder">The node that has it.</param>
/// <param name="Revision">The number of this entry in the store: each later one is higher.</param>
internal readonly record struct Claim(string Key, ClaimHolder Holder, ulong Revision);

/// <summary>The store cannot be reached, or does not do what it should.</summary>
internal sealed class ClaimStoreException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Whether a moment later it may be otherwise.</summary>
    public bool MayPass { get; init; } = true;
}

/// <summary>Every member may be used from any thread, and throws <see cref="ClaimStoreException"/> when the store is away.</summary>
internal interface IClaimStore
{
    /// <summary>This node.</summary>
    ClaimHolder Self { get; }

    /// <summary>
    /// What this node has claimed counts while its lease is known to be there. Without it nothing is claimed, and nothing deleted.
    /// </summary>
    /// <exception cref="ClaimStoreException">It is not.</exception>
    void CheckLease();

    /// <summary>Claims for this node what nobody has.</summary>
    /// <returns>The revision; 0 when somebody has it.</returns>
    ValueTask<ulong> CreateAsync(string key, CancellationToken cancellation);

    /// <summary>Takes over a claim, if it is still the one of this revision.</summary>
    /// <returns>The new revision; 0 when it is not.</returns>
    ValueTask<ulong> TakeOverAsync(string key, ulong revision, CancellationToken cancellation);

    /// <summary>The claim; null when nobody has it.</summary>
    ValueTask<Claim?> FindAsync(string key, CancellationToken cancellation);

    /// <summary>Gives a claim back, if it is still the one of this revision.</summary>
    ValueTask DeleteAsync(ulong revision, CancellationToken cancellation);

    /// <summary>Whether a node has said lately that it lives.</summary>
    ValueTask<bool> LivesAsync(ClaimHolder holder, CancellationToken cancellation);
}
