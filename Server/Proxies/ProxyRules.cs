// What may be wrong with a PROXY header. Each rule has a name, which the close report, the log and the metric of refusals show, and a
// sentence for the log.

namespace RawWs.Server.Proxies;

/// <summary>A rule of the PROXY protocol. Immutable.</summary>
/// <param name="Name">The name.</param>
/// <param name="Text">What is wrong.</param>
internal sealed record ProxyRule(string Name, string Text);

internal static class ProxyRules
{
    public static readonly ProxyRule
        Untrusted = new("ProxyUntrusted", "only a trusted proxy may connect here (--trusted-proxy)"),
        NoHeader = new("ProxyNoHeader", "the connection does not begin with a PROXY header"),
        Cut = new("ProxyCut", "the stream ended inside of the PROXY header"),
        LineTooLong = new("ProxyLineTooLong", "the line has more than 107 bytes"),
        LineEnd = new("ProxyLineEnd", "the line does not end with CR LF"),
        Protocol = new("ProxyProtocol", "the line's protocol is none of TCP4, TCP6 and UNKNOWN"),
        Fields = new("ProxyFields", "the line has not two addresses and two ports, with one space between them"),
        Address = new("ProxyAddress", "an address of the line is none of its protocol's"),
        Port = new("ProxyPort", "a port of the line is no number from 0 to 65535"),
        Version = new("ProxyVersion", "the header's version is not 2"),
        Command = new("ProxyCommand", "the header's command is neither LOCAL nor PROXY"),
        Family = new("ProxyFamily", "there is no such address family and protocol as the header's"),
        TooShort = new("ProxyTooShort", "the header has no room for its addresses"),
        TooLong = new("ProxyTooLong", "the header has more than 4096 bytes");

    /// <summary>Every rule.</summary>
    public static IReadOnlyList<ProxyRule> All { get; } =
    [
        Untrusted, NoHeader, Cut, LineTooLong, LineEnd, Protocol, Fields, Address, Port, Version, Command, Family, TooShort, TooLong,
    ];
}
