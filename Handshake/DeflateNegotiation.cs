// The negotiation of permessage-deflate (RFC 7692 §5 and §7). In: the extensions that a client offers, the preferred one first, and our
// policy. Out: the agreement on the first offer that can be accepted, or none. No offer makes the server refuse the connection.
//
//   an offer is declined (§7)                             because
//     a parameter that is none of the four                UnknownParameter
//     a parameter twice                                   DoubledParameter
//     a value after *_no_context_takeover (§7.1.1)        UnexpectedValue
//     server_max_window_bits without a value (§7.1.2.1)   MissingValue
//     a window other than 8 to 15, or with a sign or a    MalformedValue
//     leading zero (§7.1.2)
//
//   what is agreed on         is                                        the answer names it
//     server takeover         policy, unless the offer forbids it       when it is off (§7.1.1.1)
//     client takeover         policy, unless the offer forgoes it       when it is off (§7.1.1.2)
//     server window           the smaller of policy and offer           when the offer does, which is how it is accepted, or when it
//                                                                       is below 15 (§7.1.2.1)
//     client window           the smaller of policy and the offer's     when it is below 15; never when the offer does not name it, as
//                             hint; 15 if the offer does not name it    such a client could not follow (§7.1.2.2)
//
// Names are compared as they are written. The RFC defines them in lower case, and a client expects that in the answer.

using System.Globalization;
using System.Text;

namespace RawWs.Handshake;

/// <summary>Why an offer of permessage-deflate is declined.</summary>
public enum DeflateDecline : byte
{
    /// <summary>The offer is accepted.</summary>
    None,

    /// <summary>The policy does not allow the extension (<see cref="DeflatePolicy.Enabled"/>).</summary>
    Disabled,

    /// <summary>The offer names another extension.</summary>
    OtherExtension,

    /// <summary>A parameter is none of the four (RFC 7692 §7.1).</summary>
    UnknownParameter,

    /// <summary>A parameter is there twice, even if with the same value.</summary>
    DoubledParameter,

    /// <summary>A parameter has a value and may not have one.</summary>
    UnexpectedValue,

    /// <summary>A parameter has no value and needs one.</summary>
    MissingValue,

    /// <summary>A window is not a decimal number from 8 to 15 without a leading zero.</summary>
    MalformedValue,
}

/// <summary>Accepts or declines a client's offers of permessage-deflate (RFC 7692 §7).</summary>
public static class DeflateNegotiation
{
    /// <summary>The extension's name in Sec-WebSocket-Extensions.</summary>
    public const string Name = "permessage-deflate";

    internal const string ServerNoContextTakeover = "server_no_context_takeover";
    internal const string ClientNoContextTakeover = "client_no_context_takeover";
    internal const string ServerMaxWindowBits = "server_max_window_bits";
    internal const string ClientMaxWindowBits = "client_max_window_bits";

    /// <summary>Accepts the first offer that the policy allows (RFC 7692 §5).</summary>
    /// <param name="offers">Every extension that the client offers, in order (<see cref="UpgradeRequest.Extensions"/>).</param>
    /// <param name="policy">What this server allows.</param>
    /// <returns>The agreement, or null. With null the answer has no Sec-WebSocket-Extensions, and messages are not compressed.</returns>
    public static DeflateAgreement? Negotiate(IReadOnlyList<ExtensionOffer> offers, DeflatePolicy policy)
    {
        ArgumentNullException.ThrowIfNull(offers);
        // §5: the client prefers its earlier offers, and the server should accept the first one that it supports.
        foreach (ExtensionOffer offer in offers)
            if (Check(offer, policy, out DeflateAgreement? agreement) == DeflateDecline.None) return agreement;
        return null;
    }

    /// <summary>Accepts or declines one offer.</summary>
    /// <param name="offer">The offer (<see cref="UpgradeRequest.Extensions"/>).</param>
    /// <param name="policy">What this server allows.</param>
    /// <param name="agreement">The agreement, or null when the offer is declined.</param>
    /// <returns><see cref="DeflateDecline.None"/> when the offer is accepted; otherwise why it is declined.</returns>
    public static DeflateDecline Check(ExtensionOffer offer, DeflatePolicy policy, out DeflateAgreement? agreement)
    {
        ArgumentNullException.ThrowIfNull(offer);
        ArgumentNullException.ThrowIfNull(policy);
        agreement = null;
        if (!policy.Enabled) return DeflateDecline.Disabled;
        if (offer.Name != Name) return DeflateDecline.OtherExtension;
        DeflateDecline decline = Read(offer, out OfferedParameters offered);
        if (decline == DeflateDecline.None) agreement = Agree(offered, policy);
        return decline;
    }

