// Broadcasts to the connections of one loop, until everyone has them. Any thread writes a message for everybody here once, and not into a
// thousand send queues. In the loop's turns each open connection gets what it lacks. A connection with nothing queued sends the frames from
// where they lie, all of them in one call; another one gets them into its send queue. Whoever sends something else to a connection first
// queues the broadcasts that it lacks, so that a connection gets everything in the order in which it was sent. A connection keeps only the
// number of the next broadcast that it lacks. Broadcasts are numbered from 0, and no number is used twice; those from Start to End are
// here. When all connections have them they are removed.
//
// One round over all connections is called a pass. It may take several turns, so that a loop with many connections also listens. Reading
// from a connection that sends much to everybody is paused until what it sent has left (IPendingDelivery).

using RawWs.Server.Loops;

namespace RawWs.Server.Sending;

internal sealed class BroadcastLog(SendingLoop loop) : ILoopWork, IPendingDelivery
{
    /// <summary>The longest frame that is kept here, in bytes. A longer one is shared by reference.</summary>
    public const int FrameBytesMax = 2048;

    /// <summary>The most that is here at once, in bytes.</summary>
    public const int BytesMax = 256 * 1024;

    private const int CountMax = 4096;
    private const int ManyConnections = 64;
    private const int ConnectionsBetweenLooks = 16;

    // If a pass is cut into turns, those at its end get more at once than those at its beginning, who need another pass then. So a pass is
    // cut late, at more than some three thousand connections.
    private const double PassMilliseconds = 12;

    // From here on the log is long: bytes, frames, and bytes to all the connections together, which keep the kernel busy for some ten
    // milliseconds.
    private const int LongBytes = 64 * 1024;
    private const int LongCount = 1024;
    private const long LongDeliveredBytes = 8 * 1024 * 1024;

    private readonly Lock _lock = new();
    private readonly HashSet<IHeldSender> _awaiting = [];
    private byte[] _frames = []; // made with the first frame; it neither grows nor moves, because others may be reading
    private int[] _ends = []; // where in it each frame ends
    private int[] _binaries = []; // how many up to each frame are binary
    private long _start;
    private long _end;
    private int _used;
    private int _cursor; // the slot that comes next in the pass
    private long _passEnd; // the number up to which all have them when the pass ends
    private Delegate? _refused;
    private volatile bool _isAwaited;

    /// <summary>How many broadcasts there have been, which is the number of the next one. Any thread.</summary>
    public long End => Volatile.Read(ref _end);

    /// <summary>Whether something is here for many connections. Then it is worth waiting a moment for more. Owner only.</summary>
    public bool IsWorthGathering => End != _start && loop.Members.Count >= ManyConnections && !IsLong;

    /// <summary>Whether so much is here that a sender of more should wait. Any thread.</summary>
    public bool IsLong
    {
        get
        {
            int used = Volatile.Read(ref _used);
            return used >= LongBytes || End - Volatile.Read(ref _start) >= LongCount
                || (long)used * loop.Members.Count >= LongDeliveredBytes;
        }
    }

    /// <summary>Whether a sender waits for this log. Owner only.</summary>
    public bool IsAwaited => _isAwaited;

    // The remainder never seems to shrink. So a connection that is behind holds a sender up for one check, and not longer.
    int IPendingDelivery.Remaining => int.MaxValue;

    long IPendingDelivery.CheckInterval => 200;

    private bool HasLeft => _start == _end && !loop.Congestion.IsAnyBehind;

