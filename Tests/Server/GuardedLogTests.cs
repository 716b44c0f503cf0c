// A log that throws, behind its guard: nothing comes through, and what is lost is counted and told.

using Microsoft.Extensions.Logging;
using RawWs.Server.Log;

namespace RawWs.Tests.Server;

[TestFixture]
public sealed class GuardedLogTests
{
    [Test]
    public void LostLines_AreCounted_AndToldWhenTheLogWorksAgain()
    {
        List<string> lines = [];
        Faulty inner = new(lines) { Throws = true };
        GuardedLog log = GuardedLog.Around(inner);
        for (int i = 0; i < 3; i++) log.Stopping(i);
        Assert.That((log.Lost, lines.Count), Is.EqualTo((3, 0)));
        inner.Throws = false;
        log.Stopping(7);
        log.Stopping(8);
        Assert.That(lines, Is.EqualTo(new[]
        {
            "stopping: 7 connections are closed",
            "3 log lines were lost: the log threw",
            "stopping: 8 connections are closed",
        }));
        Assert.That(log.Lost, Is.EqualTo(3));
    }

    // The state is ours, and so is its text; but a log may be given others by whoever has the same factory.
    [Test]
    public void AStateWhoseTextThrows_IsALostLine()
    {
        List<string> lines = [];
        GuardedLog log = GuardedLog.Around(new Faulty(lines));
        log.Log(LogLevel.Warning, default, "state", null, static (_, _) => throw new InvalidOperationException("as the test says"));
        Assert.That((log.Lost, lines.Count), Is.EqualTo((1L, 0)));
    }

    [Test]
    public void ALogThatThrowsWhenItIsAsked_IsGivenNoDetails()
    {
        Faulty inner = new([]);
        GuardedLog log = GuardedLog.Around(inner);
        Assert.That((log.IsEnabled(LogLevel.Trace), log.AsksFor(LogLevel.Trace)), Is.EqualTo((true, true)));
        inner.Throws = true;
        Assert.That((log.IsEnabled(LogLevel.Trace), log.AsksFor(LogLevel.Trace)), Is.EqualTo((true, false)));
    }

    [Test]
    public void AScopeThatThrows_IsNone()
    {
        GuardedLog log = GuardedLog.Around(new Faulty([]) { Throws = true });
        using (log.BeginScope("state")) Assert.That(log.IsEnabled(LogLevel.Debug));
    }

    [Test]
    public void ALogThatLogs_GoesNoDeeperThanALittle()
    {
        List<string> lines = [];
        Faulty inner = new(lines);
        GuardedLog log = GuardedLog.Around(inner);
        inner.Called = () => log.Stopping(1);
        log.Stopping(0);
        Assert.That((log.Lost > 0, lines.Count), Is.EqualTo((true, lines.Count)));
        Assert.That(lines, Has.Count.LessThan(100));
    }

    private sealed class Faulty(List<string> lines) : ILogger
    {
        public bool Throws { get; set; }

        public Action Called { get; set; } = static () => { };

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => Throws ? throw new InvalidOperationException("as the test says") : null;

        public bool IsEnabled(LogLevel logLevel) => Throws ? throw new InvalidOperationException("as the test says") : true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?,
            string> formatter)
        {
            if (Throws) throw new InvalidOperationException("as the test says");
            lines.Add(formatter(state, exception));
            Called();
        }
    }
}
