// The server's own Close codes, for causes for which the RFC has no code. Each cause has its own code, so that a client knows whether to
// come back. The README has the table, together with the RFC's codes. §7.4.2: 3000 to 3999 are registered, 4000 to 4999 are private.

using RawWs.Frame;

namespace RawWs.Server;

/// <summary>
/// The server's own Close codes (§7.4.2). After a code in the first half of a range, 3000 to 3499 and 4000 to 4499, a client may come back.
/// After one in the second half, 3500 to 3999 and 4500 to 4999, it should not.
/// </summary>
public static class ServerCloseCodes
{
    /// <summary>
    /// What proved who the client is has expired. The code is registered as "unauthorized". The client may come back, with a new token.
    /// </summary>
    public const ushort TokenExpired = 3000;

    /// <summary>The client sent nothing for the heartbeat's time. The code is registered as "timeout". The client may come back.</summary>
    public const ushort HeartbeatMissed = 3008;

    /// <summary>The client did not receive its messages as fast as they came. It may come back, and has missed some.</summary>
    public const ushort TooSlow = 4000;

    /// <summary>A message took too long from its first byte to its last. The client may come back.</summary>
    public const ushort MessageTimeout = 4001;

    /// <summary>The client sent more than it may in this time. It may come back, and should be slower.</summary>
    public const ushort TooFast = 4002;

    /// <summary>Another connection has taken the uid. Final: if both came back they would replace each other for ever.</summary>
    public const ushort Replaced = 4500;

    /// <summary>Another connection has the uid and keeps it. Final.</summary>
    public const ushort Rejected = 4501;

    /// <summary>
    /// Whether a client that sees this code should stay away. Of the codes below 3000 it may come back after 1001, 1011, 1012, 1013, 1014,
    /// and after 1006, which it reports itself when the connection broke. After any other the connection has ended normally, or would end
    /// again for the same reason.
    /// </summary>
    public static bool IsFinal(int code) => code switch
    {
        CloseCodes.GoingAway or CloseCodes.Abnormal => false,
        CloseCodes.InternalError or CloseCodes.ServiceRestart or CloseCodes.TryAgainLater or CloseCodes.BadGateway => false,
        (>= 3000 and <= 3499) or (>= 4000 and <= 4499) => false,
        _ => true,
    };
}
