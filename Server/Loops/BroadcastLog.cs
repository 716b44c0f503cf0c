// Broadcasts to one loop's connections, as long as they are on their way. A message for everybody is written here once, by any thread, and
// not into a thousand outboxes. In the loop's turns each open connection is brought up to date: one that has nothing queued sends the
// frames from where they lie, all of them in one call; another gets them into its outbox. Whoever sends something else to a connection
// first brings it up to date, so that a connection sees everything in the order in which it was sent; a connection keeps just the number up
// to which it has them. Broadcasts are numbered from 0 and never again; those from Start to End are here. What is here is forgotten when
// all have it.
//
// To bring everybody up to date is a pass. It takes as many turns as it needs, so that a loop with many connections listens in between. Who
// sends much to everybody is not read from until what it has sent has left: it awaits the log, as IUnderWay says.

namespace RawWs.Server.Loops;

internal sealed class BroadcastLog(EventLoop loop) : ILoopWork, IUnderWay
{
    /// <summary>The longest frame that is kept here, in bytes: a longer one is shared by reference.</summary>
    public const int FrameBytesMax = 2048;

    private const int BytesMax = 256 * 1024;
    private const int CountMax = 4096;
    private const int ManyConnections = 64;
    private const int ConnectionsBetweenLooks = 16;

    // A pass that is cut has those at its end get more at once than those at its beginning, who need another one then: so it is cut late, past some three
    // thousand connections.
    private const double PassMilliseconds = 12;

    // From here on it is long: bytes, frames, and bytes to all the connections together, which take the kernel some ten milliseconds.
    private const int LongBytes = 64 * 1024;
    private const int LongCount = 1024;
    private const long LongDeliveredBytes = 8 * 1024 * 1024;

    private readonly Lock _lock = new();
    private readonly HashSet<WebSocketConnection> _awaiting = [];
    private byte[] _frames = []; // made with the first; neither grows nor moves, for others may be reading
    private int[] _ends = []; // where in it each frame ends
    private long _start;
    private long _end;
    private int _used;
    private int _cursor; // whose turn it is in the pass
    private long _passEnd; // what all have when the pass is through
    private Action<WebSocketConnection>? _refused;
    private volatile bool _isAwaited;

    /// <summary>How many broadcasts there have been: the number of the next. Any thread.</summary>
    public long End => Volatile.Read(ref _end);

    /// <summary>Something has come, and it has far to go: it is worth looking whether there is more. Owner only.</summary>
    public bool IsWorthGathering => End != _start && loop.Connections.Count >= ManyConnections && !IsLong;

    /// <summary>So much is here that who sends more should wait. Any thread.</summary>
    public bool IsLong
    {
        get
        {
            int used = Volatile.Read(ref _used);
            return used >= LongBytes || End - Volatile.Read(ref _start) >= LongCount || (long)used * loop.Connections.Count >= LongDeliveredBytes;
        }
    }

    /// <summary>Whether a sender waits for it. Owner only.</summary>
    public bool IsAwaited => _isAwaited;

    // Nothing less is ever left: who is behind may hold a sender up for one look, and not longer.
    int IUnderWay.Left => int.MaxValue;

    long IUnderWay.LookInterval => 200;

    private bool HasLeft => _start == _end && !loop.Congestion.IsAnyBehind;

    /// <summary>
    /// Writes a frame behind the others and has the loop bring it to everybody. False when there is no room, or when the one to be told of
    /// the slow is another: then it has to be sent to one after the other. Any thread.
    /// </summary>
    /// <param name="frame">A whole frame.</param>
    /// <param name="refused">Who is told of connections that do not get it, since their outboxes are full.</param>
    /// <param name="toAll">Whether there are none of these.</param>
    public bool TryAppend(ReadOnlySpan<byte> frame, Action<WebSocketConnection>? refused, out bool toAll)
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
            }

            frame.CopyTo(_frames.AsSpan(_used));
            _ends[count] = end;
            _used = end;
            _refused = refused;
            Volatile.Write(ref _end, _end + 1);
        }

        // Written first and looked at then: an outbox that becomes full counts itself first and looks at the end then. So one of the two
        // sees the other.
        Interlocked.MemoryBarrier();
        toAll = !loop.Congestion.IsAnyFull;
        if (first) loop.Post(this);
        return true;
    }

    /// <summary>
    /// The frames of these broadcasts, one behind the other. They stay where they are while somebody who does not have them all holds his
    /// connection's lock.
    /// </summary>
    public ReadOnlySpan<byte> Frames(long from, long to)
    {
        long start = Volatile.Read(ref _start);
        int begin = from == start ? 0 : _ends[from - start - 1];
        return _frames.AsSpan(begin, _ends[to - start - 1] - begin);
    }

    /// <summary>Tells whoever was named with the broadcasts that this connection's outbox was full: in a turn of its own. Any thread.</summary>
    public void Refuse(WebSocketConnection connection)
    {
        if (_refused is { } refused) loop.Post(new Refusal(connection, refused));
    }

    /// <inheritdoc/>
    public bool TryAwait(WebSocketConnection sender)
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
    public void Forget(WebSocketConnection sender)
    {
        lock (_lock)
        {
            _awaiting.Remove(sender);
            _isAwaited = _awaiting.Count > 0;
        }
    }

    void IUnderWay.GiveUp()
    {
        lock (_lock)
        {
            if (_start == _end) loop.Congestion.WaitedInVain();
        }
    }

    /// <summary>Tells the senders that wait, if all has left. On the loop's thread.</summary>
    public void TellWhoAwaits()
    {
        lock (_lock)
        {
            if (!HasLeft) return;
            foreach (WebSocketConnection sender in _awaiting) sender.OnLeft();
            _awaiting.Clear();
            _isAwaited = false;
        }
    }

    /// <summary>The loop's turn: everybody is brought up to date, or as many as there is time for.</summary>
    void ILoopWork.OnPosted()
    {
        if (_cursor == 0) _passEnd = End;
        ReadOnlySpan<WebSocketConnection?> connections = loop.Connections.Snapshot;
        loop.BeginPhase();
        while (_cursor < connections.Length)
        {
            WebSocketConnection? connection = connections[_cursor++];
            try
            {
                connection?.SendBroadcasts(this, End);
            }
            catch (Exception exception)
            {
                ((ILoopWork)connection!).OnFailed(exception);
            }

            if (_cursor % ConnectionsBetweenLooks != 0 || _cursor >= connections.Length || !loop.HasLasted(PassMilliseconds)) continue;
            loop.Post(this);
            return;
        }

        _cursor = 0;
        loop.SubmitDeferred(); // from here they may be forgotten
        lock (_lock)
        {
            if (_end == _passEnd) (_start, _used) = (_end, 0);
            else loop.Post(this);
        }
    }

    private sealed class Refusal(WebSocketConnection connection, Action<WebSocketConnection> refused) : ILoopWork
    {
        public void OnPosted() => refused(connection);

        public void OnFailed(Exception exception) => connection.OnCallbackThrew(exception);
    }
}
