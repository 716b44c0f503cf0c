// Another node, in one of its lives: what is known of it, and the links to it and from it. Only the node's own thread touches it, but for
// the link out, the tally, whether it is here, which senders read, and whether it claims uids, which whoever looks on reads.

namespace RawWs.Server.Nats;

/// <param name="id">Its id.</param>
/// <param name="number">Its number in the interest table.</param>
/// <param name="incarnation">Which of its lives this is.</param>
/// <param name="link">The number of the link to it: a later one of the same node has a higher number.</param>
/// <param name="settings">What the node goes by.</param>
internal sealed class PeerNode(string id, int number, ulong incarnation, uint link, ClusterSettings settings)
{
    private const byte Unsaid = 0, Yes = 1, No = 2;

    private volatile bool _isHere = true;
    private volatile byte _claims = Unsaid;

    public string Id => id;

    /// <summary>Its number in the interest table.</summary>
    public int Number => number;

    /// <summary>Which of its lives this is.</summary>
    public ulong Incarnation => incarnation;

    /// <summary>Whether it has been heard of lately. If not, it is taken to have no uid. Any thread reads it.</summary>
    public bool IsHere
    {
        get => _isHere;
        set => _isHere = value;
    }

    /// <summary>What went wrong with it.</summary>
    public required NodeTally Tally { get; init; }

    /// <summary>When it was last heard of.</summary>
    public long LastHeard { get; set; }

    /// <summary>The number of its last event that is in the table.</summary>
    public ulong LastEvent { get; set; }

    /// <summary>The number of the last event that it has spoken of.</summary>
    public ulong LastEventTold { get; set; }

    /// <summary>Whether it claims uids, as it has said last; null before that. Any thread reads it.</summary>
    public bool? ClaimsUids
    {
        get => _claims == Unsaid ? null : _claims == Yes;
        set => _claims = value is null ? Unsaid : value.Value ? Yes : No;
    }

    /// <summary>Whether the table has what it has told.</summary>
    public bool IsCurrent => HasSaidLast && LastEvent >= LastEventTold;

    /// <summary>Whether it has said how many events there are.</summary>
    public bool HasSaidLast { get; set; }

    /// <summary>When it may be asked for events again.</summary>
    public long MayAskAt { get; set; }

    /// <summary>The hashes of a snapshot that is coming, its number, and the number of its next part.</summary>
    public (List<ulong> Hashes, uint Number, uint NextPart)? Snapshot { get; set; }

    /// <summary>The first event that it asks for; null when it has been told.</summary>
    public ulong? Wanted { get; set; }

    /// <summary>When it is told again what it asks for.</summary>
    public long MayTellAt { get; set; }

    /// <summary>The number of the link to it: when it was forgotten and is here again, messages are numbered anew.</summary>
    public uint Link => link;

    /// <summary>Messages to it.</summary>
    public LinkOut Out { get; } = new(settings.LinkBytesMax, settings.UnansweredMax);

    /// <summary>How far it has answered those.</summary>
    public ulong Answered;

    /// <summary>How far it has answered messages to everybody.</summary>
    public ulong EverybodyAnswered;

    /// <summary>Messages from it, to this node.</summary>
    public LinkIn Direct { get; private set; } = new(settings.MessageBytesMax);

    /// <summary>The number of the link that those come over, as it counts its links; 0 before the first.</summary>
    public uint DirectLink { get; private set; }

    /// <summary>Messages from it, to everybody.</summary>
    public LinkIn Everybody { get; } = new(settings.MessageBytesMax);

    /// <summary>Whether it has not been answered yet.</summary>
    public bool OwesAnswer { get; set; }

    /// <summary>It says over which link a message comes: a later one begins anew.</summary>
    /// <returns>False for an earlier one, which is over.</returns>
    public bool TryGoOver(uint directLink)
    {
        if (directLink < DirectLink) return false;
        if (directLink == DirectLink) return true;
        (DirectLink, Direct) = (directLink, new LinkIn(settings.MessageBytesMax));
        return true;
    }
}
