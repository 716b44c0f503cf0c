// What one connection's events say, put together again: the bytes of both directions, and the frames in them. It believes nothing: each
// piece must begin where the last one ended, each frame's header must be the bytes at its place, and frames must lie side by side.

using RawWs.Frame;
using RawWs.Server;

namespace RawWs.Tests.Support;

internal sealed class ObservedStreams
{
    private readonly List<byte> _received = [];
    private readonly List<byte> _sent = [];
    private long _receivedBefore;
    private long _sentBefore;

    public List<ConnectionEvent> Events { get; } = [];

    public byte[] Received => [.. _received];

    public byte[] Sent => [.. _sent];

    public bool HasEnded => Events.Count > 0 && Events[^1].Kind == ConnectionEventKind.Ended;

    public IEnumerable<ConnectionEvent> Of(ConnectionEventKind kind) => Events.Where(told => told.Kind == kind);

    /// <summary>Reads all that waits, by connection.</summary>
    public static void Drain(Observation observation, Dictionary<long, ObservedStreams> all)
    {
        while (observation.TryRead(out ConnectionEvent? told))
        {
            Assert.That(told.Kind, Is.Not.EqualTo(ConnectionEventKind.Lost));
            if (!all.TryGetValue(told.Connection!.Id, out ObservedStreams? streams))
                all[told.Connection.Id] = streams = new ObservedStreams();
            streams.Add(told);
        }
    }

    /// <summary>Reads until so many connections have ended.</summary>
    public static Dictionary<long, ObservedStreams> UntilEnded(Observation observation, int connections)
    {
        Dictionary<long, ObservedStreams> all = [];
        TestServer.Eventually(() =>
        {
            Drain(observation, all);
            return all.Values.Count(static streams => streams.HasEnded) == connections;
        }, $"{connections} connections have ended");
        return all;
    }

    public void Add(ConnectionEvent told)
    {
        Assert.That(HasEnded, Is.False, "nothing follows the end");
        Assert.That(told.Kind == ConnectionEventKind.Begun, Is.EqualTo(Events.Count == 0), "it begins once, and first");
        Events.Add(told);
        switch (told.Kind)
        {
            case ConnectionEventKind.Begun:
                (_receivedBefore, _sentBefore) = (told.Offset, told.SentOffset);
                break;
            case ConnectionEventKind.Received:
                Assert.That(told.Offset, Is.EqualTo(_receivedBefore + _received.Count), "received bytes follow each other");
                _received.AddRange(told.Bytes.Span);
                break;
            case ConnectionEventKind.Sent:
                Assert.That(told.Offset, Is.EqualTo(_sentBefore + _sent.Count), "sent bytes follow each other");
                _sent.AddRange(told.Bytes.Span);
                break;
            case ConnectionEventKind.FrameReceived:
                CheckHeader(told, _received, _receivedBefore);
                break;
            case ConnectionEventKind.FrameSent:
                CheckHeader(told, _sent, _sentBefore);
                Assert.That(told.Offset - _sentBefore + told.Header.HeaderLength
                    + (long)told.Header.PayloadLength, Is.LessThanOrEqualTo(_sent.Count), "it has left");
                break;
        }
    }

    /// <summary>The bytes are these, and the frames that were told are those of which they consist, from the handshake's end on.</summary>
    public void Are(byte[] received, byte[] sent, string when)
    {
        Assert.That(Received.AsSpan().SequenceEqual(received), $"{when}: received {_received.Count} of {received.Length} bytes");
        Assert.That(Sent.AsSpan().SequenceEqual(sent), $"{when}: sent {_sent.Count} of {sent.Length} bytes");
        if (!Of(ConnectionEventKind.Opened).Any()) return;
        Assert.That(Frames(ConnectionEventKind.FrameSent), Is.EqualTo(FramesIn(sent)), $"{when}: frames sent");
        if (!Of(ConnectionEventKind.RuleBroken).Any())
            Assert.That(Frames(ConnectionEventKind.FrameReceived), Is.EqualTo(FramesIn(received)), $"{when}: frames received");
    }

    private IEnumerable<(long, FrameHeader)> Frames(ConnectionEventKind kind) => Of(kind).Select(static told => (told.Offset, told.Header));

    private static List<(long, FrameHeader)> FramesIn(ReadOnlySpan<byte> bytes)
    {
        List<(long, FrameHeader)> frames = [];
        int at = bytes.IndexOf("\r\n\r\n"u8) + 4;
        while (FrameReader.TryRead(bytes[at..], out FrameHeader header) == ReadStatus.Done && bytes.Length - at >= header.HeaderLength
            + (int)header.PayloadLength)
        {
            frames.Add((at, header));
            at += header.HeaderLength + (int)header.PayloadLength;
        }

        return frames;
    }

    private static void CheckHeader(ConnectionEvent told, List<byte> bytes, long before)
    {
        int at = (int)(told.Offset - before);
        if (at < 0) return; // it began before the observation
        byte[] there = [.. bytes.Skip(at).Take(told.Header.HeaderLength)];
        Assert.That((FrameReader.TryRead(there, out FrameHeader header), header), Is.EqualTo((ReadStatus.Done, told.Header)),
            "the header lies at its place");
    }
}

/// <summary>A client that keeps every byte that it has sent and received.</summary>
internal sealed class RecordingClient : IDisposable
{
    private readonly RawClient _client;
    private readonly byte[] _buffer = new byte[64 * 1024];

    public RecordingClient(int port, int receiveBuffer = 0)
    {
        _client = RawClient.Connect(port, receiveBuffer);
        LocalPort = ((System.Net.IPEndPoint)_client.Socket.LocalEndPoint!).Port;
    }

    public List<byte> Sent { get; } = [];

    public List<byte> Received { get; } = [];

    public int LocalPort { get; }

    public void Send(ReadOnlySpan<byte> bytes)
    {
        Sent.AddRange(bytes);
        _client.Send(bytes);
    }

    public void Send(string ascii) => Send(System.Text.Encoding.ASCII.GetBytes(ascii));

    public void Upgrade(string target = "/", string fields = "")
    {
        Send($"GET {target} HTTP/1.1\r\n{RawClient.Upgrade}{fields}\r\n");
        ReadUntil(static bytes => bytes.AsSpan().EndsWith("\r\n\r\n"u8));
    }

    public void ReadUntil(Func<byte[], bool> isEnough)
    {
        while (!isEnough([.. Received])) Assert.That(Read(), "the stream goes on");
    }

    /// <summary>Reads until so many bytes more have come.</summary>
    public void Read(int bytes)
    {
        for (int end = Received.Count + bytes; Received.Count < end;) Assert.That(Read(), "the stream goes on");
    }

    public void ReadToEnd()
    {
        while (Read())
        {
        }
    }

    public void ShutdownSend() => _client.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);

    public void Dispose() => _client.Dispose();

    private bool Read()
    {
        int length = _client.Socket.Receive(_buffer);
        Received.AddRange(_buffer.AsSpan(0, length));
        return length > 0;
    }
}
