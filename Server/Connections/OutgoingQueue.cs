// What waits to be sent to the peer: the send queue while there is one, and the broadcasts of the loop that the connection does not have
// yet (BroadcastPosition). Any thread appends here, under the connection's lock; the transport is the lock, so that no other object is
// needed for that. Outgoing takes from here and gives it to the transport.

using System.Runtime.CompilerServices;
using RawWs.Frame;
using RawWs.Server.Extensions;
using RawWs.Server.Native;
using RawWs.Server.Sending;

namespace RawWs.Server.Connections;

/// <summary>A part of a connection: what waits for its peer. Any thread, unless a member says otherwise.</summary>
internal struct OutgoingQueue
{
    private SendQueue? _queue; // null while nothing is queued; under the lock
    private BroadcastPosition _broadcasts = new();

    public OutgoingQueue()
    {
    }

    /// <summary>What the bytes are that shall be queued.</summary>
    public enum Form : byte
    {
        /// <summary>A payload.</summary>
        Plain,

        /// <summary>A payload, to be encoded in the order in which messages leave.</summary>
        InOrder,

        /// <summary>A whole frame.</summary>
        Frame,
    }

    /// <summary>Whether messages are accepted.</summary>
    public readonly bool IsAccepting => _broadcasts.IsThere;

