// A log that keeps its lines, with category and level, and that may be told what to take.

using Microsoft.Extensions.Logging;

namespace RawWs.Tests.Support;

/// <summary>One line of a log.</summary>
internal sealed record LogLine(string Category, LogLevel Level, EventId Event, string Text);

/// <summary>A factory whose loggers keep every line of the level and above.</summary>
internal sealed class RecordedLog(LogLevel level) : ILoggerFactory
{
    private readonly List<LogLine> _lines = [];

    /// <summary>The level; a change holds from the next call on.</summary>
    public LogLevel Level { get; set; } = level;

    /// <summary>Whether each line throws.</summary>
    public bool Throws { get; set; }

    /// <summary>How often somebody has asked whether a level is on.</summary>
    public long Asked;

    public IReadOnlyList<LogLine> All
    {
        get
        {
            lock (_lines) return [.. _lines];
        }
    }

    /// <summary>The texts of a category's lines, in order.</summary>
    public string[] Of(string category) => [.. All.Where(line => line.Category == category).Select(static line => line.Text)];

    /// <summary>Waits until a line has all of these words in it, and returns the first such line.</summary>
    public string WaitFor(params string[] words)
    {
        string? found = null;
        TestServer.Eventually(
            () =>
                (found = All.FirstOrDefault(line =>
                    words.All(word => line.Text.Contains(word, StringComparison.Ordinal)))?.Text) is not null,
            $"there is a line with {string.Join(" and ", words)}; there are:\n{string.Join('\n', All.Select(static line => line.Text))}");
        return found!;
    }

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public void Dispose()
    {
    }

    private sealed class Logger(RecordedLog owner, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel)
        {
            Interlocked.Increment(ref owner.Asked);
            return logLevel >= owner.Level;
        }

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?,
            string> formatter)
        {
            if (owner.Throws) throw new InvalidOperationException("as the test says");
            LogLine line = new(category, logLevel, eventId, formatter(state, exception));
            lock (owner._lines) owner._lines.Add(line);
        }
    }
}
