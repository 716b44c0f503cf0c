// Which observations look at which of a loop's connections, and the events that they are given.

using System.Buffers;
using RawWs.Frame;
using RawWs.Server.Log;
using RawWs.Server.Loops;

namespace RawWs.Server.Connections;

internal sealed partial class LoopWatch
{
    private const int BytesPerEventMax = 32 * 1024;
    private const int QueuesPerTurnMax = 64;

    private readonly List<Observation> _observations = [];
    private readonly Dictionary<long, Observation[]> _watched = [];

    // The watched connections whose kernel is full, and the queued bytes that were told last. A few of them are looked at in each turn.
    private readonly List<WebSocketConnection> _behind = [];
    private readonly Dictionary<long, long> _toldQueues = [];
    private int _nextBehind;

    /// <summary>Begins to tell an observation of those connections of the loop that it is about.</summary>
    public void Add(Observation observation, ReadOnlySpan<ILoopMember?> members)
    {
        if (observation.IsEnded) return;
        _observations.Add(observation);
        foreach (ILoopMember? member in members)
        {
            if (member is WebSocketConnection { HasEnded: false } connection && observation.Options.Match(connection, PathOf(connection)))
                Watch(connection, observation);
        }

        observation.OnLoopReady();
    }

    /// <summary>The observation has ended.</summary>
    public void Remove(Observation observation)
    {
        if (!_observations.Remove(observation)) return;
        foreach (long id in _watched.Keys.ToArray())
        {
            Observation[] before = _watched[id];
            if (!before.Contains(observation)) continue;
            if (before.Length == 1) _watched.Remove(id);
            else _watched[id] = [.. before.Where(other => other != observation)];
        }
    }

    /// <summary>A connection begins: no byte has been received.</summary>
    public void Begun(WebSocketConnection connection) => Look(connection, path: null, seen: default, headBytes: 0);

    /// <summary>
    /// The request's head is whole. Who looks for its path is told what came so far, all of which is still there as it came.
    /// </summary>
    public void RequestCame(WebSocketConnection connection, string path, in ReadOnlySequence<byte> all, long headBytes)
    {
        Look(connection, path, all, headBytes);
        if (IsWatched(connection)) Tell(new(ConnectionEventKind.Request, connection, Now) { Length = headBytes });
    }

    /// <summary>The request's head cannot be read, or does not come. Who was not told of it before is told what came.</summary>
    public void RequestFailed(WebSocketConnection connection, in ReadOnlySequence<byte> all) =>
        Look(connection, path: "", all, all.Length);

    /// <summary>The request is answered, and that is all.</summary>
    public void Answered(WebSocketConnection connection, int status, string? rule)
    {
        if (IsWatched(connection)) Tell(new(ConnectionEventKind.Answered, connection, Now) { Code = status, Rule = rule });
    }

    /// <summary>The upgrade is through.</summary>
    public void Opened(WebSocketConnection connection)
    {
        if (IsWatched(connection)) Tell(new(ConnectionEventKind.Opened, connection, Now));
    }

    /// <summary>The connection is known under a uid.</summary>
    public void Named(WebSocketConnection connection)
    {
        if (connection.HasEnded) return;
        Look(connection, connection.Endpoint, seen: default, headBytes: 0);
        if (IsWatched(connection)) Tell(new(ConnectionEventKind.Named, connection, Now));
    }

    /// <summary>Bytes have been received, and nothing has changed them yet.</summary>
    public void Received(WebSocketConnection connection, long offset, ReadOnlySpan<byte> bytes) =>
        TellBytes(connection, ConnectionEventKind.Received, offset, bytes);

    /// <summary>The connection's timer is armed, for this tick of the wheel.</summary>
    public void TimerArmed(WebSocketConnection connection, ConnectionDeadline deadline, TimeSpan due, long tick)
    {
        if (!IsWatched(connection)) return;
        Tell(new(ConnectionEventKind.TimerArmed, connection, Now) { Deadline = deadline, Due = due, DueTick = tick });
    }

    /// <summary>The connection's timer has come due.</summary>
    public void TimerCame(WebSocketConnection connection, ConnectionDeadline deadline)
    {
        if (IsWatched(connection)) Tell(new(ConnectionEventKind.TimerCame, connection, Now) { Deadline = deadline });
    }

    /// <summary>The kernel is full. How much waits is looked at when turns end, until nothing does.</summary>
    public void FellBehind(WebSocketConnection connection)
    {
        if (!IsWatched(connection)) return;
        long waiting = connection.QueuedBytes;
        if (!_toldQueues.TryAdd(connection.Id, waiting)) return;
        _behind.Add(connection);
        TellQueue(connection, waiting);
    }

    // How much waits for those whose kernel is full.
    private void TellQueues()
    {
        for (int i = Math.Min(_behind.Count, QueuesPerTurnMax); i > 0; i--)
        {
            if (_nextBehind >= _behind.Count) _nextBehind = 0;
            WebSocketConnection connection = _behind[_nextBehind];
            long waiting = connection.QueuedBytes;
            if (waiting != _toldQueues[connection.Id]) TellQueue(connection, waiting);
            _toldQueues[connection.Id] = waiting;
            if (waiting > 0)
            {
                _nextBehind++;
                continue;
            }

            _toldQueues.Remove(connection.Id);
            _behind[_nextBehind] = _behind[^1];
            _behind.RemoveAt(_behind.Count - 1);
        }
    }

