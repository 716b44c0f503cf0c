// Which field of HTTP a proxy adds.

namespace RawWs.Server;

/// <summary>The field in which trusted proxies tell the client's address. Only this one is read.</summary>
public enum ForwardedField : byte
{
    /// <summary>X-Forwarded-For: addresses with commas between them.</summary>
    XForwardedFor,

    /// <summary>Forwarded (RFC 7239), of which the parameter "for" is read.</summary>
    Forwarded,
}
