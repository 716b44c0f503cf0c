// One address to listen on: an IP address and port, or a socket file; and what the bytes of its connections begin with. Its text:
//
//   address = [ "ws://" / "wss://" ] ( endpoint / "unix:" path ) *( "," ( "proxy" / "mode=" 3octal ) )        mode with a path only
//   endpoint = ADDRESS ":" PORT, IPv6 in brackets; "localhost" is 127.0.0.1 and "*" is 0.0.0.0; or a port alone, for 127.0.0.1

using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace RawWs.Server;

/// <summary>An address to listen on: either an IP address and port, or a socket file (a unix socket).</summary>
public sealed record ListenAddress
{
    private const string Plain = "ws://", Tls = "wss://", Unix = "unix:", ProxyWord = "proxy", ModeWord = "mode=";
    private const UnixFileMode OwnersMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>An IP address and port. Port 0 means any free port.</summary>
    public ListenAddress(IPEndPoint endPoint)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        EndPoint = endPoint;
    }

    /// <summary>
    /// A socket file. It is made at the start, in place of one that nobody listens on any more, and removed at the stop.
    /// </summary>
    /// <param name="socketPath">The absolute path, 107 bytes of UTF-8 at most.</param>
    public ListenAddress(string socketPath)
    {
        ArgumentNullException.ThrowIfNull(socketPath);
        SocketPath = socketPath;
    }

    /// <summary>The address and port; null for a socket file.</summary>
    public IPEndPoint? EndPoint { get; internal init; }

    /// <summary>The path of the socket file; null for an address.</summary>
    public string? SocketPath { get; }

    /// <summary>Whether its connections speak TLS (wss), which needs <see cref="ServerOptions.Certificates"/>. Default: false.</summary>
    public bool IsTls { get; init; }

    /// <summary>
    /// Whether each connection begins with a PROXY header, of version 1 or 2, before TLS and the request. It is believed if it comes from
    /// one of <see cref="ServerOptions.TrustedProxies"/>. A connection from anybody else, or without a header, is closed. Default: false.
    /// </summary>
    public bool HasProxyHeader { get; init; }

    /// <summary>Who may connect to the socket file. Default: its owner, which is mode 600. Without effect on Windows.</summary>
    public UnixFileMode SocketMode { get; init; } = OwnersMode;

    /// <summary>
    /// The address as the program's setting has it, but without <see cref="SocketMode"/>: "127.0.0.1:2000", "wss://[::]:443,proxy",
    /// "unix:/run/rawws.sock".
    /// </summary>
    public override string ToString() =>
        $"{(IsTls ? Tls : "")}{(SocketPath is null ? EndPoint : Unix + SocketPath)}{(HasProxyHeader ? "," + ProxyWord : "")}";

    /// <summary>
    /// Reads an address as the program's --listen has it: "127.0.0.1:2000", "wss://[::]:443,proxy", "unix:/run/rawws.sock,mode=660".
    /// </summary>
    /// <param name="text">The text.</param>
    /// <param name="address">The address; null if the text is none. A path is not checked here.</param>
    /// <returns>Whether it is one.</returns>
    public static bool TryParse(string text, [NotNullWhen(true)] out ListenAddress? address)
    {
        ArgumentNullException.ThrowIfNull(text);
        address = null;
        bool isTls = text.StartsWith(Tls, StringComparison.OrdinalIgnoreCase);
        if (isTls) text = text[Tls.Length..];
        else if (text.StartsWith(Plain, StringComparison.OrdinalIgnoreCase)) text = text[Plain.Length..];
        if (!TryCutTraits(ref text, out bool hasProxyHeader, out UnixFileMode? mode)) return false;

        if (text.StartsWith(Unix, StringComparison.Ordinal)) address = new ListenAddress(text[Unix.Length..]);
        else if (mode is null && TryParseEndPoint(text, out IPEndPoint endPoint)) address = new ListenAddress(endPoint);
        else return false;
        address = address with { IsTls = isTls, HasProxyHeader = hasProxyHeader, SocketMode = mode ?? OwnersMode };
        return true;
    }

    /// <summary>Whether a text is only what may stand behind a comma of an address.</summary>
    internal static bool IsTrait(string text) => text == ProxyWord || text.StartsWith(ModeWord, StringComparison.Ordinal);

    /// <summary>
    /// Parses ADDRESS:PORT. A port alone, with or without the colon, is on 127.0.0.1: a server is reachable from elsewhere only if somebody
    /// says so. The framework's parser alone would read "2000" as the address 0.0.7.208, and a missing port as 0.
    /// </summary>
    internal static bool TryParseEndPoint(string text, out IPEndPoint endPoint)
    {
        endPoint = new IPEndPoint(IPAddress.None, 0);
        int colon = text.LastIndexOf(':');
        if (!int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int port)
            || port > IPEndPoint.MaxPort) return false;

        string host = colon < 1 ? "127.0.0.1" : text[..colon];
        bool bracketed = host.Length > 2 && host[0] == '[' && host[^1] == ']';
        host = host switch { "localhost" => "127.0.0.1", "*" => "0.0.0.0", _ => host };
        if (!IPAddress.TryParse(bracketed ? host[1..^1] : host, out IPAddress? address)) return false;
        bool isVersion6 = address.AddressFamily == AddressFamily.InterNetworkV6;
        if (isVersion6 != bracketed || (!isVersion6 && host.Split('.').Length != 4)) return false;
        endPoint = new IPEndPoint(address, port);
        return true;
    }

    // Cuts what stands behind commas at the end, each at most once. A path may have commas itself.
    private static bool TryCutTraits(ref string text, out bool hasProxyHeader, out UnixFileMode? mode)
    {
        (hasProxyHeader, mode) = (false, null);
        while (text.LastIndexOf(',') is > 0 and int comma && IsTrait(text[(comma + 1)..]))
        {
            string trait = text[(comma + 1)..];
            text = text[..comma];
            if (trait == ProxyWord ? hasProxyHeader : mode is not null) return false;
            if (trait == ProxyWord) hasProxyHeader = true;
            else if (!TryParseMode(trait[ModeWord.Length..], out mode)) return false;
        }

        return true;
    }

    private static bool TryParseMode(string text, out UnixFileMode? mode)
    {
        int bits = 0;
        foreach (char digit in text)
            bits = digit is >= '0' and <= '7' ? (bits << 3) | (digit - '0') : 1 << 9; // past what a mode has
        mode = (UnixFileMode)bits;
        return text.Length == 3 && bits < 1 << 9;
    }
}
