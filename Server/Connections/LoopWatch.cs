// The observer seam. Whatever somebody may want to see of the connections of one loop is told here, on the owner's thread: the bytes that
// are received and sent, frames, phases, timers. Two look on: the logs of connections (Debug) and of frames (Trace), and the observations
// that the server's embedder has begun (Observation).
//
// - It hangs on the loop, so that it costs a connection nothing. The loop has two bits (EventLoop.WatchesFrames,
//   ConnectionLoop.WatchesConnections), and nothing here is called while they are not set.
// - Observations get copies, and no code of theirs runs here. Which connections they are about is compared when a connection begins, when
//   its request has come, when it is named, and when the observation begins; after that it is one look into a table by number.
// - A log is somebody else's code, which may send or close. So frames that were sent are only noted for it (SentFrames), and told where an
//   application's code may run too.

using Microsoft.Extensions.Logging;
using RawWs.Frame;
using RawWs.Server.Log;
using RawWs.Server.Native;
using RawWs.Server.Sending;

namespace RawWs.Server.Connections;

/// <summary>One loop's. On the owner's thread.</summary>
internal sealed partial class LoopWatch(DetailLog log, TimeProvider time)
{
    private readonly SentFrames _sentFrames = new();
    private bool _logsFrames;

    /// <summary>Whether lines about connections are wanted (Debug), as of this second.</summary>
    public bool LogsConnections { get; private set; }

    /// <summary>Whether somebody wants to know of bytes and frames.</summary>
    public bool WatchesFrames => _logsFrames || _observations.Count > 0;

    /// <summary>Whether somebody wants to know of requests, phases and timers.</summary>
    public bool WatchesConnections => LogsConnections || _observations.Count > 0;

    /// <summary>Asks the logs again.</summary>
    public void ReadLevels()
    {
        LogsConnections = log.Connections.AsksFor(LogLevel.Debug);
        _logsFrames = log.Frames.AsksFor(LogLevel.Trace);
    }

    /// <summary>
    /// Whether somebody wants to know of this connection's frames. Asked before more is done for that, if the loop watches frames at all.
    /// </summary>
    public bool SeesFrames(WebSocketConnection connection) => _logsFrames || IsWatched(connection);

    /// <summary>Logs the frames that were sent. Where an application's code may run too.</summary>
    public void TellSentFrames() => _sentFrames.Tell(log.Frames);

    /// <summary>At the end of a turn.</summary>
    public void TellAfterTurn()
    {
        TellSentFrames();
        if (_behind.Count > 0) TellQueues();
    }

    /// <summary>An event of the protocol that begins a frame, or a broken rule.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="found">The event.</param>
    /// <param name="isInPayload">
    /// Whether it is about a part of a payload whose beginning was told before. The log says no more then.
    /// </param>
    /// <param name="offset">Where the bytes begin from which the event was made, in the stream.</param>
    /// <param name="bytesThere">How many of them were there.</param>
    public void FrameReceived(WebSocketConnection connection, in ProtocolEvent found, bool isInPayload, long offset, int bytesThere)
    {
        // Observations first: a log may do something of which they are told.
        bool isBroken = found.Kind == ProtocolEventKind.Fail;
        if (!isBroken) TellFrame(connection, ConnectionEventKind.FrameReceived, offset, found.Header);
        else TellFrame(connection, ConnectionEventKind.RuleBroken, offset, found.Header, found.Rule!.Name, bytesThere);
        if (!_logsFrames || isInPayload) return;
        TellSentFrames();
        if (isBroken) log.Frames.Broke(connection.Id, found.Header, bytesThere, found.Rule!.Name);
        else log.Frames.Received(connection.Id, found.Header);
    }

    /// <summary>
    /// The kernel has taken the first bytes of these frames, which are whole. What it has not taken is told when it leaves.
    /// </summary>
    /// <param name="connection">The connection.</param>
    /// <param name="start">Where the frames begin in the stream.</param>
    /// <param name="frames">The frames. One with a segment has only its header here.</param>
    /// <param name="source">Where the segments lie.</param>
    /// <param name="segments">The payloads that are not among the frames.</param>
    /// <param name="sent">How many bytes of all this the kernel has taken.</param>
    public void Sent(WebSocketConnection connection, long start, ReadOnlySpan<byte> frames, ReadOnlySpan<byte> source,
        ReadOnlySpan<PayloadSegment> segments, int sent)
    {
        if (!SeesFrames(connection)) return;
        int from = 0;
        long at = start, end = start + sent;
        foreach (PayloadSegment segment in segments)
        {
            TellSent(connection, frames[from..segment.FramesEnd], ref at, end);
            TellSent(connection, source.Slice(segment.Start, segment.Length), ref at, end);
            from = segment.FramesEnd;
        }

        TellSent(connection, frames[from..], ref at, end);
        CorkReader all = new(frames, source, segments);
        while (all.TryRead() && all.End <= sent) FrameSent(connection, start + all.Start, all.Header);
    }

    /// <summary>
    /// The kernel has taken these bytes of the send queue. Their frames are told by themselves (<see cref="FrameSent"/>).
    /// </summary>
    public void Sent(WebSocketConnection connection, long offset, ReadOnlySpan<byte> bytes) =>
        TellBytes(connection, ConnectionEventKind.Sent, offset, bytes);

    /// <summary>The kernel has taken the last byte of a frame.</summary>
    public void FrameSent(WebSocketConnection connection, long offset, in FrameHeader header)
    {
        if (_logsFrames) _sentFrames.Add(connection.Id, header);
        TellFrame(connection, ConnectionEventKind.FrameSent, offset, header);
    }

    /// <summary>The connection goes from one phase to the next. Cause, code and rule are those of the whole ending.</summary>
    public void PhaseChanged(
        WebSocketConnection connection, ConnectionPhase from, ConnectionPhase next, EndCause cause, int? code, string? rule)
    {
        if (IsWatched(connection))
            Tell(new(ConnectionEventKind.PhaseChanged, connection, Now) { Phase = next, Cause = cause, Code = code, Rule = rule });
        TellSentFrames();
        if (!LogsConnections || next == ConnectionPhase.Open) return; // the opened connection has a line of its own
        log.Connections.PhaseChanged(connection.Id, NameOf(from), NameOf(next), Names.Of(CloseReport.WhoCloses(cause)),
            Names.Of(cause), code is { } number ? $", code {number}" : "", rule is { } broken ? $", rule {broken}" : "");
    }

    private static string NameOf(ConnectionPhase phase) => phase switch
    {
        ConnectionPhase.Handshake => "handshake",
        ConnectionPhase.Open => "open",
        ConnectionPhase.Closing => "closing",
        ConnectionPhase.Draining => "draining",
        _ => "ended",
    };

    private void TellSent(WebSocketConnection connection, ReadOnlySpan<byte> bytes, ref long at, long end)
    {
        int length = (int)Math.Min(bytes.Length, end - at);
        Sent(connection, at, bytes[..length]);
        at += length;
    }
}
