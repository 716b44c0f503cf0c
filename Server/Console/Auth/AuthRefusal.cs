// Why a client is not let in. The log and the metrics have the rule, and the log the words beside it. The client reads neither: it gets the
// status, and one sentence that is the same for all of them. docs/ops/auth.md has the table.

namespace RawWs.Server.Console.Auth;

/// <summary>The rules: a series of the metrics each.</summary>
internal enum AuthRule : byte
{
    /// <summary>The request has no token.</summary>
    TokenMissing,

    /// <summary>The request has more than one token, and nobody knows which one is meant.</summary>
    TokenDoubled,

    /// <summary>This is no token that can be read (RFC 7519 §7.2), or it is larger than any that is allowed.</summary>
    TokenMalformed,

    /// <summary>The token is not signed (RFC 7518 §3.6).</summary>
    TokenUnsigned,

    /// <summary>The token is signed in a way that is not allowed here.</summary>
    TokenAlgorithm,

    /// <summary>There is no key for the token's algorithm and key id.</summary>
    TokenKeyUnknown,

    /// <summary>The signature is not that of a key of ours.</summary>
    TokenSignature,

    /// <summary>The token has no end (exp), or one that is no time.</summary>
    TokenEndless,

    /// <summary>The token's end has passed (RFC 7519 §4.1.4).</summary>
    TokenExpired,

    /// <summary>The token is not valid yet (RFC 7519 §4.1.5).</summary>
    TokenNotYetValid,

    /// <summary>The token is for somebody else (RFC 7519 §4.1.3).</summary>
    TokenAudience,

    /// <summary>The token is by somebody else (RFC 7519 §4.1.1).</summary>
    TokenIssuer,

    /// <summary>The claim that should be the uid is missing, or cannot be one.</summary>
    TokenUid,

    /// <summary>The claim that says to whom the client may send does not say it.</summary>
    TokenRights,

    /// <summary>The back-end has said no.</summary>
    BackendRefused,

    /// <summary>The back-end has not answered in time, or too many requests wait for it.</summary>
    BackendSlow,

    /// <summary>The back-end cannot be reached.</summary>
    BackendDown,

    /// <summary>What the back-end has answered is no answer.</summary>
    BackendAnswer,
}

/// <summary>Why a client is not let in.</summary>
/// <param name="Rule">The rule.</param>
/// <param name="Reason">Why, for the log. It has nothing of a token in it.</param>
/// <param name="Status">The answer's status: 401, 403, or 503 when it could not be decided.</param>
internal sealed record AuthRefusal(AuthRule Rule, string Reason, int Status = 401)
{
    public UpgradeDecision ToDecision() =>
        UpgradeDecision.Refuse(Status, TextOf(Status)) with { Rule = Rule.ToString(), Reason = Reason };

    private static string TextOf(int status) => status switch
    {
        401 => "This server has to know who you are.",
        403 => "You may not connect here.",
        _ => "It cannot be said now who may connect. Try again later.",
    };
}
