// The phase of a connection, and how it ends. PhaseTable says what follows from what; this does it. ARCHITECTURE.md has a table of all
// endings (Endings). Here they are three ways into one ending:
// - this server closes (Close): a Close is queued, data is neither sent nor delivered any more, frames are parsed for the peer's Close;
// - the peer closes (OnPeerClose): its Close is answered with its own code, and nothing is parsed after it (§1.4);
// - the connection fails (Fail): a Close with the rule's code, and nothing is parsed after that (§7.1.7).
// Then: send what is queued, SHUT_WR, discard what comes until the peer's end of stream, and only then close (§7.1.1). A socket that is
// closed with unread bytes in it sends a reset, and then the peer may never see the Close that explains everything.

using System.Text;
using RawWs.Frame;
using RawWs.Handshake;
using RawWs.Server.Channels;
using RawWs.Server.Log;
using RawWs.Server.Sending;

namespace RawWs.Server.Connections;

/// <summary>A part of a connection. On the owner's thread, unless a member says otherwise.</summary>
internal struct Life
{
    private ConnectionEnd? _end; // made when there is something to say about the end, or somebody waits for it
    private Phase _phase;
    private bool _wasOpened; // the application knows of it
    private bool _isPastLimit;
    private Opcode? _lastFrame;
    private TcpEnds _tcp;

    public readonly Phase Phase => _phase;

    /// <summary>Whether a request is awaited.</summary>
    public readonly bool IsHandshake => _phase == Phase.Handshake;

    /// <summary>Whether messages go both ways.</summary>
    public readonly bool IsOpen => _phase == Phase.Open;

    /// <summary>Whether bytes are parsed: as a request, or as frames.</summary>
    public readonly bool Parses => _phase < Phase.Draining;

    /// <summary>Whether bytes are parsed as frames.</summary>
    public readonly bool ParsesFrames => _phase is Phase.Open or Phase.Closing;

    /// <summary>Whether it ends: whether it is past Open.</summary>
    public readonly bool IsEnding => _phase > Phase.Open;

    /// <summary>Whether it has ended. The directory reads it under the lock under which it makes connections leave.</summary>
    public readonly bool HasEnded => _phase == Phase.Ended;

    /// <summary>Whether the application knows of it. Any thread.</summary>
    public readonly bool WasOpened => _wasOpened;

    /// <summary>Whether it is one too many: its request is answered with 503.</summary>
    public readonly bool IsPastLimit => _isPastLimit;

    /// <summary>How many messages have been accepted and dropped. Any thread.</summary>
    public readonly long MessagesDropped => Volatile.Read(in _end)?.MessagesDropped ?? 0;

    /// <summary>The end, made when it is first asked for. Any thread.</summary>
    private ConnectionEnd End => Volatile.Read(ref _end) ?? MakeEnd();

    /// <summary>Before everything else.</summary>
    public void Begin(bool isPastLimit) => _isPastLimit = isPastLimit;

    /// <summary>The upgrade is accepted, and its answer is queued.</summary>
    public void OnUpgrade(WebSocketConnection connection) => Enter(connection, PhaseTable.After(_phase, PhaseEvent.Upgrades));

    /// <summary>From now on the application is told of its end.</summary>
    public void OnOpened() => _wasOpened = true;

    /// <summary>The report names the last frame of the peer.</summary>
    public void OnFrame(Opcode? last) => _lastFrame = last ?? _lastFrame;

    /// <summary>The request is answered without an upgrade: the caller queues the answer.</summary>
    public void OnAnswer(WebSocketConnection connection, int status, string text, string? rule)
    {
        SetEnd(Endings.Http, status, text, rule);
        if (connection.Loop.WatchesConnections) Watching.TellAnswer(connection, status, text, rule);
        Enter(connection, PhaseTable.After(_phase, PhaseEvent.Answers));
    }

    /// <summary>The application has taken the connection over. Whatever happens to it now, the report says this.</summary>
    public void OnTakenOver(WebSocketConnection connection) => SetEnd(Endings.Http, 101, "taken over");

    /// <summary>Somebody wants to close. Any thread.</summary>
    public void RequestClose(WebSocketConnection connection, Ending ending)
    {
        // What is unsent is flushed first, which may cause more bytes to be handled: that must happen in a turn of its own.
        if (connection.Loop.IsOwner && !ending.DropsUnsent) Close(connection, ending);
        else if (End.TryRequest(ending)) connection.Post(Posted.Close);
    }

