// Deadlines. Activity only stores the loop's cached clock. The connection has one timer entry, armed for its earliest deadline. When it is
// due, it checks what has happened since, and arms itself again for the time that is left. While this server does not read from the peer,
// the peer's silence does not count: the heartbeat begins again when reading is resumed. The deadline of an unfinished message does so
// after a handler or a full send queue (RestartSilence), and moves by what its own bytes need where the peer sends more than it may
// (ResumeAfterDelay); a peer whose bytes wait for their turn, or for what it has sent to others, does not move it (ResumeTime). And nothing
// is held against a peer before everything that the kernel holds from it has been read. (EventLoop.Now says what happens in a turn that
// comes late.)
// Four deadlines are kept elsewhere, because a connection that needs none of them has no memory for them: those of the unfinished message
// and of the delivery that it waits for (MessageAssembler), that of bytes that the kernel does not send (SendQueue), and the moment until
// which its rate delays it (ConnectionLimits).

using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using RawWs.Frame;
using RawWs.Server.Channels;
using RawWs.Server.Log;
using RawWs.Server.Sending;
using RawWs.Server.Time;

namespace RawWs.Server.Connections;

/// <summary>A part of a connection. On the owner's thread.</summary>
internal struct Deadlines
{
    private const int UnansweredPingsMax = 2;
    private const long ProbeMilliseconds = 5_000;

    private TimerLink _timer;
    private long _deadline = long.MaxValue; // of the handshake; while open, of a probe; then of the closing
    private long _lastReceived;
    private long _lastPing;
    private uint _acknowledged; // when the last Ping was sent, or this was last looked at
    private byte _unansweredPings; // with a heartbeat: 1 while a probe's Ping is unanswered

    public Deadlines()
    {
    }

    /// <summary>The place of the connection's timer entry in the wheel.</summary>
    [UnscopedRef]
    public ref TimerLink Link => ref _timer;

    /// <summary>The connection begins: its request has a deadline.</summary>
    public void Begin(WebSocketConnection connection)
    {
        long now = connection.Loop.Now;
        _lastReceived = now;
        _deadline = now + connection.Context.HandshakeTimeout;
        Arm(connection, _deadline);
    }

    /// <summary>The time that is left for the request and its answer.</summary>
    public readonly TimeSpan LeftForAnswer(WebSocketConnection connection) =>
        TimeSpan.FromMilliseconds(Math.Max(1, _deadline - connection.Loop.Now));

    /// <summary>How long nothing has come from the peer.</summary>
    public readonly TimeSpan Silence(WebSocketConnection connection) => TimeSpan.FromMilliseconds(connection.Loop.Now - _lastReceived);

    /// <summary>The upgrade is through.</summary>
    public void Open(WebSocketConnection connection)
    {
        _lastReceived = _lastPing = connection.Loop.Now;
        _deadline = long.MaxValue;
        ArmForSilence(connection);
    }

    /// <summary>The application has taken the connection over, for so long at most.</summary>
    public void BeginRaw(WebSocketConnection connection, TimeSpan most)
    {
        _deadline = connection.Loop.Now + (long)Math.Ceiling(most.TotalMilliseconds);
        Arm(connection, _deadline);
    }

    /// <summary>A Close has been sent, or nothing is parsed any more: the closing has a deadline from now on.</summary>
    public void BeginClosing(WebSocketConnection connection)
    {
        _deadline = connection.Loop.Now + connection.Context.CloseTimeout;
        Arm(connection, _deadline);
    }

    /// <summary>The connection has ended.</summary>
    public static void End(WebSocketConnection connection) => connection.Loop.Wheel.Disarm(connection);

    /// <summary>The timer is due.</summary>
    public void OnDue(WebSocketConnection connection, long now)
    {
        if (connection.Loop.WatchesConnections) connection.Loop.Watch.TimerCame(connection, WhichIs(connection, now, long.MinValue));
        connection.Limits?.OnDue(connection, now);
        if (connection.Life.HasEnded) return;
        if (connection.Life.IsOpen)
        {
            OnDueWhileOpen(connection, now);
            return;
        }

        // It may bring the request, the peer's Close, or the end of its stream.
        if (now >= _deadline) connection.Transport.ReceiveWhatIsThere();
        if (connection.Life.HasEnded) return;
        if (now < _deadline) Arm(connection, _deadline);
        else if (!connection.Life.IsHandshake || connection.Raw is not null) connection.Life.Expire(connection);
        else if (connection.Transport.Opening == OpeningLayer.None) connection.Transport.CancelPendingRead(); // answered with 408
        else connection.Life.Abort(connection, Endings.TimeoutOf(connection.Transport.Opening));
    }

    // tour: touch
    /// <summary>Bytes have come from the peer.</summary>
    public void OnReceived(WebSocketConnection connection, in ReadOnlySequence<byte> buffer)
    {
        if (_deadline == long.MaxValue || !IsAnswerToProbe(connection, buffer)) _lastReceived = connection.Loop.Now;
    }
    // tour: end

