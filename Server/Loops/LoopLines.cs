// The lines that loops log.

using Microsoft.Extensions.Logging;

namespace RawWs.Server.Loops;

internal static partial class LoopLines
{
    /// <summary>A system call, how it failed, and what follows from it.</summary>
    [LoggerMessage(19, LogLevel.Warning, "{failure}: {consequence}")]
    public static partial void CallFailed(this ILogger log, string failure, string consequence);

    [LoggerMessage(20, LogLevel.Critical, "loop {index} met a bug of the server's, and goes on")]
    public static partial void LoopFailed(this ILogger log, Exception exception, int index);

    [LoggerMessage(21, LogLevel.Critical, "loop {index} does not end: somebody's code runs on it and does not return; it is left behind")]
    public static partial void LoopLeftBehind(this ILogger log, int index);
}