    /// <summary>Closes as somebody has requested.</summary>
    public void CloseAsRequested(WebSocketConnection connection, bool missesSome) => Close(connection, _end!.Request, missesSome);

    /// <summary>Closes, if that sends a Close in this phase.</summary>
    public void Close(WebSocketConnection connection, Ending ending, bool missesSome = false)
    {
        if (!SendsClose(ending.Event)) return;
        // Perhaps this loop itself was slow: what the kernel sends now is not dropped.
        if (ending.DropsUnsent) connection.Outgoing.Flush(connection);
        bool isToTell = !ending.DropsUnsent && (!connection.Outgoing.TryBringUpToDate(connection) || missesSome);
        if (!SendsClose(ending.Event)) return;
        if (isToTell) ending = TellWhatIsMissed(connection, ending);

        SetEnd(ending, ending.Code, ending.Reason);
        Enter(connection, PhaseTable.After(_phase, ending.Event));
        if (ending.DropsUnsent) connection.Queue.DropUnsent(connection);
        Span<byte> reason = stackalloc byte[ClosePayload.ReasonBytesMax];
        SendClose(connection, ending.Code, reason[..Encoding.UTF8.GetBytes(ending.Reason, reason)]);

        connection.Deadlines.BeginClosing(connection);
        // By a post: this may run inside another connection's handler, and resumed reading may handle bytes at once.
        if (connection.Transport.PausedBy != ReadPauseReasons.None) connection.Post(Posted.ResumeReading);
    }

    /// <summary>The peer's Close has come. §5.5.1: it is answered with a Close, which "typically echos the status code".</summary>
    public void OnPeerClose(WebSocketConnection connection, ushort? code, ReadOnlySpan<byte> reason)
    {
        // tour: peer-close
        PhaseStep step = PhaseTable.After(_phase, PhaseEvent.PeerCloses);
        if (step.Sends == SentWithStep.Close)
        {
            SetEnd(Endings.PeerClosed, code, reason.IsEmpty ? "" : Encoding.UTF8.GetString(reason));
            // §7.4.1: 1010 is a client's code, which a server does not send.
            SendClose(connection, code is { } own && !CloseCodes.MaySend(Role.Server, own) ? CloseCodes.NormalClosure : code, []);
        }

        End.SetClean();
        Enter(connection, step);
        StopAccepting(connection);
        // tour: end
    }

    /// <summary>The peer has broken a rule.</summary>
    public void Fail(WebSocketConnection connection, Rule rule)
    {
        Ending ending = rule.CloseCode == CloseCodes.MessageTooBig ? Endings.MessageTooBig : Endings.ProtocolViolation;
        Fail(connection, ending, rule.CloseCode, rule.Text, rule.Name, rule.Reason.Span);
    }

    /// <summary>There was no memory to keep what the peer has sent.</summary>
    public void OnBytesLost(WebSocketConnection connection)
    {
        Ending lost = Endings.BytesLost;
        bool hasNoAnswer = connection.Transport.Opening != OpeningLayer.None || connection.Raw is not null;
        if (IsHandshake && hasNoAnswer) Abort(connection, Endings.RestLost);
        else if (IsHandshake) Opening.Refuse(connection, HandshakeRules.OutOfMemory, headOnly: false);
        else if (ParsesFrames) Fail(connection, lost, lost.Code!.Value, lost.Reason, null, Encoding.ASCII.GetBytes(lost.Reason));
        connection.Transport.CancelPendingRead();
    }

    /// <summary>§7.1.4: the end of the peer's stream without a Close is never a clean one.</summary>
    public void OnStreamEnd(WebSocketConnection connection)
    {
        Transport transport = connection.Transport;
        string? fault = transport.Fault;
        SetEnd(fault is null ? Endings.PeerVanished : Endings.FailureOf(transport.Opening), null, fault ?? "", transport.FaultRule);
        Enter(connection, PhaseTable.After(_phase, PhaseEvent.StreamEnds));
    }

    /// <summary>A handler has thrown.</summary>
    public void FailHandler(WebSocketConnection connection, Exception exception)
    {
        if (exception is OutOfMemoryException)
        {
            connection.Context.OnFailed(connection, exception);
            Close(connection, Endings.OutOfMemory);
            return;
        }

        connection.Context.Log.HandlerThrew(exception, connection.Id);
        Close(connection, Endings.HandlerError);
    }

