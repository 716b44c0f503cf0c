// The logs that are off on most days: one of connections (Debug), one of frames (Trace). A logger may change its mind at any time, but
// nobody asks it for each frame. A loop asks both once a second (LoopWatch.ReadLevels), and what runs on the loop looks at two bits.

using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace RawWs.Server.Log;

/// <summary>The logs of connections and of frames. Neither throws.</summary>
/// <param name="loggers">The embedder's.</param>
internal sealed class DetailLog(ILoggerFactory loggers)
{
    /// <summary>Logs nothing.</summary>
    public static DetailLog None { get; } = new(NullLoggerFactory.Instance);

    /// <summary>Its lines are in <see cref="ConnectionLines"/>.</summary>
    public GuardedLog Connections { get; } = GuardedLog.Around(loggers.CreateLogger(LogCategories.Connections));

    /// <summary>Its lines are in <see cref="FrameLines"/>.</summary>
    public GuardedLog Frames { get; } = GuardedLog.Around(loggers.CreateLogger(LogCategories.Frames));
}
