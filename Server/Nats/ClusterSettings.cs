// What a node goes by. Times are in milliseconds.

namespace RawWs.Server.Nats;

internal sealed record ClusterSettings
{
    /// <summary>No node of this version sends a longer message over the backplane.</summary>
    public const int LongestPieceBytes = 256 * 1024;

    /// <summary>This node's name.</summary>
    public required string Id { get; init; }

    /// <summary>Which of its lives this is: drawn at its start.</summary>
    public required ulong Incarnation { get; init; }

    /// <summary>When this life began, in milliseconds since 1970.</summary>
    public long BeganAt { get; init; }

    /// <summary>Whether a uid may have one connection in the whole cluster, and so is claimed before it is given.</summary>
    public bool ClaimsUids { get; init; }

    /// <summary>How often it says that it is here.</summary>
    public long AliveEvery { get; init; } = 1_000;

    /// <summary>
    /// After which time without a word of its own, which comes back to it over the backplane, a node takes the backplane to be gone.
    /// </summary>
    public long DeafAfter { get; init; } = 4_000;

    /// <summary>How long a node that begins asks whether another one has its id, before it speaks to all.</summary>
    public long AskFirst { get; init; } = 300;

    /// <summary>After which silence a node is not here.</summary>
    public long SilentAfter { get; init; } = 4_000;

    /// <summary>After which silence a node is forgotten.</summary>
    public long ForgottenAfter { get; init; } = 60_000;

    /// <summary>How long a new node listens before it says that it knows all others: until each has said that it is here.</summary>
    public long ListenFirst { get; init; } = 1_200;

    /// <summary>How long an answer is waited for, and the others' uids when they are not known yet.</summary>
    public long AnswerWithin { get; init; } = 2_000;

    /// <summary>How often a node is asked for the events that are missing.</summary>
    public long AskEvery { get; init; } = 1_000;

    /// <summary>The longest message of the backplane's.</summary>
    public int PieceBytesMax { get; init; } = LongestPieceBytes;

    /// <summary>The longest message between nodes: one of a client of 16 MiB, its uid, and what is before both.</summary>
    public int MessageBytesMax { get; init; } = 17 * 1024 * 1024;

    /// <summary>How many bytes may wait for one node: the longest message at least.</summary>
    public int LinkBytesMax { get; init; } = (17 * 1024 * 1024) + sizeof(uint);

    /// <summary>Past so many bytes of messages a turn hands no more to the wire: the next one goes on.</summary>
    public int TurnBytesMax { get; init; } = 16 * 1024 * 1024;

    /// <summary>How many messages to one node may be unanswered.</summary>
    public int UnansweredMax { get; init; } = 64 * 1024;

    /// <summary>How many events are kept for those who have missed some.</summary>
    public int EventsKept { get; init; } = 64 * 1024;

    /// <summary>How many other nodes there may be.</summary>
    public int PeersMax { get; init; } = 1_000;
}
