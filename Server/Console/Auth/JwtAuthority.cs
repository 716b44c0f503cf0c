// Decides by a JSON Web Token (RFC 7519). The signature is checked first, by a key that fits, and by the library; then what the token says.
// Nothing of a token is believed before, and nothing of it is in a reason. All of this runs on threads of the pool: a signature takes a
// tenth of a millisecond, which a loop has better use for.

using System.Buffers.Text;
using System.Globalization;
using System.Text.Json;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace RawWs.Server.Console.Auth;

/// <param name="settings">Issuers, audiences and the names of claims.</param>
/// <param name="keys">The keys.</param>
/// <param name="time">The clock.</param>
internal sealed class JwtAuthority(AuthSettings settings, JwtKeys keys, TimeProvider time) : IAuthority
{
    /// <summary>How much earlier than it says a token is valid: clocks differ.</summary>
    private static readonly TimeSpan EarlyMax = TimeSpan.FromSeconds(5);

    private static readonly string[] Algorithms =
        [SecurityAlgorithms.HmacSha256, SecurityAlgorithms.RsaSha256, SecurityAlgorithms.EcdsaSha256];

    // "none" too has three parts; what is encrypted has five.
    private readonly JsonWebTokenHandler _handler = new() { MaximumTokenSizeInBytes = RequestToken.LengthMax };

    public ValueTask<AuthVerdict> DecideAsync(UpgradeContext context)
    {
        AuthRefusal? none = RequestToken.Find(context.Request, out string token);
        return none is null ? new(Task.Run(() => CheckAsync(token))) : new((AuthVerdict)none);
    }

    public string? FindUnready() => keys.Count(time.GetUtcNow()) == 0 ? "no key for tokens counts any more" : null;

    /// <summary>Checks a token.</summary>
    public async Task<AuthVerdict> CheckAsync(string text)
    {
        DateTimeOffset now = time.GetUtcNow();
        if (Read(text, out JsonWebToken? token) is { } unreadable) return unreadable;
        IReadOnlyList<JwtKey> fitting = keys.Find(token!.Alg, string.IsNullOrEmpty(token.Kid) ? null : token.Kid, now);
        if (fitting.Count == 0)
            return new AuthRefusal(AuthRule.TokenKeyUnknown, $"no key is for {token.Alg} and the token's key id");
        TokenValidationResult result = await _handler.ValidateTokenAsync(token, ParametersOf(fitting)).ConfigureAwait(false);
        return result.IsValid ? Judge(token, now) : RefusalOf(result.Exception);
    }

    private static AuthRefusal? Read(string text, out JsonWebToken? token)
    {
        token = null;
        AuthRefusal malformed = new(AuthRule.TokenMalformed, "this is no JSON Web Token of three parts that can be read");
        if (text.AsSpan().Count('.') != 2) return malformed;
        try
        {
            token = new JsonWebToken(text);
        }
        catch (Exception exception) when (exception is ArgumentException or SecurityTokenException or FormatException or JsonException)
        {
            return malformed;
        }

        bool isSigned = !string.IsNullOrEmpty(token.Alg) && !token.Alg.Equals("none", StringComparison.OrdinalIgnoreCase)
            && token.EncodedSignature.Length > 0;
        if (!isSigned)
            return new AuthRefusal(AuthRule.TokenUnsigned, "the token is not signed");
        if (!Algorithms.Contains(token.Alg, StringComparer.Ordinal))
            return new AuthRefusal(AuthRule.TokenAlgorithm, $"the token is not signed with one of {string.Join(", ", Algorithms)}");
        // RFC 7515 §4.1.11: what must be understood is not understood here.
        return token.TryGetHeaderValue("crit", out object _) ? malformed with { Reason = "the token's header has \"crit\"" } : null;
    }

    // Times are compared here: the library's clock cannot be another one.
    private TokenValidationParameters ParametersOf(IReadOnlyList<JwtKey> fitting) => new()
    {
        IssuerSigningKeys = fitting.Select(static key => key.Key),
        TryAllIssuerSigningKeys = true, // they have been chosen before
        ValidAlgorithms = Algorithms,
        RequireSignedTokens = true,
        ValidateLifetime = false,
        ValidateAudience = settings.Audiences.Count > 0,
        ValidAudiences = settings.Audiences,
        IgnoreTrailingSlashWhenValidatingAudience = false,
        ValidateIssuer = settings.Issuers.Count > 0,
        ValidIssuers = settings.Issuers,
        LogValidationExceptions = false,
    };

    private AuthVerdict Judge(JsonWebToken token, DateTimeOffset now)
    {
        try
        {
            using JsonDocument payload = JsonDocument.Parse(
                Base64Url.DecodeFromChars(token.EncodedPayload), new JsonDocumentOptions { AllowDuplicateProperties = false });
            return Judge(payload.RootElement, now);
        }
        catch (Exception exception) when (exception is JsonException or FormatException or InvalidOperationException)
        {
            return new AuthRefusal(AuthRule.TokenMalformed, "the token's claims are no object in JSON, or one is there twice");
        }
    }

    private AuthVerdict Judge(JsonElement claims, DateTimeOffset now)
    {
        // RFC 7519 §4.1.3: a token that is for somebody is not for one who has no name.
        if (settings.Audiences.Count == 0 && claims.TryGetProperty("aud", out _))
            return new AuthRefusal(AuthRule.TokenAudience, "the token has an audience, and no audience is set here (jwt-audience)");
        if (!Grant.TryReadTime(claims, "nbf", out DateTimeOffset? begin))
            return new AuthRefusal(AuthRule.TokenNotYetValid, "\"nbf\" is no time");
        if (begin is { } start && start - now > EarlyMax)
            return new AuthRefusal(AuthRule.TokenNotYetValid, $"the token is valid in {Seconds(start - now)} s");
        if (Grant.Read(claims, settings.UidClaim, settings.RightsClaim, out Grant? grant) is var (rule, reason))
            return new AuthRefusal(rule, reason);
        if (grant!.Expires is not { } end) return new AuthRefusal(AuthRule.TokenEndless, "the token has no end (\"exp\")");
        return end <= now ? new AuthRefusal(AuthRule.TokenExpired, $"the token expired {Seconds(now - end)} s ago") : grant;
    }

    private static AuthRefusal RefusalOf(Exception? exception) => exception switch
    {
        SecurityTokenInvalidAudienceException => new(AuthRule.TokenAudience, "the token is not for one of the audiences (jwt-audience)"),
        SecurityTokenInvalidIssuerException => new(AuthRule.TokenIssuer, "the token is not by one of the issuers (jwt-issuer)"),
        SecurityTokenInvalidSignatureException => new(AuthRule.TokenSignature, "the signature is not that of a key of ours"),
        _ => new(AuthRule.TokenMalformed, "the token cannot be checked"),
    };

    private static string Seconds(TimeSpan time) => Math.Ceiling(time.TotalSeconds).ToString("F0", CultureInfo.InvariantCulture);
}
