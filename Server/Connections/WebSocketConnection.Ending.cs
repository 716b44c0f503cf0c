// How a connection ends. ARCHITECTURE.md has a table of all endings. Here they are three ways into one ending:
// - this server closes (BeginClose): a Close is queued, data is neither sent nor delivered any more, frames are parsed for the peer's
//   Close;
// - the peer closes (OnClose): its Close is answered with its own code, and nothing is parsed after it (§1.4);
// - the connection fails (OnFail): a Close with the rule's code, and nothing is parsed after that (§7.1.7).
// Then: send what is queued, SHUT_WR, discard what comes until the peer's end of stream, and only then close (§7.1.1). A socket that is
// closed with unread bytes in it sends a reset, and then the peer may never see the Close that explains everything.

using System.Text;
using RawWs.Frame;
using RawWs.Handshake;
using RawWs.Server.Channels;
using RawWs.Server.Log;
using RawWs.Server.Sending;

namespace RawWs.Server;

public sealed partial class WebSocketConnection
{
    private const long DiscardedBytesMax = 1024 * 1024;
    private const string OutOfMemoryReason = "server out of memory";

    private static readonly CloseRequest OutOfMemoryClose =
        new(EndCause.OutOfMemory, CloseCodes.TryAgainLater, OutOfMemoryReason, DropUnsent: false);

    private Ending? _ending; // made when there is something to say about the end
    private bool _opened;
    private bool _clean;
    private bool _reset;
    private bool _expired;
    private bool _overLimit;

    /// <summary>The server stops. On the owner's thread.</summary>
    internal void Drain()
    {
        if (_phase == Phase.Open)
        {
            BeginClose(new CloseRequest(EndCause.Drain, CloseCodes.GoingAway, "server shutting down", DropUnsent: false));
            Flush(); // the loop may have no further turn in which it would be flushed
        }
        else if (_phase == Phase.Handshake)
        {
            SetEnding(EndCause.Drain, null, "");
            AbortNow();
        }
    }

    /// <summary>The server has waited long enough. On the owner's thread.</summary>
    internal void EndDrain()
    {
        if (_phase is not (Phase.Handshake or Phase.Ended)) Expire();
        else AbortNow();
    }

    private void BeginClose(CloseRequest request, bool missesSome = false)
    {
        if (_phase != Phase.Open) return;
        // Perhaps this loop itself was slow: what the kernel sends now is not dropped.
        if (request.DropUnsent) Flush();
        bool isToTell = !request.DropUnsent && (!TryBringUpToDate() || missesSome);
        if (_phase != Phase.Open) return;
        if (isToTell) request = TellWhatIsMissed(request);

        SetEnding(request.Cause, request.Code, request.Reason);
        MoveTo(Phase.Closing);
        if (request.DropUnsent) DropUnsent();
        Span<byte> reason = stackalloc byte[ClosePayload.ReasonBytesMax];
        AppendClose(request.Code, reason[..Encode(request.Reason, reason)]);

        _deadline = _loop.Now + _context.CloseTimeout;
        ArmBy(_deadline);
        // By a post: this may run inside another connection's handler, and resumed reading may handle bytes at once.
        if (_transport.PausedBy != ReadPauseReasons.None) Post(Posted.ResumeReading);
    }

    // §5.5.1: a Close is answered with a Close, which "typically echos the status code".
    private void OnClose(ushort? code, ReadOnlySpan<byte> reason)
    {
        if (_phase == Phase.Open)
        {
            SetEnding(EndCause.PeerClosed, code, reason.IsEmpty ? "" : Encoding.UTF8.GetString(reason));
            // §7.4.1: 1010 is a client's code, which a server does not send.
            AppendClose(code is { } own && !CloseCodes.MaySend(Role.Server, own) ? CloseCodes.NormalClosure : code, []);
        }

        _clean = true;
        BeginEnding();
    }

    private void OnFail(Rule rule)
    {
        if (_phase == Phase.Open)
        {
            bool tooBig = rule.CloseCode == CloseCodes.MessageTooBig;
            SetEnding(tooBig ? EndCause.MessageTooBig : EndCause.ProtocolViolation, rule.CloseCode, rule.Text, rule.Name);
            AppendClose(rule.CloseCode, rule.Reason.Span);
        }

        BeginEnding();
    }

    private void FailHandler(Exception exception)
    {
        if (exception is OutOfMemoryException)
        {
            _context.OnFailed(this, exception);
            FailForMemory();
            return;
        }

        _context.Log.HandlerThrew(exception, Id);
        BeginClose(new CloseRequest(EndCause.HandlerError, CloseCodes.InternalError, "internal error", DropUnsent: false));
    }

    private void FailForMemory() => BeginClose(OutOfMemoryClose);

    // A message to everybody that was accepted for this connection could not be kept. An application's Close keeps its code, which its
    // clients know, and the log tells of the loss. In place of the server's own Close the client is told that it has missed something.
    private CloseRequest TellWhatIsMissed(CloseRequest request)
    {
        if (request.Cause is not (EndCause.ApplicationClosed or EndCause.Replaced or EndCause.Rejected)) return OutOfMemoryClose;
        _context.Log.BroadcastsMissed(Id, request.Code);
        return request;
    }

    void ITransportOwner.OnBytesLost()
    {
        if (_phase == Phase.Handshake)
        {
            Refuse(HandshakeRules.OutOfMemory, headOnly: false);
        }
        else if (_phase is Phase.Open or Phase.Closing)
        {
            if (_phase == Phase.Open)
            {
                SetEnding(EndCause.OutOfMemory, CloseCodes.TryAgainLater, OutOfMemoryReason);
                AppendClose(CloseCodes.TryAgainLater, Encoding.ASCII.GetBytes(OutOfMemoryReason));
            }

            BeginEnding();
        }

        _transport.CancelPendingRead();
    }

