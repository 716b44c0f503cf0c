// The line to the backplane, and what a node says of itself over it: whether it can be used, what is given up when it cannot, and how the
// node begins, and begins anew.

namespace RawWs.Server.Nats;

internal sealed partial class ClusterNode
{
    private long _begunAt; // when it began to listen
    private long _aliveAt; // when it says again that it lives
    private long _heardSelf; // when a word of its own came back
    private long _hailAt; // when it speaks to all for the first time
    private volatile bool _hasHailed;

    // The server that it is connected to now may take shorter messages than the one before, or it has been told to. And a line may be dead
    // without a word: what the node says to all comes back to it, and when nothing does, nobody hears it.
    private void FitWire()
    {
        int most = _payloadBytesMax = _wire.PayloadBytesMax;
        if (most < PayloadBytesMin) _heardSelf = _now; // then it does not listen
        bool isDeaf = _now - _heardSelf >= _settings.DeafAfter;
        bool canUse = _isUp && !_isTaken && !isDeaf && most >= PayloadBytesMin;
        if (canUse) _pieceBytesMax = Math.Min(_settings.PieceBytesMax, most);
        if (canUse == _isConnected) return;
        if (canUse)
        {
            GiveUp(); // what senders have appended in the moment in which it went
            _isConnected = true;
            Listen();
            if (_hasHailed)
            {
                Hail();
                return;
            }

            // The others would take it for a new life of the node that has its id, and forget that one. So that one is asked first.
            _hailAt = _now + _settings.AskFirst;
            SayAlive();
        }
        else
        {
            if (!isDeaf) End();
            GoAway();
        }
    }

    private void GoAway()
    {
        _isConnected = _isComplete = false;
        GiveUp();
        _waits.GiveUp(_now);
    }

    // What is unanswered is unreachable, and what has not gone out yet does not go out later.
    private void GiveUp()
    {
        Counts.Nodes.OfEverybody.Unanswered += _everybody.GiveUp(out ulong next);
        foreach (PeerNode peer in _peers.Values)
        {
            peer.Tally.Unanswered += peer.Out.GiveUp(out peer.Answered);
            peer.EverybodyAnswered = next;
        }
    }

    // What the others have told meanwhile has not come here: they say it again. They may come back later than this node, and have as long
    // for that as for any silence.
    private void Listen()
    {
        _begunAt = _now;
        _isComplete = false;
        foreach (PeerNode peer in _peers.Values)
        {
            peer.HasSaidLast = false;
            peer.Snapshot = null;
            if (peer.IsHere) peer.LastHeard = _now;
        }
    }

    private void Hail()
    {
        _hasHailed = true;
        _wire.PublishToAll(Begin(WireKind.Hello).Written.Span);
        SayAlive();
    }

    // To itself alone while it does not speak to all: whoever has its id hears it too, and it hears whether the line is alive.
    private void SayAlive()
    {
        _aliveAt = _now + _settings.AliveEvery;
        if (!_isUp || _isTaken) return;
        WireWriter writer = WriteStanding(Begin(WireKind.Alive).Write(_events.Last)).Write((byte)(_settings.ClaimsUids ? 1 : 0));
        ReadOnlySpan<byte> alive = writer.Written.Span;
        if (_isConnected && _hasHailed) _wire.PublishToAll(alive);
        else _wire.PublishTo(_settings.Id, alive);
    }
}
