// The uid protocol's grammar, over bytes: who is addressed, what a uid may look like, which texts are a heartbeat, how an error
// is said, and which bodies would look like the server's own words. It decides nothing and sends nothing.
//
//   message   = uid ":" body                 split at the first colon; the body may hold others
//   uid       = 1 to 64 bytes of UTF-8, no colon, no control character, not "all" or "error", not beginning with "@"
//   heartbeat = "" / "ping" / "pong"         life, and nothing else
//   notice    = "error:" code ":" detail / "Network connection timeout!"     the server's own; no client's body begins so

using System.Buffers;
using System.Text;
using System.Text.Unicode;
using RawWs.Frame;

namespace RawWs.Server.Routing;

/// <summary>What is wrong with a message: the closed list of errors that a sender is told.</summary>
public enum UidError : byte
{
    /// <summary>There is no colon in the message.</summary>
    NoColon,

    /// <summary>The part before the colon cannot be a uid.</summary>
    BadUid,

    /// <summary>No connection has this uid.</summary>
    Offline,

    /// <summary>The uid is reserved.</summary>
    Reserved,

    /// <summary>The uid is taken, and this server does not share uids.</summary>
    Rejected,

    /// <summary>The receiver does not get the message: it has not received those before, or the server's memory limit is reached.</summary>
    TooSlow,

    /// <summary>The body begins like a notice of the server.</summary>
    ReservedBody,

    /// <summary>The sender may not send to this uid, or to everybody.</summary>
    Forbidden,

    /// <summary>
    /// Nobody knows whether all receivers get the message: other servers of the cluster cannot be reached, or have not answered.
    /// </summary>
    Unreachable,
}

/// <summary>The grammar of <c>uid:body</c>.</summary>
public static class UidProtocol
{
    /// <summary>The longest uid, in bytes.</summary>
    public const int UidBytesMax = 64;

    /// <summary>The address of everybody.</summary>
    public static ReadOnlySpan<byte> All => "all"u8;

    /// <summary>The text that a silent client is sent before it is closed.</summary>
    public static ReadOnlySpan<byte> LastWord => "Network connection timeout!"u8;

    private static ReadOnlySpan<byte> ErrorWord => "error"u8;

    /// <summary>Whether a message is the application's heartbeat: an empty message, or the text "ping" or "pong".</summary>
    public static bool IsHeartbeat(MessageKind kind, ReadOnlySpan<byte> message) =>
        message.IsEmpty
            || (kind == MessageKind.Text && message.Length == 4 && (message.SequenceEqual("ping"u8) || message.SequenceEqual("pong"u8)));

    /// <summary>Splits a message at its first colon. False without one.</summary>
    public static bool TrySplit(ReadOnlySpan<byte> message, out ReadOnlySpan<byte> uid, out ReadOnlySpan<byte> body)
    {
        // tour: first-colon
        int colon = message.IndexOf((byte)':');
        uid = colon < 0 ? default : message[..colon];
        body = colon < 0 ? default : message[(colon + 1)..];
        return colon >= 0;
        // tour: end
    }

    /// <summary>Says what is wrong with a uid; null when nothing is. A reserved one is well formed, so an answer may quote it.</summary>
    public static UidError? Check(ReadOnlySpan<byte> uid)
    {
        if (uid.Length is 0 or > UidBytesMax || uid.Contains((byte)':') || !Utf8.IsValid(uid) || HasControl(uid)) return UidError.BadUid;
        return uid.SequenceEqual(All) || uid.SequenceEqual(ErrorWord) || uid[0] == '@' ? UidError.Reserved : null;
    }

    /// <summary>
    /// Whether a body would look like a notice of the server: it begins with <c>error:</c> or with <see cref="LastWord"/>, or would once
    /// its reader has dropped a byte order mark and trimmed it. docs/decisions/0006 has the reasons.
    /// </summary>
    public static bool LooksLikeNotice(ReadOnlySpan<byte> body)
    {
        // For nearly every body the first byte decides.
        if (body.IsEmpty || body[0] is not ((byte)'e' or (byte)'N' or <= (byte)' ' or >= 0x7F)) return false;
        while (Rune.DecodeFromUtf8(body, out Rune rune, out int length) == OperationStatus.Done && IsDropped(rune)) body = body[length..];
        return body.StartsWith("error:"u8) || body.StartsWith(LastWord);
    }

    /// <summary>The code of an error, as it is written between the colons.</summary>
    public static string Code(UidError error) => error switch
    {
        UidError.NoColon => "no-colon",
        UidError.BadUid => "bad-uid",
        UidError.Offline => "offline",
        UidError.Reserved or UidError.ReservedBody => "reserved",
        UidError.Rejected => "rejected",
        UidError.Forbidden => "forbidden",
        UidError.Unreachable => "unreachable",
        _ => "too-slow",
    };

    /// <summary>
    /// Writes <c>error:CODE:detail</c> and returns its length in bytes. If the detail cannot be the uid, it is a fixed sentence.
    /// </summary>
    public static int WriteError(Span<byte> destination, UidError error, ReadOnlySpan<byte> uid)
    {
        int length = Encoding.ASCII.GetBytes("error:", destination);
        length += Encoding.ASCII.GetBytes(Code(error), destination[length..]);
        destination[length++] = (byte)':';
        ReadOnlySpan<byte> detail = error switch
        {
            UidError.NoColon => "write uid:body"u8,
            UidError.BadUid => "a uid is 1 to 64 bytes of UTF-8 without colon or control character"u8,
            UidError.ReservedBody => "a body cannot begin with error: or Network connection timeout!"u8,
            _ => uid[..Math.Min(uid.Length, UidBytesMax)],
        };
        if (!Utf8.IsValid(detail)) detail = "not UTF-8"u8; // what cannot be a uid may be any bytes
        detail.CopyTo(destination[length..]);
        return length + detail.Length;
    }

    // Characters that trimming removes in one language or another, and the byte order mark, which many decoders drop.
    private static bool IsDropped(Rune rune) => Rune.IsWhiteSpace(rune) || Rune.IsControl(rune) || rune.Value == 0xFEFF;

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
