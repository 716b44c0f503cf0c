// How large a request may be. One instance serves all connections.

namespace RawWs.Handshake;

/// <summary>The limits of a request's head. Past one of them the answer is 431 (RFC 6585 §5).</summary>
public sealed class RequestLimits
{
    /// <summary>The longest request line, in bytes without its line end. Default: 8 KiB.</summary>
    public int RequestLineBytesMax { get; init; } = 8 * 1024;

    /// <summary>The most header fields. Default: 100.</summary>
    public int HeadersMax { get; init; } = 100;

    /// <summary>The largest head, in bytes from the first of the request line to the last of the empty line. Default: 32 KiB.</summary>
    public int HeadBytesMax { get; init; } = 32 * 1024;
}
