// Messages between nodes: what senders leave, what goes out in pieces, what comes in, and the answers.

using System.Buffers.Binary;
using System.Text.Unicode;
using RawWs.Frame;

namespace RawWs.Server.Nats;

internal sealed partial class ClusterNode
{
    private const int PieceHeadBytes = 128; // at most: head, numbers
    private const int AnswersHeadBytes = 128; // the same
    private const int ExceptionBytes = (2 * sizeof(ulong)) + sizeof(byte);

    /// <summary>
    /// Sends a message to all connections of a uid, wherever they are: to this node's own first. Any thread. The result is there at once
    /// if no other node has the uid; while it is not known who has it, within the time for an answer, unless this node has it itself. (A
    /// client that moves from here to another node meanwhile would get it twice. So a caller that does not wait for its results may see a
    /// message overtake those that wait, when the uid comes to this node in between.)
    /// </summary>
    public ValueTask<DeliveryResult> Send(ReadOnlyMemory<byte> uid, in WebSocketMessage message, long now) =>
        TrySendHere(uid.Span, message, out DeliveryResult here) ? new(here) : SendOn(uid, message, here, now);

    /// <summary>
    /// The first half of <see cref="Send"/>, which needs no time: sends the message to this node's own connections. Any thread.
    /// </summary>
    /// <param name="uid">The uid.</param>
    /// <param name="message">The message.</param>
    /// <param name="here">What came of it here.</param>
    /// <returns>Whether that is the result: no other node has the uid. Otherwise <see cref="SendOn"/> is the second half.</returns>
    public bool TrySendHere(ReadOnlySpan<byte> uid, in WebSocketMessage message, out DeliveryResult here)
    {
        here = _local.Send(uid, message);
        bool isAll = _isConnected && (KnowsAll || here != DeliveryResult.Offline) && !HasRemote(uid);
        if (isAll && _someAreSilent) CountLeftOut(uid, here);
        return isAll;
    }

    /// <summary>The second half of <see cref="Send"/>: sends the message to the other nodes that have the uid.</summary>
    /// <param name="uid">The uid.</param>
    /// <param name="message">The message.</param>
    /// <param name="here">What came of it here.</param>
    /// <param name="now">The time in milliseconds.</param>
    public ValueTask<DeliveryResult> SendOn(ReadOnlyMemory<byte> uid, in WebSocketMessage message, DeliveryResult here, long now)
    {
        if (!_isConnected)
        {
            if (here == DeliveryResult.Offline || HasRemote(uid.Span)) return new(CountUnknown(here));
            if (_someAreSilent) CountLeftOut(uid.Span, here);
            return new(here);
        }

        return KnowsAll || here != DeliveryResult.Offline
            ? SendToOthers(uid.Span, message, here, now)
            : SendLater(uid, message, here, now);
    }

    /// <summary>Sends a message to everybody: to this node's own connections first. Any thread.</summary>
    public ValueTask<DeliveryResult> SendToEverybody(in WebSocketMessage message, long now)
    {
        DeliveryResult here = _local.SendToEverybody(message);
        if (!_isConnected) return new(CountUnknown(here));
        return KnowsAll ? SendToOthers(default, message, here, now) : SendLater(default, message, here, now);
    }

    /// <summary>Sends a message to the connections that a uid has on other nodes, and not to this node's own.</summary>
    public ValueTask<DeliveryResult> SendElsewhere(ReadOnlyMemory<byte> uid, in WebSocketMessage message, long now)
    {
        if (!_isConnected) return new(CountUnknown());
        return KnowsAll
            ? SendToOthers(uid.Span, message, DeliveryResult.Offline, now)
            : SendLater(uid, message, DeliveryResult.Offline, now);
    }

    /// <summary>Sends a message to all connections of the other nodes, and not to this node's own.</summary>
    public ValueTask<DeliveryResult> SendToEverybodyElsewhere(in WebSocketMessage message, long now) =>
        SendElsewhere(default, message, now);

    /// <summary>Whether another node has a uid. Any thread.</summary>
    public bool HasRemote(ReadOnlySpan<byte> uid)
    {
        if (_peersHere == 0) return false;
        NodeSet nodes = _table.Find(UidHash.Of(uid));
        PeerNode?[] numbered = _numbered;
        for (int i = 0; i < nodes.Count; i++)
            if (nodes[i] != Self && nodes[i] < numbered.Length && numbered[nodes[i]] is { IsHere: true }) return true;
        return false;
    }

