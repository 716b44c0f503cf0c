// Sends what is due and takes what comes. A wake-up of a connection costs a receive, a send and one look at the clock, however many
// messages are in it.

using RawWs.Frame;
using RawWs.Server.Native;

namespace RawWs.Benchmarks.Load;

internal sealed partial class LoadRun
{
    private readonly byte[] _receiving; // what is left of the last time goes before TailBytesMax, what comes behind it
    private readonly byte[] _sending = new byte[256 * 1024];
    private readonly List<LoadConnection> _listed = [];
    private readonly int[] _missing; // broadcast in the closed loop, by message: how many have not got it yet

    private readonly int _ringMask;

    private long _budget; // how many messages may still become due
    private long _issued; // how many have to come back, all receivers counted
    private long _returned;
    private int _awaitedPongs;
    private bool _isBroken; // there is no use in going on
    private long _start;
    private long _scheduled; // messages of the schedule that are due already

    private long Outstanding => _issued - _returned;

    private int Senders => _broadcasts ? 1 : _connections.Length;

    private void BeginClosedLoop()
    {
        for (int i = 0; i < Senders; i++)
        {
            Issue(_connections[i], _options.Pipeline, _start);
            Flush(_connections[i]);
        }
    }

    // With a broadcast the next message goes when one is with everybody: all that became free in this turn leave together.
    private void ClosedLoopTurn()
    {
        Turn(TurnMilliseconds);
        FlushListed();
    }

    private void OpenLoopTurn(long now, long until)
    {
        IssueDue(now);
        FlushListed();
        CheckTime();
        int count = Wait(0);
        if (count == 0)
        {
            long left = Math.Min(until, _budget > 0 ? ScheduledAt(_scheduled) : until) - Now;
            if (left > 0) ClientCalls.WaitReadable(_epoll, left);
        }

        Dispatch(count > 0 ? count : Wait(0));
    }

    /// <summary>When the schedule's message of this number is due. The senders take turns.</summary>
    private long ScheduledAt(long number) => _start + (long)(number * (Second / _options.Rate));

    private void IssueDue(long now)
    {
        for (; _budget > 0 && ScheduledAt(_scheduled) <= now; _scheduled++)
        {
            LoadConnection connection = _connections[_scheduled % Senders];
            if (connection.State != ConnectionState.Open) continue;
            Issue(connection, 1, now);
            List(connection);
        }
    }

    private void Issue(LoadConnection connection, long count, long now)
    {
        count = Math.Min(count, _budget);
        if (count == 0) return;
        _budget -= count;
        _issued += count * (_broadcasts ? _connections.Length - 1 : 1);
        for (int i = 0; i < count; i++, connection.Due++)
        {
            if (_isOpenLoop) continue;
            int place = (int)(connection.Due & _ringMask);
            connection.DueAt[place] = now;
            if (_broadcasts) _missing[place] = _connections.Length - 1;
        }
    }

    /// <summary>It has something to send at the end of this turn.</summary>
    private void List(LoadConnection connection)
    {
        if (connection.IsListed) return;
        connection.IsListed = true;
        _listed.Add(connection);
    }

    private void FlushListed()
    {
        foreach (LoadConnection connection in _listed)
        {
            connection.IsListed = false;
            if (!connection.WaitsToSend && connection.State == ConnectionState.Open) Flush(connection);
        }

        _listed.Clear();
    }

