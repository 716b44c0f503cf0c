// The extensions of a server, and what it agrees on with a client (RFC 6455 §9.1). The client's offers are looked at in its order, which is
// the order of its preference; of each extension the first offer is taken that it accepts. The answer names them in that order too, and so
// the first one transforms what is sent first. An offer that nobody accepts is no error: the connection goes on without it.

using RawWs.Frame;
using RawWs.Handshake;
using RawWs.Server.Memory;

namespace RawWs.Server.Extensions;

/// <summary>An offer that was not accepted, and why: words for the log.</summary>
internal readonly record struct DeclinedOffer(string Name, string Reason);

/// <summary>Any thread.</summary>
internal sealed class ExtensionSet : IDisposable
{
    private readonly Extension[] _extensions;
    private readonly MemoryBudget _budget;

    private ExtensionSet(Extension[] extensions, MemoryBudget budget) => (_extensions, _budget) = (extensions, budget);

    /// <summary>The set of these; null when there are none.</summary>
    public static ExtensionSet? Of(IEnumerable<Extension> extensions, MemoryBudget budget)
    {
        Extension[] all = [.. extensions];
        return all.Length == 0 ? null : new ExtensionSet(all, budget);
    }

    /// <summary>
    /// Whether a message of so many bytes may be encoded for some connection. Then a message to everybody is not the same bytes for all.
    /// </summary>
    public bool Encodes(int payloadBytes)
    {
        foreach (Extension extension in _extensions)
            if (extension.Encodes(payloadBytes)) return true;
        return false;
    }

    /// <summary>Agrees with a client.</summary>
    /// <param name="request">The client's request.</param>
    /// <param name="declined">Gets the offers that are declined; null when nobody wants to know.</param>
    /// <returns>The agreement; null for none.</returns>
    public ExtensionAgreement? Negotiate(UpgradeRequest request, List<DeclinedOffer>? declined)
    {
        if (request.CountHeader("Sec-WebSocket-Extensions"u8) == 0) return null;
        ExtensionAgreement? all = null;
        uint accepted = 0; // a bit for each extension
        int left = _extensions.Length;
        foreach (ExtensionOffer offer in request.Extensions)
        {
            if (left == 0) break; // nobody looks at those behind it
            int which = IndexOf(offer.Name);
            if (which >= 0 && (accepted & (1u << which)) != 0) continue; // an alternative to one that was accepted
            if (Negotiate(which, offer, all?.Bits ?? ReservedBits.None, out string reason) is { } agreement)
            {
                all = all is null ? agreement : new ExtensionPairAgreement(all, agreement, _budget);
                accepted |= 1u << which;
                left--;
            }
            else
            {
                declined?.Add(new DeclinedOffer(offer.Name, reason));
            }
        }

        return all;
    }

    public void Dispose()
    {
        foreach (Extension extension in _extensions) extension.Dispose();
    }

    private int IndexOf(string name)
    {
        for (int i = 0; i < _extensions.Length; i++)
            if (_extensions[i].Name == name) return i;
        return -1;
    }

    private ExtensionAgreement? Negotiate(int which, ExtensionOffer offer, ReservedBits taken, out string reason)
    {
        reason = "OtherExtension";
        if (which < 0) return null;
        Extension extension = _extensions[which];
        // §5.2: a reserved bit has one meaning on a connection.
        reason = "ReservedBitTaken";
        return (extension.Bits & taken) != 0 ? null : extension.Negotiate(offer, out reason);
    }
}
