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

    /// <summary>Whether only this machine's users, or only those whom the mode names, can connect: then no token is needed.</summary>
    public bool IsGuarded => EndPoint is null ? (Mode & UnixFileMode.OtherWrite) == 0 : IPAddress.IsLoopback(EndPoint.Address);

    /// <summary>Parses a setting's value.</summary>
    public static bool TryParse(string text, out AdminAddress address)
    {
        bool good = SettingText.TryListenAddress(text, out ListenAddress listen) && !listen.IsTls && !listen.HasProxyHeader
            && !text.StartsWith("ws:", StringComparison.OrdinalIgnoreCase);
        address = good ? new AdminAddress(listen.EndPoint, listen.SocketPath, listen.SocketMode) : null!;
        return good;
    }

    /// <summary>The address as the setting has it.</summary>
    public override string ToString() => EndPoint is null ? "unix:" + SocketPath : EndPoint.ToString();
}
