// What a server's connections have done together. Nothing is counted for it on the way of a message: each connection counts for its own
// report, and these are added up when somebody asks. The totals of those that have ended are kept.
// A connection leaves its loop's table first and is added to the ended ones after that. So whoever reads the ended ones first, and then the
// table, may miss one that ends meanwhile, until he reads again, but counts none twice. And a total never goes back: the last one is kept.

using RawWs.Server.Connections;
using RawWs.Server.Loops;

namespace RawWs.Server;

/// <summary>The totals of one server. Any thread.</summary>
/// <param name="loops">The server's loops.</param>
internal sealed class ServerTotals(IReadOnlyList<ConnectionLoop> loops)
{
    // The instruments are read one after the other, and what they say should be of one moment.
    private const long MillisecondsOfOneReading = 20;

    private readonly Lock _reading = new();
    private readonly Lock _ending = new(); // held for an addition only: a loop that ends a connection must not wait for who reads
    private Traffic _ended;
    private Traffic _reported;
    private Reading _last;
    private long _readAt = long.MinValue / 2;

    /// <summary>A connection has ended.</summary>
    public void OnEnded(CloseReport report)
    {
        Traffic traffic = new(report.MessagesIn, report.MessagesOut, report.BytesIn, report.BytesOut, report.MessagesDropped,
            report.MessagesUnsent);
        lock (_ending) _ended += traffic;
    }

    /// <summary>What there is now.</summary>
    public Reading Read()
    {
        lock (_reading)
        {
            long now = Environment.TickCount64;
            if (now - _readAt < MillisecondsOfOneReading) return _last;
            _readAt = now;
            return _last = ReadAnew();
        }
    }

    private Reading ReadAnew()
    {
        Traffic traffic;
        lock (_ending) traffic = _ended;
        int handshake = 0, open = 0, closing = 0;
        long queued = 0, queuedMessages = 0;
        foreach (ConnectionLoop loop in loops)
        {
            foreach (ILoopMember? member in loop.Members.Snapshot)
            {
                if (member is not WebSocketConnection connection) continue;
                if (connection.Life.IsHandshake) handshake++;
                else if (connection.Life.IsOpen) open++;
                else closing++;
                queued += connection.QueuedBytes;
                SentMessages sent = connection.Queue.Count(connection);
                queuedMessages += sent.Queued;
                traffic += new Traffic(
                    connection.Counts.MessagesIn, sent.Sent, connection.BytesReceived, connection.BytesSent, sent.Dropped, Unsent: 0);
            }
        }

        _reported = Traffic.Larger(_reported, traffic);
        return new Reading(_reported, handshake, open, closing, queued, queuedMessages);
    }

    /// <summary>Messages and bytes, both ways; of the messages out, those that were dropped or still waited at the end.</summary>
    public readonly record struct Traffic(
        long MessagesIn, long MessagesOut, long BytesIn, long BytesOut, long Dropped, long Unsent)
    {
        public static Traffic operator +(Traffic one, Traffic other) => new(one.MessagesIn + other.MessagesIn,
            one.MessagesOut + other.MessagesOut, one.BytesIn + other.BytesIn, one.BytesOut + other.BytesOut, one.Dropped + other.Dropped,
            one.Unsent + other.Unsent);

        public static Traffic Larger(Traffic one, Traffic other) => new(Math.Max(one.MessagesIn, other.MessagesIn),
            Math.Max(one.MessagesOut, other.MessagesOut), Math.Max(one.BytesIn, other.BytesIn), Math.Max(one.BytesOut, other.BytesOut),
            Math.Max(one.Dropped, other.Dropped), Math.Max(one.Unsent, other.Unsent));
    }

    /// <summary>What there was at one moment: traffic so far, connections by phase, bytes and messages that wait.</summary>
    public readonly record struct Reading(
        Traffic Traffic, int Handshake, int Open, int Closing, long QueuedBytes, long QueuedMessages);
}
