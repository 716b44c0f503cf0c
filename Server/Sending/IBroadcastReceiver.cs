// What the log of broadcasts knows of a connection.

using RawWs.Server.Loops;

namespace RawWs.Server.Sending;

/// <summary>A connection, as the log of its loop knows it.</summary>
internal interface IBroadcastReceiver : ILoopMember
{
    /// <summary>Sends all broadcasts up to a number, or queues them. On the owner's thread, in a turn of the log's own.</summary>
    void SendBroadcasts(BroadcastLog log, long end);

    /// <summary>
    /// It has not got a broadcast, because its send queue is full: the sender's callback is called. In a turn of its own.
    /// </summary>
    void OnRefused(Delegate callback);

    /// <summary>That callback has thrown.</summary>
    void OnCallbackThrew(Exception exception);
}
