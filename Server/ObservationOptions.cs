// Which connections an observation is about, and how much of them. What is not set makes no difference; what is set must all hold.

using System.Net;

namespace RawWs.Server;

/// <summary>What an observation tells (<see cref="WebSocketServer.ObserveAsync"/>).</summary>
public sealed class ObservationOptions
{
    /// <summary>The least that may be allowed to wait, in bytes.</summary>
    public const int WaitingBytesMin = 64 * 1024;

    /// <summary>Only the connection with this number (<see cref="WebSocketConnection.Id"/>). Default: null, every one.</summary>
    public long? ConnectionId { get; init; }

    /// <summary>Only connections from this address. Default: null, every one.</summary>
    public IPAddress? Address { get; init; }

    /// <summary>
    /// Only connections whose request is for this path, percent-decoded, without its query. They are told of when the request's head is
    /// whole, and then from their first byte on. Of connections that are open already, and of those that are chosen by their uid too, it is
    /// <see cref="WebSocketConnection.Endpoint"/> that counts. Default: null, every one.
    /// </summary>
    public string? Path { get; init; }

    /// <summary>
    /// Only connections with this uid, in UTF-8, from the moment in which they have it. They are told of to their end, whatever uid they
    /// have later. Default: null, every one.
    /// </summary>
    public ReadOnlyMemory<byte>? Uid { get; init; }

    /// <summary>
    /// Whether the bytes of both directions are told: the handshakes with their cookies and tokens, the payloads with their masking keys.
    /// Otherwise only header fields and lengths are. Default: false.
    /// </summary>
    public bool Payload { get; init; }

    /// <summary>
    /// Whether what may prove who a client is, is hidden: in the head of its request, of the query each value but uid's, tokens among the
    /// subprotocols, and the value of every header field that is not known to be harmless; and wherever else they stand in a head, a user
    /// before a host and JSON Web Tokens. Each byte of these is told as an asterisk. A connection is told of only when the request's head
    /// is whole, or is refused as it is, and then from its first byte on. Default: false.
    /// </summary>
    public bool HidesCredentials { get; init; }

    /// <summary>
    /// How many bytes may wait until they are read, counted with what an event itself costs; 64 KiB to 1 GiB. What comes when there is no
    /// room is lost, and counted. Default: 4 MiB.
    /// </summary>
    public int WaitingBytesMax { get; init; } = 4 * 1024 * 1024;

    /// <summary>The first error, as one sentence that names the property; null when there is none.</summary>
    public string? FindError() => WaitingBytesMax is < WaitingBytesMin or > 1 << 30
        ? $"{nameof(WaitingBytesMax)}: 64 KiB to 1 GiB, not {WaitingBytesMax} bytes."
        : null;

    /// <summary>
    /// Whether the connection is one of these. A path is null as long as the head is not whole: no path that was asked for, and too early
    /// to tell where credentials are hidden. A head that cannot be read has an empty path.
    /// </summary>
    internal bool Match(WebSocketConnection connection, string? path) =>
        (ConnectionId is not { } id || id == connection.Id)
        && (path is not null || !HidesCredentials)
        && (Path is null || Path == path)
        && (Uid is not { } uid || connection.Uid.Span.SequenceEqual(uid.Span))
        && (Address is null || Plain(Address).Equals(connection.RemoteEndPoint.Address));

    private static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
}