    // Others may have the uid, and are not known yet.
    private async ValueTask<DeliveryResult> SendLater(ReadOnlyMemory<byte> uid, WebSocketMessage message, DeliveryResult here, long now)
    {
        WaitEnd end = await _waits.Add(now + _settings.AnswerWithin).ConfigureAwait(false);
        bool isConnected = _isConnected;
        // In vain: those that are known get it all the same, and its sender is told that there may be others.
        if (!(end.IsComplete && isConnected)) here = CountUnknown(here);
        ValueTask<DeliveryResult> sent = isConnected ? SendToOthers(uid.Span, message, here, end.At) : new(here);
        if (sent.IsCompleted) await Task.Yield(); // what the sender does next is not for the thread of the waits
        return await sent.ConfigureAwait(false);
    }

    // And nobody waits whom a message could overtake.
    private bool KnowsAll => _isComplete && !_waits.Any;

    // Its sender is told that, unless he is told already that somebody here does not have it.
    private DeliveryResult CountUnknown(DeliveryResult here = DeliveryResult.Offline)
    {
        Counts.CountUnknown();
        return here == DeliveryResult.TooSlow ? here : DeliveryResult.Unreachable;
    }

    // A node that says nothing may have connections of the uid too, and the sender hears of those alone that have got the message. Where
    // nobody has, he is told so, and it is not counted.
    private void CountLeftOut(ReadOnlySpan<byte> uid, DeliveryResult here)
    {
        NodeSet nodes = _table.Find(UidHash.Of(uid));
        PeerNode?[] numbered = _numbered;
        bool isElsewhere = here is DeliveryResult.Delivered or DeliveryResult.TooSlow, isSilent = false;
        for (int i = 0; i < nodes.Count; i++)
        {
            PeerNode? peer = nodes[i] < numbered.Length ? numbered[nodes[i]] : null;
            isElsewhere |= nodes[i] == Self || peer is { IsHere: true };
            isSilent |= peer is { IsHere: false };
        }

        if (isElsewhere && isSilent) Counts.CountLeftOut();
    }

    // To those that are known to have the uid; to everybody without one.
    private ValueTask<DeliveryResult> SendToOthers(ReadOnlySpan<byte> uid, in WebSocketMessage message, DeliveryResult here, long now)
    {
        PendingPublish? publish = null;
        bool wake = false;
        if (uid.IsEmpty)
        {
            if (_someAreSilent) Counts.CountLeftOut();
            Forward(_everybody, Counts.Nodes.OfEverybody, uid, message, publish = PendingPublish.Rent(), now, ref wake);
        }
        else
        {
            if (_someAreSilent) CountLeftOut(uid, here);
            NodeSet nodes = _table.Find(UidHash.Of(uid));
            PeerNode?[] numbered = _numbered;
            for (int i = 0; i < nodes.Count; i++)
            {
                if (nodes[i] == Self || nodes[i] >= numbered.Length || numbered[nodes[i]] is not { IsHere: true } peer) continue;
                Forward(peer.Out, peer.Tally, uid, message, publish ??= PendingPublish.Rent(), now, ref wake);
            }
        }

        if (wake) Wake();
        if (publish is null) return new(here);
        ValueTask<DeliveryResult> task = publish.Task;
        publish.Complete(here);
        return task;
    }

    private void Forward(LinkOut link, NodeTally tally,
        ReadOnlySpan<byte> uid, in WebSocketMessage message, PendingPublish publish, long now, ref bool wake)
    {
        Appended appended = uid.Length + message.Length > _settings.MessageBytesMax - 3
            ? Appended.Full
            : link.Append(message.Kind, uid, message.Span, publish, now);
        if (appended == Appended.Full)
        {
            tally.CountRefused();
            publish.Complete(DeliveryResult.TooSlow, 0);
            return;
        }

        wake |= appended == Appended.First;
        if (appended != Appended.Nobody) Counts.CountForwarded();
        else if (!uid.IsEmpty) publish.Complete(CountUnknown(), 0); // its node has gone in this moment
    }

    DeliveryResult IMessageTaker.Take(MessageKind kind, ReadOnlySpan<byte> uid, ReadOnlyMemory<byte> payload)
    {
        Counts.Received++;
        if (kind == MessageKind.Text && !Utf8.IsValid(payload.Span))
        {
            Counts.Nonsense++; // no node of ours sends this
            return DeliveryResult.Offline;
        }

        WebSocketMessage message = WebSocketMessage.Create(kind, payload);
        return _isEverybody ? _local.SendToEverybody(message) : _local.Send(uid, message);
    }

    // What the wire is given in one turn has a bound, however many links there are: who comes behind it is the first in the next turn.
    private void Flush()
    {
        if (!_isConnected) return;
        PeerNode?[] numbered = _numbered;
        int first = _flushFrom;
        long flushed = 0;
        for (int i = 0; i < numbered.Length; i++)
        {
            if (flushed > _settings.TurnBytesMax)
            {
                Wake();
                return;
            }

            int number = (first + i) % numbered.Length;
            _flushFrom = number + 1;
            if (number == Self) flushed += Flush(_everybody, null);
            else if (numbered[number] is { IsHere: true } peer) flushed += Flush(peer.Out, peer);
        }
    }