    private static DeflateDecline Read(ExtensionOffer offer, out OfferedParameters offered)
    {
        offered = default;
        for (int i = 0; i < offer.Parameters.Count; i++)
        {
            (string name, string? value) = offer.Parameters[i];
            // At most four parameters come before this one, because the first unknown or repeated one ends the loop.
            for (int earlier = 0; earlier < i; earlier++)
                if (offer.Parameters[earlier].Name == name) return DeflateDecline.DoubledParameter;
            DeflateDecline decline = name switch
            {
                ServerNoContextTakeover => ReadFlag(value, out offered.NoServerTakeover),
                ClientNoContextTakeover => ReadFlag(value, out offered.NoClientTakeover),
                // §7.1.2.1: here the client demands a limit, and must say which.
                ServerMaxWindowBits when value is null => DeflateDecline.MissingValue,
                ServerMaxWindowBits => ReadWindow(value, out offered.ServerWindowBits),
                // §7.1.2.2: here the client says that the server may set a limit. A value is a hint, and can be left out.
                ClientMaxWindowBits => ReadWindow(value ?? "15", out offered.ClientWindowBits),
                _ => DeflateDecline.UnknownParameter,
            };
            if (decline != DeflateDecline.None) return decline;
        }

        return DeflateDecline.None;
    }

    private static DeflateDecline ReadFlag(string? value, out bool flag)
    {
        flag = value is null;
        return flag ? DeflateDecline.None : DeflateDecline.UnexpectedValue;
    }

    // §7.1.2: 8 to 15, decimal, without leading zeros: eight strings are valid.
    private static DeflateDecline ReadWindow(string value, out int windowBits)
    {
        windowBits = value switch
        {
            "8" => 8,
            "9" => 9,
            ['1', >= '0' and <= '5'] => 10 + value[1] - '0',
            _ => 0,
        };
        return windowBits == 0 ? DeflateDecline.MalformedValue : DeflateDecline.None;
    }

    private static DeflateAgreement Agree(OfferedParameters offered, DeflatePolicy policy)
    {
        bool serverTakeover = policy.ServerTakeover && !offered.NoServerTakeover;
        bool clientTakeover = policy.ClientTakeover && !offered.NoClientTakeover;
        bool serverNamed = offered.ServerWindowBits != 0;
        int serverWindowBits = serverNamed ? Math.Min(offered.ServerWindowBits, policy.ServerWindowBits) : policy.ServerWindowBits;
        int clientWindowBits = offered.ClientWindowBits == 0
            ? DeflatePolicy.WindowBitsMax
            : Math.Min(offered.ClientWindowBits, policy.ClientWindowBits);

        StringBuilder text = new(Name);
        if (!serverTakeover) text.Append("; ").Append(ServerNoContextTakeover);
        if (!clientTakeover) text.Append("; ").Append(ClientNoContextTakeover);
        if (serverNamed || serverWindowBits < DeflatePolicy.WindowBitsMax) AppendWindow(text, ServerMaxWindowBits, serverWindowBits);
        if (clientWindowBits < DeflatePolicy.WindowBitsMax) AppendWindow(text, ClientMaxWindowBits, clientWindowBits);
        return new DeflateAgreement(serverTakeover, serverWindowBits, clientTakeover, clientWindowBits, text.ToString());
    }

    private static void AppendWindow(StringBuilder text, string name, int windowBits) =>
        text.Append("; ").Append(name).Append('=').Append(windowBits.ToString(CultureInfo.InvariantCulture));

    /// <summary>The parameters of one offer. A window of 0 is one that the offer does not name.</summary>
    private struct OfferedParameters
    {
        public bool NoServerTakeover;
        public bool NoClientTakeover;
        public int ServerWindowBits;
        public int ClientWindowBits;
    }
}
