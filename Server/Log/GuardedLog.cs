// The embedder's log, made harmless. A log is somebody else's code, and the server calls it on its loops' threads. There an exception would
// end more than a line: the connection's ending, the loop, the process. So every exception of the log stays here. A lost line is counted.
// When the log accepts a line again, a further line says how many were lost. Code that logs in this server need not think of this.

using Microsoft.Extensions.Logging;

namespace RawWs.Server.Log;

/// <summary>An <see cref="ILogger"/> that never throws. Safe on any thread, if the inner one is.</summary>
internal sealed class GuardedLog(ILogger inner) : ILogger
{
    // A log that logs here while it writes a line would go on for ever. At this depth the line is lost.
    private const int DepthMax = 8;

    [ThreadStatic] private static int _depth;

    private long _lost;
    private long _untold;

    /// <summary>How many lines have been lost since the beginning.</summary>
    public long Lost => Interlocked.Read(ref _lost);

    /// <summary>Wraps a log, unless it is one of these already.</summary>
    public static GuardedLog Around(ILogger log) => log as GuardedLog ?? new GuardedLog(log);

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull
    {
        try
        {
            return inner.BeginScope(state) is { } scope ? new GuardedScope(scope) : null;
        }
        catch (Exception)
        {
            return null;
        }
    }

    // If asking throws, the line itself will show it, and is counted if it is lost.
    public bool IsEnabled(LogLevel logLevel) => IsEnabled(logLevel, ifItThrows: true);

    /// <summary>
    /// Whether the log says that it wants this level. One that throws does not: for each frame it would throw again.
    /// </summary>
    public bool AsksFor(LogLevel logLevel) => IsEnabled(logLevel, ifItThrows: false);

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!TryLog(logLevel, eventId, state, exception, formatter))
        {
            Interlocked.Increment(ref _lost);
            Interlocked.Increment(ref _untold);
            return;
        }

        if (_depth > 0 || Volatile.Read(ref _untold) == 0) return;
        long untold = Interlocked.Exchange(ref _untold, 0);
        if (untold > 0 && !TryTell(untold)) Interlocked.Add(ref _untold, untold);
    }

    private bool IsEnabled(LogLevel logLevel, bool ifItThrows)
    {
        try
        {
            return inner.IsEnabled(logLevel);
        }
        catch (Exception)
        {
            return ifItThrows;
        }
    }

    private bool TryTell(long untold)
    {
        _depth = DepthMax; // what the log logs meanwhile is lost
        try
        {
            inner.LinesLost(untold);
            return true;
        }
        catch (Exception)
        {
            return false;
        }
        finally
        {
            _depth = 0;
        }
    }

    private bool TryLog<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (_depth == DepthMax) return false;
        _depth++;
        try
        {
            inner.Log(logLevel, eventId, state, exception, formatter);
            return true;
        }
        catch (Exception)
        {
            return false;
        }
        finally
        {
            _depth--;
        }
    }

    private sealed class GuardedScope(IDisposable scope) : IDisposable
    {
        public void Dispose()
        {
            try
            {
                scope.Dispose();
            }
            catch (Exception)
            {
                // The scope belongs to the log: nothing can be done.
            }
        }
    }
}
