// What the connections of one loop share besides their sending: pools, the request that is handled, and whether anybody wants lines about
// them.

using Microsoft.Extensions.Logging;
using RawWs.Handshake;
using RawWs.Server.Log;
using RawWs.Server.Loops;
using RawWs.Server.Sending;

namespace RawWs.Server.Connections;

/// <param name="loop">The loop that runs the turns.</param>
/// <param name="details">Where the lines about connections and frames go, if anybody wants them.</param>
internal sealed class ConnectionLoop(EventLoop loop, DetailLog details) : SendingLoop(loop)
{
    // A logger whose levels are changed is heeded after so long at most.
    private const long MillisecondsBetweenLevels = 1000;

    private long _levelsDue;

    public DetailLog Details => details;

    /// <summary>Whether lines about connections are wanted (Debug), as of this second.</summary>
    public bool LogsConnections { get; private set; }

    /// <summary>Whether lines about frames are wanted (Trace), as of this second.</summary>
    public bool TracesFrames { get; private set; }

    /// <summary>The frames that were sent and have no line yet.</summary>
    public SentFrames SentFrames { get; } = new();

    /// <summary>A pool of assemblers, for connections that are in the middle of a message.</summary>
    public LoopPool<MessageAssembler> Assemblers { get; } = new(1024);

    /// <summary>The request that is being handled at this moment. It is lent to the application, like a message.</summary>
    public UpgradeRequest Request { get; private set; } = new();

    /// <summary>An application needs time to decide, and keeps the request. The loop makes itself another one.</summary>
    public void GiveRequestAway() => Request = new UpgradeRequest();

    /// <summary>Writes the lines of the frames that were sent. On the owner's thread, where foreign code may run.</summary>
    public void TellSentFrames() => SentFrames.Tell(details.Frames);

    /// <inheritdoc/>
    public override void BeginRound(long now)
    {
        if (now < _levelsDue) return;
        _levelsDue = now + MillisecondsBetweenLevels;
        LogsConnections = details.Connections.AsksFor(LogLevel.Debug);
        TracesFrames = details.Frames.AsksFor(LogLevel.Trace);
    }

    /// <inheritdoc/>
    public override void EndTurn()
    {
        TellSentFrames();
        base.EndTurn();
    }
}
