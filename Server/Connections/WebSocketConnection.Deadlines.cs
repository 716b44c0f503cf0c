// Deadlines. Activity only stores the loop's cached clock. The connection has one timer entry, armed for its earliest deadline. When it is
// due, it checks what has happened since, and arms itself again for the time that is left. While this server does not read from the peer,
// for reasons of its own, the peer's silence does not count: heartbeat and message deadline begin again when reading is resumed. And
// nothing is held against a peer before everything that the kernel holds from it has been read. (EventLoop.Now says what happens in a turn
// that comes late.)

using System.Buffers;
using System.Text;
using RawWs.Frame;
using RawWs.Server.Channels;
using RawWs.Server.Connections;
using RawWs.Server.Log;
using RawWs.Server.Loops;
using RawWs.Server.Sending;
using RawWs.Server.Time;

namespace RawWs.Server;

public sealed partial class WebSocketConnection
{
    internal const string HeartbeatReason = "Network connection timeout!";
    private const int UnansweredPingsMax = 2;
    private const long ProbeMilliseconds = 5_000;

    private TimerLink _timer = TimerLink.New;
    private long _begunAt; // in the loop's uptime
    private long _deadline = long.MaxValue; // of the handshake; while open, of a probe; then of the closing
    private long _lastReceived;
    private long _lastPing;
    private byte _unansweredPings; // with a heartbeat: 1 while a probe's Ping is unanswered

    // Deadlines of the unfinished message, of the delivery that it waits for, and of bytes that the kernel does not send. A connection
    // without these has no such deadline.
    private long MessageDeadline => _assembler?.MessageDeadline ?? long.MaxValue;

    private long NextCheck => _assembler?.NextCheck ?? long.MaxValue;

    private long SendDeadline => _queue?.SendDeadline ?? long.MaxValue;

    ref TimerLink ITimerEntry.Link => ref _timer;

    void ITimerEntry.OnDue(long now)
    {
        try
        {
            if (_loop.WatchesConnections) TellDue(now);
            OnDeadline(now);
        }
        catch (Exception exception)
        {
            ((ILoopWork)this).OnFailed(exception);
        }
    }

    private void OnDeadline(long now)
    {
        if (_phase == Phase.Open)
        {
            OnDueWhileOpen(now);
            return;
        }

        if (now >= _deadline) _transport.ReceiveWhatIsThere(); // it may bring the request, the peer's Close, or the end of its stream
        if (_phase == Phase.Ended) return;
        if (now < _deadline) ArmBy(_deadline);
        else if (_phase == Phase.Handshake) _transport.CancelPendingRead(); // the request is answered with 408
        else Expire();
    }

    private void OnDueWhileOpen(long now)
    {
        // What the kernel holds may be a sign of life, the rest of a message, or a Close.
        if (IsSomethingDue(now)) _transport.ReceiveWhatIsThere();
        if (now >= SendDeadline && _transport.IsWritable) TryToSend();
        if (_phase != Phase.Open) return;
        if (now >= SendDeadline)
        {
            // A part of a frame may have been sent, so no Close can follow it.
            SetEnding(EndCause.StalledSend, null, "");
            AbortNow();
            return;
        }

        if (now >= NextCheck) CheckDelivery();
        if (_phase != Phase.Open) return;
        bool reading = _transport.PausedBy == ReadPauseReasons.None;
        // A peer that always sends more than its share is postponed whenever this is checked.
        bool isPostponed = _transport.PausedBy == ReadPauseReasons.Turn;
        if ((reading || isPostponed) && now >= MessageDeadline)
        {
            BeginClose(new CloseRequest(EndCause.MessageTimeout, ServerCloseCodes.MessageTimeout, "message timeout", DropUnsent: false));
            return;
        }

        bool closed = CheckProbe(now, reading) || (_context.Heartbeat > 0 ? reading && CheckHeartbeat(now) : CheckPings(now, reading));
        if (closed) return;
        ArmBy(_deadline);
        ArmBy(SendDeadline);
        ArmBy(NextCheck);
        if (reading) ArmBy(MessageDeadline);
        if (reading || _context.Heartbeat == 0) ArmForSilence();
    }

    private bool IsSomethingDue(long now) => now >= MessageDeadline || now >= _deadline
        || (_context.Heartbeat > 0 ? now >= _lastReceived + _context.Heartbeat : now >= _lastPing + _context.PingInterval);

