// What somebody may do: under which uid, until when, and to whom he may send. It is read from an object in JSON, the claims of a token or a
// back-end's answer. Both are written by the server's owner.

using System.Globalization;
using System.Text;
using System.Text.Json;
using RawWs.Server.Routing;

namespace RawWs.Server.Console.Auth;

/// <summary>Who a client is, and what it may do.</summary>
/// <param name="Uid">Its uid, in UTF-8.</param>
/// <param name="Expires">When that ends; null for never.</param>
/// <param name="Rights">To whom it may send; null for everybody.</param>
internal sealed record Grant(byte[] Uid, DateTimeOffset? Expires, SendRights? Rights)
{
    // A number of seconds since 1970 that a date can be: to the year 9999.
    private const double SecondsMax = 253_402_300_799;

    /// <summary>Reads a grant.</summary>
    /// <param name="claims">The object. No member may be there twice.</param>
    /// <param name="uidClaim">The member that is the uid: a text, or a whole number.</param>
    /// <param name="rightsClaim">The member that says to whom one may send: "all", "none", or a list. It may be missing.</param>
    /// <param name="grant">The grant.</param>
    /// <returns>What is wrong; null when nothing is.</returns>
    public static (AuthRule Rule, string Reason)? Read(JsonElement claims, string uidClaim, string rightsClaim, out Grant? grant)
    {
        grant = null;
        if (ReadUid(claims, uidClaim, out byte[] uid) is { } wrongUid) return (AuthRule.TokenUid, wrongUid);
        if (!TryReadTime(claims, "exp", out DateTimeOffset? expires)) return (AuthRule.TokenEndless, "\"exp\" is no time");
        if (SendRights.Read(claims, rightsClaim, out SendRights? rights) is { } wrongRights) return (AuthRule.TokenRights, wrongRights);
        grant = new Grant(uid, expires, rights);
        return null;
    }

    /// <summary>Reads seconds since 1970, with a fraction or without (RFC 7519 §2, NumericDate). False for what is none.</summary>
    public static bool TryReadTime(JsonElement claims, string name, out DateTimeOffset? time)
    {
        time = null;
        if (!claims.TryGetProperty(name, out JsonElement claim)) return true;
        if (claim.ValueKind != JsonValueKind.Number || !claim.TryGetDouble(out double seconds) || seconds is not (>= 0 and <= SecondsMax))
            return false;
        time = DateTimeOffset.UnixEpoch.AddSeconds(seconds);
        return true;
    }

    private static string? ReadUid(JsonElement claims, string name, out byte[] uid)
    {
        uid = [];
        if (!claims.TryGetProperty(name, out JsonElement claim)) return $"\"{name}\" is missing, which should be the uid";
        // Many back-ends number their users.
        string? text = claim.ValueKind switch
        {
            JsonValueKind.String => claim.GetString(),
            JsonValueKind.Number when claim.TryGetInt64(out long number) => number.ToString(CultureInfo.InvariantCulture),
            _ => null,
        };
        if (text is null) return $"\"{name}\" is neither a text nor a whole number, and cannot be a uid";
        uid = Encoding.UTF8.GetBytes(text);
        return UidProtocol.Check(uid) switch
        {
            null => null,
            UidError.Reserved => $"\"{name}\" is a reserved uid",
            _ => $"\"{name}\" cannot be a uid: 1 to {UidProtocol.UidBytesMax} bytes of UTF-8 without colon or control character",
        };
    }
}
