// The negotiation of permessage-deflate (RFC 7692 §5 and §7). In: the extensions that a client offers, the preferred first, and our policy.
// Out: the agreement on the first offer that can be accepted, or none; the connection is never refused for an offer.
//
//   an offer is declined (§7)                             because
//     a parameter that is none of the four                UnknownParameter
//     a parameter twice                                   DoubledParameter
//     a value behind *_no_context_takeover (§7.1.1)       UnexpectedValue
//     server_max_window_bits without a value (§7.1.2.1)   MissingValue
//     a window that is not 8 to 15, or not written as     MalformedValue
//     those are: no sign, no leading zero (§7.1.2)
//
//   what is agreed on         is                                        the answer names it
//     server takeover         policy, unless the offer forbids it       when it is off (§7.1.1.1)
//     client takeover         policy, unless the offer forgoes it       when it is off (§7.1.1.2)
//     server window           the smaller of policy and offer           when the offer does, which is how it is accepted, or when it
//                                                                       is below 15 (§7.1.2.1)
//     client window           the smaller of policy and the offer's     when it is below 15; never when the offer does not name it, as
//                             hint; 15 if the offer does not name it    such a client could not follow (§7.1.2.2)
//
// All names are compared as they are written: the RFC defines them in lower case, and a client looks for that in the answer.

using System.Globalization;
using System.Text;

namespace RawWs.Handshake;

/// <summary>Why an offer of permessage-deflate is declined.</summary>
public enum DeflateDecline : byte
{
    /// <summary>It is not: it was accepted.</summary>
    None,

    /// <summary>The policy says that the extension is not spoken.</summary>
    Disabled,

    /// <summary>The offer is of another extension.</summary>
    OtherExtension,

    /// <summary>A parameter that is none of the four.</summary>
    UnknownParameter,

    /// <summary>A parameter that stands there twice, even with the same value.</summary>
    DoubledParameter,

    /// <summary>A value where none may be.</summary>
    UnexpectedValue,

    /// <summary>No value where one must be.</summary>
    MissingValue,

    /// <summary>A window that is not 8 to 15 in decimal digits without a leading zero.</summary>
    MalformedValue,
}

/// <summary>Judges offers of permessage-deflate.</summary>
public static class DeflateNegotiation
{
    /// <summary>The extension's name.</summary>
    public const string Name = "permessage-deflate";

    internal const string ServerNoContextTakeover = "server_no_context_takeover";
    internal const string ClientNoContextTakeover = "client_no_context_takeover";
    internal const string ServerMaxWindowBits = "server_max_window_bits";
    internal const string ClientMaxWindowBits = "client_max_window_bits";

    /// <summary>Accepts the first offer that can be.</summary>
    /// <param name="offers">Every extension that the client offers, in order (<see cref="UpgradeRequest.Extensions"/>).</param>
    /// <param name="policy">What this server agrees to.</param>
    /// <returns>The agreement, or null: then the answer has no Sec-WebSocket-Extensions, and messages are not compressed.</returns>
    public static DeflateAgreement? Negotiate(IReadOnlyList<ExtensionOffer> offers, DeflatePolicy policy)
    {
        ArgumentNullException.ThrowIfNull(offers);
        // §5: an earlier offer is preferred, and the preferred one that is supported should be taken.
        foreach (ExtensionOffer offer in offers)
            if (Judge(offer, policy, out DeflateAgreement? agreement) == DeflateDecline.None) return agreement;
        return null;
    }

    /// <summary>Judges one offer by itself.</summary>
    /// <returns>None, and then the agreement is there; else why the offer is declined.</returns>
    public static DeflateDecline Judge(ExtensionOffer offer, DeflatePolicy policy, out DeflateAgreement? agreement)
    {
        ArgumentNullException.ThrowIfNull(offer);
        ArgumentNullException.ThrowIfNull(policy);
        agreement = null;
        if (!policy.Enabled) return DeflateDecline.Disabled;
        if (offer.Name != Name) return DeflateDecline.OtherExtension;
        DeflateDecline decline = Read(offer, out Wishes wishes);
        if (decline == DeflateDecline.None) agreement = Agree(wishes, policy);
        return decline;
    }

    private static DeflateDecline Read(ExtensionOffer offer, out Wishes wishes)
    {
        wishes = default;
        for (int i = 0; i < offer.Parameters.Count; i++)
        {
            (string name, string? value) = offer.Parameters[i];
            // No more than four come before: the first that is none of the four ends it, as does the first that is there twice.
            for (int earlier = 0; earlier < i; earlier++)
                if (offer.Parameters[earlier].Name == name) return DeflateDecline.DoubledParameter;
            DeflateDecline decline = name switch
            {
                ServerNoContextTakeover => ReadFlag(value, out wishes.NoServerTakeover),
                ClientNoContextTakeover => ReadFlag(value, out wishes.NoClientTakeover),
                // §7.1.2.1: in an offer this is a demand, and has a value.
                ServerMaxWindowBits when value is null => DeflateDecline.MissingValue,
                ServerMaxWindowBits => ReadWindow(value, out wishes.ServerWindowBits),
                // §7.1.2.2: in an offer this says that the client can be asked; a value is a hint and may be left out.
                ClientMaxWindowBits => ReadWindow(value ?? "15", out wishes.ClientWindowBits),
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

    // §7.1.2: 8 to 15, decimal, without leading zeros. That is eight strings.
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

    private static DeflateAgreement Agree(Wishes wishes, DeflatePolicy policy)
    {
        bool serverTakeover = policy.ServerTakeover && !wishes.NoServerTakeover;
        bool clientTakeover = policy.ClientTakeover && !wishes.NoClientTakeover;
        bool serverNamed = wishes.ServerWindowBits != 0;
        int serverWindowBits = serverNamed ? Math.Min(wishes.ServerWindowBits, policy.ServerWindowBits) : policy.ServerWindowBits;
        int clientWindowBits = wishes.ClientWindowBits == 0
            ? DeflatePolicy.WindowBitsMax
            : Math.Min(wishes.ClientWindowBits, policy.ClientWindowBits);

        StringBuilder text = new(Name);
        if (!serverTakeover) text.Append("; ").Append(ServerNoContextTakeover);
        if (!clientTakeover) text.Append("; ").Append(ClientNoContextTakeover);
        if (serverNamed || serverWindowBits < DeflatePolicy.WindowBitsMax) AppendWindow(text, ServerMaxWindowBits, serverWindowBits);
        if (clientWindowBits < DeflatePolicy.WindowBitsMax) AppendWindow(text, ClientMaxWindowBits, clientWindowBits);
        return new DeflateAgreement(serverTakeover, serverWindowBits, clientTakeover, clientWindowBits, text.ToString());
    }

    private static void AppendWindow(StringBuilder text, string name, int windowBits) =>
        text.Append("; ").Append(name).Append('=').Append(windowBits.ToString(CultureInfo.InvariantCulture));

    /// <summary>An offer's parameters, read; a window of zero is one that the offer does not name.</summary>
    private struct Wishes
    {
        public bool NoServerTakeover;
        public bool NoClientTakeover;
        public int ServerWindowBits;
        public int ClientWindowBits;
    }
}
