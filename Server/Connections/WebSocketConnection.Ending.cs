// The endings. ARCHITECTURE.md has them as a table; here they are three ways into one ending:
// - we close (BeginClose): Close is queued, data is neither sent nor delivered any more, frames are parsed for the peer's Close;
// - the peer closes (OnClose): its Close is answered with its own code, and nothing is parsed after it (§1.4);
// - the connection fails (OnFail): a Close with the rule's code, and nothing is parsed after that (§7.1.7).
// Then: send what is queued, SHUT_WR, discard what comes until the peer's end of stream, and only then close (§7.1.1). A socket that
// is closed with unread bytes in it sends a reset, and the peer may never see the Close that explains everything.

using System.Text;
using RawWs.Frame;
using RawWs.Handshake;
using RawWs.Server.Log;
using RawWs.Server.Transports;

namespace RawWs.Server;

public sealed partial class WebSocketConnection
{
    private const long DiscardedBytesMax = 1024 * 1024;
    private const string OutOfMemoryReason = "server out of memory";

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
            Flush(); // there may be no end of this turn for it any more
        }
        else if (_phase == Phase.Handshake)
        {
            SetVerdict(EndCause.Drain, null, "");
            AbortNow();
        }
    }

    /// <summary>The server has waited long enough. On the owner's thread.</summary>
    internal void EndDrain()
    {
        if (_phase is not (Phase.Handshake or Phase.Ended)) Expire();
        else AbortNow();
    }

    private void BeginClose(CloseRequest request)
    {
        if (_phase != Phase.Open) return;
        if (request.DropUnsent)
        {
            // It may be our own loop that was slow: whatever the kernel takes at once is not dropped.
            Flush();
            if (_phase != Phase.Open) return;
        }

        SetVerdict(request.Cause, request.Code, request.Reason);
        _phase = Phase.Closing;
        if (request.DropUnsent) DropUnsent();
        Span<byte> reason = stackalloc byte[ClosePayload.ReasonBytesMax];
        AppendClose(request.Code, reason[..Encode(request.Reason, reason)]);

        _deadline = _loop.Now + _context.CloseTimeout;
        ArmBy(_deadline);
        // Opened by a post, for this may be another connection's handler, and a gate that opens may read on at once.
        if (_transport.Gate != GateReasons.None) Post(Posted.OpenGates);
    }

    // §5.5.1: a Close is answered with a Close, which "typically echos the status code".
    private void OnClose(ushort? code, ReadOnlySpan<byte> reason)
    {
        if (_phase == Phase.Open)
        {
            SetVerdict(EndCause.PeerClosed, code, reason.IsEmpty ? "" : Encoding.UTF8.GetString(reason));
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
            SetVerdict(tooBig ? EndCause.MessageTooBig : EndCause.ProtocolViolation, rule.CloseCode, rule.Text, rule.Name);
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

    private void FailForMemory() =>
        BeginClose(new CloseRequest(EndCause.OutOfMemory, CloseCodes.TryAgainLater, OutOfMemoryReason, DropUnsent: false));

    void ITransportOwner.OnBytesLost()
    {
        if (_phase == Phase.Handshake)
        {
            if (HandshakeRules.Broken(HandshakeRules.OutOfMemory) is { } outOfMemory) Refuse(outOfMemory, headOnly: false);
        }
        else if (_phase is Phase.Open or Phase.Closing)
        {
            if (_phase == Phase.Open)
            {
                SetVerdict(EndCause.OutOfMemory, CloseCodes.TryAgainLater, OutOfMemoryReason);
                AppendClose(CloseCodes.TryAgainLater, Encoding.ASCII.GetBytes(OutOfMemoryReason));
            }

            BeginEnding();
        }

        _transport.CancelPendingRead();
    }

    private void AppendClose(ushort? code, ReadOnlySpan<byte> reason)
    {
        // §5.5.1: no data after a Close. Other threads append too, so nothing is accepted from before the Close is queued.
        StopAccepting();
        Span<byte> frame = stackalloc byte[FrameWriter.HeaderBytesMax + FrameWriter.ControlPayloadBytesMax];
        int length = FrameWriter.WriteClose(frame, code, reason);
        SendControl(frame[..length], Outbox.EntryKind.Close);
        (_inbox ??= TakeInbox()).Protocol.OnCloseSent();
    }

    private void BeginEnding()
    {
        _phase = Phase.Ending;
        StopAccepting();
    }

    private void DropUnsent()
    {
        lock (_transport)
        {
            _broadcastsHad = _loop.Broadcasts.End;
            _outbox?.DropUnsent();
        }
    }

    private async Task EndAsync()
    {
        StopAccepting();
        if (_transport.Broken || _expired) return;
        _phase = Phase.Ending;
        _deadline = _loop.Now + _context.CloseTimeout;
        ArmBy(_deadline);
        Release();
        _transport.OpenGate(GateReasons.Outbox);
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
        TaskCompletionSource drained = new(); // set on the loop's thread, so this goes on there
        (_ending ??= new Ending(EndCause.None, null, "", null)).Drained = drained;
        await drained.Task.ConfigureAwait(false);
    }

    // Everything is sent: the end of our stream follows, and the peer's is awaited.
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
        _phase = Phase.Ending;
        EndNow();
    }

    private void AbortNow()
    {
        if (_phase == Phase.Ended) return;
        SetVerdict(EndCause.Aborted, null, "");
        _reset = _expired = true;
        _phase = Phase.Ending;
        EndNow();
    }

    private void EndNow()
    {
        StopAccepting();
        _transport.SendDeferred();
        if (_pending is not null) _transport.Close(_reset || InsideFrame); // a handler that never returns holds no socket
        _ending?.Drained?.TrySetResult();
        _transport.CancelPendingRead();
    }

    private bool InsideFrame => _outbox?.InsideFrame ?? false;

    // The first cause is the verdict; what follows from it is not.
    private void SetVerdict(EndCause cause, int? code, string reason, string? rule = null) => _ending ??= new Ending(cause, code, reason, rule);

    // Whatever happens to what is given back, the application and the server hear of the end.
    private void Finish()
    {
        _phase = Phase.Ended;
        try
        {
            GiveBack();
        }
        finally
        {
            _context.OnEnded(this, MakeVerdict(), _opened);
        }
    }

    private void GiveBack()
    {
        _loop.Wheel.Disarm(this);
        _transport.SendDeferred();
        // A frame of which the kernel took a part is finished, or the connection is reset.
        _transport.Close(_reset || InsideFrame);
        _loop.Connections.Remove(_transport.Key);
        lock (_transport)
        {
            _accepting = false;
            _outbox?.GiveBack();
            _outbox = null;
        }

        _inbox?.Awaited?.Forget(this);
        if (_inbox is not null) ReleaseInbox(_inbox);
        _inbox = null;
        _deflate?.Release();
    }

    private Verdict MakeVerdict() => new()
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

    /// <summary>Why it ends.</summary>
    private sealed class Ending(EndCause cause, int? code, string reason, string? rule)
    {
        public EndCause Cause { get; set; } = cause;

        public int? Code { get; } = code;

        public string Reason { get; } = reason;

        public string? Rule { get; } = rule;

        /// <summary>Completed when everything is sent; null while nobody waits for it.</summary>
        public TaskCompletionSource? Drained { get; set; }
    }
}
