// Why a server does not start, in a sentence for the one who starts it.

using System.Net;
using System.Net.Sockets;

namespace RawWs.Server.Listening;

/// <summary>
/// The server cannot start, because the system refuses something that it needs. Everything that it had by then has been returned.
/// </summary>
public class StartException : IOException
{
    internal StartException(string refusal, Exception? cause = null)
        : base($"cannot start: {refusal}", cause)
    {
    }

    private protected StartException(Exception cause, string sentence)
        : base(sentence, cause)
    {
    }
}

/// <summary>An address can't be listened on.</summary>
public sealed class ListenException : StartException
{
    internal ListenException(ListenAddress address, Exception cause)
        : base(cause, address.SocketPath is { } path
            ? $"cannot listen on {address}: {SocketFile.Describe(path, cause)}"
            : Describe(address.EndPoint!, (SocketException)cause)) => Address = address;

    /// <summary>The address.</summary>
    public ListenAddress Address { get; }

    private static string Describe(IPEndPoint endPoint, SocketException cause) => cause.SocketErrorCode switch
    {
        SocketError.AddressAlreadyInUse => $"cannot listen on {endPoint}: the port is in use",
        SocketError.AccessDenied => $"cannot listen on {endPoint}: not permitted (ports below 1024 need a privilege)",
        SocketError.AddressNotAvailable => $"cannot listen on {endPoint}: this machine has no such address",
        SocketError.AddressFamilyNotSupported => $"cannot listen on {endPoint}: this machine has no {endPoint.AddressFamily}",
        _ => $"cannot listen on {endPoint}: {cause.Message}",
    };
}