    /// <summary>The transport has broken. What came before it broke is still handled.</summary>
    public void OnBroken(WebSocketConnection connection, string failure)
    {
        StopAccepting(connection);
        if (failure.Length == 0) _tcp.Add(connection, TcpEnding.PeerReset);
        if (Parses) SetEnd(Endings.PeerVanished, null, failure);
        _end?.TellDrained();
    }

    /// <summary>The peer's stream has ended. What came before that may have to be handled yet.</summary>
    public void OnPeerFin(WebSocketConnection connection) => _tcp.Add(connection, TcpEnding.PeerFin);

    /// <summary>The socket is closed.</summary>
    public void OnClosed(WebSocketConnection connection, bool reset) =>
        _tcp.Add(connection, reset ? TcpEnding.OwnReset : TcpEnding.OwnFin);

    /// <summary>Everything that was queued is sent. In the ending our stream ends now, once.</summary>
    public void OnFlushed(WebSocketConnection connection)
    {
        PhaseStep step = PhaseTable.After(_phase, PhaseEvent.Flushes);
        if (step.Tcp != TcpEnd.Shut) return;
        Move(step); // of which nobody is told: to the outside it is the same phase
        Outgoing.EndStream(connection);
        _tcp.Add(connection, TcpEnding.OwnFin);
        _end?.TellDrained();
    }

    /// <summary>The server stops.</summary>
    public void Drain(WebSocketConnection connection)
    {
        Ending drain = connection.Context.Drain;
        if (SendsClose(drain.Event))
        {
            Close(connection, drain);
            connection.Outgoing.Flush(connection); // the loop may have no further turn in which it would be flushed
        }
        else if (PhaseTable.After(_phase, PhaseEvent.Stops).Tcp == TcpEnd.Reset)
        {
            SetEnd(drain, null, "");
            EndNow(connection, PhaseEvent.Stops);
        }
    }

    /// <summary>The closing, or the stop of the server, has taken too long.</summary>
    public void Expire(WebSocketConnection connection)
    {
        if (HasEnded) return;
        if (PhaseTable.After(_phase, PhaseEvent.Expires).Tcp == TcpEnd.Reset) SetEnd(Endings.Aborted, null, "");
        if (_phase == Phase.Closing) _end?.SetUnanswered();
        EndNow(connection, PhaseEvent.Expires);
    }

    /// <summary>Ends it at once, with a reset.</summary>
    public void Abort(WebSocketConnection connection) => Abort(connection, Endings.Aborted);

    /// <summary>The same, for this reason.</summary>
    public void Abort(WebSocketConnection connection, Ending ending)
    {
        if (HasEnded) return;
        SetEnd(ending, null, ending.Reason);
        EndNow(connection, PhaseEvent.Aborts);
    }

    /// <summary>There is no memory for the rest of what the kernel has sent in part. The caller sees to it that it is reset.</summary>
    public void OnRestLost(WebSocketConnection connection)
    {
        SetEnd(Endings.RestLost, null, "");
        StopAccepting(connection);
    }

    /// <summary>Code of ours has thrown. The caller ends the connection.</summary>
    public void OnFailed(WebSocketConnection connection, Exception exception)
    {
        (EndCause cause, ushort code) = connection.Context.OnFailed(connection, exception);
        End.Set(cause, code, "", null);
    }

    /// <summary>So many messages that were accepted have been dropped. Any thread.</summary>
    public void CountDropped(long messages)
    {
        if (messages > 0) End.CountDropped(messages);
    }

    /// <summary>No message is accepted from now on, and whoever waits for that is told.</summary>
    public void StopAccepting(WebSocketConnection connection)
    {
        connection.Queue.StopAccepting(connection);
        Interlocked.MemoryBarrier();
        _end?.TellClosed(connection.Context.Log, connection.Id);
    }

    /// <summary>
    /// The end. Even if returning something throws, the application and the server are told of it.
    /// </summary>
    /// <param name="connection">The connection.</param>
    /// <param name="last">Finishes or Crashes.</param>
    public void Finish(WebSocketConnection connection, PhaseEvent last)
    {
        PhaseStep step = PhaseTable.After(_phase, last);
        Phase before = Move(step);
        int unsent = 0;
        try
        {
            Deadlines.End(connection);
            Outgoing.Close(connection, reset: step.Tcp == TcpEnd.Reset); // what comes back of a batch is queued
            connection.Loop.Members.Remove(connection.Transport.Key);
            connection.Queue.End(connection, out unsent);
            connection.Incoming.End(connection);
            connection.Extension?.Release();
            Watching.TellPhase(connection, before, step.Next, _end);
        }
        finally
        {
            CloseReport report = End.MakeReport(connection, _lastFrame, unsent);
            if (connection.Loop.WatchesConnections) connection.Loop.Watch.Ended(connection, report);
            connection.Context.OnEnded(connection, report, _wasOpened);
            Interlocked.MemoryBarrier();
            End.TellClosed(connection.Context.Log, connection.Id);
            End.TellEnded(report);
        }
    }

