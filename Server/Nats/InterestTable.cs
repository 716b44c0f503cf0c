// Which nodes have which uids, as far as they have told: every node keeps it of all nodes, itself included. One thread changes it, any
// thread looks up. A uid stands here by its hash (UidHash), beside the number of its node: 12 bytes in an open-addressing table, which
// doubles when it is three quarters full, and is halved when less than an eighth of it is in use. The few uids that several nodes have are
// in a dictionary beside it.
//
// The table is cut into stripes, each with its lock, so that a reader waits for no more than a change of one of them: growing or sweeping
// one stripe of a table of ten million uids takes well below a millisecond. Strangers choose the uids, and the hash is no secret. So the
// place of a hash is found by multiplying with a number that each process draws: nobody can choose uids that meet in one place.

using System.Numerics;
using System.Security.Cryptography;

namespace RawWs.Server.Nats;

internal sealed class InterestTable
{
    private const int StripeBits = 8;

    private readonly ulong _multiplier = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong))) | 1;
    private readonly Stripe[] _stripes = [.. Enumerable.Range(0, 1 << StripeBits).Select(static _ => new Stripe())];
    private long[] _counts = []; // of uids, by node; replaced when it grows

    /// <summary>How many uids some node has.</summary>
    public long Count
    {
        get
        {
            long count = 0;
            foreach (Stripe stripe in _stripes)
                lock (stripe.Lock) count += stripe.Count;
            return count;
        }
    }

    /// <summary>How many uids a node has. Any thread.</summary>
    public long CountOf(int node)
    {
        long[] counts = Volatile.Read(ref _counts);
        return node < counts.Length ? Volatile.Read(ref counts[node]) : 0;
    }

    /// <summary>The nodes that have a uid. Nothing is allocated.</summary>
    public NodeSet Find(ulong hash)
    {
        ulong mixed = hash * _multiplier;
        Stripe stripe = _stripes[mixed >> (64 - StripeBits)];
        lock (stripe.Lock) return stripe.Find(hash, mixed << StripeBits);
    }

    /// <summary>A node has a uid. False if that was known.</summary>
    public bool Add(ulong hash, int node)
    {
        ulong mixed = hash * _multiplier;
        Stripe stripe = _stripes[mixed >> (64 - StripeBits)];
        lock (stripe.Lock)
            if (!stripe.Add(hash, mixed << StripeBits, node, _multiplier)) return false;
        if (node >= _counts.Length)
        {
            long[] counts = new long[node + 1];
            _counts.CopyTo(counts, 0);
            Volatile.Write(ref _counts, counts);
        }

        _counts[node]++;
        return true;
    }

    /// <summary>A node has a uid no more. False if it was not known to have it.</summary>
    public bool Remove(ulong hash, int node)
    {
        ulong mixed = hash * _multiplier;
        Stripe stripe = _stripes[mixed >> (64 - StripeBits)];
        lock (stripe.Lock)
            if (!stripe.Remove(hash, mixed << StripeBits, node, _multiplier)) return false;
        _counts[node]--;
        return true;
    }

    /// <summary>The hashes of a node's uids, in no order. What is added or removed meanwhile may be among them or not.</summary>
    public List<ulong> HashesOf(int node)
    {
        List<ulong> hashes = [];
        foreach (Stripe stripe in _stripes)
            lock (stripe.Lock) stripe.AddHashesOf(node, hashes);
        return hashes;
    }

    /// <summary>A node has no uid any more.</summary>
    /// <returns>How many it had.</returns>
    public int RemoveAll(int node)
    {
        List<ulong> hashes = [];
        int removed = 0;
        foreach (Stripe stripe in _stripes)
        {
            hashes.Clear();
            lock (stripe.Lock)
            {
                stripe.AddHashesOf(node, hashes);
                foreach (ulong hash in hashes) stripe.Remove(hash, (hash * _multiplier) << StripeBits, node, _multiplier);
            }

            removed += hashes.Count;
        }

        if (removed > 0) _counts[node] -= removed;
        return removed;
    }

    /// <summary>Linear probing; a removed entry is filled from behind, so that there are no tombs. Under its lock.</summary>
    private sealed class Stripe
    {
        private const int SlotsMin = 16;
        private const int Several = -1;

        private readonly Dictionary<ulong, int[]> _several = [];
        private ulong[] _hashes = new ulong[SlotsMin]; // 0: an empty slot
        private int[] _nodes = new int[SlotsMin];
        private int _shift = 64 - 4; // 64 - log2 of the slots

        public Lock Lock { get; } = new();

        public int Count { get; private set; }

        public NodeSet Find(ulong hash, ulong mixed)
        {
            int slot = SlotOf(hash, mixed);
            if (_hashes[slot] == 0) return NodeSet.Nobody;
            return _nodes[slot] == Several ? NodeSet.Of(_several[hash]) : NodeSet.Of(_nodes[slot]);
        }

        public bool Add(ulong hash, ulong mixed, int node, ulong multiplier)
        {
            int slot = SlotOf(hash, mixed);
            if (_hashes[slot] == 0)
            {
                (_hashes[slot], _nodes[slot]) = (hash, node);
                if (++Count > _hashes.Length / 4 * 3) Resize(_hashes.Length * 2, multiplier);
                return true;
            }

            int present = _nodes[slot];
            if (present == node) return false;
            int[] nodes = present == Several ? _several[hash] : [present];
            if (nodes.Contains(node)) return false;
            _several[hash] = [.. nodes, node];
            _nodes[slot] = Several;
            return true;
        }

        public bool Remove(ulong hash, ulong mixed, int node, ulong multiplier)
        {
            int slot = SlotOf(hash, mixed);
            if (_hashes[slot] == 0) return false;
            if (_nodes[slot] == Several) return RemoveOfSeveral(hash, slot, node);
            if (_nodes[slot] != node) return false;
            Count--;
            Empty(slot, multiplier);
            if (_hashes.Length > SlotsMin && Count < _hashes.Length / 8) Resize(_hashes.Length / 2, multiplier);
            return true;
        }

        public void AddHashesOf(int node, List<ulong> hashes)
        {
            for (int slot = 0; slot < _hashes.Length; slot++)
            {
                ulong hash = _hashes[slot];
                if (hash == 0) continue;
                if (_nodes[slot] == node || (_nodes[slot] == Several && _several[hash].Contains(node))) hashes.Add(hash);
            }
        }

        private bool RemoveOfSeveral(ulong hash, int slot, int node)
        {
            int[] nodes = _several[hash];
            if (!nodes.Contains(node)) return false;
            int[] left = [.. nodes.Where(other => other != node)];
            if (left.Length > 1)
            {
                _several[hash] = left;
                return true;
            }

            _several.Remove(hash);
            _nodes[slot] = left[0];
            return true;
        }

        // The slot of this hash, or the empty one where it would be.
        private int SlotOf(ulong hash, ulong mixed)
        {
            int slot = (int)(mixed >> _shift);
            while (_hashes[slot] != 0 && _hashes[slot] != hash) slot = (slot + 1) & (_hashes.Length - 1);
            return slot;
        }

        // What stands behind a slot that becomes empty moves up, unless it stands at its own place or behind it.
        private void Empty(int slot, ulong multiplier)
        {
            int mask = _hashes.Length - 1;
            for (int next = (slot + 1) & mask; _hashes[next] != 0; next = (next + 1) & mask)
            {
                int home = (int)(((_hashes[next] * multiplier) << StripeBits) >> _shift);
                if (((next - home) & mask) < ((next - slot) & mask)) continue;
                (_hashes[slot], _nodes[slot]) = (_hashes[next], _nodes[next]);
                slot = next;
            }

            _hashes[slot] = 0;
        }

        private void Resize(int slots, ulong multiplier)
        {
            (ulong[] hashes, int[] nodes) = (_hashes, _nodes);
            (_hashes, _nodes, _shift) = (new ulong[slots], new int[slots], 64 - BitOperations.Log2((uint)slots));
            for (int i = 0; i < hashes.Length; i++)
            {
                if (hashes[i] == 0) continue;
                int slot = SlotOf(hashes[i], (hashes[i] * multiplier) << StripeBits);
                (_hashes[slot], _nodes[slot]) = (hashes[i], nodes[i]);
            }
        }
    }
}
