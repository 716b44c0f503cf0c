// Which connections have which uid: one registry for all loops. It is striped by the uid's hash, so that loops seldom wait for each other's
// lock. Receivers are an immutable array, which is read under the lock and used outside of it, so nothing is called while a lock is held.
// Keys are the uid's bytes; a look-up by a span allocates nothing. Strangers choose the uids, so the hash has a new seed in each process.
// A connection that is not open any more stays in the registry until it has ended, but does not hold its uid: a sender is told that it is
// closed, and it keeps nobody out.

using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace RawWs.Server.Delivery;

internal sealed class UidRegistry
{
    private const int StripeCount = 64;

    private readonly Stripe[] _stripes = [.. Enumerable.Range(0, StripeCount).Select(static _ => new Stripe())];
    private volatile int _sharesMax = int.MaxValue;

    /// <summary>How many open connections may share a uid. Those that share it when this changes keep it.</summary>
    public int SharesMax
    {
        get => _sharesMax;
        set => _sharesMax = value;
    }

    /// <summary>How many uids have a connection, including those that are ending.</summary>
    public int Count
    {
        get
        {
            int count = 0;
            foreach (Stripe stripe in _stripes)
                lock (stripe.Lock) count += stripe.Receivers.Count;
            return count;
        }
    }

    /// <summary>The connections of a uid, some of which may be ending; empty for none. The array never changes.</summary>
    public WebSocketConnection[] Find(ReadOnlySpan<byte> uid)
    {
        // tour: find-holders
        Stripe stripe = StripeOf(uid);
        lock (stripe.Lock)
        {
            ref Holders holders = ref CollectionsMarshal.GetValueRefOrNullRef(stripe.ByBytes, uid);
            return Unsafe.IsNullRef(ref holders) ? [] : holders.ToArray();
        }
        // tour: end
    }

    /// <summary>The uids that have a connection.</summary>
    public List<ReadOnlyMemory<byte>> GetUids()
    {
        List<ReadOnlyMemory<byte>> uids = [];
        foreach (Stripe stripe in _stripes)
        {
            lock (stripe.Lock)
                foreach (byte[] uid in stripe.Receivers.Keys) uids.Add(uid);
        }

        return uids;
    }

    /// <summary>Registers a connection under a uid.</summary>
    /// <param name="uid">The uid. It is kept as the key, so nobody may change the bytes.</param>
    /// <param name="connection">The connection.</param>
    /// <param name="policy">What happens if others have the uid.</param>
    /// <param name="others">
    /// When it is registered: the connections that have lost the uid. With <see cref="DuplicateUid.Replace"/> the caller closes them; with
    /// Reject they are ending. When it is not: those that keep the uid.
    /// </param>
    /// <returns>False when an open connection has the uid and the policy rejects, or when as many share it as may.</returns>
    public bool TryAdd(byte[] uid, WebSocketConnection connection, DuplicateUid policy, out WebSocketConnection[] others)
    {
        Stripe stripe = StripeOf(uid);
        lock (stripe.Lock)
        {
            ref Holders holders = ref CollectionsMarshal.GetValueRefOrAddDefault(stripe.Receivers, uid, out bool isTaken);
            others = isTaken && (policy != DuplicateUid.Share || SharesMax < int.MaxValue) ? holders.ToArray() : [];
            int openMax = policy switch
            {
                DuplicateUid.Share => SharesMax - 1,
                DuplicateUid.Reject => 0,
                _ => int.MaxValue,
            };
            if (CountOpen(others) > openMax) return false;
            if (!isTaken || policy != DuplicateUid.Share)
            {
                holders = new Holders(connection);
                return true;
            }

            holders.Add(connection);
            others = [];
            return true;
        }
    }

    /// <summary>Whether one more open connection may share this uid.</summary>
    public bool HasRoom(ReadOnlySpan<byte> uid) => SharesMax == int.MaxValue || CountOpen(Find(uid)) < SharesMax;

