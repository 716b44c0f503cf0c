// To whom a client may send. An address is what stands before the colon of a message: a uid, or `all` for everybody.
//
//   "all", or no such member    to every uid and to everybody
//   "none", or []               to nobody: it only receives
//   ["bob", "all"]              to these addresses

using System.Text;
using System.Text.Json;
using RawWs.Server.Routing;

namespace RawWs.Server.Console.Auth;

internal sealed class SendRights
{
    /// <summary>The most addresses of a list: each of a connection's messages is compared with them.</summary>
    public const int AddressesMax = 256;

    private readonly byte[][] _addresses;

    private SendRights(byte[][] addresses) => _addresses = addresses;

    /// <summary>Reads a member of an object.</summary>
    /// <param name="claims">The object.</param>
    /// <param name="name">The member.</param>
    /// <param name="rights">The rights; null for everybody.</param>
    /// <returns>What is wrong; null when nothing is.</returns>
    public static string? Read(JsonElement claims, string name, out SendRights? rights)
    {
        rights = null;
        if (!claims.TryGetProperty(name, out JsonElement claim)) return null;
        if (claim.ValueKind == JsonValueKind.String && claim.ValueEquals("all")) return null;
        if (claim.ValueKind == JsonValueKind.String && claim.ValueEquals("none"))
        {
            rights = new SendRights([]);
            return null;
        }

        if (claim.ValueKind != JsonValueKind.Array) return $"\"{name}\" is neither \"all\" nor \"none\" nor a list of uids";
        if (claim.GetArrayLength() > AddressesMax) return $"\"{name}\" has more than {AddressesMax} uids";
        List<byte[]> addresses = [];
        foreach (JsonElement element in claim.EnumerateArray())
        {
            byte[] address = element.ValueKind == JsonValueKind.String ? Encoding.UTF8.GetBytes(element.GetString()!) : [];
            if (!IsAddress(address)) return $"\"{name}\" has something in its list that is no uid";
            addresses.Add(address);
        }

        rights = new SendRights([.. addresses]);
        return null;
    }

    /// <summary>
    /// Whether a message may go to this address. What cannot be one is not decided here: the router says what is wrong with it.
    /// </summary>
    public bool Allow(ReadOnlySpan<byte> address)
    {
        foreach (byte[] allowed in _addresses)
            if (address.SequenceEqual(allowed)) return true;
        return !IsAddress(address);
    }

    private static bool IsAddress(ReadOnlySpan<byte> address) =>
        address.SequenceEqual(UidProtocol.All) || UidProtocol.Check(address) is null;
}