    /// <summary>Sends until nothing is due or the kernel takes no more. False: the connection is lost.</summary>
    private bool Flush(LoadConnection connection)
    {
        while (connection.HasToSend)
        {
            bool isExtra = connection.Extra is not null && connection.SentBytesOfFrame == 0;
            ReadOnlySpan<byte> bytes = isExtra ? connection.Extra : _sending.AsSpan(0, _traffic.Write(connection, RoomFor(connection)));
            nint sent = Linux.Send(connection.Descriptor, bytes, more: false);
            if (sent < 0)
            {
                int error = Linux.LastError;
                if (error == Linux.Eintr) continue;
                if (error != Linux.Eagain) return Lose(connection, $"send: {ClientCalls.Describe(error)}.");
                Watch(connection, waitsToSend: true);
                return true;
            }

            if (isExtra) connection.AdvanceExtra((int)sent);
            else connection.Advance((int)sent);
            if (sent == bytes.Length) continue;
            Watch(connection, waitsToSend: true);
            return true;
        }

        Watch(connection, waitsToSend: false);
        return true;
    }

    // A control frame waits for the end of the frame that is begun, and for no other.
    private Span<byte> RoomFor(LoadConnection connection) => connection.Extra is null
        ? _sending
        : _sending.AsSpan(0, Math.Min(_sending.Length, connection.FrameBytes - connection.SentBytesOfFrame));

    private void Watch(LoadConnection connection, bool waitsToSend)
    {
        if (connection.WaitsToSend == waitsToSend) return;
        connection.WaitsToSend = waitsToSend;
        Linux.EpollControl(_epoll, Linux.EpollCtlMod, connection.Descriptor, Linux.EpollIn | (waitsToSend ? Linux.EpollOut : 0u),
            (ulong)connection.Index);
    }

    private void Receive(LoadConnection connection)
    {
        nint received = Linux.Receive(connection.Descriptor, _receiving.AsSpan(TailBytesMax));
        if (received <= 0)
        {
            int error = received < 0 ? Linux.LastError : 0;
            if (error is not (Linux.Eagain or Linux.Eintr))
                Lose(connection, error == 0 ? "the server has ended the connection." : $"receive: {ClientCalls.Describe(error)}.");
            return;
        }

        long now = Now;
        int tail = connection.Tail?.Length ?? 0;
        connection.Tail?.CopyTo(_receiving, TailBytesMax - tail);
        connection.Tail = null;
        ReadOnlySpan<byte> bytes = _receiving.AsSpan(TailBytesMax - tail, tail + (int)received);
        if (connection.State == ConnectionState.Requested && !TakeAnswer(connection, ref bytes)) return;
        long before = connection.Received;
        if (!Take(connection, bytes, now)) return;
        if (!_isSending || _isOpenLoop || _broadcasts || connection.Received == before) return;
        Issue(connection, connection.Received - before, now);
        if (!connection.WaitsToSend) Flush(connection);
    }

    /// <summary>Takes frames. False: something was wrong, and the connection is lost.</summary>
    private bool Take(LoadConnection connection, ReadOnlySpan<byte> bytes, long now)
    {
        bool counts = _hasStarted && !(_broadcasts && connection.Index == 0);
        while (!bytes.IsEmpty)
        {
            if (connection.FrameBytesLeft == 0)
            {
                ReadStatus status = FrameReader.TryRead(bytes, out FrameHeader header);
                bool isWhole = status == ReadStatus.Done
                    && (!header.IsControl || (ulong)(bytes.Length - header.HeaderLength) >= header.PayloadLength);
                if (status == ReadStatus.Violation || (status == ReadStatus.Done && !IsAllowed(connection, header)))
                    return Lose(connection, $"a frame that is not allowed: {header}.");
                if (!isWhole)
                {
                    connection.Tail = bytes.ToArray();
                    return true;
                }

                bytes = bytes[header.HeaderLength..];
                if (header.IsControl)
                {
                    if (!OnControl(connection, header.Opcode, bytes[..(int)header.PayloadLength])) return false;
                    bytes = bytes[(int)header.PayloadLength..];
                    continue;
                }

                if (header.Opcode != Opcode.Continuation) (connection.MessageOpcode, connection.MessageBytes) = (header.Opcode, 0);
                (connection.FrameBytesLeft, connection.FrameIsLast) = (header.PayloadLength, header.Fin);
            }

            ReadOnlySpan<byte> piece = bytes[..(int)Math.Min(connection.FrameBytesLeft, (ulong)bytes.Length)];
            bytes = bytes[piece.Length..];
            connection.FrameBytesLeft -= (ulong)piece.Length;
            if (counts && !_traffic.IsRight(connection, piece)) return Lose(connection, "a message is not the one that was sent.");
            connection.MessageBytes += piece.Length;
            if (connection.FrameBytesLeft > 0 || !connection.FrameIsLast) continue;
            if (counts && !OnMessage(connection, now)) return false;
            connection.MessageOpcode = Opcode.Continuation;
        }

        return true;
    }