    /// <summary>Removes a connection. Another one's registration under the same uid stays.</summary>
    /// <returns>Whether it was registered.</returns>
    public bool Remove(ReadOnlySpan<byte> uid, WebSocketConnection connection)
    {
        Stripe stripe = StripeOf(uid);
        lock (stripe.Lock)
        {
            ref Holders holders = ref CollectionsMarshal.GetValueRefOrNullRef(stripe.ByBytes, uid);
            if (Unsafe.IsNullRef(ref holders) || !holders.TryRemove(connection, out bool isLast)) return false;
            if (isLast) stripe.ByBytes.Remove(uid);
            return true;
        }
    }

    private static int CountOpen(WebSocketConnection[] connections)
    {
        int count = 0;
        foreach (WebSocketConnection connection in connections)
            if (connection.IsOpen) count++;
        return count;
    }

    private Stripe StripeOf(ReadOnlySpan<byte> uid) => _stripes[(uint)BytesComparer.Hash(uid) % StripeCount];

    private sealed class Stripe
    {
        public Stripe() => ByBytes = Receivers.GetAlternateLookup<ReadOnlySpan<byte>>();

        public Lock Lock { get; } = new();

        public Dictionary<byte[], Holders> Receivers { get; } = new(new BytesComparer());

        public Dictionary<byte[], Holders>.AlternateLookup<ReadOnlySpan<byte>> ByBytes { get; }
    }

    /// <summary>
    /// The connections of one uid, at least one. A few are an array, which each change makes anew. Many are a set, in which adding and
    /// removing cost the same however many there are. Then the array is made of the set for the first message after a change, which goes to
    /// each of them anyhow.
    /// </summary>
    private struct Holders(WebSocketConnection first)
    {
        private const int FewMax = 8;

        private WebSocketConnection[]? _array = [first]; // null: to be made from the set
        private HashSet<WebSocketConnection>? _set; // null: there is only the array

        public WebSocketConnection[] ToArray()
        {
            if (_array is null)
            {
                _array = GC.AllocateUninitializedArray<WebSocketConnection>(_set!.Count);
                _set.CopyTo(_array);
            }

            return _array;
        }

        public void Add(WebSocketConnection connection)
        {
            if (_set is null && _array!.Length < FewMax)
            {
                _array = [.. _array, connection];
                return;
            }

            _set ??= [.. _array!];
            _set.Add(connection);
            _array = null;
        }

        /// <summary>Removes a connection. The last one stays: its holders go with it.</summary>
        /// <returns>Whether it was there.</returns>
        public bool TryRemove(WebSocketConnection connection, out bool isLast)
        {
            isLast = false;
            if (_set is not null) return TryRemoveFromSet(connection);
            int index = Array.IndexOf(_array!, connection);
            if (index < 0) return false;
            isLast = _array!.Length == 1;
            if (!isLast) _array = [.. _array[..index], .. _array[(index + 1)..]];
            return true;
        }

        private bool TryRemoveFromSet(WebSocketConnection connection)
        {
            if (!_set!.Remove(connection)) return false;
            _array = null;
            if (_set.Count <= FewMax / 2)
            {
                _array = ToArray();
                _set = null;
            }
            else if (_set.Count < _set.Capacity / 4)
            {
                _set.TrimExcess(_set.Count * 2); // when many have left, their memory is released
            }

            return true;
        }
    }

    /// <summary>Bytes as keys, equal when the bytes are equal.</summary>
    private sealed class BytesComparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public static int Hash(ReadOnlySpan<byte> bytes)
        {
            // Strings have a hash that nobody can foresee: it is seeded for each process. It takes two bytes for a character.
            int hash = string.GetHashCode(MemoryMarshal.Cast<byte, char>(bytes));
            return (bytes.Length & 1) == 0 ? hash : (hash * 31) + bytes[^1];
        }

        public bool Equals(byte[]? one, byte[]? other) => one.AsSpan().SequenceEqual(other);

        public int GetHashCode([DisallowNull] byte[] bytes) => Hash(bytes);

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(ReadOnlySpan<byte> alternate) => Hash(alternate);

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
    }
}
