// TCP segments in, the bytes of each connection's two directions out, in order: what came twice is left out, what came early waits. Where
// bytes are missing a direction ends, because nobody can say where the next frame begins. All of it is bounded.

using System.Net;

namespace RawWs.Server.Console.Explain;

/// <summary>The bytes that one end of a connection has sent.</summary>
internal sealed class TcpDirection
{
    private const int WaitingMax = 1024;

    private readonly List<byte> _bytes = [];
    private readonly List<(int End, int Packet)> _arrivals = [];
    private readonly List<TcpSegment> _waiting = [];
    private uint? _next;

    public byte[] Bytes => [.. _bytes];

    /// <summary>Whether the capture began before the first byte.</summary>
    public bool HasBeginning { get; private set; }

    /// <summary>Whether bytes behind these are missing in the capture, or are too many.</summary>
    public bool IsCut => _waiting.Count > 0 || IsFull;

    public bool IsFull { get; private set; }

    public void Take(in TcpSegment segment, int packet)
    {
        if (segment.Syn)
        {
            (_next, HasBeginning) = (segment.Sequence + 1, true);
            return;
        }

        if (segment.Payload.IsEmpty || IsFull) return;
        _next ??= segment.Sequence;
        if (!TryAppend(segment, packet))
        {
            if (_waiting.Count < WaitingMax) _waiting.Add(segment);
            return;
        }

        while (_waiting.FindIndex(early => Distance(early) <= 0) is >= 0 and int index)
        {
            TryAppend(_waiting[index], packet);
            _waiting.RemoveAt(index);
        }
    }

    /// <summary>The number of the packet with which a byte had arrived.</summary>
    public int PacketOf(int lastByte)
    {
        int low = 0, high = _arrivals.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (lastByte < _arrivals[middle].End) high = middle;
            else low = middle + 1;
        }

        return low < _arrivals.Count ? _arrivals[low].Packet : int.MaxValue;
    }

    // How far behind the next expected byte the segment begins; sequence numbers wrap around.
    private int Distance(in TcpSegment segment) => (int)(segment.Sequence - _next!.Value);

    private bool TryAppend(in TcpSegment segment, int packet)
    {
        int distance = Distance(segment);
        if (distance > 0) return false;
        if (-(long)distance >= segment.Payload.Length) return true;
        ReadOnlySpan<byte> fresh = segment.Payload.Span[-distance..];
        if (_bytes.Count + fresh.Length > ExplainInput.BytesMax)
        {
            IsFull = true;
            return true;
        }

        _bytes.AddRange(fresh);
        _next += (uint)fresh.Length;
        _arrivals.Add((_bytes.Count, packet));
        return true;
    }
}

/// <summary>A connection of a capture.</summary>
internal sealed class TcpConversation(IPEndPoint client, IPEndPoint server)
{
    private uint? _sequenceOfSyn;

    public IPEndPoint Client { get; private set; } = client;

    public IPEndPoint Server { get; private set; } = server;

    public TcpDirection FromClient { get; private set; } = new();

    public TcpDirection FromServer { get; private set; } = new();

    /// <summary>Puts the segments of all packets together, in the order of the connections' first packets.</summary>
    public static List<TcpConversation> Assemble(IReadOnlyList<CapturedPacket> packets, int? port)
    {
        Dictionary<(IPEndPoint, IPEndPoint), TcpConversation> open = [];
        List<TcpConversation> all = [];
        for (int i = 0; i < packets.Count; i++)
        {
            if (!TcpSegment.TryRead(packets[i], out TcpSegment segment)) continue;
            if (port is { } wanted && segment.Source.Port != wanted && segment.Destination.Port != wanted) continue;
            bool begins = segment.Syn && !segment.Ack;
            TcpConversation? found = open.GetValueOrDefault((segment.Source, segment.Destination))
                ?? open.GetValueOrDefault((segment.Destination, segment.Source));
            if (found is null || (begins && found._sequenceOfSyn is { } before && before != segment.Sequence))
            {
                bool isAnswer = (segment.Syn && segment.Ack) || segment.Source.Port == port;
                found = isAnswer ? new(segment.Destination, segment.Source) : new(segment.Source, segment.Destination);
                open.Remove((found.Server, found.Client));
                open[(found.Client, found.Server)] = found;
                all.Add(found);
            }

            if (begins) found._sequenceOfSyn = segment.Sequence;
            (segment.Source.Equals(found.Client) ? found.FromClient : found.FromServer).Take(segment, i);
        }

        foreach (TcpConversation conversation in all) conversation.Turn(port);
        return all;
    }

    /// <summary>Whether it begins with a handshake.</summary>
    public bool HasHandshake => ConversationExplainer.IsRequest(FromClient.Bytes) || ConversationExplainer.IsResponse(FromServer.Bytes);

    // Of a connection whose beginning is not there the client is who has sent a request, or to whom no response came.
    private void Turn(int? port)
    {
        if (_sequenceOfSyn is not null || Server.Port == port) return;
        bool isTurned = ConversationExplainer.IsRequest(FromServer.Bytes) || ConversationExplainer.IsResponse(FromClient.Bytes);
        if (!isTurned) return;
        (Client, Server) = (Server, Client);
        (FromClient, FromServer) = (FromServer, FromClient);
    }
}
