// What RFC 6455 §4.2 asks of a request, over strings that are split and compared. The rows stand in their fixed order. Two of them,
// the target's and the origin's, are believed where the product says that they are broken: of these only the order is checked.

using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using RawWs.Handshake;

namespace RawWs.Fuzz;

internal sealed partial class UpgradeOracle(RequestOracle request, string path, UpgradePolicy policy, RequestLimits limits)
{
    /// <summary>What becomes of the request.</summary>
    /// <param name="told">The row that the product says is broken: it is believed for the two.</param>
    public (UpgradeResultKind Kind, HandshakeRule? Rule) Judge(HandshakeRule? told)
    {
        bool asks = IsHttp11 && Elements("Upgrade").Any(static element => Same(element, "websocket"));
        if (request.Method != "GET" && (request.Method != "HEAD" || asks)) return Refuse(HandshakeRules.MethodNotAllowed);
        if (request.Version[0] != '1') return Refuse(HandshakeRules.MajorVersionNotSupported);
        if (told == HandshakeRules.TargetMalformed) return Refuse(told);
        if (request.Target.Split('?', 2) is [_, string query] && query.Split('&').Length > limits.QueryParametersMax)
            return Refuse(HandshakeRules.QueryParametersTooMany);
        if (IsHttp11 && Values("Host").Count == 0) return Refuse(HandshakeRules.HostMissing);
        if (Values("Host").Count > 1) return Refuse(HandshakeRules.HostDoubled);
        if (Values("Host").Any(static host => !IsHost(host))) return Refuse(HandshakeRules.HostMalformed);
        if (Commas("Upgrade") > limits.TokensMax || Commas("Connection") > limits.TokensMax) return Refuse(HandshakeRules.TokensTooMany);
        bool isEndpoint = policy.Endpoints is null || path == "/" || path.StartsWith("/ws/", StringComparison.Ordinal);
        if (!asks)
        {
            string[] words = ["Sec-WebSocket-Key", "Sec-WebSocket-Version", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"];
            if (words.Any(word => Values(word).Count > 0)) return Refuse(HandshakeRules.UpgradeLost);
            if (policy.Pages.Contains(path)) return (UpgradeResultKind.Page, null);
            return Refuse(isEndpoint ? HandshakeRules.UpgradeNotAsked : HandshakeRules.PathUnknown);
        }

        if (BrokenByFields() is { } broken) return Refuse(broken);
        if (Commas("Sec-WebSocket-Extensions") > limits.ExtensionsMax
            || Values("Sec-WebSocket-Extensions").SelectMany(static value => value.Split(','))
            .Any(element => element.Split(';').Length - 1 > limits.ExtensionParametersMax))
            return Refuse(HandshakeRules.ExtensionsTooMany);
        if (!HasExtensionList()) return Refuse(HandshakeRules.ExtensionsMalformed);
        if (Values("Origin").Count > 1) return Refuse(HandshakeRules.OriginDoubled);
        if (told == HandshakeRules.OriginNotAllowed && Values("Origin").Count == 1) return Refuse(told);
        return isEndpoint ? (UpgradeResultKind.Upgrade, null) : Refuse(HandshakeRules.PathUnknown);
    }

    private bool IsHttp11 => request.Version[2] >= '1';

    private HandshakeRule? BrokenByFields()
    {
        if (!Elements("Connection").Any(static element => Same(element, "upgrade"))) return HandshakeRules.ConnectionWithoutUpgrade;
        if (!Values("Sec-WebSocket-Version").SequenceEqual(["13"])) return HandshakeRules.ProtocolVersionNot13;
        List<string> keys = Values("Sec-WebSocket-Key");
        if (keys.Count == 0) return HandshakeRules.KeyMissing;
        if (keys.Count > 1) return HandshakeRules.KeyDoubled;
        if (!Key().IsMatch(keys[0])) return HandshakeRules.KeyMalformed;
        if (Values("Transfer-Encoding").Count > 0 || Values("Content-Length") is not ([] or ["0"])) return HandshakeRules.BodyNotAllowed;
        if (Commas("Sec-WebSocket-Protocol") > limits.SubprotocolsMax) return HandshakeRules.SubprotocolsTooMany;
        List<string> protocols = Elements("Sec-WebSocket-Protocol");
        bool isList = Values("Sec-WebSocket-Protocol").Count == 0 || protocols.Count > 0;
        return isList && protocols.All(static protocol => Token().IsMatch(protocol)) && protocols.Distinct().Count() == protocols.Count
            ? null
            : HandshakeRules.SubprotocolsMalformed;
    }

    private bool HasExtensionList()
    {
        List<string> values = Values("Sec-WebSocket-Extensions");
        int offers = 0;
        foreach (string value in values)
        {
            if (ExtensionOracle.Parse(value) is not { } some) return false;
            offers += some.Count;
        }

        return values.Count == 0 || offers > 0;
    }

    // RFC 3986 §3.2.2 and §3.2.3: an IPv6 address in brackets or a registered name, and a port that may be empty.
    private static bool IsHost(string text)
    {
        Match match = Host().Match(text);
        if (!match.Success) return false;
        string address = match.Groups[1].Value, port = match.Groups[2].Value, name = match.Groups["name"].Value;
        return name.Length <= 255 && (
            address.Length == 0 || (IPAddress.TryParse(address, out IPAddress? ip) && ip.AddressFamily == AddressFamily.InterNetworkV6))
            && (port.Length == 0 || int.Parse(port, CultureInfo.InvariantCulture) <= ushort.MaxValue);
    }

    private List<string> Values(string name) =>
        [.. request.Fields.Where(field => Same(field.Name, name)).Select(static field => field.Value)];

    // How many elements there are between commas, empty ones among them.
    private int Commas(string name) => Values(name).Sum(static value => value.Split(',').Length);

    private List<string> Elements(string name) =>
        [.. Values(name).SelectMany(static value => value.Split(',')).Select(static element => element.Trim(' ', '\t'))
            .Where(static element => element.Length > 0)];

    private static bool Same(string one, string other) => string.Equals(one, other, StringComparison.OrdinalIgnoreCase);

    private static (UpgradeResultKind Kind, HandshakeRule? Rule) Refuse(HandshakeRule rule) => (UpgradeResultKind.Refuse, rule);

    // 16 bytes are 22 characters of base64 and two of padding. The last character holds two bits of them and four zeros, so it is one of
    // four.
    [GeneratedRegex(@"\A[+/0-9A-Za-z]{21}[AQgw]==\z", RegexOptions.CultureInvariant)]
    private static partial Regex Key();

    [GeneratedRegex(@"\A(?:\[([0-9A-Fa-f:.]+)\]|(?<name>(?:[-0-9A-Za-z._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})+))(?::([0-9]{0,5}))?\z",
        RegexOptions.CultureInvariant)]
    private static partial Regex Host();

    [GeneratedRegex(@"\A[-!#$%&'*+.^_`|~0-9A-Za-z]+\z", RegexOptions.CultureInvariant)]
    private static partial Regex Token();
}
