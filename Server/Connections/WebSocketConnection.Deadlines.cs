// Time. Activity only stores the loop's cached clock; the one timer entry is armed for the earliest deadline there is, and when it
// comes due it looks at what has happened since, and re-arms itself for what is left. While we do not read from the peer, for
// reasons of ours, its silence is not held against it: heartbeat and message deadline begin anew when the gate opens.
// Nothing is held against a peer before everything that the kernel holds from it has been read. (A turn that comes late: EventLoop.Now.)

using System.Buffers;
using System.Text;
using RawWs.Frame;
using RawWs.Server.Log;
using RawWs.Server.Loops;
using RawWs.Server.Time;
using RawWs.Server.Transports;

namespace RawWs.Server;

public sealed partial class WebSocketConnection
{
    internal const string HeartbeatReason = "Network connection timeout!";
    private const int UnansweredPingsMax = 2;
    private const long ProbeMilliseconds = 5_000;

    private long _begunAt; // in the loop's uptime
    private long _deadline = long.MaxValue; // of the handshake, while open of a probe, then of the closing
    private long _lastReceived;
    private long _lastPing;
    private byte _unansweredPings; // with a heartbeat: 1 while a probe's Ping is unanswered

    // Of the message that is under way; of bytes that the kernel does not take. Whoever has neither has no deadline for it either.
    private long MessageDeadline => _inbox?.MessageDeadline ?? long.MaxValue;

    private long LookTime => _inbox?.LookTime ?? long.MaxValue;

    private long SendDeadline => _outbox?.SendDeadline ?? long.MaxValue;

    internal override void OnDue(long now)
    {
        try
        {
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

        if (now >= _deadline) _transport.ReceiveWhatIsThere(this); // the request, perhaps, or the peer's Close, or the end of its stream
        if (_phase == Phase.Ended) return;
        if (now < _deadline) ArmBy(_deadline);
        else if (_phase == Phase.Handshake) _transport.CancelPendingRead(); // the request is answered with 408
        else Expire();
    }

    private void OnDueWhileOpen(long now)
    {
        // What is there may be life, the rest of a message, or a Close.
        if (IsSomethingDue(now)) _transport.ReceiveWhatIsThere(this);
        if (now >= SendDeadline && _transport.IsWritable) TryToSend();
        if (_phase != Phase.Open) return;
        if (now >= SendDeadline)
        {
            // A frame may have been taken in part, so no Close can follow it.
            SetVerdict(EndCause.StalledSend, null, "");
            AbortNow();
            return;
        }

        if (now >= LookTime) LookWhatIsLeft();
        if (_phase != Phase.Open) return;
        bool reading = _transport.Gate == GateReasons.None;
        // Who always sends more than his share is put off whenever this is looked at.
        bool isPutOff = _transport.Gate == GateReasons.Turn;
        if ((reading || isPutOff) && now >= MessageDeadline)
        {
            BeginClose(new CloseRequest(EndCause.MessageTimeout, ServerCloseCodes.MessageTimeout, "message timeout", DropUnsent: false));
            return;
        }

        bool closed = CheckProbe(now, reading) || (_context.Heartbeat > 0 ? reading && CheckHeartbeat(now) : CheckPings(now, reading));
        if (closed) return;
        ArmBy(_deadline);
        ArmBy(SendDeadline);
        ArmBy(LookTime);
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
            _context.Application.OnHeartbeatMissed(this);
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
            // The seed's way: a text, to which no answer is expected. TCP_USER_TIMEOUT finds a peer that is gone.
            TrySend(MessageKind.Text, text);
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

    // Asked by others. While one is under way there is no second, so that a crowd of them is no crowd of Pings.
    private void ProbeNow()
    {
        if (_phase != Phase.Open || _deadline != long.MaxValue) return;
        _deadline = _loop.Now + ProbeMilliseconds;
        ArmBy(_deadline);
        // What came before it is no answer, and be it in the same millisecond.
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

    // With a heartbeat, what shows that the peer is there does not show that it does anything: a page that is frozen has a browser that
    // answers. So a Pong that comes by itself while a probe is under way answers the probe and is no life.
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
        SendControl(frame[..length], Outbox.EntryKind.Ping);
    }

    private void FailPing() =>
        BeginClose(new CloseRequest(EndCause.PongTimeout, CloseCodes.InternalError, "ping timeout", DropUnsent: false));

    // A message's time counts from its first byte, which may be that of a header not yet whole.
    private void FollowMessage(Inbox inbox)
    {
        if (_phase != Phase.Open || !inbox.Protocol.InMessage)
        {
            inbox.MessageDeadline = long.MaxValue;
            return;
        }

        if (inbox.MessageDeadline != long.MaxValue) return;
        inbox.MessageDeadline = _loop.Now + _context.MessageTimeout;
        ArmBy(inbox.MessageDeadline);
    }

    // We read from the peer again: from now on its silence counts.
    private void RestartSilence()
    {
        if (_phase != Phase.Open) return;
        if (MessageDeadline != long.MaxValue) _inbox!.MessageDeadline = _loop.Now + _context.MessageTimeout;
        ResumeTime();
    }

    // It was not read from for a moment: the same, but for the message's deadline, which a peer that sends too fast would put off for ever.
    private void ResumeTime()
    {
        if (_phase != Phase.Open) return;
        _lastReceived = _loop.Now;
        ArmBy(MessageDeadline);
        ArmForSilence();
    }

    private void ArmForSilence() =>
        ArmBy(_context.Heartbeat > 0 ? _lastReceived + _context.Heartbeat : _lastPing + _context.PingInterval);

    // The entry comes due by then at the latest; earlier is no harm.
    private void ArmBy(long due)
    {
        if (due != long.MaxValue && !TimerWheel.IsArmedBy(this, due)) _loop.Wheel.Arm(this, due);
    }

    private static int Encode(string reason, Span<byte> destination) => Encoding.UTF8.GetBytes(reason, destination);
}
