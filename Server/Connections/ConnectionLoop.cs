// What the connections of one loop share besides their sending: pools, the request that is handled, and who looks on.

using RawWs.Handshake;
using RawWs.Server.Log;
using RawWs.Server.Loops;
using RawWs.Server.Sending;

namespace RawWs.Server.Connections;

/// <param name="loop">The loop that runs the turns.</param>
/// <param name="context">What the connections of one server share.</param>
/// <param name="time">The clock that says when something was seen.</param>
internal sealed class ConnectionLoop(EventLoop loop, ServerContext context, TimeProvider time) : SendingLoop(loop)
{
    // A logger whose levels are changed is heeded after so long at most.
    private const long MillisecondsBetweenLevels = 1000;

    private long _levelsDue;

    /// <summary>What the connections of one server share. They know it from here: a field fewer in each.</summary>
    public ServerContext Context => context;

    /// <inheritdoc cref="ServerContext.Details"/>
    public DetailLog Details => context.Details;

    /// <summary>Who is told what the loop's connections do. Owner only.</summary>
    public LoopWatch Watch { get; } = new(context.Details, time);

    /// <summary>Whether requests, phases and timers are told to <see cref="Watch"/>.</summary>
    public bool WatchesConnections { get; private set; }

    /// <inheritdoc cref="EventLoop.WatchesFrames"/>
    public bool WatchesFrames => Loop.WatchesFrames;

    /// <summary>A pool of assemblers, for connections that are in the middle of a message.</summary>
    public LoopPool<MessageAssembler> Assemblers { get; } = new(1024);

    /// <summary>The request that is being handled at this moment. It is lent to the application, like a message.</summary>
    public UpgradeRequest Request { get; private set; } = new();

    /// <summary>An application needs time to decide, and keeps the request. The loop makes itself another one.</summary>
    public void GiveRequestAway() => Request = new UpgradeRequest();

    /// <summary>What its connections' send queues may hold. Before the first connection.</summary>
    public void Begin(ServerOptions options) => (Congestion.FullBytes, Congestion.FullRefuses) =
        (options.SendBufferBytesMax, options.SlowConsumer != SlowConsumer.DropOldest);

    /// <summary>An observation begins. On the owner's thread, or before the start.</summary>
    public void BeginObservation(Observation observation)
    {
        Watch.Add(observation, Members.Snapshot);
        FollowWatch();
    }

    /// <summary>An observation has ended. On the owner's thread, or before the start.</summary>
    public void EndObservation(Observation observation)
    {
        Watch.Remove(observation);
        FollowWatch();
    }

    /// <inheritdoc/>
    public override void BeginRound(long now)
    {
        if (now < _levelsDue) return;
        _levelsDue = now + MillisecondsBetweenLevels;
        Watch.ReadLevels();
        FollowWatch();
    }

    /// <inheritdoc/>
    public override void EndTurn()
    {
        Watch.TellAfterTurn();
        base.EndTurn();
    }

    private void FollowWatch() => (WatchesConnections, Loop.WatchesFrames) = (Watch.WatchesConnections, Watch.WatchesFrames);
}