    // Cuts what waits into pieces, and says how much that was. A message that is longer than what is left of a piece goes on in the next.
    private int Flush(LinkOut link, PeerNode? peer)
    {
        byte[] taken = link.Take(_spare, out int length, out ulong number);
        _spare = taken.Length <= _settings.PieceBytesMax * 4 ? taken : [];
        int at = 0, nextMessage = 0; // where the next message begins
        int room = _pieceBytesMax - PieceHeadBytes;
        while (at < length)
        {
            int end = Math.Min(length, at + room);
            int rest = Math.Min(nextMessage, end) - at;
            ulong first = number;
            while (nextMessage < end)
            {
                nextMessage += sizeof(uint) + (int)BinaryPrimitives.ReadUInt32LittleEndian(taken.AsSpan(nextMessage));
                number++;
            }

            WireWriter writer = Begin(peer is null ? WireKind.Everybody : WireKind.Direct);
            if (peer is not null) writer.Write(peer.Incarnation).Write(peer.Link);
            writer.Write(link.NextPiece++).Write(first).Write((uint)rest).Write(taken.AsSpan(at, end - at));
            Publish(peer?.Id, writer);
            at = end;
        }

        return length;
    }

    private bool OnDirect(PeerNode peer, ref WireReader reader)
    {
        if (reader.ReadUInt64() != _settings.Incarnation || !peer.TryGoOver(reader.ReadUInt32())) return true; // for an earlier life
        return OnPiece(peer, peer.Direct, isEverybody: false, ref reader);
    }

    private bool OnEverybody(PeerNode peer, ref WireReader reader) => OnPiece(peer, peer.Everybody, isEverybody: true, ref reader);

    private bool OnPiece(PeerNode peer, LinkIn link, bool isEverybody, ref WireReader reader)
    {
        ulong lost = link.Lost;
        _isEverybody = isEverybody;
        peer.OwesAnswer = true;
        bool sense = link.TryReceive(ref reader, _message, this);
        peer.Tally.Lost += (long)(link.Lost - lost);
        return sense;
    }

    private void Answer()
    {
        if (!_isConnected) return;
        int exceptionsMax = Math.Max(1, (_pieceBytesMax - AnswersHeadBytes) / (2 * ExceptionBytes));
        foreach (PeerNode? peer in _numbered)
        {
            if (peer is not { OwesAnswer: true }) continue;
            peer.OwesAnswer = false;
            bool isAll = false;
            while (!isAll)
            {
                WireWriter writer = Begin(WireKind.Answers).Write(peer.Incarnation).Write(peer.DirectLink);
                isAll = peer.Direct.WriteAnswer(writer, exceptionsMax);
                isAll &= peer.Everybody.WriteAnswer(writer, exceptionsMax);
                _wire.PublishTo(peer.Id, writer.Written.Span);
            }
        }
    }

    private bool OnAnswers(PeerNode peer, ref WireReader reader)
    {
        if (reader.ReadUInt64() != _settings.Incarnation) return true; // for an earlier life
        ulong before = peer.Answered;
        long? since = peer.Out.SinceOf(before);
        LinkOut? link = reader.ReadUInt32() == peer.Link ? peer.Out : null; // null: about a link that is over
        bool sense = OnAnswers(link, peer.Tally, ref peer.Answered, ref reader)
            && OnAnswers(_everybody, peer.Tally, ref peer.EverybodyAnswered, ref reader);
        if (since is { } appended && peer.Answered > before) AnswerTook(peer.Tally.Name, _now - appended);
        return sense;
    }

    private static bool OnAnswers(LinkOut? link, NodeTally tally, ref ulong position, ref WireReader reader)
    {
        ulong from = reader.ReadUInt64(), behind = reader.ReadUInt64();
        uint count = reader.ReadUInt32();
        if (count > (uint)(reader.Rest.Length / ExceptionBytes)) return false;
        AnswerException[] exceptions = count == 0 ? [] : new AnswerException[count];
        for (int i = 0; i < exceptions.Length; i++)
            exceptions[i] = new AnswerException(reader.ReadUInt64(), reader.ReadUInt64(), (DeliveryResult)reader.ReadByte());
        if (reader.IsCut || exceptions.Any(static one => one.Result > DeliveryResult.Unreachable)) return false;
        if (link is not null) tally.Unanswered += link.Answer(ref position, from, behind, exceptions);
        return true;
    }
}
