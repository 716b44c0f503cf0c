// Who is where: what a node tells the others of its uids, and what it is told of theirs.

namespace RawWs.Server.Nats;

internal sealed partial class ClusterNode
{
    private const int EventBytes = sizeof(byte) + sizeof(ulong);
    private const int SnapshotHashesMax = 50_000_000;
    private const int ProbesMax = 1_000;

    private uint _snapshots; // how many were told

    /// <summary>A connection has joined under a uid. Any thread.</summary>
    public void Join(ReadOnlySpan<byte> uid)
    {
        if (_uids.Join(UidHash.Of(uid))) Wake();
    }

    /// <summary>A connection has left a uid. Any thread.</summary>
    public void Leave(ReadOnlySpan<byte> uid)
    {
        if (_uids.Leave(UidHash.Of(uid))) Wake();
    }

    /// <summary>Asks another node whether its connections of a uid live. Any thread. Under pressure it is not asked.</summary>
    public void AskWhetherItLives(string node, ReadOnlySpan<byte> uid)
    {
        if (_probes.Count >= ProbesMax) return;
        _probes.Enqueue((node, uid.ToArray()));
        Wake();
    }

    private void Probe()
    {
        while (_probes.TryDequeue(out (string Node, byte[] Uid) probe))
            if (_isConnected) _wire.PublishTo(probe.Node, Begin(WireKind.Probe).Write(probe.Uid).Written.Span);
    }

    private bool OnProbe(ref WireReader reader)
    {
        ReadOnlySpan<byte> uid = reader.Read(reader.Rest.Length);
        if (uid.Length is 0 or > ConnectionDirectory.UidBytesMax) return false;
        _local.Probe(uid);
        return true;
    }

    private void TellNews()
    {
        List<UidEvent> news = _uids.Take(_spareNews);
        ulong first = _events.Last + 1;
        foreach (UidEvent told in news)
        {
            if (told.IsHere) _table.Add(told.Hash, Self);
            else _table.Remove(told.Hash, Self);
            _events.Add(told);
        }

        bool some = news.Count > 0;
        news.Clear();
        _spareNews = news;
        if (some && _isConnected) TellEvents(first, to: null);
    }

    // To one node, or to all. More than the log keeps are told by a snapshot, to whoever asks.
    private void TellEvents(ulong first, string? to)
    {
        if (!_events.Reaches(first))
        {
            SayAlive();
            return;
        }

        ulong inMessage = (ulong)((_pieceBytesMax - 128) / EventBytes);
        while (first <= _events.Last)
        {
            ulong last = Math.Min(_events.Last, first + inMessage - 1);
            WireWriter writer = Begin(WireKind.Events).Write(first);
            for (; first <= last; first++) writer.Write((byte)(_events[first].IsHere ? 1 : 0)).Write(_events[first].Hash);
            Publish(to, writer);
        }
    }

    private void Publish(string? to, WireWriter writer)
    {
        if (to is null) _wire.PublishToAll(writer.Written.Span);
        else _wire.PublishTo(to, writer.Written.Span);
    }

    private bool OnHello()
    {
        _aliveAt = _now; // once for all who have begun
        return true;
    }

    private static bool OnAlive(PeerNode peer, ref WireReader reader)
    {
        ulong last = reader.ReadUInt64();
        _ = ReadStanding(peer.Incarnation, ref reader); // for those of its id
        bool claimsUids = reader.ReadByte() != 0;
        if (reader.IsCut) return false;
        peer.ClaimsUids = claimsUids;
        peer.LastEventTold = last;
        peer.HasSaidLast = true;
        return true;
    }

    private bool OnBye(PeerNode peer)
    {
        Forget(peer);
        return true;
    }

    private bool OnEvents(PeerNode peer, ref WireReader reader)
    {
        ulong number = reader.ReadUInt64();
        while (reader.Rest.Length >= EventBytes)
        {
            bool isHere = reader.ReadByte() != 0;
            ulong hash = reader.ReadUInt64();
            peer.LastEventTold = Math.Max(peer.LastEventTold, number);
            if (number == peer.LastEvent + 1 && hash != 0)
            {
                if (isHere) _table.Add(hash, peer.Number);
                else _table.Remove(hash, peer.Number);
                peer.LastEvent = number;
            }

            number++;
        }

        return reader.Rest.IsEmpty;
    }

