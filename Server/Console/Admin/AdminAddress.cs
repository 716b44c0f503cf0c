// Which addresses the admin port can listen on: ADDRESS:PORT, or a socket in the file system: unix:/path, or unix:/path,mode=660. The mode
// says who may connect to it; without one only the owner may.

using System.Net;
using RawWs.Server.Console.Settings;

namespace RawWs.Server.Console.Admin;

internal static class AdminAddress
{
    /// <summary>What is allowed, in words.</summary>
    public const string Allowed =
        "ADDRESS:PORT, a port alone for 127.0.0.1, unix:/PATH, or unix:/PATH,mode=660 with a mode of three octal digits";

    /// <summary>Parses a setting's value: as --listen has it, without TLS and PROXY headers.</summary>
    public static bool TryParse(string text, out ListenAddress address) =>
        SettingText.TryListenAddress(text, out address) && !address.IsTls && !address.HasProxyHeader
        && !text.StartsWith("ws:", StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether only this machine's users, or only those whom the mode names, can connect: then no token is needed.</summary>
    public static bool IsGuarded(ListenAddress address) => address.EndPoint is { } endPoint
        ? IPAddress.IsLoopback(endPoint.Address)
        : (address.SocketMode & UnixFileMode.OtherWrite) == 0;
}
