// Two nodes of one id: a second one is started while the first one runs, or both have begun while neither heard the other. One of them goes
// on, and the other one ends. Each says in its Alive how it stands, and both compare the same: so both come to the same.
//
// Whoever goes on says so to the other one (Taken), and only then that one ends. What has been on its way for long may be the word of a
// life that is over, and nobody ends for that: it cannot name a life that began behind it.

namespace RawWs.Server.Nats;

/// <summary>How a node stands, beside another one of its id.</summary>
/// <param name="HasJoined">Whether it has known all others once, and serves since then.</param>
/// <param name="BeganAt">When it began by its own clock, in milliseconds since 1970.</param>
/// <param name="Incarnation">Which life of its id it is.</param>
internal readonly record struct Standing(bool HasJoined, long BeganAt, ulong Incarnation)
{
    /// <summary>Whether it goes on and the other one ends: who serves before who does not yet, and then who began earlier.</summary>
    public bool GoesBefore(in Standing other)
    {
        if (HasJoined != other.HasJoined) return HasJoined;
        return BeganAt != other.BeganAt ? BeganAt < other.BeganAt : Incarnation < other.Incarnation;
    }
}

internal sealed partial class ClusterNode
{
    private volatile bool _isTaken;
    private bool _hasJoined;

    /// <summary>Whether another node of this id goes on: this one has left the cluster, and must end. Any thread.</summary>
    public bool IsTaken => _isTaken;

    private Standing Own => new(_hasJoined, _settings.BeganAt, _settings.Incarnation);

    // Somebody of the same id: another life, or what this one has published itself.
    private void ReceiveOfOwnId(WireHead head, ref WireReader reader)
    {
        if (head.Incarnation == _settings.Incarnation)
        {
            _heardSelf = _now;
            return;
        }

        switch (head.Kind)
        {
            case WireKind.Alive:
                _ = reader.ReadUInt64();
                if (ReadStanding(head.Incarnation, ref reader) is { } rival && Own.GoesBefore(rival))
                    _wire.PublishTo(_settings.Id, WriteStanding(Begin(WireKind.Taken).Write(rival.Incarnation)).Written.Span);
                break;
            case WireKind.Taken:
                bool isMeant = reader.ReadUInt64() == _settings.Incarnation;
                if (ReadStanding(head.Incarnation, ref reader) is { } other && isMeant && other.GoesBefore(Own)) GiveWay();
                break;
            case WireKind.Bye:
                _aliveAt = _now; // the others have taken that life for this node's
                break;
        }

        if (reader.IsCut) Counts.Nonsense++;
    }

    private void GiveWay()
    {
        End();
        _isTaken = true;
        GoAway();
    }

    private WireWriter WriteStanding(WireWriter writer) => writer.Write((byte)(_hasJoined ? 1 : 0)).Write((ulong)_settings.BeganAt);

    private static Standing? ReadStanding(ulong incarnation, ref WireReader reader)
    {
        Standing standing = new(reader.ReadByte() != 0, (long)reader.ReadUInt64(), incarnation);
        return reader.IsCut ? null : standing;
    }
}