    /// <summary>Whether something may be queued: there is a send queue.</summary>
    public readonly bool IsThere
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Volatile.Read(in _queue) is not null;
    }

    /// <summary>By when the kernel must send something. Owner only.</summary>
    public readonly long SendDeadline => _queue?.SendDeadline ?? long.MaxValue;

    /// <summary>Whether a part of a frame has been sent. Then only the rest of the frame may follow, or a reset. Owner only.</summary>
    public readonly bool IsInsideFrame => _queue?.InsideFrame ?? false;

    /// <summary>Whether a message that is sent now would overtake nothing, and messages are accepted. Owner only.</summary>
    /// <param name="broadcasts">The end of the loop's log.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly bool LetsMessagePass(long broadcasts) =>
        // Read before asking whether something is queued: what another thread queues meanwhile is then in the send queue.
        _broadcasts.IsAt(broadcasts) && !IsThere;

    /// <summary>Whether a control frame that is sent now would overtake nothing. Owner only.</summary>
    /// <param name="broadcasts">The end of the loop's log.</param>
    public readonly bool LetsControlPass(long broadcasts) => _broadcasts.LacksNone(broadcasts) && !IsThere;

    /// <summary>How many bytes are queued.</summary>
    public readonly long QueuedBytes(WebSocketConnection connection)
    {
        lock (connection.Transport) return _queue?.QueuedBytes ?? 0;
    }

    /// <summary>What has become of the messages that were accepted, at one moment.</summary>
    public readonly SentMessages Count(WebSocketConnection connection)
    {
        lock (connection.Transport)
            return new SentMessages(connection.Counts.MessagesOut, connection.Life.MessagesDropped, _queue?.QueuedMessages ?? 0);
    }

    /// <summary>Whether no further message is accepted, because its bound is reached.</summary>
    public readonly bool IsFull(WebSocketConnection connection)
    {
        lock (connection.Transport) return IsAccepting && _queue is { IsFull: true };
    }

    /// <summary>Whether it is full, and the kernel has sent nothing since this time in the loop's milliseconds. Owner only.</summary>
    public readonly bool IsFullSince(long time) => _queue is { IsFull: true } queue && time >= queue.LastSent;

    /// <summary>Whether messages are accepted, and those to everybody are among them.</summary>
    public readonly bool GetsBroadcasts => _broadcasts.GetsBroadcasts;

    /// <summary>From now on messages are accepted; those to everybody too unless it is apart. Owner only.</summary>
    public void BeginAccepting(WebSocketConnection connection, bool isApart)
    {
        lock (connection.Transport) _broadcasts.Begin(connection.Loop.Broadcasts, isApart);
    }

    /// <summary>Nothing more is accepted. What was sent to everybody before is queued. Owner only.</summary>
    public void StopAccepting(WebSocketConnection connection)
    {
        bool requestFlush = false;
        lock (connection.Transport)
        {
            if (QueueBroadcasts(connection, out _)) requestFlush = _queue!.RequestFlush();
            _broadcasts.End();
        }

        if (requestFlush) connection.Loop.MarkDirty(connection);
        GrantRoom(connection);
    }

    /// <summary>Queues a message.</summary>
    public SendResult TryAppend(WebSocketConnection connection, MessageKind kind, ReadOnlySpan<byte> bytes, Form form)
    {
        bool requestFlush;
        lock (connection.Transport)
        {
            if (!TryGetQueue(connection, MessageCount.One((Opcode)kind), out SendResult refused)) return refused;
            bool queued = form switch
            {
                Form.Plain => _queue!.TryAppend((Opcode)kind, bytes),
                Form.Frame => _queue!.TryAppend(bytes),
                _ => TryAppendInOrder(connection, kind, bytes),
            };
            if (!queued) return RefuseForMemory(connection);
            connection.CountSent(MessageCount.One((Opcode)kind));
            if (_queue!.IsFull) QueueBroadcastsBeforeFull(connection);
            requestFlush = _queue.RequestFlush();
        }

        return Queued(connection, requestFlush);
    }

    /// <summary>Queues a frame that is shared with other connections.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="frame">The frame, to which the caller holds a reference.</param>
    /// <param name="isEncodedForMany">Whether the connection's extension must learn of it.</param>
    public SendResult TryAppend(WebSocketConnection connection, SharedFrame frame, bool isEncodedForMany)
    {
        bool requestFlush;
        lock (connection.Transport)
        {
            if (!TryGetQueue(connection, MessageCount.One(frame.Span), out SendResult refused)) return refused;
            if (!_queue!.TryAppend(frame)) return RefuseForMemory(connection);
            connection.CountSent(MessageCount.One(frame.Span));
            if (isEncodedForMany) connection.Extension!.OnSentToMany();
            if (_queue.IsFull) QueueBroadcastsBeforeFull(connection);
            requestFlush = _queue.RequestFlush();
        }

        return Queued(connection, requestFlush);
    }

    /// <summary>
    /// Queues what must be sent whatever the bound: an HTTP answer or a control frame. If there is no memory for the broadcasts before it,
    /// they follow it from the log. Owner only.
    /// </summary>
    public void Append(WebSocketConnection connection, ReadOnlySpan<byte> bytes, SendQueue.EntryKind kind)
    {
        bool requestFlush;
        lock (connection.Transport)
        {
            QueueBroadcasts(connection, out bool noMemory);
            _queue ??= Rent(connection);
            _queue.Append(bytes, kind, coalesce: connection.Outgoing.IsStalled || _queue.IsLong);
            if (noMemory && _queue.IsFull) CloseForMemory(connection);
            requestFlush = _queue.RequestFlush();
        }

        if (requestFlush) connection.Loop.MarkDirty(connection);
    }

    /// <summary>Queues bytes as they are, for an application that has taken the connection over. Any thread.</summary>
    public SendResult TryAppendRaw(WebSocketConnection connection, ReadOnlySpan<byte> bytes)
    {
        bool requestFlush;
        lock (connection.Transport)
        {
            if (!connection.Life.IsHandshake) return SendResult.Closed;
            if (_queue is { IsFull: true }) return SendResult.Full;
            _queue ??= TryRent(connection);
            if (_queue is null) return SendResult.OutOfMemory;
            if (!_queue.TryAppend(bytes, messages: 0, SendQueue.EntryKind.Http)) return RefuseForMemory(connection);
            requestFlush = _queue.RequestFlush();
        }

        return Queued(connection, requestFlush);
    }

    /// <summary>Puts what the kernel has not sent in front of everything. Owner only.</summary>
    /// <returns>
    /// False when there is no memory for it; control frames alone are kept without asking. A frame may be cut then, and nothing can follow.
    /// </returns>
    public bool TryPrepend(WebSocketConnection connection, ReadOnlySpan<byte> frames, ReadOnlySpan<byte> source,
        ReadOnlySpan<PayloadSegment> segments, int sent)
    {
        lock (connection.Transport)
        {
            bool isControl = SendQueue.IsControl(frames, source, segments, sent);
            _queue ??= isControl ? Rent(connection) : TryRent(connection);
            if (_queue is null || !_queue.TryPrepend(frames, source, segments, sent, required: isControl)) return false;
            if (_queue.IsFull) QueueBroadcastsBeforeFull(connection);
            return true;
        }
    }

    /// <summary>The next bytes to send. False when nothing is queued. Owner only.</summary>
    public bool TryPeek(WebSocketConnection connection, out ReadOnlySpan<byte> run, out bool more)
    {
        run = default;
        more = false;
        if (!IsThere) return false;
        lock (connection.Transport)
        {
            // An empty queue may be gone by now: a thread that could not append to it has returned it.
            if (_queue is null) return false;
            if (_queue.TryPeek(out run, out more)) return true;
            ReturnIfEmpty(connection);
            return false;
        }
    }

    /// <summary>The kernel has sent so many of those bytes, which are counted. True when nothing is queued any more. Owner only.</summary>
    public bool OnSent(WebSocketConnection connection, int bytes)
    {
        lock (connection.Transport)
        {
            if (_queue!.IsFull) QueueBroadcasts(connection, out _); // broadcasts that came while it was full
            if (connection.Loop.WatchesFrames && connection.Loop.Watch.SeesFrames(connection))
                _queue.TellSent(bytes, connection.BytesSent - bytes, connection);
            _queue.OnSent(bytes, connection.Loop.Now);
            return ReturnIfEmpty(connection);
        }
    }

    /// <summary>The kernel is full. From now on there is a send queue, which holds the deadline for it. Owner only.</summary>
    /// <returns>The deadline; none in an ending, which has its own, and slow progress does not move that.</returns>
    public long OnStalled(WebSocketConnection connection, bool hasDeadline)
    {
        lock (connection.Transport) _queue ??= Rent(connection);
        Outgoing.HasAcknowledged(connection, ref _queue.Acknowledged);
        if (!hasDeadline) return long.MaxValue;
        return _queue.SendDeadline = _queue.LastSent + connection.Context.SendTimeout;
    }

    /// <summary>
    /// The kernel has taken nothing for long. That is the peer's fault only if it has not acknowledged anything either: a kernel with a
    /// large buffer takes more only when a good part of it is empty. If it has, time begins anew. Owner only.
    /// </summary>
    /// <returns>Whether the peer has acknowledged bytes since this was last looked at.</returns>
    public readonly bool IsAcknowledging(WebSocketConnection connection)
    {
        if (_queue is null || !Outgoing.HasAcknowledged(connection, ref _queue.Acknowledged)) return false;
        _queue.OnTaken(connection.Loop.Now);
        if (_queue.SendDeadline != long.MaxValue) _queue.SendDeadline = _queue.LastSent + connection.Context.SendTimeout;
        return true;
    }

    /// <summary>Drops what the kernel has not begun to send. Owner only.</summary>
    public void DropUnsent(WebSocketConnection connection)
    {
        lock (connection.Transport)
        {
            _broadcasts.Skip(connection.Loop.Broadcasts);
            if (_queue is not null) connection.Life.CountDropped(_queue.DropUnsent());
        }
    }

    /// <summary>The connection has ended. Owner only.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="unsent">How many messages were still queued, with the one that the kernel had begun to take.</param>
    public void End(WebSocketConnection connection, out int unsent)
    {
        lock (connection.Transport)
        {
            unsent = _queue?.QueuedMessages ?? 0;
            _broadcasts.End();
            _queue?.Return();
            _queue = null;
        }
    }

    /// <summary>Completes when there is room for a message, or nothing is accepted any more.</summary>
    public readonly Task WhenWritable(WebSocketConnection connection)
    {
        lock (connection.Transport)
        {
            if (HasRoom(connection)) return Task.CompletedTask;
            return (_queue!.Writable ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }

    /// <summary>Tells those who wait for room, if there is room. Owner only.</summary>
    public readonly void GrantRoom(WebSocketConnection connection)
    {
        if (!IsThere) return;
        lock (connection.Transport)
        {
            if (_queue?.Writable is not { } waiting || !HasRoom(connection)) return;
            _queue.Writable = null;
            waiting.TrySetResult();
        }
    }

    /// <summary>
    /// Takes the broadcasts that the connection does not have, to be sent at once. If something is queued they are queued behind it. Owner
    /// only, in a turn of the log's own.
    /// </summary>
    /// <returns>The frames; empty when there is nothing to send at once.</returns>
    public ReadOnlySpan<byte> TakeBroadcasts(WebSocketConnection connection, BroadcastLog log, long end, out MessageCount messages)
    {
        bool requestFlush;
        messages = default;
        lock (connection.Transport)
        {
            if (_broadcasts.LacksNone(end)) return default;
            if (_queue is null) return _broadcasts.Take(log, end, out messages);
            requestFlush = QueueBroadcasts(connection, out bool noMemory) && _queue!.RequestFlush();
            if (noMemory) CloseForMemory(connection);
        }

        if (requestFlush) connection.Loop.MarkDirty(connection);
        return default;
    }

    /// <summary>Queues the broadcasts that the connection does not have. False when there is no memory for them. Owner only.</summary>
    public bool TryKeepBroadcasts(WebSocketConnection connection)
    {
        bool requestFlush, noMemory;
        lock (connection.Transport) requestFlush = QueueBroadcasts(connection, out noMemory) && _queue!.RequestFlush();
        if (requestFlush) connection.Loop.MarkDirty(connection);
        return !noMemory;
    }

    /// <summary>A send queue for the connection; null when there is no memory for it.</summary>
    public static SendQueue? TryRent(WebSocketConnection connection) =>
        SendQueue.TryRent(connection.Context.Budget, connection.Loop.Congestion, connection.Loop.Now);

    /// <summary>
    /// The queue is full, and further messages come. True when older ones have been dropped for them. Otherwise they are refused, or, if
    /// that is the policy, dropped.
    /// </summary>
    /// <param name="connection">The connection. The caller has its lock.</param>
    /// <param name="queue">Its full queue.</param>
    /// <param name="newcomers">How many messages come.</param>
    /// <param name="refused">If false: what their senders are told.</param>
    public static bool TryMakeRoom(WebSocketConnection connection, SendQueue queue, MessageCount newcomers, out SendResult refused)
    {
        SlowConsumer policy = connection.Context.SlowConsumer;
        refused = SendResult.Full;
        if (policy == SlowConsumer.Close) return false;
        // What refers to earlier messages cannot do without them.
        if (policy == SlowConsumer.DropOldest && connection.Extension is not { EncodesInOrder: true })
        {
            connection.Life.CountDropped(queue.DropOldest());
            if (!queue.IsFull) return true;
        }

        refused = SendResult.Dropped;
        connection.CountSent(newcomers);
        connection.Life.CountDropped(newcomers.All);
        return false;
    }

    private static SendQueue Rent(WebSocketConnection connection) =>
        SendQueue.Rent(connection.Context.Budget, connection.Loop.Congestion, connection.Loop.Now);

    private static SendResult Queued(WebSocketConnection connection, bool requestFlush)
    {
        // The connection whose bytes are handled on that loop.
        if (SendingLoop.Current is { } sending) sending.Share.Spend(TurnShare.DeliveryWork);
        if (!requestFlush) return SendResult.Queued;
        if (connection.Loop.IsOwner) connection.Loop.MarkDirty(connection);
        else connection.Post(Posted.Flush);
        return SendResult.Queued;
    }

    private readonly bool HasRoom(WebSocketConnection connection) =>
        !IsAccepting || _queue is null || _queue.QueuedBytes <= connection.Context.SendBufferBytesMax / 2;

    // Everything below is under the lock.

    // Makes sure that there is a send queue to which one more message may be appended.
    private bool TryGetQueue(WebSocketConnection connection, MessageCount message, out SendResult refused)
    {
        refused = IsAccepting ? SendResult.Full : SendResult.Closed;
        QueueBroadcasts(connection, out bool noMemory);
        if (!IsAccepting) return false;
        if (_queue is { IsFull: true } full && !TryMakeRoom(connection, full, message, out refused)) return false;
        // Without memory for the broadcasts that come before this message, it cannot be queued.
        if (!noMemory) _queue ??= TryRent(connection);
        if (!noMemory && _queue is not null) return true;
        refused = SendResult.OutOfMemory;
        return false;
    }

    private SendResult RefuseForMemory(WebSocketConnection connection)
    {
        ReturnIfEmpty(connection);
        return SendResult.OutOfMemory;
    }

    // An encoded message must be queued, whatever the memory limit: the next message may refer to it.
    private readonly bool TryAppendInOrder(WebSocketConnection connection, MessageKind kind, ReadOnlySpan<byte> payload)
    {
        ConnectionExtension extension = connection.Extension!;
        byte[]? frame = connection.Context.Budget.TryRent(extension.FrameRoomBytes(payload.Length));
        int length = frame is null ? 0 : extension.TryWriteFrame(frame, kind, payload);
        if (length > 0) _queue!.Append(frame.AsSpan(0, length), SendQueue.EntryKind.Data);
        if (frame is not null) connection.Context.Budget.Return(frame);
        return length > 0 || _queue!.TryAppend((Opcode)kind, payload);
    }

    // True when nothing is queued any more. While the kernel is full even an empty queue stays, because it holds the deadline.
    private bool ReturnIfEmpty(WebSocketConnection connection)
    {
        if (!_queue!.IsEmpty || connection.Outgoing.IsStalled) return false;
        _queue.Return();
        _queue = null;
        return true;
    }

    // True when some were queued.
    private bool QueueBroadcasts(WebSocketConnection connection, out bool noMemory)
    {
        bool some = _broadcasts.Queue(connection, ref _queue, out noMemory);
        if (noMemory && _queue is not null) ReturnIfEmpty(connection);
        return some;
    }

    // The queue has just become full: whoever has sent to all before that has been told that everybody gets it.
    private void QueueBroadcastsBeforeFull(WebSocketConnection connection)
    {
        _broadcasts.QueueSentBefore(connection, ref _queue, out bool noMemory);
        if (noMemory) CloseForMemory(connection);
    }

    private void CloseForMemory(WebSocketConnection connection)
    {
        _broadcasts.Skip(connection.Loop.Broadcasts);
        connection.Post(Posted.CloseForMemory);
    }
}
