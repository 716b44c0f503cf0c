// The endings. ARCHITECTURE.md has them as a table; here they are three ways into one ending:
// - we close (BeginClose): Close is queued, data is neither sent nor delivered any more, frames are parsed for the peer's Close;
// - the peer closes (OnClose): its Close is answered with its own code, and nothing is parsed after it (§1.4);
// - the connection fails (OnFail): a Close with the rule's code, and nothing is parsed after that (§7.1.7).
// Then: send what is queued, SHUT_WR, discard what comes until the peer's end of stream, and only then close (§7.1.1). A socket that
// is closed with unread bytes in it sends a reset, and the peer may never see the Close that explains everything.

using System.Text;
using RawWs.Frame;
using RawWs.Server.Log;
using RawWs.Server.Transports;

namespace RawWs.Server;

public sealed partial class WebSocketConnection
{
    private const long DiscardedBytesMax = 1024 * 1024;

    private long _messagesIn;
    private int? _code;
    private string _reason = "";
    private string? _rule;
    private TaskCompletionSource? _drained;
    private EndCause _cause;
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
        }
        else if (_phase == Phase.Handshake)
        {
            SetVerdict(EndCause.Drain, null, "");
            AbortNow();
        }
    }

    private void BeginClose(CloseRequest request)
    {
        if (_phase != Phase.Open) return;
        SetVerdict(request.Cause, request.Code, request.Reason);
        _phase = Phase.Closing;
        _outbox.Accepting = false;
        if (request.DropUnsent) _outbox.DropUnsent();
        Span<byte> reason = stackalloc byte[ClosePayload.ReasonBytesMax];
        AppendClose(request.Code, reason[..Encode(request.Reason, reason)]);

        _deadline = _loop.Now + _context.CloseTimeout;
        ArmBy(_deadline);
        GrantRoom();
        // Opened by a post, for this may be another connection's handler, and a gate that opens may read on at once.
        if (_transport.Gate != GateReasons.None) Post(Posted.OpenGates);
    }

    // §5.5.1: a Close is answered with a Close, which "typically echos the status code".
    private void OnClose(ushort? code, ReadOnlySpan<byte> reason)
    {
        if (_phase == Phase.Open)
        {
            SetVerdict(EndCause.PeerClosed, code, Encoding.UTF8.GetString(reason));
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
            _rule = rule.Name;
            bool tooBig = rule.CloseCode == CloseCodes.MessageTooBig;
            SetVerdict(tooBig ? EndCause.MessageTooBig : EndCause.ProtocolViolation, rule.CloseCode, rule.Text);
            AppendClose(rule.CloseCode, rule.Reason.Span);
        }

        BeginEnding();
    }

    private void FailHandler(Exception exception)
    {
        _context.Log.HandlerThrew(exception, Id);
        BeginClose(new CloseRequest(EndCause.HandlerError, CloseCodes.InternalError, "internal error", DropUnsent: false));
    }

    private void FailForMemory() =>
        BeginClose(new CloseRequest(EndCause.OutOfMemory, CloseCodes.TryAgainLater, "server out of memory", DropUnsent: false));

    private void AppendClose(ushort? code, ReadOnlySpan<byte> reason)
    {
        // §5.5.1: no data after a Close. Other threads append too, so nothing is accepted from before the Close is queued.
        _outbox.Accepting = false;
        Span<byte> frame = stackalloc byte[FrameWriter.HeaderBytesMax + FrameWriter.ControlPayloadBytesMax];
        int length = FrameWriter.WriteClose(frame, code, reason);
        if (_outbox.Append(frame[..length], Outbox.EntryKind.Close)) _loop.MarkDirty(this);
        _conversation!.OnCloseSent();
    }

    private void BeginEnding()
    {
        _phase = Phase.Ending;
        _outbox.Accepting = false;
        GrantRoom();
    }

    private async Task EndAsync()
    {
        _outbox.Accepting = false;
        if (_transport.Broken || _expired) return;
        _phase = Phase.Ending;
        _deadline = _loop.Now + _context.CloseTimeout;
        ArmBy(_deadline);
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
        _drained = new TaskCompletionSource(); // set on the loop's thread, so this goes on there
        await _drained.Task.ConfigureAwait(false);
    }

    // Everything is sent: the end of our stream follows, and the peer's is awaited.
    private void ShutdownOnce()
    {
        if (_shutdown) return;
        _shutdown = true;
        _transport.ShutdownWrite();
        _drained?.TrySetResult();
    }

    // The closing has taken too long.
    private void Expire()
    {
        _expired = true;
        if (_phase == Phase.Closing && _cause == EndCause.ApplicationClosed) _cause = EndCause.CloseDeadline;
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
        _outbox.Accepting = false;
        if (_handler is not null) _transport.Close(_reset || _outbox.InsideFrame); // a handler that never returns holds no socket
        _drained?.TrySetResult();
        _transport.CancelPendingRead();
    }

    // The first cause is the verdict; what follows from it is not.
    private void SetVerdict(EndCause cause, int? code, string reason)
    {
        if (_cause != EndCause.None) return;
        _cause = cause;
        _code = code;
        _reason = reason;
    }

    private void Finish()
    {
        _phase = Phase.Ended;
        _loop.Wheel.Disarm(this);
        // A frame of which the kernel took a part is finished, or the connection is reset.
        _transport.Close(_reset || _outbox.InsideFrame);
        _loop.Connections.Remove(_key);
        _outbox.Release();
        ReleaseAssembly();
        Interlocked.Exchange(ref _writable, null)?.TrySetResult();
        Verdict verdict = new()
        {
            Cause = _cause,
            Code = _code,
            Reason = _reason,
            Rule = _rule,
            LastFrame = _conversation?.LastOpcode,
            Duration = TimeSpan.FromMilliseconds(_loop.Now - _openedAt),
            MessagesIn = _messagesIn,
            MessagesOut = _outbox.Messages,
            BytesIn = _transport.BytesReceived,
            BytesOut = _bytesOut,
            Clean = _clean,
        };
        _context.OnEnded(this, verdict, _opened);
    }
}