    /// <summary>
    /// Asks whether the peer lives, because another connection wants to know. While one probe runs no second one begins: many questions
    /// cause one Ping.
    /// </summary>
    public void Probe(WebSocketConnection connection)
    {
        if (!connection.Life.IsOpen || _deadline != long.MaxValue) return;
        long now = connection.Loop.Now;
        _deadline = now + ProbeMilliseconds;
        Arm(connection, _deadline);
        // What came before the probe is no answer, even if it came in the same millisecond.
        _lastReceived = Math.Min(_lastReceived, now - 1);
        if (connection.Context.Heartbeat > 0) _unansweredPings = 1;
        SendPing(connection);
    }

    /// <summary>
    /// Bytes have been handled. A message's time counts from its first byte, which may belong to a header that is not whole yet.
    /// </summary>
    public void FollowMessage(WebSocketConnection connection, MessageAssembler assembler)
    {
        if (!connection.Life.IsOpen || !assembler.Protocol.InMessage)
        {
            assembler.MessageDeadline = long.MaxValue;
            return;
        }

        if (assembler.MessageDeadline != long.MaxValue) return;
        assembler.MessageDeadline = connection.Loop.Now + connection.Context.MessageTimeout;
        assembler.Delay = null;
        Arm(connection, assembler.MessageDeadline);
    }

    /// <summary>Reading from the peer has been resumed: from now on its silence counts.</summary>
    public void RestartSilence(WebSocketConnection connection)
    {
        if (!connection.Life.IsOpen) return;
        connection.Incoming.RestartMessage(connection.Loop.Now + connection.Context.MessageTimeout);
        ResumeTime(connection);
    }

    /// <summary>
    /// Reading was paused for a moment. The same, except for the message's deadline: a peer that sends too fast would move it for ever.
    /// </summary>
    public void ResumeTime(WebSocketConnection connection)
    {
        if (!connection.Life.IsOpen) return;
        _lastReceived = connection.Loop.Now;
        Arm(connection, connection.Incoming.MessageDeadline);
        ArmForSilence(connection);
    }

    /// <summary>
    /// Reading was paused for so long, because the peer has sent more than it may. That was no silence, but of the unfinished message's
    /// time only so much is given back as its own bytes need (<see cref="Incoming.OnDelayed"/>).
    /// </summary>
    public void ResumeAfterDelay(WebSocketConnection connection, long milliseconds, RateLimit? bytes)
    {
        if (!connection.Life.IsOpen) return;
        connection.Incoming.OnDelayed(milliseconds, bytes);
        ResumeTime(connection);
        // What comes next may pause it again before anybody looks.
        if (connection.Loop.Now >= connection.Incoming.MessageDeadline) connection.Life.Close(connection, Endings.MessageTimeout);
    }

    /// <summary>The timer must be due by then. That it is due earlier does no harm.</summary>
    public readonly void Arm(WebSocketConnection connection, long due)
    {
        if (due == long.MaxValue || _timer.IsArmedBy(due)) return;
        connection.Loop.Wheel.Arm(connection, due);
        if (!connection.Loop.WatchesConnections) return;
        connection.Loop.Watch.TimerArmed(
            connection, WhichIs(connection, due, due), TimeSpan.FromMilliseconds(due - connection.Loop.Now), _timer.DueTick);
    }

    /// <summary>What the timer is armed for, in how much time, and for which tick; null while it is not armed.</summary>
    public readonly (ConnectionDeadline Deadline, TimeSpan Due, long Tick)? FindArmed(WebSocketConnection connection)
    {
        if (!_timer.IsArmed) return null;
        long due = _timer.DueTick * TimerWheel.TickMilliseconds;
        return (WhichIs(connection, due, long.MinValue), TimeSpan.FromMilliseconds(due - connection.Loop.Now), _timer.DueTick);
    }

    private void OnDueWhileOpen(WebSocketConnection connection, long now)
    {
        Transport transport = connection.Transport;
        // What the kernel holds may be a sign of life, the rest of a message, or a Close.
        if (IsSomethingDue(connection, now)) transport.ReceiveWhatIsThere();
        if (now >= connection.Queue.SendDeadline && transport.IsWritable) connection.Outgoing.OnWritable(connection);
        if (!connection.Life.IsOpen) return;
        if (now >= connection.Queue.SendDeadline && !connection.Queue.IsAcknowledging(connection))
        {
            // A part of a frame may have been sent, so no Close can follow it.
            connection.Life.Abort(connection, Endings.StalledSend);
            return;
        }

        if (now >= connection.Incoming.NextCheck) DeliveryPause.Check(connection);
        if (!connection.Life.IsOpen) return;
        bool reading = transport.PausedBy == ReadPauseReasons.None;
        // A peer that always sends more than its share is postponed whenever this is checked.
        bool isPostponed = transport.PausedBy == ReadPauseReasons.Turn;
        if ((reading || isPostponed) && now >= connection.Incoming.MessageDeadline)
        {
            connection.Life.Close(connection, Endings.MessageTimeout);
            return;
        }

        bool hasHeartbeat = connection.Context.Heartbeat > 0;
        bool closed = CheckProbe(connection, now, reading)
            || (hasHeartbeat ? reading && CheckHeartbeat(connection, now) : CheckPings(connection, now, reading));
        if (closed) return;
        Arm(connection, _deadline);
        Arm(connection, connection.Queue.SendDeadline);
        Arm(connection, connection.Incoming.NextCheck);
        if (reading) Arm(connection, connection.Incoming.MessageDeadline);
        if (reading || !hasHeartbeat) ArmForSilence(connection);
    }

