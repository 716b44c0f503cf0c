// What a server's connections have done together. Nothing is counted for it on the way of a message: each connection counts for its own
// report, and these are added up when somebody asks. The totals of those that have ended are kept.
// A connection leaves its loop's table first and is added to the ended ones after that. So whoever reads the ended ones first, and then the
// table, may miss one that ends meanwhile, until he reads again, but counts none twice. And a total never goes back: the last one is kept.

using RawWs.Server.Connections;
using RawWs.Server.Loops;

namespace RawWs.Server;

/// <summary>Who reads the totals: an instrument each.</summary>
[Flags]
internal enum TotalsReader : byte
{
    Phases = 1,
    Messages = 2,
    Bytes = 4,
    Drops = 8,
    QueuedMessages = 16,
    QueuedBytes = 32,
}

/// <summary>The totals of one server. Any thread.</summary>
/// <param name="loops">The server's loops.</param>
internal sealed class ServerTotals(IReadOnlyList<ConnectionLoop> loops)
{
    // The instruments are read one after the other, and what they say should be of one moment. Who has had the last reading begins anew.
    private const long MillisecondsOfOneReading = 20;

    private readonly Lock _reading = new();
    private readonly Lock _ending = new(); // held for an addition only: a loop that ends a connection must not wait for who reads
    private Traffic _ended;
    private Traffic _reported;
    private Reading _last;
    private long _readAt = long.MinValue / 2;
    private TotalsReader _haveRead;

    /// <summary>A connection has ended.</summary>
    public void OnEnded(CloseReport report)
    {
        Traffic traffic = new()
        {
            TextIn = report.MessagesIn,
            TextOut = report.MessagesOut,
            BytesIn = report.BytesIn,
            BytesOut = report.BytesOut,
            Dropped = report.MessagesDropped,
            Unsent = report.MessagesUnsent,
        };
        lock (_ending) _ended += traffic;
    }

    /// <summary>What there is now.</summary>
    /// <param name="reader">Who wants to know. It is never told the same reading twice.</param>
    public Reading Read(TotalsReader reader)
    {
        lock (_reading)
        {
            long now = Environment.TickCount64;
            if (now - _readAt >= MillisecondsOfOneReading || (_haveRead & reader) != 0)
            {
                (_readAt, _haveRead) = (now, 0);
                _last = ReadAnew();
            }

            _haveRead |= reader;
            return _last;
        }
    }

    private Reading ReadAnew()
    {
        // What is counted later on a message's way is read before, so that there are never more binary messages than messages.
        long binaryIn = 0, binaryOut = 0;
        foreach (ConnectionLoop loop in loops)
        {
            binaryIn += loop.BinariesReceived;
            binaryOut += loop.BinariesSent;
        }

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
                traffic += new Traffic
                {
                    TextIn = connection.Counts.MessagesIn,
                    TextOut = sent.Sent,
                    BytesIn = connection.BytesReceived,
                    BytesOut = connection.BytesSent,
                    Dropped = sent.Dropped,
                };
            }
        }

        traffic = traffic with
        {
            TextIn = traffic.TextIn - binaryIn,
            TextOut = traffic.TextOut - binaryOut,
            BinaryIn = binaryIn,
            BinaryOut = binaryOut,
        };
        _reported = Traffic.Larger(_reported, traffic);
        return new Reading(_reported, handshake, open, closing, queued, queuedMessages);
    }

    /// <summary>
    /// Messages by kind and bytes, both ways; of the messages out, those that were dropped or still waited at the end. While it is added up
    /// a message of any kind counts as text.
    /// </summary>
    public readonly record struct Traffic
    {
        public long TextIn { get; init; }

        public long TextOut { get; init; }

        public long BinaryIn { get; init; }

        public long BinaryOut { get; init; }

        public long BytesIn { get; init; }

        public long BytesOut { get; init; }

        public long Dropped { get; init; }

        public long Unsent { get; init; }

        public static Traffic operator +(Traffic one, Traffic other) => Each(one, other, static (a, b) => a + b);

        public static Traffic Larger(Traffic one, Traffic other) => Each(one, other, Math.Max);

        private static Traffic Each(Traffic one, Traffic other, Func<long, long, long> of) => new()
        {
            TextIn = of(one.TextIn, other.TextIn),
            TextOut = of(one.TextOut, other.TextOut),
            BinaryIn = of(one.BinaryIn, other.BinaryIn),
            BinaryOut = of(one.BinaryOut, other.BinaryOut),
            BytesIn = of(one.BytesIn, other.BytesIn),
            BytesOut = of(one.BytesOut, other.BytesOut),
            Dropped = of(one.Dropped, other.Dropped),
            Unsent = of(one.Unsent, other.Unsent),
        };
    }

    /// <summary>What there was at one moment: traffic so far, connections by phase, bytes and messages that wait.</summary>
    public readonly record struct Reading(
        Traffic Traffic, int Handshake, int Open, int Closing, long QueuedBytes, long QueuedMessages);
}
