// From the outbox to the kernel: as much as it takes now, without blocking, at the end of the turn that caused it. What it does not
// take waits for writability; meanwhile the peer is not read from (its gate closes at 64 KiB) and has a deadline.

using RawWs.Server.Transports;

namespace RawWs.Server;

public sealed partial class WebSocketConnection
{
    private bool _stalled; // the kernel took less than it was given
    private bool _shutdown; // SHUT_WR is done
    private long _bytesOut;

    private bool HasRoom => !_outbox.Accepting || _outbox.QueuedBytes <= _context.Options.SendBufferBytesMax / 2;

    /// <summary>Sends what is queued. On the owner's thread.</summary>
    internal void Flush()
    {
        if (_stalled || _phase == Phase.Ended) return;
        while (_outbox.TryPeek(out ReadOnlySpan<byte> run, out bool more))
        {
            int taken = _transport.TryWrite(run, more);
            if (taken < 0)
            {
                _transport.Break(this);
                return;
            }

            _bytesOut += taken;
            bool empty = _outbox.Taken(taken);
            if (taken < run.Length)
            {
                Stall();
                return;
            }

            if (empty) break;
        }

        OnFlushed();
    }

    void ITransportOwner.OnWritable()
    {
        _stalled = false;
        Flush();
    }

    void ITransportOwner.OnBroken()
    {
        _stalled = false;
        _outbox.Accepting = false;
        if (_phase is Phase.Open or Phase.Closing) SetVerdict(EndCause.PeerVanished, null, "");
        _drained?.TrySetResult();
    }

    private void Stall()
    {
        _stalled = true;
        // An ending has its own deadline, which slow progress does not move.
        if (_phase > Phase.Open) return;
        _sendDeadline = _loop.Now + _context.SendTimeout;
        ArmBy(_sendDeadline);
        GrantRoom();
    }

    private void OnFlushed()
    {
        _sendDeadline = long.MaxValue;
        GrantRoom();
        if (_phase == Phase.Ending) ShutdownOnce();
        if ((_transport.Gate & GateReasons.Outbox) == 0) return;
        RestartSilence();
        _transport.OpenGate(GateReasons.Outbox);
    }

    private void GrantRoom()
    {
        if (_writable is not null && HasRoom) Interlocked.Exchange(ref _writable, null)?.TrySetResult();
    }

    private void OpenGates()
    {
        _transport.OpenGate(GateReasons.Outbox);
        // The handler's bit is the handler's: it goes when the handler is done.
    }
}
