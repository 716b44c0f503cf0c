// The logger that a program gives us is its own, and may throw: a disk is full, or a line finds no memory. That costs the line, and not
// the connection, the loop or the stop that had something to say.

using Microsoft.Extensions.Logging;

namespace RawWs.Server.Log;

/// <summary>A logger that does not throw, whatever <paramref name="log"/> does.</summary>
internal sealed class CarefulLog(ILogger log) : ILogger
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel)
    {
        try
        {
            return log.IsEnabled(logLevel);
        }
        catch (Exception)
        {
            return false;
        }
    }

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        try
        {
            log.Log(logLevel, eventId, state, exception, formatter);
        }
        catch (Exception)
        {
            // There is nobody else to tell.
        }
    }
}
