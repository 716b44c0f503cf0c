// What a uid is called between nodes: 64 bits of a hash. Nodes tell each other hashes, not names, so that a uid costs each node of the
// cluster some twenty bytes, however long it is. Two uids of one hash do no harm: a message carries its uid, and the node that it comes to
// knows its own uids by name. All that it costs is a message that finds nobody there.

using System.IO.Hashing;

namespace RawWs.Server.Nats;

internal static class UidHash
{
    /// <summary>The hash of a uid, the same on every node. It is never 0.</summary>
    public static ulong Of(ReadOnlySpan<byte> uid)
    {
        ulong hash = XxHash3.HashToUInt64(uid);
        return hash == 0 ? 1 : hash;
    }
}
