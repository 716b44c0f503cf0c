// What a client offers as permessage-deflate (RFC 7692 §7.1), and what a server may make of it.

using System.Globalization;

namespace RawWs.Conformance;

/// <summary>An offer.</summary>
/// <param name="ServerNoContextTakeover">The server is not to refer to earlier messages.</param>
/// <param name="ClientNoContextTakeover">The client says that it will not.</param>
/// <param name="ServerMaxWindowBits">The largest window that the server may use, or null.</param>
/// <param name="ClientMaxWindowBits">
/// The largest window that the client will use; 0: the parameter without a value; null: without the parameter.
/// </param>
internal sealed record DeflateOffer(
    bool ServerNoContextTakeover, bool ClientNoContextTakeover, int? ServerMaxWindowBits, int? ClientMaxWindowBits)
{
    public const string Name = "permessage-deflate";

    public override string ToString() => Name
        + (ServerNoContextTakeover ? "; server_no_context_takeover" : "")
        + (ClientNoContextTakeover ? "; client_no_context_takeover" : "")
        + (ServerMaxWindowBits is { } server ? string.Create(CultureInfo.InvariantCulture, $"; server_max_window_bits={server}") : "")
        + (ClientMaxWindowBits is not null ? "; client_max_window_bits" : "")
        + (ClientMaxWindowBits is > 0 ? string.Create(CultureInfo.InvariantCulture, $"={ClientMaxWindowBits}") : "");

    /// <summary>Reads the server's answer, and holds it against this offer.</summary>
    /// <returns>What is agreed, or null when the server declines.</returns>
    /// <exception cref="NotAsExpectedException">The answer is not one that may be given to this offer.</exception>
    public DeflateAgreement? Judge(ResponseHead answer)
    {
        IReadOnlyList<string> extensions = answer.Values("Sec-WebSocket-Extensions");
        if (extensions.Count == 0) return null;
        if (extensions is not [string extension]) throw new NotAsExpectedException("the answer accepts more extensions than were offered");
        string[] parts = [.. extension.Split(';').Select(static part => part.Trim(' ', '\t'))];
        if (parts[0] != Name) throw new NotAsExpectedException($"the answer accepts {parts[0]}, which was not offered");
        DeflateAgreement agreed = new(false, ClientNoContextTakeover, 15, ClientMaxWindowBits is > 0 ? ClientMaxWindowBits.Value : 15);
        HashSet<string> seen = [];
        foreach (string part in parts.Skip(1))
        {
            string[] pair = part.Split('=', 2);
            string name = pair[0].Trim(), value = pair.Length > 1 ? pair[1].Trim().Trim('"') : "";
            if (!seen.Add(name)) throw new NotAsExpectedException($"the answer has {name} twice (§7.1)");
            agreed = name switch
            {
                "server_no_context_takeover" when value.Length == 0 => agreed with { ServerNoContextTakeover = true },
                "client_no_context_takeover" when value.Length == 0 => agreed with { ClientNoContextTakeover = true },
                "server_max_window_bits" when BitsOf(value) is { } bits && bits <= (ServerMaxWindowBits ?? 15) =>
                    agreed with { ServerMaxWindowBits = bits },
                "client_max_window_bits" when ClientMaxWindowBits is null =>
                    throw new NotAsExpectedException("the answer has client_max_window_bits, and the offer has not (§7.1.2.2)"),
                "client_max_window_bits" when BitsOf(value) is { } bits
                    && bits <= (ClientMaxWindowBits > 0 ? ClientMaxWindowBits : 15) => agreed with { ClientMaxWindowBits = bits },
                _ => throw new NotAsExpectedException($"the answer has \"{part}\", which may not answer \"{this}\""),
            };
        }

        if (ServerNoContextTakeover && !agreed.ServerNoContextTakeover)
            throw new NotAsExpectedException("the answer leaves server_no_context_takeover out (§7.1.1.1)");
        if (ServerMaxWindowBits is not null && !seen.Contains("server_max_window_bits"))
            throw new NotAsExpectedException("the answer leaves server_max_window_bits out (§7.1.2.1)");
        return agreed;
    }

    private static int? BitsOf(string value) => value is "8" or "9" or "10" or "11" or "12" or "13" or "14" or "15"
        ? int.Parse(value, CultureInfo.InvariantCulture) : null;
}

/// <summary>What is agreed.</summary>
/// <param name="ServerNoContextTakeover">The server does not refer to earlier messages.</param>
/// <param name="ClientNoContextTakeover">Nor does the client.</param>
/// <param name="ServerMaxWindowBits">How far the server's references may reach back.</param>
/// <param name="ClientMaxWindowBits">How far the client's may.</param>
internal sealed record DeflateAgreement(
    bool ServerNoContextTakeover, bool ClientNoContextTakeover, int ServerMaxWindowBits, int ClientMaxWindowBits);
