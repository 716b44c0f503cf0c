// What is not the server's and throws: a log, an application, a delivery, a clock.

using Microsoft.Extensions.Logging;
using RawWs.Server;

namespace RawWs.Tests.Support;

/// <summary>When the log throws.</summary>
public enum Throwing
{
    Never,
    Always,
    AtRandom,
    Once,
}

/// <summary>A factory of a log that throws, whatever it is called for.</summary>
internal sealed class ThrowingLog(Throwing when) : ILoggerFactory, ILogger
{
    private readonly Random _random = new(1);
    private int _thrown;

    public int Thrown => Volatile.Read(ref _thrown) + (when == Throwing.Never ? 1 : 0);

    public Action<string> Called { get; set; } = static _ => { };

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull
    {
        Throw();
        return null;
    }

    public bool IsEnabled(LogLevel logLevel)
    {
        Throw();
        return true;
    }

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?,
        string> formatter)
    {
        Throw();
        Called(formatter(state, exception));
    }

    public void Dispose()
    {
    }

    private void Throw()
    {
        lock (_random)
        {
            bool throws = when switch
            {
                Throwing.Always => true,
                Throwing.AtRandom => _random.Next(2) == 0,
                Throwing.Once => _thrown == 0,
                _ => false,
            };
            if (!throws) return;
            _thrown++;
        }

        throw new InvalidOperationException("as the test says");
    }
}

/// <summary>Throws in every call, or in the one that the endpoint names.</summary>
internal sealed class ThrowingApplication : IWebSocketApplication
{
    public ValueTask<UpgradeDecision> OnUpgrade(UpgradeContext context) => context.Request.Path switch
    {
        "/ws/upgrade" => throw new InvalidOperationException("as the test says"),
        "/ws/upgrade-later" => new(Task.FromException<UpgradeDecision>(new OperationCanceledException("as the test says"))),
        "/ws/upgrade-timeout" => new(Task.FromException<UpgradeDecision>(new TimeoutException("as the test says"))),
        _ => new(UpgradeDecision.Accept()),
    };

    public void OnOpen(WebSocketConnection connection) => ThrowAt(connection, "/ws/open");

    public ValueTask OnMessage(WebSocketConnection connection, WebSocketMessage message)
    {
        ThrowAt(connection, "/ws/message");
        connection.TrySend(message);
        return ValueTask.CompletedTask;
    }

    public void OnClose(WebSocketConnection connection, CloseReport report) => throw new InvalidOperationException("as the test says");

    public void OnHeartbeatMissed(WebSocketConnection connection) => throw new InvalidOperationException("as the test says");

    private static void ThrowAt(WebSocketConnection connection, string endpoint)
    {
        if (connection.Endpoint == endpoint) throw new InvalidOperationException("as the test says");
    }
}

/// <summary>A delivery that throws, at once or after an await, except what is for everybody.</summary>
internal sealed class ThrowingDelivery(bool later) : IDelivery
{
    public IDelivery? ToEverybody { get; set; }

    public ValueTask<DeliveryResult> Publish(in MessageTarget target, in WebSocketMessage message) =>
        target.Kind == TargetKind.Everybody ? ToEverybody!.Publish(target, message) : Throw();

    private async ValueTask<DeliveryResult> Throw()
    {
        if (later) await Task.Yield();
        throw new InvalidOperationException("as the test says");
    }
}

/// <summary>The system's clock, until it throws.</summary>
internal sealed class ThrowingTime : TimeProvider
{
    private volatile bool _throws;

    public bool Throws
    {
        set => _throws = value;
    }

    public override long GetTimestamp() => _throws ? throw new InvalidOperationException("as the test says") : base.GetTimestamp();

    public override DateTimeOffset GetUtcNow() => _throws ? throw new InvalidOperationException("as the test says") : base.GetUtcNow();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        _throws ? throw new InvalidOperationException("as the test says")
            : new Timer(this, base.CreateTimer(callback, state, dueTime, period));

    private sealed class Timer(ThrowingTime time, ITimer inner) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) =>
            time._throws ? throw new InvalidOperationException("as the test says") : inner.Change(dueTime, period);

        public void Dispose() => inner.Dispose();

        public ValueTask DisposeAsync() => time._throws ? throw new InvalidOperationException("as the test says") : inner.DisposeAsync();
    }
}
