// What NATS' client tells of its connection, counted: how often it went, and what was wrong. Any thread.

using NATS.Client.Core;

namespace RawWs.Server.Nats;

internal sealed class NatsTold
{
    private const int CharactersMax = 200;

    private long _disconnects;
    private long _errors;

    /// <summary>How often the connection has gone.</summary>
    public long Disconnects => Interlocked.Read(ref _disconnects);

    /// <summary>How many errors NATS has told.</summary>
    public long Errors => Interlocked.Read(ref _errors);

    /// <summary>The last thing that was wrong, in one line.</summary>
    public string Reason { get; private set; } = "no reason is known";

    /// <summary>From now on it is told.</summary>
    public void ListenTo(NatsConnection connection)
    {
        connection.ConnectionDisconnected += (_, _) => Done(OnDisconnected);
        ListenToErrorsOf(connection);
    }

    /// <summary>The same for a connection besides, that goes and comes with the first one.</summary>
    public void ListenToErrorsOf(NatsConnection connection)
    {
        connection.ReconnectFailed += (_, failed) => Done(() => OnReconnectFailed(failed.Message));
        connection.ServerError += (_, told) => Done(() => OnError(told.Error));
    }

    public void OnDisconnected() => Interlocked.Increment(ref _disconnects);

    /// <summary>It cannot be reached again.</summary>
    public void OnReconnectFailed(string reason) => Reason = Plain(reason);

    /// <summary>NATS has told an error.</summary>
    public void OnError(string error)
    {
        Reason = Plain(error);
        Interlocked.Increment(ref _errors);
    }

    private static ValueTask Done(Action told)
    {
        told();
        return ValueTask.CompletedTask;
    }

    // What comes from elsewhere stays one line.
    private static string Plain(string text) =>
        string.Concat(text.Take(CharactersMax).Select(static one => char.IsControl(one) ? ' ' : one));
}