    /// <summary>
    /// Appends a frame, and makes the loop bring it to everybody. False when there is no room, or when another callback is to be told of
    /// full connections: then the message must be sent to one connection after the other. Any thread.
    /// </summary>
    /// <param name="frame">A whole frame.</param>
    /// <param name="refused">Is told of each connection that does not get the frame because its send queue is full.</param>
    /// <param name="toAll">Whether there is no such connection.</param>
    public bool TryAppend(ReadOnlySpan<byte> frame, Delegate? refused, out bool toAll)
    {
        bool first;
        toAll = false;
        lock (_lock)
        {
            int count = (int)(_end - _start), end = _used + frame.Length;
            first = count == 0;
            if (frame.Length > FrameBytesMax || count == CountMax || end > BytesMax || (!first && refused != _refused)) return false;
            if (_frames.Length == 0)
            {
                _frames = GC.AllocateUninitializedArray<byte>(BytesMax, pinned: true);
                _ends = new int[CountMax];
                _binaries = new int[CountMax];
            }

            frame.CopyTo(_frames.AsSpan(_used));
            _ends[count] = end;
            _binaries[count] = (count == 0 ? 0 : _binaries[count - 1]) + MessageCount.One(frame).Binary;
            _used = end;
            _refused = refused;
            Volatile.Write(ref _end, _end + 1);
        }

        // The frame is written first, and the counts are read then. A send queue that becomes full counts itself first and reads the end of
        // the log then. So one of the two sees the other.
        Interlocked.MemoryBarrier();
        toAll = !loop.Congestion.RefusesAny;
        if (first) loop.Post(this);
        return true;
    }

    /// <summary>
    /// The frames of these broadcasts, one after the other. They stay there while the caller holds the lock of a connection that does not
    /// have them all.
    /// </summary>
    public ReadOnlySpan<byte> Frames(long from, long to)
    {
        long start = Volatile.Read(ref _start);
        int begin = from == start ? 0 : _ends[from - start - 1];
        return _frames.AsSpan(begin, _ends[to - start - 1] - begin);
    }

    /// <summary>How many these are. As with <see cref="Frames"/>.</summary>
    public MessageCount Count(long from, long to)
    {
        long start = Volatile.Read(ref _start);
        int before = from == start ? 0 : _binaries[from - start - 1];
        return new MessageCount((int)(to - from), _binaries[to - start - 1] - before);
    }

    /// <summary>Tells the callback that this connection's send queue was full, in a turn of its own. Any thread.</summary>
    public void Refuse(IBroadcastReceiver receiver)
    {
        if (_refused is { } refused) loop.Post(new Refusal(receiver, refused));
    }

    /// <inheritdoc/>
    public bool TryWait(IHeldSender sender)
    {
        lock (_lock)
        {
            if (HasLeft) return false;
            _awaiting.Add(sender);
            _isAwaited = true;
        }

        return true;
    }

    /// <inheritdoc/>
    public void Forget(IHeldSender sender)
    {
        lock (_lock)
        {
            _awaiting.Remove(sender);
            _isAwaited = _awaiting.Count > 0;
        }
    }

    void IPendingDelivery.GiveUp()
    {
        lock (_lock)
        {
            if (_start == _end) loop.Congestion.WaitedInVain();
        }
    }

    /// <summary>Tells the waiting senders, if everything has been sent. On the loop's thread.</summary>
    public void TellWhoAwaits()
    {
        lock (_lock)
        {
            if (!HasLeft) return;
            foreach (IHeldSender sender in _awaiting) sender.OnDelivered();
            _awaiting.Clear();
            _isAwaited = false;
        }
    }

    /// <summary>A turn of the pass: every connection gets what it lacks, or as many connections as there is time for.</summary>
    void ILoopWork.OnPosted()
    {
        if (_cursor == 0) _passEnd = End;
        ReadOnlySpan<ILoopMember?> members = loop.Members.Snapshot;
        loop.BeginPhase();
        while (_cursor < members.Length)
        {
            ILoopMember? member = members[_cursor++];
            try
            {
                (member as IBroadcastReceiver)?.SendBroadcasts(this, End);
            }
            catch (Exception exception)
            {
                member!.OnFailed(exception);
            }

            if (_cursor % ConnectionsBetweenLooks != 0 || _cursor >= members.Length || !loop.HasLasted(PassMilliseconds)) continue;
            loop.Post(this);
            return;
        }

        _cursor = 0;
        loop.SubmitBatch(); // after this the frames may be removed
        lock (_lock)
        {
            if (_end == _passEnd) (_start, _used) = (_end, 0);
            else loop.Post(this);
        }
    }

    private sealed class Refusal(IBroadcastReceiver receiver, Delegate refused) : ILoopWork
    {
        public void OnPosted() => receiver.OnRefused(refused);

        public void OnFailed(Exception exception) => receiver.OnCallbackThrew(exception);
    }
}