    /// <summary>Whether the ending goes on: the socket is there, and there is time.</summary>
    public readonly bool IsWaiting(WebSocketConnection connection) => _phase < Phase.Expired && !connection.Transport.Broken;

    /// <summary>Completes when everything is sent, on the loop's thread; null when nothing more will be, or everything is.</summary>
    public Task? WhenDrained(WebSocketConnection connection) =>
        _phase == Phase.Draining && IsWaiting(connection) ? End.WhenDrained() : null;

    /// <summary>Is cancelled when nothing can be sent any more. Any thread.</summary>
    public CancellationToken WhenClosed(WebSocketConnection connection)
    {
        CancellationTokenSource source = End.Closed;
        // It is made first, and the state is read then. Who ends the connection writes the state first. So one of the two sees the other.
        if (!connection.Queue.IsAccepting || connection.Transport.Broken)
            ConnectionEnd.Cancel(source, connection.Context.Log, connection.Id);
        return source.Token;
    }

    /// <summary>Completes with the report, at the end. Any thread.</summary>
    public Task<CloseReport> WhenEnded() => End.WhenEnded();

    private readonly bool SendsClose(PhaseEvent happened) => PhaseTable.After(_phase, happened).Sends == SentWithStep.Close;

    // An application's Close keeps its code, which its clients know, and the log tells of the loss: a message to everybody that was
    // accepted for this connection could not be kept. In place of the server's own Close the client is told that it has missed something.
    private static Ending TellWhatIsMissed(WebSocketConnection connection, Ending ending)
    {
        if (!ending.KeepsCode) return Endings.OutOfMemory;
        connection.Context.Log.BroadcastsMissed(connection.Id, ending.Code!.Value);
        return ending;
    }

    private void Fail(
        WebSocketConnection connection, Ending ending, ushort code, string text, string? rule, ReadOnlySpan<byte> reason)
    {
        PhaseStep step = PhaseTable.After(_phase, ending.Event);
        if (step.Sends == SentWithStep.Close)
        {
            SetEnd(ending, code, text, rule);
            SendClose(connection, code, reason);
        }

        Enter(connection, step);
        StopAccepting(connection);
    }

    private void SendClose(WebSocketConnection connection, ushort? code, ReadOnlySpan<byte> reason)
    {
        // §5.5.1: no data after a Close. Other threads append too, so messages are refused before the Close is queued.
        StopAccepting(connection);
        Span<byte> frame = stackalloc byte[FrameWriter.HeaderBytesMax + FrameWriter.ControlPayloadBytesMax];
        int length = FrameWriter.WriteClose(frame, code, reason);
        connection.Outgoing.SendControl(connection, frame[..length], SendQueue.EntryKind.Close);
        connection.Incoming.OnCloseSent(connection);
    }

    private void EndNow(WebSocketConnection connection, PhaseEvent happened)
    {
        Enter(connection, PhaseTable.After(_phase, happened));
        StopAccepting(connection);
        if (connection.Handling.IsPending)
        {
            // A handler that never returns does not keep the socket open; and if it waits for this very end, it is released.
            Outgoing.Close(connection, reset: PhaseTable.After(_phase, PhaseEvent.Finishes).Tcp == TcpEnd.Reset);
            End.TellEnded(End.MakeReport(connection, _lastFrame, connection.Queue.Count(connection).Queued));
        }

        _end?.TellDrained();
        connection.Transport.CancelPendingRead();
    }

    // Makes a step, of which those who look on are told.
    private void Enter(WebSocketConnection connection, PhaseStep step) =>
        Watching.TellPhase(connection, Move(step), step.Next, _end);

    // The one place where the phase changes. Returns the phase before.
    private Phase Move(PhaseStep step)
    {
        Phase before = _phase;
        _phase = step.Next;
        return before;
    }

    private void SetEnd(Ending ending, int? code, string reason, string? rule = null) => End.Set(ending.Cause, code, reason, rule);

    private ConnectionEnd MakeEnd()
    {
        ConnectionEnd made = new();
        return Interlocked.CompareExchange(ref _end, made, null) ?? made;
    }
}
