// From the application towards the kernel. There are two ways. While the loop handles this connection's bytes, its handler's answers go
// into the loop's cork. The cork is sent when those bytes are handled; a small one joins the batch, and leaves when the turn's events are
// handled. Everything else, from any thread, goes into the send queue, which is flushed at the end of the owner's turn. The cork is older
// than anything in the queue and goes first. Once something is queued, everything that follows is queued behind it.

using System.Runtime.CompilerServices;
using System.Text;
using RawWs.Frame;
using RawWs.Server.Sending;

namespace RawWs.Server;

public sealed partial class WebSocketConnection
{
    private SendQueue? _queue; // null while nothing is queued; under the lock
    private bool _accepting; // whether messages are accepted: from the upgrade's answer to the first Close; under the lock
    private bool _stalled; // the kernel has sent less than it was given
    private bool _shutdown; // SHUT_WR has been sent
    private long _messagesOut;
    private long _bytesOut;

    /// <summary>How many bytes are queued for the peer that the kernel has not accepted. Without those that lie in the cork.</summary>
    public long QueuedBytes
    {
        get
        {
            lock (_transport) return _queue?.QueuedBytes ?? 0;
        }
    }

    private bool HasRoom => !_accepting || _queue is null || _queue.QueuedBytes <= _context.Options.SendBufferBytesMax / 2;

