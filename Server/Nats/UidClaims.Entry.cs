// One uid: what this node knows of its claim. All but the gate is under the lock of the claims.

namespace RawWs.Server.Nats;

internal sealed partial class UidClaims
{
    private sealed class Entry(string key, byte[] uid)
    {
        public string Key => key;

        public byte[] Uid => uid;

        /// <summary>One thing at a time.</summary>
        public SemaphoreSlim Gate { get; } = new(1, 1);

        /// <summary>Of our claim; 0 while the uid is not ours.</summary>
        public ulong Revision { get; set; }

        /// <summary>Whether it was ours, and is another node's since: else, while it is not ours, nobody here has claimed it.</summary>
        public bool IsLost { get; set; }

        /// <summary>The latest revision that the store has told of.</summary>
        public ulong LastSeen { get; set; }

        /// <summary>The latest revision of this node's own that the store has told of; 0 when there is none.</summary>
        public ulong OwnSeen { get; set; }

        /// <summary>How often this node had doubted what it has claimed, when it claimed this.</summary>
        public int Doubts { get; set; }

        /// <summary>
        /// How many connections have claimed it and have not joined yet, as far as is known: who joins after his claim was given up may
        /// take another one's place here, and that one claims anew.
        /// </summary>
        public int Pending { get; set; }

        /// <summary>How many of those have no answer yet.</summary>
        public int Deciding { get; set; }

        /// <summary>Whether it stands in the line of those that are looked at.</summary>
        public bool IsInLine { get; set; }

        /// <summary>When a claim was last decided.</summary>
        public long PendingSince { get; set; }
    }
}