    private bool CheckHeartbeat(long now)
    {
        if (now < _lastReceived + _context.Heartbeat) return false;
        try
        {
            _terms.Application.OnHeartbeatMissed(this);
        }
        catch (Exception exception)
        {
            _context.Log.HandlerThrew(exception, Id);
        }

        BeginClose(new CloseRequest(EndCause.Heartbeat, ServerCloseCodes.HeartbeatMissed, HeartbeatReason, DropUnsent: false));
        return true;
    }

    private bool CheckPings(long now, bool reading)
    {
        if (now < _lastPing + _context.PingInterval) return false;
        _unansweredPings = (byte)(reading && _lastReceived < _lastPing ? _unansweredPings + 1 : 0);
        _lastPing = now;
        if (_context.PingText is { } text)
        {
            // Instead of a Ping a text is sent, to which no answer is expected. TCP_USER_TIMEOUT finds a peer that is gone.
            TrySendChecked(MessageKind.Text, text);
            return false;
        }

        if (_unansweredPings >= UnansweredPingsMax)
        {
            FailPing();
            return true;
        }

        SendPing();
        return false;
    }

    // Another connection asks for a probe. While one runs no second one begins: many questions cause one Ping.
    private void ProbeNow()
    {
        if (_phase != Phase.Open || _deadline != long.MaxValue) return;
        _deadline = _loop.Now + ProbeMilliseconds;
        ArmBy(_deadline);
        // What came before the probe is no answer, even if it came in the same millisecond.
        _lastReceived = Math.Min(_lastReceived, _loop.Now - 1);
        if (_context.Heartbeat > 0) _unansweredPings = 1;
        SendPing();
    }

    private bool CheckProbe(long now, bool reading)
    {
        if (now < _deadline) return false;
        bool heard = _lastReceived >= _deadline - ProbeMilliseconds || (_context.Heartbeat > 0 && _unansweredPings == 0);
        _deadline = long.MaxValue;
        if (heard || !reading) return false;
        FailPing();
        return true;
    }

    // With a heartbeat, a Pong does not show that the peer is active: the browser of a frozen page still answers Pings. So a single Pong
    // during a probe answers the probe, and does not count as life for the heartbeat.
    private bool IsAnswerToProbe(in ReadOnlySequence<byte> buffer)
    {
        if (_phase != Phase.Open || _context.Heartbeat == 0 || buffer.Length != FrameWriter.HeaderLength(0, masked: true)) return false;
        if (buffer.FirstSpan is not [0x80 | (byte)Opcode.Pong, 0x80, ..]) return false;
        _unansweredPings = 0;
        return true;
    }

    private void SendPing()
    {
        Span<byte> frame = stackalloc byte[FrameWriter.HeaderBytesMax];
        int length = FrameWriter.Write(frame, Opcode.Ping, []);
        SendControl(frame[..length], SendQueue.EntryKind.Ping);
    }

    private void FailPing() =>
        BeginClose(new CloseRequest(EndCause.PongTimeout, CloseCodes.InternalError, "ping timeout", DropUnsent: false));

    // A message's time counts from its first byte, which may belong to a header that is not whole yet.
    private void FollowMessage(MessageAssembler assembler)
    {
        if (_phase != Phase.Open || !assembler.Protocol.InMessage)
        {
            assembler.MessageDeadline = long.MaxValue;
            return;
        }

        if (assembler.MessageDeadline != long.MaxValue) return;
        assembler.MessageDeadline = _loop.Now + _context.MessageTimeout;
        ArmBy(assembler.MessageDeadline);
    }

    // Reading from the peer has been resumed: from now on its silence counts.
    private void RestartSilence()
    {
        if (_phase != Phase.Open) return;
        if (MessageDeadline != long.MaxValue) _assembler!.MessageDeadline = _loop.Now + _context.MessageTimeout;
        ResumeTime();
    }

    // Reading was paused for a moment. The same, except for the message's deadline: a peer that sends too fast would move it for ever.
    private void ResumeTime()
    {
        if (_phase != Phase.Open) return;
        _lastReceived = _loop.Now;
        ArmBy(MessageDeadline);
        ArmForSilence();
    }

    private void ArmForSilence() =>
        ArmBy(_context.Heartbeat > 0 ? _lastReceived + _context.Heartbeat : _lastPing + _context.PingInterval);

    // The timer entry must be due by then. That it is due earlier does no harm.
    private void ArmBy(long due)
    {
        if (due == long.MaxValue || _timer.IsArmedBy(due)) return;
        _loop.Wheel.Arm(this, due);
        if (_loop.WatchesConnections) TellArmed(due);
    }

    private static int Encode(string reason, Span<byte> destination) => Encoding.UTF8.GetBytes(reason, destination);
}
