// How large a request may be, and how much of everything it may list. One instance serves all connections.

namespace RawWs.Handshake;

/// <summary>The limits of a request's head. Past one of them the answer is 431 (RFC 6585 §5).</summary>
public sealed class RequestLimits
{
    /// <summary>Those that hold where none are named.</summary>
    public static RequestLimits Default { get; } = new();

    /// <summary>The longest request line, in bytes without its line end. Default: 8 KiB.</summary>
    public int RequestLineBytesMax { get; init; } = 8 * 1024;

    /// <summary>The most header fields. Default: 100.</summary>
    public int HeadersMax { get; init; } = 100;

    /// <summary>The largest head, in bytes from the first of the request line to the last of the empty line. Default: 32 KiB.</summary>
    public int HeadBytesMax { get; init; } = 32 * 1024;

    /// <summary>The most parameters of the target's query, empty ones among them. Default: 256.</summary>
    public int QueryParametersMax { get; init; } = 256;

    /// <summary>The most elements of Upgrade, and of Connection, empty ones among them. Default: 100.</summary>
    public int TokensMax { get; init; } = 100;

    /// <summary>The most elements of Sec-WebSocket-Protocol, empty ones among them. Default: 100.</summary>
    public int SubprotocolsMax { get; init; } = 100;

    /// <summary>The most elements of Sec-WebSocket-Extensions, empty ones among them. Default: 32.</summary>
    public int ExtensionsMax { get; init; } = 32;

    /// <summary>The most parameters of one extension. Default: 16.</summary>
    public int ExtensionParametersMax { get; init; } = 16;
}