    // The loop handles this connection's bytes on this thread, and nothing is queued that would have to go first.
    private bool MaySendNow
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => _loop.Cork.Owner == this && _loop.IsOwner && _accepting && !_stalled && !HasBroadcastsToCome
            && Volatile.Read(ref _queue) is null;
    }

    /// <summary>
    /// Sends a message (§6.1). The caller may reuse the payload's memory when this returns. Text is checked here (§5.6); a message that was
    /// received need not be: see <see cref="TrySend(WebSocketMessage)"/>.
    /// </summary>
    /// <returns>
    /// Queued; Full when the send queue is at its bound; OutOfMemory at the server's limit; Closed when the connection is not open.
    /// </returns>
    /// <exception cref="ArgumentException">The text is not UTF-8: the message says at which byte. Nothing is sent.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such kind.</exception>
    public SendResult TrySend(MessageKind kind, ReadOnlySpan<byte> payload)
    {
        WebSocketMessage.Check(kind, payload);
        return TrySendChecked(kind, payload);
    }

    /// <summary>
    /// Sends a message (§6.1): one that was received, or a part of it, or one that was made. It has been checked, and is not checked again.
    /// The caller may reuse its memory when this returns.
    /// </summary>
    /// <returns>
    /// Queued; Full when the send queue is at its bound; OutOfMemory at the server's limit; Closed when the connection is not open.
    /// </returns>
    public SendResult TrySend(WebSocketMessage message) => TrySendChecked(message.Kind, message.Span);

    /// <summary>Sends a text (§6.1).</summary>
    /// <returns>
    /// Queued; Full when the send queue is at its bound; OutOfMemory at the server's limit; Closed when the connection is not open.
    /// </returns>
    /// <exception cref="ArgumentException">
    /// The string has half of a surrogate pair, which cannot be UTF-8 (§5.6): the message says at which character. Nothing is sent.
    /// </exception>
    public SendResult TrySend(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        const int OnStackMax = 1024;
        int most = text.Length * 3; // a UTF-16 unit is three bytes of UTF-8 at most
        if (text.Length <= OnStackMax / 3)
        {
            Span<byte> utf8 = stackalloc byte[OnStackMax];
            return TrySendChecked(MessageKind.Text, utf8[..WebSocketMessage.Encode(text, utf8[..most])]);
        }

        byte[]? rented = _context.Budget.TryRent(Encoding.UTF8.GetByteCount(text));
        if (rented is null) return SendResult.OutOfMemory;
        try
        {
            return TrySendChecked(MessageKind.Text, rented.AsSpan(0, WebSocketMessage.Encode(text, rented)));
        }
        finally
        {
            _context.Budget.Return(rented);
        }
    }

    /// <summary>Sends what has been checked: text is UTF-8.</summary>
    internal SendResult TrySendChecked(MessageKind kind, ReadOnlySpan<byte> payload)
    {
        if (_extension is { } extension && extension.Encodes(payload.Length)) return TrySendEncoded(extension, kind, payload);
        return TrySendPlain(kind, payload);
    }

    /// <summary>
    /// Sends a message that is encoded once for many connections (§6.1). A large one is held by reference until it is sent.
    /// </summary>
    /// <returns>
    /// Queued; Full when the send queue is at its bound; OutOfMemory at the server's limit; Closed when the connection is not open.
    /// </returns>
    /// <exception cref="ObjectDisposedException">The message has been disposed, and no send queue holds it any more.</exception>
    public SendResult TrySend(SharedMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        message.Acquire();
        try
        {
            return TrySendHeld(message);
        }
        finally
        {
            message.Release();
        }
    }

    /// <summary>The same for a message to which the caller holds a reference for as long as this call takes.</summary>
    internal SendResult TrySendHeld(SharedMessage message)
    {
        SharedFrame frame = message.Plain;
        bool inOrder = false;
        if (_extension is { } extension && extension.Encodes(message.PayloadBytes))
        {
            frame = message.Encoded(extension.ForMany);
            inOrder = extension.EncodesInOrder;
        }

        if (!inOrder && MaySendNow && _loop.Cork.TryAppend(frame.Span, isMessage: true)) return SendResult.Queued;
        SendResult result = TryQueue(frame, inOrder && frame != message.Plain);
        if (result != SendResult.OutOfMemory || inOrder || !TrySendWhatIsBefore()) return result;
        return _loop.Cork.TryAppend(frame.Span, isMessage: true) ? SendResult.Queued : result;
    }

    private SendResult TrySendPlain(MessageKind kind, ReadOnlySpan<byte> payload)
    {
        if (MaySendNow && TrySendNow((Opcode)kind, payload)) return SendResult.Queued;
        SendResult result = TryQueue(kind, payload, Form.Plain);
        return result == SendResult.OutOfMemory && TrySendWhatIsBefore() && TrySendNow((Opcode)kind, payload) ? SendResult.Queued : result;
    }

    // There is no memory to queue a message behind what is queued, or was sent to everybody. Whoever takes what he is sent needs none: what
    // goes before is sent at once. True when the message may be sent now.
    private bool TrySendWhatIsBefore()
    {
        if (_loop.Cork.Owner != this || !_loop.IsOwner || !TrySendBroadcasts()) return false;
        return MaySendNow;
    }

    // False when the message must be queued after all.
    private bool TrySendNow(Opcode opcode, ReadOnlySpan<byte> payload)
    {
        Cork cork = _loop.Cork;
        if (payload.Length <= Cork.CopiedBytesMax && cork.TryAppend(opcode, payload)) return true;
        // The kernel sends the payload from where it lies. What it does not send must be copied, so there must be memory for that.
        if (!_context.Budget.HasRoomToWait(cork.Bytes + payload.Length)) return false;
        if (cork.TryAppendSegment(opcode, payload) || cork.TryAppend(opcode, payload)) return true;
        if (!cork.Segments.IsEmpty && !FlushCork()) return false;
        cork.AppendHeader(opcode, payload.Length);
        FlushCork(payload);
        return true;
    }

    private SendResult TryQueue(MessageKind kind, ReadOnlySpan<byte> bytes, Form form)
    {
        bool requestFlush;
        lock (_transport)
        {
            if (!TryGetQueue(out SendResult refused)) return refused;
            bool queued = form switch
            {
                Form.Plain => _queue!.TryAppend((Opcode)kind, bytes),
                Form.Frame => _queue!.TryAppend(bytes),
                _ => TryQueueInOrder(kind, bytes),
            };
            if (!queued) return RefuseForMemory();
            if (_queue!.IsFull) QueueBroadcastsBeforeFull();
            requestFlush = _queue.RequestFlush();
        }

        return Queued(requestFlush);
    }

    private SendResult TryQueue(SharedFrame frame, bool isEncodedForMany)
    {
        bool requestFlush;
        lock (_transport)
        {
            if (!TryGetQueue(out SendResult refused)) return refused;
            if (!_queue!.TryAppend(frame)) return RefuseForMemory();
            if (isEncodedForMany) _extension!.OnSentToMany();
            if (_queue.IsFull) QueueBroadcastsBeforeFull();
            requestFlush = _queue.RequestFlush();
        }

        return Queued(requestFlush);
    }

    // Under the lock: makes sure that there is a send queue to which one more message may be appended.
    private bool TryGetQueue(out SendResult refused)
    {
        refused = _accepting ? SendResult.Full : SendResult.Closed;
        QueueBroadcasts(out bool noMemory);
        if (!_accepting || _queue is { IsFull: true }) return false;
        // Without memory for the broadcasts that come before this message, it cannot be queued.
        if (!noMemory) _queue ??= SendQueue.TryRent(_context.Budget, _loop.Congestion, _loop.Now);
        if (!noMemory && _queue is not null) return true;
        refused = SendResult.OutOfMemory;
        return false;
    }

    private SendResult RefuseForMemory()
    {
        ReturnQueueIfEmpty();
        return SendResult.OutOfMemory;
    }

    private SendResult Queued(bool requestFlush)
    {
        Interlocked.Increment(ref _messagesOut);
        // The connection whose bytes are handled on that loop.
        if (SendingLoop.Current is { } sending) sending.Share.Spend(TurnShare.DeliveryWork);
        if (!requestFlush) return SendResult.Queued;
        if (_loop.IsOwner) _loop.MarkDirty(this);
        else Post(Posted.Flush);
        return SendResult.Queued;
    }

    // Sends a control frame, whatever the bound. On the owner's thread.
    private void SendControl(ReadOnlySpan<byte> frame, SendQueue.EntryKind kind)
    {
        bool mayGoNow = _loop.Cork.Owner == this && !_stalled && !(_accepting && HasBroadcastsToCome) && Volatile.Read(ref _queue) is null;
        if (mayGoNow && _loop.Cork.TryAppend(frame, isMessage: false)) return;
        Append(frame, kind);
    }

    // Queues what must be sent whatever the bound: an HTTP answer or a control frame. If there is no memory for the broadcasts before it,
    // they follow it from the log. On the owner's thread.
    private void Append(ReadOnlySpan<byte> bytes, SendQueue.EntryKind kind)
    {
        bool requestFlush;
        lock (_transport)
        {
            QueueBroadcasts(out bool noMemory);
            _queue ??= SendQueue.Rent(_context.Budget, _loop.Congestion, _loop.Now);
            _queue.Append(bytes, kind, coalesce: _stalled || _queue.IsLong);
            if (noMemory && _queue.IsFull) CloseForMemory();
            requestFlush = _queue.RequestFlush();
        }

        if (requestFlush) _loop.MarkDirty(this);
    }

    private void StopAccepting()
    {
        bool requestFlush = false;
        lock (_transport)
        {
            if (QueueBroadcasts()) requestFlush = _queue!.RequestFlush(); // they were sent before the end
            _accepting = false;
        }

        if (requestFlush) _loop.MarkDirty(this);
        GrantRoom();
        TellClosed();
    }

    /// <summary>What the bytes are that shall be queued.</summary>
    private enum Form : byte
    {
        /// <summary>A payload.</summary>
        Plain,

        /// <summary>A payload, to be encoded in the order in which messages leave.</summary>
        InOrder,

        /// <summary>A whole frame.</summary>
        Frame,
    }
}
