// What went over a connection, both ways, as it was written and read; of much only the beginning. Any thread.

namespace RawWs.Conformance;

internal sealed class Transcript
{
    /// <summary>How many bytes of a direction are kept.</summary>
    public const int BytesMax = 512 * 1024;

    private readonly Lock _lock = new();
    private readonly Way _client = new(), _server = new();
    private int _pieces;

    /// <summary>What the suite has sent.</summary>
    public byte[] OfClient => Copy(_client);

    /// <summary>What the server has sent.</summary>
    public byte[] OfServer => Copy(_server);

    /// <summary>A connection begins. What was kept of one before is forgotten.</summary>
    public void Begin()
    {
        lock (_lock)
        {
            _client.Clear();
            _server.Clear();
        }
    }

    /// <summary>Bytes go one way.</summary>
    public void Add(bool ofClient, ReadOnlySpan<byte> bytes)
    {
        lock (_lock) (ofClient ? _client : _server).Add(bytes, _pieces++);
    }

    /// <summary>When the byte at this offset of a direction went: a number that grows.</summary>
    public int OrderOf(bool ofClient, int offset)
    {
        lock (_lock) return (ofClient ? _client : _server).OrderOf(offset);
    }

    private byte[] Copy(Way way)
    {
        lock (_lock) return [.. way.Bytes];
    }

    private sealed class Way
    {
        private readonly List<(int End, int Order)> _pieces = [];

        public List<byte> Bytes { get; } = [];

        public void Add(ReadOnlySpan<byte> bytes, int order)
        {
            Bytes.AddRange(bytes[..Math.Min(bytes.Length, BytesMax - Bytes.Count)]);
            _pieces.Add((Bytes.Count, order));
        }

        public int OrderOf(int offset) => _pieces.First(piece => offset < piece.End).Order;

        public void Clear()
        {
            Bytes.Clear();
            _pieces.Clear();
        }
    }
}
