// How large a request may be, and how many elements each of its lists may have. One instance serves all connections.

namespace RawWs.Handshake;

/// <summary>The limits of a request's head. A request that passes one is answered with 431 (RFC 6585 §5).</summary>
public sealed class RequestLimits
{
    /// <summary>The limits with every default.</summary>
    public static RequestLimits Default { get; } = new();

    /// <summary>The longest request line in bytes, without its line end. Default: 8 KiB.</summary>
    public int RequestLineBytesMax { get; init; } = 8 * 1024;

    /// <summary>The most header fields. Default: 100.</summary>
    public int HeadersMax { get; init; } = 100;

    /// <summary>The largest head in bytes, from the request line to the empty line, both included. Default: 32 KiB.</summary>
    public int HeadBytesMax { get; init; } = 32 * 1024;

    /// <summary>The most parameters of the target's query; empty ones count. Default: 256.</summary>
    public int QueryParametersMax { get; init; } = 256;

    /// <summary>The most elements of Upgrade, and the most of Connection; empty ones count. Default: 100.</summary>
    public int TokensMax { get; init; } = 100;

    /// <summary>The most elements of Sec-WebSocket-Protocol; empty ones count. Default: 100.</summary>
    public int SubprotocolsMax { get; init; } = 100;

    /// <summary>The most elements of Sec-WebSocket-Extensions; empty ones count. Default: 32.</summary>
    public int ExtensionsMax { get; init; } = 32;

    /// <summary>The most parameters of one extension. Default: 16.</summary>
    public int ExtensionParametersMax { get; init; } = 16;
}
