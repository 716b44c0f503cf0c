// Finds the token in a request. It may be in one of three places, and in no two of them:
//
//   Authorization: Bearer TOKEN                              (RFC 6750 §2.1) programs
//   ?token=TOKEN                                             what can set neither header fields nor subprotocols
//   Sec-WebSocket-Protocol: rawws, base64url.bearer.rawws.…  a page in a browser: the token in base64url. A browser also wants a
//                                                            subprotocol to be chosen, never this one: `rawws` is there for that
//
// What an Authorization of another scheme says is for somebody else, a proxy before this server for instance.

using System.Buffers.Text;
using System.Text;
using RawWs.Handshake;
using RawWs.Server.Log;

namespace RawWs.Server.Console.Auth;

internal static class RequestToken
{
    /// <summary>The subprotocol that is agreed to with a page which needs one.</summary>
    public const string Subprotocol = "rawws";

    /// <summary>How the entry of Sec-WebSocket-Protocol begins that carries a token.</summary>
    public const string OfferPrefix = CredentialMask.OfferPrefix + "rawws.";

    /// <summary>The longest token, in characters.</summary>
    public const int LengthMax = 16 * 1024;

    private const string Scheme = "Bearer ";

    /// <summary>Finds the token.</summary>
    /// <param name="request">The request.</param>
    /// <param name="token">The token, which nobody has looked at yet; "" if there is none.</param>
    /// <returns>Why there is none; null if there is one.</returns>
    public static AuthRefusal? Find(UpgradeRequest request, out string token)
    {
        List<string> found = [];
        foreach (HeaderField field in request.Headers)
            if (Ascii.EqualsIgnoreCase(field.Name, "Authorization"u8)) AddBearer(Encoding.Latin1.GetString(field.Value), found);
        if (request.TryGetQuery("token"u8, out byte[] value, out int count))
            for (int i = 0; i < count; i++) found.Add(Encoding.Latin1.GetString(value));
        foreach (string offer in request.Subprotocols)
            if (offer.StartsWith(OfferPrefix, StringComparison.OrdinalIgnoreCase)) found.Add(Decode(offer[OfferPrefix.Length..]));
        token = found.Count == 1 ? found[0] : "";
        return found.Count switch
        {
            0 => new AuthRefusal(AuthRule.TokenMissing, "the request has no token"),
            1 when token.Length is 0 or > LengthMax => new AuthRefusal(
                AuthRule.TokenMalformed, $"a token has 1 to {LengthMax} characters, and this one {token.Length}"),
            1 => null,
            _ => new AuthRefusal(AuthRule.TokenDoubled, $"the request has {found.Count} tokens"),
        };
    }

    private static void AddBearer(string authorization, List<string> found)
    {
        if (authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)) found.Add(authorization[Scheme.Length..].Trim(' '));
    }

    // What is not base64url is no token either.
    private static string Decode(string text) =>
        Base64Url.IsValid(text) ? Encoding.Latin1.GetString(Base64Url.DecodeFromChars(text)) : "";
}
