// What a watch of presence is about, and what it tells.

using System.Text;

namespace RawWs.Server;

/// <summary>What a watch tells (<see cref="ConnectionDirectory.WatchPresence"/>).</summary>
public sealed class PresenceOptions
{
    /// <summary>How many uids may be named.</summary>
    public const int NamedMax = 1000;

    /// <summary>How many bytes of UTF-8 the named ones may have together.</summary>
    public const int NamedBytesMax = 64 * 1024;

    /// <summary>The most that may be known at once.</summary>
    public const int UidsCeiling = 10_000_000;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The uids that are asked for. Default: null, all that there are.</summary>
    public IReadOnlyCollection<string>? Uids { get; init; }

    /// <summary>
    /// How many uids the watch may know at once, 1 to 10,000,000. Where there are more it ends, and says so
    /// (<see cref="PresenceKind.TooMany"/>). Each takes some 200 bytes. Default: 100,000.
    /// </summary>
    public int UidsMax { get; init; } = 100_000;

    /// <summary>The first error, as one sentence that names the property; null when there is none.</summary>
    public string? FindError()
    {
        if (UidsMax is < 1 or > UidsCeiling) return $"{nameof(UidsMax)}: 1 to {UidsCeiling}, not {UidsMax}.";
        if (Uids is null) return null;
        if (Uids.Count is 0 or > NamedMax) return $"{nameof(Uids)}: 1 to {NamedMax} uids, or null for all, not {Uids.Count}.";
        int bytes = 0;
        foreach (string? uid in Uids)
        {
            if (uid is null || !IsUid(uid)) return $"{nameof(Uids)}: a uid is 1 to {ConnectionDirectory.UidBytesMax} bytes of UTF-8.";
            bytes += Encoding.UTF8.GetByteCount(uid);
        }

        return bytes > NamedBytesMax ? $"{nameof(Uids)}: {NamedBytesMax} bytes together at most, not {bytes}." : null;
    }

    private static bool IsUid(string uid)
    {
        if (uid.Length is 0 or > ConnectionDirectory.UidBytesMax) return false;
        try
        {
            return Strict.GetByteCount(uid) <= ConnectionDirectory.UidBytesMax;
        }
        catch (EncoderFallbackException)
        {
            return false; // half of a surrogate pair
        }
    }
}

/// <summary>What a <see cref="PresenceEvent"/> says.</summary>
public enum PresenceKind : byte
{
    /// <summary>
    /// The uid is online: it was when the watch began, or its first connection has come. <see cref="PresenceEvent.Node"/> says where.
    /// </summary>
    Came,

    /// <summary>The uid is offline: the last of its connections has ended, or its node is gone. The node is the last that had it.</summary>
    Went,

    /// <summary>All that is has been told: who was not told is not online. What follows are changes.</summary>
    Whole,

    /// <summary>Some nodes cannot be heard: what has been told of them may have changed, and they may have others.</summary>
    NotWhole,

    /// <summary>There are more uids than the watch may know (<see cref="PresenceOptions.UidsMax"/>). Nothing follows.</summary>
    TooMany,
}

/// <summary>Something that a watch tells. It never changes.</summary>
public sealed class PresenceEvent
{
    internal PresenceEvent(PresenceKind kind, string uid, string node, long leftOut) =>
        (Kind, Uid, Node, LeftOut) = (kind, uid, node, leftOut);

    /// <summary>What it says.</summary>
    public PresenceKind Kind { get; }

    /// <summary>For Came and Went: the uid. Else empty.</summary>
    public string Uid { get; }

    /// <summary>For Came and Went in a cluster: the node. Else empty.</summary>
    public string Node { get; }

    /// <summary>How many changes before this one were left out, because they were undone before they were read.</summary>
    public long LeftOut { get; }
}