    private readonly bool IsSomethingDue(WebSocketConnection connection, long now) =>
        now >= connection.Incoming.MessageDeadline || now >= _deadline || now >= SilenceDeadline(connection);

    private readonly long SilenceDeadline(WebSocketConnection connection) => connection.Context.Heartbeat > 0
        ? _lastReceived + connection.Context.Heartbeat
        : _lastPing + connection.Context.PingInterval;

    private readonly bool CheckHeartbeat(WebSocketConnection connection, long now)
    {
        // tour: check-heartbeat
        if (now < _lastReceived + connection.Context.Heartbeat) return false;
        try
        {
            connection.Application.OnHeartbeatMissed(connection);
        }
        catch (Exception exception)
        {
            connection.Context.Log.HandlerThrew(exception, connection.Id);
        }

        connection.Life.Close(connection, Endings.Heartbeat);
        return true;
        // tour: end
    }

    private bool CheckPings(WebSocketConnection connection, long now, bool reading)
    {
        if (now < _lastPing + connection.Context.PingInterval) return false;
        _unansweredPings = (byte)(reading && _lastReceived < _lastPing && !IsTakingBytes(connection) ? _unansweredPings + 1 : 0);
        _lastPing = now;
        if (connection.Context.PingText is { } text)
        {
            // Instead of a Ping a text is sent, to which no answer is expected. TCP_USER_TIMEOUT finds a peer that is gone.
            connection.Outgoing.TrySend(connection, MessageKind.Text, text);
            return false;
        }

        if (_unansweredPings >= UnansweredPingsMax)
        {
            connection.Life.Close(connection, Endings.PongTimeout);
            return true;
        }

        SendPing(connection);
        return false;
    }

    private bool CheckProbe(WebSocketConnection connection, long now, bool reading)
    {
        if (now < _deadline) return false;
        bool heard = _lastReceived >= _deadline - ProbeMilliseconds || (connection.Context.Heartbeat > 0 && _unansweredPings == 0);
        _deadline = long.MaxValue;
        if (heard || !reading || IsTakingBytes(connection)) return false;
        connection.Life.Close(connection, Endings.PongTimeout);
        return true;
    }

    // A Ping waits behind what was sent before it. While that goes on its way to the peer, the peer lives, and cannot answer yet.
    private bool IsTakingBytes(WebSocketConnection connection) => Outgoing.HasAcknowledged(connection, ref _acknowledged);

    // With a heartbeat, a Pong does not show that the peer is active: the browser of a frozen page still answers Pings. So a single Pong
    // during a probe answers the probe, and does not count as life for the heartbeat.
    private bool IsAnswerToProbe(WebSocketConnection connection, in ReadOnlySequence<byte> buffer)
    {
        if (!connection.Life.IsOpen || connection.Context.Heartbeat == 0) return false;
        if (buffer.Length != FrameWriter.HeaderLength(0, masked: true)) return false;
        if (buffer.FirstSpan is not [0x80 | (byte)Opcode.Pong, 0x80, ..]) return false;
        _unansweredPings = 0;
        return true;
    }

    private readonly void ArmForSilence(WebSocketConnection connection) => Arm(connection, SilenceDeadline(connection));

    private void SendPing(WebSocketConnection connection)
    {
        _ = IsTakingBytes(connection); // from now on
        Span<byte> frame = stackalloc byte[FrameWriter.HeaderBytesMax];
        int length = FrameWriter.Write(frame, Opcode.Ping, []);
        connection.Outgoing.SendControl(connection, frame[..length], SendQueue.EntryKind.Ping);
    }

    // Which deadline it is that the timer is armed for (`due` is its time), or came for: the first one that has passed.
    private readonly ConnectionDeadline WhichIs(WebSocketConnection connection, long time, long due)
    {
        if (connection.Life.IsHandshake) return ConnectionDeadline.Handshake;
        if (!connection.Life.IsOpen) return ConnectionDeadline.Close;
        if (Is(connection.Queue.SendDeadline)) return ConnectionDeadline.Send;
        if (Is(connection.Incoming.MessageDeadline)) return ConnectionDeadline.Message;
        if (Is(_deadline)) return ConnectionDeadline.Probe;
        if (Is(connection.Limits?.Due ?? long.MaxValue)) return ConnectionDeadline.Rate;
        return Is(connection.Incoming.NextCheck) ? ConnectionDeadline.Delivery : ConnectionDeadline.Silence;

        bool Is(long deadline) => due == long.MinValue ? deadline <= time : deadline == due;
    }
}
