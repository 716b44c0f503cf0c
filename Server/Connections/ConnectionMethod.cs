// The connection's life as one async method over the PipeReader, the same on every transport. It waits for bytes in one place, so that an
// idle connection keeps only one small state machine alive. What is seldom awaited (a handler, an application's decision, the end of an
// ending) is a task of its own, which is gone when it is done. Each await goes on on the loop's thread: a read completes inline there, and
// anything that completes elsewhere comes back by a post.

using System.IO.Pipelines;
using RawWs.Server.Channels;
using RawWs.Server.Log;

namespace RawWs.Server.Connections;

internal static class ConnectionMethod
{
    private const long DiscardedBytesMax = 1024 * 1024;

    /// <summary>Runs a connection: handshake, frames, ending.</summary>
    public static async LoopMethod RunAsync(WebSocketConnection connection)
    {
        try
        {
            connection.Counts.Begin(connection.Loop.Uptime);
            connection.Deadlines.Begin(connection);
            // tour: life
            while (connection.Life.Parses)
            {
                ReadResult read = await connection.Transport.Read();
                Handle(connection, read);
                if (!connection.Handling.IsPending) continue;
                await new TaskWait(connection.Handling.Pending!);
                connection.Handling.OnDone(connection);
            }

            await new TaskWait(EndAsync(connection));
            // tour: end
        }
        catch (Exception exception)
        {
            // A peer cannot cause an exception. So this one is a bug of the server, or the process has no memory. It ends this connection
            // and no other.
            connection.Life.OnFailed(connection, exception);
            Finish(connection, PhaseEvent.Crashes);
            return;
        }

        Finish(connection, PhaseEvent.Finishes);
    }

    private static void Handle(WebSocketConnection connection, in ReadResult read)
    {
        if (connection.Life.IsHandshake) Opening.HandleRequest(connection, read);
        else if (connection.Life.Parses) connection.Incoming.HandleFrames(connection, read);
    }

    // Sends what is queued, and awaits the end of the peer's stream.
    private static async Task EndAsync(WebSocketConnection connection)
    {
        connection.Life.StopAccepting(connection);
        if (!connection.Life.IsWaiting(connection)) return;
        connection.Loop.Watch.TellSentFrames();
        connection.Deadlines.BeginClosing(connection);
        Incoming.ResumeForClosing(connection);
        connection.Outgoing.Flush(connection);

        // tour: last-bytes
        long discarded = 0;
        while (connection.Life.IsWaiting(connection) && discarded <= DiscardedBytesMax)
        {
            ReadResult read = await connection.Transport.ReadAsync().ConfigureAwait(false);
            discarded += read.Buffer.Length;
            connection.Transport.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted) break;
        }

        if (connection.Life.WhenDrained(connection) is { } drained) await drained.ConfigureAwait(false);
        // tour: end
    }

    // A thread of the pool may run this, and there an exception would end the process.
    private static void Finish(WebSocketConnection connection, PhaseEvent last)
    {
        try
        {
            connection.Life.Finish(connection, last);
        }
        catch (Exception exception)
        {
            connection.Context.Log.ConnectionFailed(exception, connection.Id);
        }
    }
}
