// What a node may be called.

using System.Text;

namespace RawWs.Server.Nats;

/// <summary>The name of a node: a part of a NATS subject, so letters, digits, - and _ only.</summary>
internal static class NodeId
{
    public static bool IsValid(ReadOnlySpan<byte> id)
    {
        foreach (byte one in id)
            if (!char.IsAsciiLetterOrDigit((char)one) && one is not ((byte)'-' or (byte)'_')) return false;
        return id.Length is > 0 and <= WireHead.IdBytesMax;
    }

    public static bool IsValid(string id) => IsValid(Encoding.UTF8.GetBytes(id));
}