    private void AppendClose(ushort? code, ReadOnlySpan<byte> reason)
    {
        // §5.5.1: no data after a Close. Other threads append too, so messages are refused before the Close is queued.
        StopAccepting();
        Span<byte> frame = stackalloc byte[FrameWriter.HeaderBytesMax + FrameWriter.ControlPayloadBytesMax];
        int length = FrameWriter.WriteClose(frame, code, reason);
        SendControl(frame[..length], SendQueue.EntryKind.Close);
        (_assembler ??= RentAssembler()).Protocol.OnCloseSent();
    }

    private void BeginEnding()
    {
        MoveTo(Phase.Ending);
        StopAccepting();
    }

    private void DropUnsent()
    {
        lock (_transport)
        {
            _broadcastsHad = _loop.Broadcasts.End;
            _queue?.DropUnsent();
        }
    }

    private async Task EndAsync()
    {
        StopAccepting();
        if (_transport.Broken || _expired) return;
        MoveTo(Phase.Ending);
        _deadline = _loop.Now + _context.CloseTimeout;
        ArmBy(_deadline);
        ResumeAfterDelivery();
        _transport.ResumeReading(ReadPauseReasons.SendQueue);
        Flush();

        long discarded = 0;
        while (!_transport.Broken && !_expired && discarded <= DiscardedBytesMax)
        {
            var read = await _transport.ReadAsync().ConfigureAwait(false);
            discarded += read.Buffer.Length;
            _transport.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted) break;
        }

        if (_shutdown || _transport.Broken || _expired) return;
        TaskCompletionSource drained = new(); // completed on the loop's thread, so this method goes on there
        (_ending ??= new Ending(EndCause.None, null, "", null)).Drained = drained;
        await drained.Task.ConfigureAwait(false);
    }

    // Everything is sent: our stream ends, and then the peer's end is awaited.
    private void ShutdownOnce()
    {
        if (_shutdown) return;
        _shutdown = true;
        _transport.ShutdownWrite();
        _ending?.Drained?.TrySetResult();
    }

    // The closing has taken too long.
    private void Expire()
    {
        _expired = true;
        if (_phase == Phase.Closing && _ending is { Cause: EndCause.ApplicationClosed }) _ending.Cause = EndCause.CloseDeadline;
        MoveTo(Phase.Ending);
        EndNow();
    }

    private void AbortNow()
    {
        if (_phase == Phase.Ended) return;
        SetEnding(EndCause.Aborted, null, "");
        _reset = _expired = true;
        MoveTo(Phase.Ending);
        EndNow();
    }

    private void EndNow()
    {
        StopAccepting();
        _transport.SendBatched();
        if (_pending is not null)
        {
            // A handler that never returns does not keep the socket open; and if it waits for this very end, it is released.
            _transport.Close(_reset || InsideFrame);
            TellEnded(MakeReport());
        }

        _ending?.Drained?.TrySetResult();
        _transport.CancelPendingRead();
    }

    private bool InsideFrame => _queue?.InsideFrame ?? false;

    // The first cause counts. What follows from it is no cause of its own.
    private void SetEnding(EndCause cause, int? code, string reason, string? rule = null) =>
        _ending ??= new Ending(cause, code, reason, rule);

    // Even if returning something throws, the application and the server are told of the end.
    private void Finish()
    {
        Phase last = _phase;
        _phase = Phase.Ended;
        try
        {
            GiveBack();
            TellPhase(last, Phase.Ended);
        }
        finally
        {
            CloseReport report = MakeReport();
            if (_loop.WatchesConnections) _loop.Watch.Ended(this, report);
            _context.OnEnded(this, report, _opened);
            TellClosed();
            TellEnded(report);
        }
    }

    private void GiveBack()
    {
        _loop.Wheel.Disarm(this);
        _transport.SendBatched();
        // If the kernel has sent a part of a frame, the frame is finished or the connection is reset.
        _transport.Close(_reset || InsideFrame);
        _loop.Members.Remove(_transport.Key);
        lock (_transport)
        {
            _accepting = false;
            _queue?.Return();
            _queue = null;
        }

        _assembler?.PendingDelivery?.Forget(this);
        _assembler?.Release(_loop.Budget);
        _assembler = null;
        _extension?.Release();
    }

    private CloseReport MakeReport() => new()
    {
        Cause = _ending?.Cause ?? EndCause.None,
        Code = _ending?.Code,
        Reason = _ending?.Reason ?? "",
        Rule = _ending?.Rule,
        LastFrame = _lastFrame,
        Extensions = Extensions,
        Duration = TimeSpan.FromMilliseconds(_loop.Uptime - _begunAt),
        MessagesIn = _messagesIn,
        MessagesOut = Interlocked.Read(ref _messagesOut),
        BytesIn = _transport.BytesReceived,
        BytesOut = _bytesOut,
        Clean = _clean,
    };

    /// <summary>Why the connection ends.</summary>
    private sealed class Ending(EndCause cause, int? code, string reason, string? rule)
    {
        public EndCause Cause { get; set; } = cause;

        public int? Code { get; } = code;

        public string Reason { get; } = reason;

        public string? Rule { get; } = rule;

        /// <summary>The report of the end; null before it. Any thread.</summary>
        public CloseReport? Report
        {
            get => Volatile.Read(ref field);
            set => Volatile.Write(ref field, value);
        }

        /// <summary>Completed when everything is sent; null while nobody waits for that.</summary>
        public TaskCompletionSource? Drained { get; set; }
    }
}
