// What is logged of compression. The number is one of the server's (ServerLog).

using Microsoft.Extensions.Logging;

namespace RawWs.Server.Compression;

internal static partial class CompressionLines
{
    [LoggerMessage(13, LogLevel.Warning, "compression is off: {problem}; connections are accepted without permessage-deflate")]
    public static partial void CompressionUnavailable(this ILogger log, string problem);
}
