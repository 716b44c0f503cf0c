// What a connection keeps of the bytes that come: an assembler, while a message or a request head is unfinished; and when reading goes on.
// IncomingEvents says what the bytes mean.

using System.Buffers;
using System.IO.Pipelines;
using RawWs.Frame;
using RawWs.Handshake;
using RawWs.Server.Channels;

namespace RawWs.Server.Connections;

/// <summary>A part of a connection: its assembler, while it needs one. On the owner's thread.</summary>
internal struct Incoming
{
    private MessageAssembler? _assembler; // null between messages

    /// <summary>The deadline of the unfinished message.</summary>
    public readonly long MessageDeadline => _assembler?.MessageDeadline ?? long.MaxValue;

    /// <summary>When the delivery is checked that the connection waits for.</summary>
    public readonly long NextCheck => _assembler?.NextCheck ?? long.MaxValue;

    /// <summary>How far a request head that comes in pieces has been checked.</summary>
    public readonly RequestProgress Head => _assembler?.Head ?? default;

    /// <summary>The assembler of a connection that waits for a delivery; null if it waits for none.</summary>
    public readonly MessageAssembler? WaitingForDelivery => _assembler is { PendingDelivery: not null } ? _assembler : null;

    /// <summary>The connection's assembler; a rented one if it has none.</summary>
    public MessageAssembler GetAssembler(WebSocketConnection connection) => _assembler ??= Rent(connection);

    /// <summary>Between two messages the connection needs no assembler.</summary>
    public void ReturnIdleAssembler(WebSocketConnection connection)
    {
        if (_assembler is not { IsAtRest: true } assembler) return;
        _assembler = null;
        if (assembler.Protocol.Continuations is > 0 and long continuations) connection.Counts.CountContinuationsIn(continuations);
        connection.Loop.Assemblers.Return(assembler);
    }

    /// <summary>The frames received, with those of a message that goes on.</summary>
    public readonly OpcodeCounts CountFrames(WebSocketConnection connection)
    {
        OpcodeCounts ended = connection.Counts.FramesIn;
        if (_assembler?.Protocol is not { } protocol) return ended;
        return ended with
        {
            Text = ended.Text + (protocol.OpenMessage == MessageKind.Text ? 1 : 0),
            Binary = ended.Binary + (protocol.OpenMessage == MessageKind.Binary ? 1 : 0),
            Continuation = ended.Continuation + protocol.Continuations,
        };
    }

    /// <summary>
    /// A head that comes in pieces has an assembler, like an unfinished message: it remembers how far the head has been checked.
    /// </summary>
    public void RememberHead(WebSocketConnection connection, RequestProgress progress)
    {
        bool isUnderWay = progress.HasBegun;
        if (!isUnderWay && _assembler is null) return;
        GetAssembler(connection).Head = progress;
        if (!isUnderWay) ReturnIdleAssembler(connection);
    }

    /// <summary>The deadline of the unfinished message, if there is one, begins again.</summary>
    public readonly void RestartMessage(long deadline)
    {
        if (MessageDeadline != long.MaxValue) _assembler!.MessageDeadline = deadline;
    }

    /// <summary>
    /// Reading was paused for so long, because the peer has sent more than it may. The unfinished message's deadline moves by that: by the
    /// first pause whole, which may be for what came before the message, and then for no longer than its own bytes take at this rate. What
    /// comes between its fragments gives it no time.
    /// </summary>
    public readonly void OnDelayed(long milliseconds, RateLimit? bytes)
    {
        if (MessageDeadline == long.MaxValue) return;
        MessageAssembler assembler = _assembler!;
        if (assembler.Delay is { } before)
        {
            long own = bytes is { } rate ? assembler.Message.Length * 1000L / rate.PerSecond : long.MaxValue;
            milliseconds = Math.Clamp(own - before, 0, milliseconds);
        }

        assembler.Delay = assembler.Delay is null ? 0 : assembler.Delay + milliseconds;
        assembler.MessageDeadline += milliseconds;
    }

    /// <summary>The handler of an assembled message is done with it.</summary>
    public readonly void ReleaseMessage(WebSocketConnection connection) => _assembler?.Release(connection.Loop.Budget);

    /// <summary>A Close has been sent: of what comes now, only the peer's Close counts.</summary>
    public void OnCloseSent(WebSocketConnection connection) => GetAssembler(connection).Protocol.OnCloseSent();

    /// <summary>A large payload that goes on is received where its message is assembled.</summary>
    public readonly bool TryGetRoom(WebSocketConnection connection, out ArraySegment<byte> room)
    {
        room = default;
        return connection.Life.IsOpen && _assembler is not null && _assembler.TryGetReceiveRoom(connection.Loop.Budget, out room);
    }

    /// <summary>Handles everything that a read brought. If reading is paused on the way, the rest stays for the next read.</summary>
    public void HandleFrames(WebSocketConnection connection, in ReadResult read)
    {
        ReadOnlySequence<byte> buffer = read.Buffer;
        bool all = true;
        if (!buffer.IsEmpty)
        {
            connection.Deadlines.OnReceived(connection, buffer);
            connection.Limits?.TakeBytes(connection);
            MessageAssembler assembler = GetAssembler(connection);
            Outgoing.BeginCork(connection);
            connection.Loop.Share.Begin();
            try
            {
                all = IncomingEvents.Handle(connection, buffer, assembler);
            }
            finally
            {
                connection.Loop.Cork.End();
            }

            if (all) connection.Transport.IsBusy = false;
            connection.Deadlines.FollowMessage(connection, assembler);
            connection.Life.OnFrame(assembler.Protocol.LastOpcode);
            ReturnIdleAssembler(connection);
        }

        if (!read.IsCompleted || !all || connection.Handling.IsPending) return;
        if (connection.Life.ParsesFrames) connection.Life.OnStreamEnd(connection);
    }

    /// <summary>
    /// This server closes, and the peer's Close may come after bytes that were not read for one of these reasons; or what comes is only
    /// discarded. (The reason Handler goes when the handler is done, and the reason Turn goes with the turn.)
    /// </summary>
    public static void ResumeForClosing(WebSocketConnection connection)
    {
        connection.Transport.ResumeReading(ReadPauseReasons.SendQueue);
        DeliveryPause.End(connection);
        connection.Limits?.Resume(connection);
    }

    /// <summary>Everything that was queued is sent. If that was waited for, reading goes on.</summary>
    public static void OnFlushed(WebSocketConnection connection)
    {
        if ((connection.Transport.PausedBy & ReadPauseReasons.SendQueue) == 0) return;
        connection.Deadlines.RestartSilence(connection);
        connection.Transport.ResumeReading(ReadPauseReasons.SendQueue);
    }

    /// <summary>The connection was postponed, and its turn has come again.</summary>
    public static void Continue(WebSocketConnection connection)
    {
        if (connection.Life.HasEnded) return;
        connection.Deadlines.ResumeTime(connection);
        connection.Transport.ResumeReading(ReadPauseReasons.Turn);
    }

    /// <summary>The connection has ended.</summary>
    public void End(WebSocketConnection connection)
    {
        _assembler?.PendingDelivery?.Forget(connection);
        _assembler?.Release(connection.Loop.Budget);
        _assembler = null;
    }

    private static MessageAssembler Rent(WebSocketConnection connection)
    {
        MessageAssembler assembler = connection.Loop.Assemblers.TryRent() ?? new MessageAssembler(connection.Context.ProtocolLimits);
        assembler.Protocol.Reset(connection.Extension?.Bits ?? ReservedBits.None);
        return assembler;
    }
}
