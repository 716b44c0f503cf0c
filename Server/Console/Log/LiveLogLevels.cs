// The levels of the log, which may change while it is used: the framework asks for them again when it is told so.

using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;
using RawWs.Server.Console.Settings;

namespace RawWs.Server.Console.Log;

/// <summary>Levels for a log's filters. Any thread.</summary>
[SuppressMessage("Design", "CA1001", Justification = "A source without a timer holds nothing that must be given back.")]
internal sealed class LiveLogLevels(LogLevels levels) : IConfigureOptions<LoggerFilterOptions>,
    IOptionsChangeTokenSource<LoggerFilterOptions>
{
    private volatile LogLevels _levels = levels;
    private CancellationTokenSource _changes = new();

    string? IOptionsChangeTokenSource<LoggerFilterOptions>.Name => Options.DefaultName;

    /// <summary>Makes these the levels of a log.</summary>
    public ILoggingBuilder ApplyTo(ILoggingBuilder logging)
    {
        logging.Services.AddSingleton<IConfigureOptions<LoggerFilterOptions>>(this);
        logging.Services.AddSingleton<IOptionsChangeTokenSource<LoggerFilterOptions>>(this);
        return logging;
    }

    /// <summary>From now on these are the levels.</summary>
    public void Change(LogLevels levels)
    {
        _levels = levels;
        Interlocked.Exchange(ref _changes, new CancellationTokenSource()).Cancel();
    }

    void IConfigureOptions<LoggerFilterOptions>.Configure(LoggerFilterOptions options)
    {
        options.MinLevel = _levels.Everything;
        foreach ((string category, LogLevel level) in _levels.Named) options.Rules.Add(new LoggerFilterRule(null, category, level, null));
    }

    IChangeToken IOptionsChangeTokenSource<LoggerFilterOptions>.GetChangeToken() => new CancellationChangeToken(_changes.Token);
}
