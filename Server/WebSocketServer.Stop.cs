// The end of a server: nobody is let in, connections are told and waited for, and then the loops end. It happens once.

using RawWs.Server.Connections;
using RawWs.Server.Log;
using RawWs.Server.Loops;

namespace RawWs.Server;

public sealed partial class WebSocketServer
{
    private static readonly TimeSpan SpreadStep = TimeSpan.FromMilliseconds(50);

    // For how long a stop waits for handshakes where others go on listening on the same socket.
    private static readonly TimeSpan HandshakesWait = TimeSpan.FromSeconds(2);

    // A timer waits for no longer.
    private static readonly TimeSpan DrainMax = TimeSpan.FromMilliseconds(int.MaxValue);

    /// <summary>
    /// Stops: accepts no more connections, sends Close to all (<see cref="ServerOptions.DrainCloseCode"/>, over the time of
    /// <see cref="ServerOptions.DrainSpread"/>), waits up to <paramref name="drain"/> for them to end, and ends the rest. With a drain of
    /// zero nobody is waited for, and nothing is spread. A further call waits for the same stop. A drain of more than 24 days, or without
    /// an end (<see cref="Timeout.InfiniteTimeSpan"/>), is one of 24 days. It may be called from a handler or a log. If such a caller also
    /// waits for the task on its loop's thread, that takes the whole drain and some seconds more, because the waiting loop cannot end
    /// meanwhile.
    /// </summary>
    public Task StopAsync(TimeSpan drain)
    {
        TaskCompletionSource stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_loops)
        {
            if (_stopped is not null) return _stopped.Task;
            _stopped = stopped;
        }

        if (drain == Timeout.InfiniteTimeSpan || drain > DrainMax) drain = DrainMax;
        _ = StopOnceAsync(drain, stopped);
        return stopped.Task;
    }

    /// <summary>Ends every connection at once, and stops.</summary>
    public async ValueTask DisposeAsync() => await StopAsync(TimeSpan.Zero).ConfigureAwait(false);

    private async Task StopOnceAsync(TimeSpan drain, TaskCompletionSource stopped)
    {
        try
        {
            await StopConnectionsAsync(drain).ConfigureAwait(false);
            EndObservations();
            stopped.TrySetResult();
        }
        catch (Exception exception)
        {
            EndObservations();
            stopped.TrySetException(exception);
        }
    }

    private async Task StopConnectionsAsync(TimeSpan drain)
    {
        if (_listener is not null) await _listener.DisposeAsync().ConfigureAwait(false);
        _stopping = true;
        int count = Count;
        if (_listener is not null) _context.Log.Stopping(count);
        if (Options.ListeningSockets.Count > 0) await FinishHandshakesAsync(drain).ConfigureAwait(false);
        if (count > 0)
        {
            if (Options.DrainSpread > TimeSpan.Zero && drain > TimeSpan.Zero) await SpreadClosesAsync().ConfigureAwait(false);
            foreach (ConnectionLoop loop in _loops) loop.Post(new ForEach(loop, static connection => connection.Drain()));
            if (drain > TimeSpan.Zero) await EmptyWithin(drain).ConfigureAwait(false);
        }

        if (Count > 0)
        {
            foreach (ConnectionLoop loop in _loops) loop.Post(new ForEach(loop, static connection => connection.EndDrain()));
            // This needs no peer. Only a handler that never returns still keeps a connection, and nobody waits for that.
            await EmptyWithin(TimeSpan.FromSeconds(1)).ConfigureAwait(false);
        }

        await Task.WhenAll(_loops.Select(static loop => loop.Loop.StopAsync())).ConfigureAwait(false);
        _context.Extensions?.Dispose();
        _context.Limits?.Dispose();
        if (_applicationStarted) StopApplication();
        _context.Endings.TellRest();
        if (_listener is not null) _context.Log.Stopped(_clean, count);
    }

    // Who has just connected would have been served by the next process on this socket, had it been a moment later. So he gets his upgrade,
    // and then a Close after which he may come back, and not a reset. What is no open or ending connection is in its handshake.
    private async Task FinishHandshakesAsync(TimeSpan drain)
    {
        TimeSpan wait = drain < HandshakesWait ? drain : HandshakesWait;
        for (TimeSpan waited = TimeSpan.Zero; waited < wait && Count > CountUpgraded(); waited += SpreadStep)
            await EmptyWithin(SpreadStep).ConfigureAwait(false);
    }

    private int CountUpgraded()
    {
        int count = 0;
        foreach (ConnectionLoop loop in _loops)
            foreach (ILoopMember? member in loop.Members.Snapshot)
                if (member is WebSocketConnection { Life.IsHandshake: false }) count++;
        return count;
    }

    // In an order of chance, some in each step. Those that are in their handshake are not among them: they end when all have been told.
    private async Task SpreadClosesAsync()
    {
        WebSocketConnection[] connections = [.. Directory.GetConnections()];
        Random.Shared.Shuffle(connections);
        int steps = (int)Math.Ceiling(Options.DrainSpread / SpreadStep);
        for (int step = 0, told = 0; step < steps && Count > 0; step++)
        {
            for (long until = (long)connections.Length * (step + 1) / steps; told < until; told++)
                connections[told].RequestClose(_context.Drain);
            await EmptyWithin(Options.DrainSpread / steps).ConfigureAwait(false);
        }
    }

    private void StopApplication()
    {
        try
        {
            _context.Application.OnStop(this);
        }
        catch (Exception exception)
        {
            _context.Log.StopThrew(exception);
        }
    }

    private async Task EmptyWithin(TimeSpan time)
    {
        if (Count == 0) return;
        try
        {
            await _empty.Task.WaitAsync(time, _context.Options.TimeProvider).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // The remaining connections are ended by force.
        }
    }

    /// <summary>Does something with each connection of a loop, in a turn of it.</summary>
    private sealed class ForEach(ConnectionLoop loop, Action<WebSocketConnection> act) : ILoopWork
    {
        public void OnPosted()
        {
            foreach (ILoopMember? member in loop.Members.Snapshot)
            {
                if (member is not WebSocketConnection connection) continue;
                try
                {
                    act(connection);
                }
                catch (Exception exception)
                {
                    ((ILoopMember)connection).OnFailed(exception);
                }
            }
        }
    }
}
