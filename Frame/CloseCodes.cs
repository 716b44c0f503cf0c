// The numbers that say why a connection ends (§7.4), and which of them a Close frame may carry.

namespace RawWs.Frame;

/// <summary>The status codes of §7.4.1, and those that the IANA registry has added (§11.7).</summary>
public static class CloseCodes
{
    /// <summary>The purpose of the connection is fulfilled.</summary>
    public const ushort NormalClosure = 1000;

    /// <summary>A server stops, or a browser leaves the page.</summary>
    public const ushort GoingAway = 1001;

    /// <summary>The peer broke the protocol.</summary>
    public const ushort ProtocolError = 1002;

    /// <summary>The peer sent a kind of data that is not accepted here.</summary>
    public const ushort UnsupportedData = 1003;

    /// <summary>Never on the wire: a Close frame came without a code.</summary>
    public const ushort NoStatusReceived = 1005;

    /// <summary>Never on the wire: the connection ended without a Close frame.</summary>
    public const ushort Abnormal = 1006;

    /// <summary>Data that does not fit its message's type, such as text that is not UTF-8.</summary>
    public const ushort InvalidPayload = 1007;

    /// <summary>A message against the receiver's policy, if no other code says more.</summary>
    public const ushort PolicyViolation = 1008;

    /// <summary>A message too big to be processed.</summary>
    public const ushort MessageTooBig = 1009;

    /// <summary>A client needs an extension that the server did not negotiate. A server never sends this code.</summary>
    public const ushort MandatoryExtension = 1010;

    /// <summary>An unexpected condition kept the endpoint from doing what was asked.</summary>
    public const ushort InternalError = 1011;

    /// <summary>The service is restarting.</summary>
    public const ushort ServiceRestart = 1012;

    /// <summary>The service is overloaded; try again later.</summary>
    public const ushort TryAgainLater = 1013;

    /// <summary>A gateway got an invalid answer from the server behind it.</summary>
    public const ushort BadGateway = 1014;

    /// <summary>Never on the wire: the TLS handshake failed.</summary>
    public const ushort TlsHandshake = 1015;

    // tour: codes-on-the-wire
    /// <summary>
    /// Whether a received Close frame may carry this code: 1000 to 1003, 1007 to 1014 and 3000 to 4999 (§7.4.1, §7.4.2).
    /// 1004 has no meaning. 1005, 1006 and 1015 are only for reporting. The others up to 2999 are not assigned.
    /// </summary>
    public static bool IsValidOnReceipt(ushort code) =>
        code is (>= NormalClosure and <= UnsupportedData) or (>= InvalidPayload and <= BadGateway) or (>= 3000 and <= 4999);
    // tour: end

    /// <summary>Whether an endpoint of this role may send the code. The same codes, but a server never sends 1010 (§7.4.1).</summary>
    public static bool MaySend(Role role, ushort code) =>
        IsValidOnReceipt(code) && !(role == Role.Server && code == MandatoryExtension);

    /// <summary>The code's meaning in a few English words, for a log line; never null.</summary>
    public static string Name(ushort code) => code switch
    {
        NormalClosure => "normal closure",
        GoingAway => "going away",
        ProtocolError => "protocol error",
        UnsupportedData => "unsupported data",
        NoStatusReceived => "no status received",
        Abnormal => "abnormal closure",
        InvalidPayload => "invalid payload",
        PolicyViolation => "policy violation",
        MessageTooBig => "message too big",
        MandatoryExtension => "mandatory extension",
        InternalError => "internal error",
        ServiceRestart => "service restart",
        TryAgainLater => "try again later",
        BadGateway => "bad gateway",
        TlsHandshake => "TLS handshake",
        >= 3000 and <= 3999 => "registered by a library or application",
        >= 4000 and <= 4999 => "private use",
        _ => "unassigned",
    };
}