    private void Ask(PeerNode peer)
    {
        if (_now < peer.MayAskAt) return;
        peer.MayAskAt = _now + _settings.AskEvery;
        peer.Snapshot = null;
        _wire.PublishTo(peer.Id, Begin(WireKind.Wanted).Write(peer.Incarnation).Write(peer.LastEvent + 1).Written.Span);
    }

    private bool OnWanted(PeerNode peer, ref WireReader reader)
    {
        if (reader.ReadUInt64() != _settings.Incarnation) return true; // an earlier life's
        ulong first = reader.ReadUInt64();
        if (reader.IsCut) return false;
        peer.Wanted = first;
        return true;
    }

    // To each node as often as it may ask, and in one turn no more than the wire is given of messages: the next one goes on.
    private void TellWhatIsWanted()
    {
        if (!_isConnected) return;
        long told = 0;
        foreach (PeerNode? peer in _numbered)
        {
            if (peer is not { Wanted: { } first } || _now < peer.MayTellAt) continue;
            if (told > _settings.TurnBytesMax)
            {
                Wake();
                return;
            }

            peer.Wanted = null;
            peer.MayTellAt = _now + (_settings.AskEvery / 2);
            bool isKept = _events.Reaches(first);
            told += isKept ? (long)(_events.Last + 1 - first) * EventBytes : TellSnapshot(peer);
            if (isKept) TellEvents(first, peer.Id);
        }
    }

    // Says how many bytes that was.
    private long TellSnapshot(PeerNode peer)
    {
        List<ulong> hashes = _table.HashesOf(Self);
        _snapshots++;
        int perPart = (_pieceBytesMax - 128) / sizeof(ulong);
        int told = 0;
        for (uint part = 0; part == 0 || told < hashes.Count; part++)
        {
            int count = Math.Min(perPart, hashes.Count - told);
            bool isLast = told + count == hashes.Count;
            WireWriter writer = Begin(WireKind.Snapshot).Write(_events.Last).Write(_snapshots).Write(part);
            writer.Write((byte)(isLast ? 1 : 0));
            for (int i = 0; i < count; i++) writer.Write(hashes[told++]);
            _wire.PublishTo(peer.Id, writer.Written.Span);
        }

        return (long)hashes.Count * sizeof(ulong);
    }

    private bool OnSnapshot(PeerNode peer, ref WireReader reader)
    {
        ulong last = reader.ReadUInt64();
        uint snapshot = reader.ReadUInt32(), part = reader.ReadUInt32();
        bool isLast = reader.ReadByte() != 0;
        if (reader.IsCut) return false;
        (List<ulong> hashes, uint number, uint nextPart) = part == 0 ? ([], snapshot, 0) : peer.Snapshot ?? ([], snapshot, 0);
        if (part != nextPart || snapshot != number || hashes.Count + (reader.Rest.Length / sizeof(ulong)) > SnapshotHashesMax)
        {
            peer.Snapshot = null; // a part is missing: it is asked for again
            return part != nextPart || snapshot != number;
        }

        while (reader.Rest.Length >= sizeof(ulong))
            if (reader.ReadUInt64() is var hash && hash != 0) hashes.Add(hash);
        peer.Snapshot = isLast ? null : (hashes, snapshot, part + 1);
        peer.MayAskAt = _now + _settings.AskEvery; // it is on its way
        if (last == 0 && hashes.Count > 0) return false; // who has told nothing has no uid
        if (isLast) TakeSnapshot(peer, hashes, last);
        return reader.Rest.IsEmpty;
    }

    // What is not in it has gone. What stays is not taken out in between, so that nobody is offline for a moment.
    private void TakeSnapshot(PeerNode peer, List<ulong> hashes, ulong last)
    {
        if (last < peer.LastEvent) return; // events have overtaken it
        HashSet<ulong> present = [.. hashes];
        foreach (ulong hash in _table.HashesOf(peer.Number))
            if (!present.Contains(hash)) _table.Remove(hash, peer.Number);
        foreach (ulong hash in present) _table.Add(hash, peer.Number);
        peer.LastEvent = last;
        peer.LastEventTold = Math.Max(peer.LastEventTold, last);
        Counts.Snapshots++;
    }
}