    private static bool IsAllowed(LoadConnection connection, in FrameHeader header)
    {
        // §5.1: a server's frames are not masked. §5.2: no extension was negotiated. §5.4: a message begins once and goes on until it ends.
        if (header.Masked || header.Reserved != 0 || header.OpcodeIsReserved) return false;
        if (header.IsControl) return header.Fin && header.PayloadLength <= FrameWriter.ControlPayloadBytesMax;
        return header.Opcode == Opcode.Continuation == (connection.MessageOpcode != Opcode.Continuation);
    }

    private bool OnMessage(LoadConnection connection, long now)
    {
        if (connection.MessageBytes != connection.ExpectedBytes)
            return Lose(connection, $"a message of {connection.MessageBytes} bytes and not of {connection.ExpectedBytes}.");
        if (connection.MessageOpcode != _traffic.Opcode) return Lose(connection, $"a message of opcode {connection.MessageOpcode}.");
        LoadConnection source = connection.Source;
        long number = connection.Received++;
        if (number >= source.Due) return Lose(connection, "a message that nobody has sent.");
        _returned++;
        _progress = now;
        if (_isOpenLoop)
        {
            _meter.OnMessage(now, ScheduledAt((number * Senders) + (_broadcasts ? 0 : source.Index)));
            return true;
        }

        int place = (int)(number & _ringMask);
        _meter.OnMessage(now, source.DueAt[place]);
        if (!_broadcasts || --_missing[place] > 0 || !_isSending) return true;
        Issue(source, 1, now);
        List(source);
        return true;
    }

    private bool OnControl(LoadConnection connection, Opcode opcode, ReadOnlySpan<byte> payload)
    {
        switch (opcode)
        {
            case Opcode.Ping:
                connection.AddExtra(Opcode.Pong, payload);
                return connection.WaitsToSend || Flush(connection);
            case Opcode.Close:
                return Lose(connection, $"the server says Close{(payload.Length < 2 ? "" : $" {(payload[0] << 8) | payload[1]}")}.");
            case Opcode.Pong when connection.AwaitsPong:
                connection.AwaitsPong = false;
                _awaitedPongs--;
                _progress = Now;
                return true;
            default:
                return true;
        }
    }

    /// <summary>An error, and the end of a connection. Always false.</summary>
    private bool Lose(LoadConnection connection, string cause)
    {
        if (connection.State != ConnectionState.Open)
            throw new LoadFailure($"{_options.EndPoint}, before the answer to the handshake: {cause}");
        _meter.OnError($"connection {connection.Index}: {cause}");
        LoadConnection source = connection.Source;
        if (_broadcasts) _isBroken = true;
        else if (_hasStarted) _returned += source.Due - Math.Min(connection.Received, source.Due);
        Drop(connection);

        // Its partner would wait for ever, and what was on the way to it is lost too.
        if (source == connection || _broadcasts || source.State != ConnectionState.Open) return false;
        _returned += connection.Due - Math.Min(source.Received, connection.Due);
        Drop(source);
        return false;
    }

    private void Drop(LoadConnection connection)
    {
        if (connection.AwaitsPong) _awaitedPongs--;
        CloseDescriptor(connection, reset: true);
        _alive--;
    }
}
