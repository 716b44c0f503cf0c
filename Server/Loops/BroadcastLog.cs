// Broadcasts to one loop's connections, as long as they are on their way. A message for everybody is written here once, by any thread, and
// not into a thousand outboxes. In the loop's turn each open connection is brought up to date: one that has nothing queued sends the frames from
// where they lie, all of them in one call; another gets them into its outbox. Whoever sends something else to a connection first brings it up
// to date, so that a connection sees everything in the order in which it was sent; a connection keeps just the number up to which it has them.
// Broadcasts are numbered from 0 and never again; those from Start to End are here. What is here is forgotten when all have it.

using RawWs.Server.Memory;

namespace RawWs.Server.Loops;

internal sealed class BroadcastLog(EventLoop loop, MemoryBudget budget) : ILoopWork
{
    /// <summary>The longest frame that is kept here, in bytes: a longer one is shared by reference.</summary>
    public const int FrameBytesMax = 2048;

    private const int BytesMax = 64 * 1024;
    private const int CountMax = 1024;
    private const int ManyConnections = 64;

    private readonly Lock _lock = new();
    private byte[] _frames = []; // made with the first; neither grows nor moves, for others may be reading
    private int[] _ends = []; // where in it each frame ends
    private long _start;
    private long _end;
    private Action<WebSocketConnection>? _refused;

    /// <summary>How many broadcasts there have been: the number of the next. Any thread.</summary>
    public long End => Volatile.Read(ref _end);

    /// <summary>Something has come, and it has far to go: it is worth looking whether there is more. Owner only.</summary>
    public bool IsWorthGathering => End != _start && loop.Connections.Count >= ManyConnections;

    /// <summary>
    /// Writes a frame behind the others and has the loop bring it to everybody. False when there is no room, here or in the memory budget
    /// for what slow receivers would have to keep, or when the one to be told of them is another: then it has to be sent to one after the other. Any thread.
    /// </summary>
    public bool TryAppend(ReadOnlySpan<byte> frame, Action<WebSocketConnection>? refused)
    {
        bool first;
        lock (_lock)
        {
            int count = (int)(_end - _start), used = count == 0 ? 0 : _ends[count - 1], end = used + frame.Length;
            first = count == 0;
            if (frame.Length > FrameBytesMax || count == CountMax || end > BytesMax) return false;
            if (!budget.HasRoomFor((long)loop.Connections.Count * end) || (!first && refused != _refused)) return false;
            if (_frames.Length == 0)
            {
                _frames = GC.AllocateUninitializedArray<byte>(BytesMax, pinned: true);
                _ends = new int[CountMax];
            }

            frame.CopyTo(_frames.AsSpan(used));
            _ends[count] = end;
            _refused = refused;
            Volatile.Write(ref _end, _end + 1);
        }

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

    /// <summary>The loop's turn: everybody is brought up to date.</summary>
    void ILoopWork.OnPosted()
    {
        long end = End;
        foreach (WebSocketConnection? connection in loop.Connections.Snapshot)
        {
            try
            {
                connection?.SendBroadcasts(this, end);
            }
            catch (Exception exception)
            {
                ((ILoopWork)connection!).OnFailed(exception);
            }
        }

        loop.SubmitDeferred(); // from here they may be forgotten
        lock (_lock)
        {
            if (_end == end) _start = end;
            else loop.Post(this);
        }
    }

    private sealed class Refusal(WebSocketConnection connection, Action<WebSocketConnection> refused) : ILoopWork
    {
        public void OnPosted() => refused(connection);

        public void OnFailed(Exception exception) => ((ILoopWork)connection).OnFailed(exception);
    }
}
