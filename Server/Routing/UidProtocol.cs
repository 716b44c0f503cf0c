// The uid protocol's grammar, over bytes: who is addressed, what a uid may look like, which texts are a heartbeat, and how an error
// is said. It decides nothing and sends nothing.
//
//   message   = uid ":" body                 split at the first colon; the body may hold others
//   uid       = 1 to 64 bytes of UTF-8, no colon, no control character, not "all" or "error", not beginning with "@"
//   heartbeat = "" / "ping" / "pong"         life, and nothing else
//   error     = "error:" code ":" detail

using System.Text;
using System.Text.Unicode;
using RawWs.Frame;

namespace RawWs.Server.Routing;

/// <summary>What may be wrong with a message, as it is told to its sender: a closed list.</summary>
public enum UidError : byte
{
    /// <summary>There is no colon in the message.</summary>
    NoColon,

    /// <summary>What stands before the colon cannot be a uid.</summary>
    BadUid,

    /// <summary>Nobody of this uid is connected.</summary>
    Offline,

    /// <summary>The uid is reserved.</summary>
    Reserved,

    /// <summary>The uid is taken, and this server does not share uids.</summary>
    Rejected,

    /// <summary>The receiver does not take its messages fast enough, and is closed.</summary>
    TooSlow,
}

/// <summary>The grammar of <c>uid:body</c>.</summary>
public static class UidProtocol
{
    /// <summary>The longest uid, in bytes.</summary>
    public const int UidBytesMax = 64;

    /// <summary>The address of everybody.</summary>
    public static ReadOnlySpan<byte> All => "all"u8;

    private static ReadOnlySpan<byte> ErrorWord => "error"u8;

    /// <summary>Whether a message is the application's heartbeat: an empty one, or one of two texts.</summary>
    public static bool IsHeartbeat(MessageKind kind, ReadOnlySpan<byte> message) =>
        message.IsEmpty || (kind == MessageKind.Text && message.Length == 4 && (message.SequenceEqual("ping"u8) || message.SequenceEqual("pong"u8)));

    /// <summary>Splits a message at its first colon. False without one.</summary>
    public static bool TrySplit(ReadOnlySpan<byte> message, out ReadOnlySpan<byte> uid, out ReadOnlySpan<byte> body)
    {
        int colon = message.IndexOf((byte)':');
        uid = colon < 0 ? default : message[..colon];
        body = colon < 0 ? default : message[(colon + 1)..];
        return colon >= 0;
    }

    /// <summary>What is wrong with a uid, or null.</summary>
    public static UidError? Check(ReadOnlySpan<byte> uid)
    {
        if (uid.SequenceEqual(All) || uid.SequenceEqual(ErrorWord) || (uid.Length > 0 && uid[0] == '@')) return UidError.Reserved;
        if (uid.Length is 0 or > UidBytesMax || uid.Contains((byte)':') || !Utf8.IsValid(uid)) return UidError.BadUid;
        return HasControl(uid) ? UidError.BadUid : null;
    }

    /// <summary>The code of an error, as it stands between the colons.</summary>
    public static string Code(UidError error) => error switch
    {
        UidError.NoColon => "no-colon",
        UidError.BadUid => "bad-uid",
        UidError.Offline => "offline",
        UidError.Reserved => "reserved",
        UidError.Rejected => "rejected",
        _ => "too-slow",
    };

    /// <summary>Writes <c>error:CODE:detail</c> and returns its length. A detail that is not a uid is replaced by a fixed sentence.</summary>
    public static int WriteError(Span<byte> destination, UidError error, ReadOnlySpan<byte> uid)
    {
        int length = Encoding.ASCII.GetBytes("error:", destination);
        length += Encoding.ASCII.GetBytes(Code(error), destination[length..]);
        destination[length++] = (byte)':';
        ReadOnlySpan<byte> detail = error switch
        {
            UidError.NoColon => "write uid:body"u8,
            UidError.BadUid => "a uid is 1 to 64 bytes of UTF-8 without colon or control character"u8,
            _ => uid[..Math.Min(uid.Length, UidBytesMax)],
        };
        // A reserved name may be any stranger's bytes behind its "@".
        if (!Utf8.IsValid(detail)) detail = "not UTF-8"u8;
        detail.CopyTo(destination[length..]);
        return length + detail.Length;
    }

    // C0, DEL, and C1, which is C2 80 to C2 9F in UTF-8.
    private static bool HasControl(ReadOnlySpan<byte> uid)
    {
        for (int i = 0; i < uid.Length; i++)
        {
            if (uid[i] is < 0x20 or 0x7F) return true;
            if (uid[i] == 0xC2 && i + 1 < uid.Length && uid[i + 1] < 0xA0) return true;
        }

        return false;
    }
}
