// Who is connected under which uid: one for all loops. It is striped by the uid's hash, so that loops seldom meet at a lock; receivers
// are an immutable array, taken out under the lock and used outside of it, so nothing is called while one is held. Keys are
// the uid's bytes; a look-up by a span allocates nothing. Uids are strangers' words, so the hash is seeded anew in each process.

using System.Diagnostics.CodeAnalysis;

namespace RawWs.Server.Routing;

/// <summary>What becomes of a uid that somebody has already.</summary>
public enum DuplicateUid : byte
{
    /// <summary>Both have it, and a message goes to both.</summary>
    Share,

    /// <summary>The older connection is closed.</summary>
    Replace,

    /// <summary>The newer one does not get it.</summary>
    Reject,
}

internal sealed class UidRegistry
{
    private const int StripeCount = 64;

    private readonly Stripe[] _stripes = new Stripe[StripeCount];

    public UidRegistry()
    {
        for (int i = 0; i < StripeCount; i++) _stripes[i] = new Stripe();
    }

    /// <summary>How many uids have a connection.</summary>
    public int Count
    {
        get
        {
            int count = 0;
            foreach (Stripe stripe in _stripes)
                lock (stripe.Gate) count += stripe.Receivers.Count;
            return count;
        }
    }

    /// <summary>The connections of a uid; empty for none. The array never changes.</summary>
    public WebSocketConnection[] Find(ReadOnlySpan<byte> uid)
    {
        Stripe stripe = StripeOf(uid);
        lock (stripe.Gate) return stripe.ByBytes.TryGetValue(uid, out WebSocketConnection[]? found) ? found : [];
    }

    /// <summary>Registers a connection under a uid.</summary>
    /// <param name="uid">The uid; kept as the key, so nobody may change it.</param>
    /// <param name="connection">The connection.</param>
    /// <param name="policy">What happens if others have the uid.</param>
    /// <param name="replaced">The connections that had it and have lost it, for the caller to close.</param>
    /// <returns>False when it was taken and the policy rejects.</returns>
    public bool TryAdd(byte[] uid, WebSocketConnection connection, DuplicateUid policy, out WebSocketConnection[] replaced)
    {
        replaced = [];
        Stripe stripe = StripeOf(uid);
        lock (stripe.Gate)
        {
            if (stripe.Receivers.TryGetValue(uid, out WebSocketConnection[]? present))
            {
                if (policy == DuplicateUid.Reject) return false;
                if (policy == DuplicateUid.Share)
                {
                    stripe.Receivers[uid] = [.. present, connection];
                    return true;
                }

                replaced = present;
            }

            stripe.Receivers[uid] = [connection];
            return true;
        }
    }

    /// <summary>Whether a uid is taken.</summary>
    public bool Contains(ReadOnlySpan<byte> uid) => Find(uid).Length > 0;

    /// <summary>Takes a connection out, if it is in: another's registration under the same uid stays.</summary>
    public void Remove(ReadOnlySpan<byte> uid, WebSocketConnection connection)
    {
        Stripe stripe = StripeOf(uid);
        lock (stripe.Gate)
        {
            if (!stripe.ByBytes.TryGetValue(uid, out WebSocketConnection[]? present)) return;
            int index = Array.IndexOf(present, connection);
            if (index < 0) return;
            if (present.Length == 1) stripe.ByBytes.Remove(uid);
            else stripe.Receivers[uid.ToArray()] = [.. present[..index], .. present[(index + 1)..]];
        }
    }

    private Stripe StripeOf(ReadOnlySpan<byte> uid) => _stripes[(uint)BytesComparer.Hash(uid) % StripeCount];

    private sealed class Stripe
    {
        public Stripe() => ByBytes = Receivers.GetAlternateLookup<ReadOnlySpan<byte>>();

        public Lock Gate { get; } = new();

        public Dictionary<byte[], WebSocketConnection[]> Receivers { get; } = new(new BytesComparer());

        public Dictionary<byte[], WebSocketConnection[]>.AlternateLookup<ReadOnlySpan<byte>> ByBytes { get; }
    }

    /// <summary>Bytes as keys: equal when their bytes are.</summary>
    private sealed class BytesComparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public static int Hash(ReadOnlySpan<byte> bytes)
        {
            HashCode hash = default; // seeded at random once per process
            hash.AddBytes(bytes);
            return hash.ToHashCode();
        }

        public bool Equals(byte[]? one, byte[]? other) => one.AsSpan().SequenceEqual(other);

        public int GetHashCode([DisallowNull] byte[] bytes) => Hash(bytes);

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(ReadOnlySpan<byte> alternate) => Hash(alternate);

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
    }
}
