// Where several servers are one, a uid may be taken on another of them. So before a connection joins under a uid that one connection alone
// may have, the server claims it. Within one server nobody needs this: its directory decides.

namespace RawWs.Server;

/// <summary>What has become of a claim.</summary>
public enum UidClaim : byte
{
    /// <summary>The uid is this server's.</summary>
    Granted,

    /// <summary>Another server has the uid and keeps it.</summary>
    Taken,

    /// <summary>It could not be found out in time who has the uid.</summary>
    Unreachable,
}

/// <summary>Decides which of several servers has a uid. Every member may be used from any thread.</summary>
public interface IUidClaims
{
    /// <summary>
    /// Claims a uid for this server, before one of its connections joins under it. It is this server's until its last connection has left
    /// the uid, or another server takes it. A claim that is granted, but under which nobody joins within ten seconds, is given back: for
    /// who joins later the uid is claimed anew, and if another server keeps it, that connection is closed.
    /// </summary>
    /// <param name="uid">The uid, in UTF-8. It must stay valid until the result is there.</param>
    /// <param name="duplicates">
    /// What happens if another server has it: <see cref="DuplicateUid.Replace"/> takes it, <see cref="DuplicateUid.Reject"/> does not, and
    /// with <see cref="DuplicateUid.Share"/> nobody has to claim anything.
    /// </param>
    ValueTask<UidClaim> ClaimAsync(ReadOnlyMemory<byte> uid, DuplicateUid duplicates);

    /// <summary>What a claim would become in this moment. Nothing is claimed.</summary>
    /// <param name="uid">The uid, in UTF-8. It must stay valid until the result is there.</param>
    /// <param name="duplicates">As for <see cref="ClaimAsync"/>.</param>
    ValueTask<UidClaim> LookAsync(ReadOnlyMemory<byte> uid, DuplicateUid duplicates);
}