    /// <summary>A direction of TCP has ended, or both.</summary>
    public void TcpEnded(WebSocketConnection connection, TcpEnding ending)
    {
        if (IsWatched(connection)) Tell(new(ConnectionEventKind.TcpEnded, connection, Now) { Tcp = ending });
    }

    /// <summary>The connection has ended.</summary>
    public void Ended(WebSocketConnection connection, CloseReport report)
    {
        if (!IsWatched(connection)) return;
        Tell(new(ConnectionEventKind.Ended, connection, Now) { Report = report });
        _watched.Remove(connection.Id); // and nothing waits for it any more
    }

    private DateTimeOffset Now => time.GetUtcNow();

    private bool IsWatched(WebSocketConnection connection) => _watched.ContainsKey(connection.Id);

    private Observation[] Of(WebSocketConnection connection) =>
        _watched.TryGetValue(connection.Id, out Observation[]? watching) ? watching : [];

    // Null as long as the head is not whole: until then nothing is pending, and nobody has taken the connection over.
    private static string? PathOf(WebSocketConnection connection) =>
        connection.Life.IsHandshake && connection.Raw is null && !connection.Handling.IsPending ? null : connection.Endpoint;

    // Looks which observations are about this connection that were not before.
    private void Look(WebSocketConnection connection, string? path, in ReadOnlySequence<byte> seen, long headBytes)
    {
        foreach (Observation observation in _observations)
        {
            if (!observation.Options.Match(connection, path) || Of(connection).Contains(observation)) continue;
            Watch(connection, observation, seen.Length);
            long offset = connection.BytesReceived - seen.Length;
            if (observation.Options is { HidesCredentials: true, Payload: true } && !seen.IsEmpty)
            {
                byte[] hidden = seen.ToArray();
                CredentialMask.Hide(hidden.AsSpan(0, (int)headBytes));
                CredentialMask.HideUnlessFrames(hidden.AsSpan((int)headBytes));
                TellBytes(observation, connection, ConnectionEventKind.Received, offset, hidden);
                continue;
            }

            foreach (ReadOnlyMemory<byte> part in seen)
            {
                // The others have been told of these bytes when they came.
                TellBytes(observation, connection, ConnectionEventKind.Received, offset, part.Span);
                offset += part.Length;
            }
        }
    }

    private void Watch(WebSocketConnection connection, Observation observation, long seen = 0)
    {
        Observation[] before = Of(connection);
        _watched[connection.Id] = before.Length == 0 ? observation.Alone : [.. before, observation];
        if (observation.TryReserve(0, time))
        {
            (ConnectionDeadline deadline, TimeSpan due, long tick) = connection.Deadlines.FindArmed(connection) ?? default;
            observation.Add(new(ConnectionEventKind.Begun, connection, Now)
            {
                Offset = connection.BytesReceived - seen,
                SentOffset = connection.BytesSent,
                Deadline = deadline,
                Due = due,
                DueTick = tick,
            });
        }

        if (connection.IsStalled) FellBehind(connection);
    }

    private void TellBytes(WebSocketConnection connection, ConnectionEventKind kind, long offset, ReadOnlySpan<byte> bytes)
    {
        // Before the connection is open, or taken over, what comes may be a part of a head that was not read to its end.
        bool mayBeSecret = kind == ConnectionEventKind.Received && !connection.Life.WasOpened && connection.Raw is null;
        foreach (Observation observation in Of(connection))
            if (!mayBeSecret || !observation.Options.HidesCredentials) TellBytes(observation, connection, kind, offset, bytes);
    }

    // In pieces, so that one that finds no room costs no more than itself.
    private void TellBytes(
        Observation observation, WebSocketConnection connection, ConnectionEventKind kind, long offset, ReadOnlySpan<byte> bytes)
    {
        if (!observation.Options.Payload) return;
        for (int at = 0; at < bytes.Length; at += BytesPerEventMax)
        {
            int length = Math.Min(bytes.Length - at, BytesPerEventMax);
            if (!observation.TryReserve(length, time)) continue;
            try
            {
                observation.Add(new(kind, connection, Now) { Offset = offset + at, Bytes = bytes.Slice(at, length).ToArray() });
            }
            catch (OutOfMemoryException)
            {
                observation.Lose(length); // this may be in the middle of a send, which must not notice
            }
        }
    }

    private void TellFrame(WebSocketConnection connection, ConnectionEventKind kind, long offset, FrameHeader header, string? rule = null,
        int length = 0)
    {
        foreach (Observation observation in Of(connection))
        {
            if (!observation.TryReserve(0, time)) continue;
            observation.Add(new(kind, connection, Now)
            {
                Offset = offset,
                Length = length,
                Header = observation.Options.Payload ? header : header with { MaskingKey = 0 },
                Rule = rule,
            });
        }
    }

    private void TellQueue(WebSocketConnection connection, long waiting)
    {
        if (IsWatched(connection)) Tell(new(ConnectionEventKind.Queue, connection, Now) { QueuedBytes = waiting });
    }

    private void Tell(ConnectionEvent told)
    {
        foreach (Observation observation in Of(told.Connection!))
            if (observation.TryReserve(0, time)) observation.Add(told);
    }
}
