// Where the admin port listens: ADDRESS:PORT, or a socket in the file system: unix:/path, or unix:/path,mode=660. The mode says who may
// connect to it; without one only the owner may.

using System.Net;
using RawWs.Server.Console.Settings;

namespace RawWs.Server.Console.Admin;

/// <summary>An address of the admin port.</summary>
/// <param name="EndPoint">The address and port; null for a socket in the file system.</param>
/// <param name="SocketPath">The path of that socket; null for an address.</param>
/// <param name="Mode">Who may use the socket.</param>
internal sealed record AdminAddress(IPEndPoint? EndPoint, string? SocketPath, UnixFileMode Mode)
{
    /// <summary>What is allowed, in words.</summary>
    public const string Allowed =
        "ADDRESS:PORT, a port alone for 127.0.0.1, unix:/PATH, or unix:/PATH,mode=660 with a mode of three octal digits";

    // struct sockaddr_un has room for so many bytes and a zero.
    private const int PathBytesMax = 107;
    private const string Prefix = "unix:";
    private const string ModeWord = ",mode=";

    /// <summary>Whether only this machine's users, or only those whom the mode names, can connect: then no token is needed.</summary>
    public bool IsGuarded => EndPoint is null ? (Mode & UnixFileMode.OtherWrite) == 0 : IPAddress.IsLoopback(EndPoint.Address);

    /// <summary>Parses a setting's value.</summary>
    public static bool TryParse(string text, out AdminAddress address)
    {
        address = new AdminAddress(null, null, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        if (!text.StartsWith(Prefix, StringComparison.Ordinal))
        {
            if (!SettingText.TryEndPoint(text, out IPEndPoint endPoint)) return false;
            address = address with { EndPoint = endPoint };
            return true;
        }

        string path = text[Prefix.Length..];
        int at = path.LastIndexOf(ModeWord, StringComparison.Ordinal);
        if (at >= 0)
        {
            if (!TryMode(path[(at + ModeWord.Length)..], out UnixFileMode mode)) return false;
            address = address with { Mode = mode };
            path = path[..at];
        }

        address = address with { SocketPath = path };
        return Path.IsPathRooted(path) && !path.EndsWith('/') && System.Text.Encoding.UTF8.GetByteCount(path) <= PathBytesMax
            && SettingText.TryWord(path, out _);
    }

    /// <summary>The address as the setting has it.</summary>
    public override string ToString() => EndPoint is null ? Prefix + SocketPath : EndPoint.ToString();

    private static bool TryMode(string text, out UnixFileMode mode)
    {
        mode = 0;
        if (text.Length != 3) return false;
        foreach (char digit in text)
        {
            if (digit is < '0' or > '7') return false;
            mode = (UnixFileMode)(((int)mode << 3) | (digit - '0'));
        }

        return true;
    }
}
