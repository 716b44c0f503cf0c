// Writes what a node says. WireMessage.cs has what it looks like.

using System.Buffers.Binary;

namespace RawWs.Server.Nats;

/// <summary>Writes one message after the other into one array, which grows to the largest.</summary>
internal sealed class WireWriter
{
    private byte[] _bytes = new byte[256];
    private int _length;

    public int Length => _length;

    public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, _length);

    public WireWriter Begin(WireKind kind, ulong incarnation, ReadOnlySpan<byte> id)
    {
        _length = 0;
        return Write(WireHead.OwnVersion).Write((byte)kind).Write(incarnation).Write((byte)id.Length).Write(id);
    }

    public WireWriter Write(byte value)
    {
        Room(1)[0] = value;
        return this;
    }

    public WireWriter Write(uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(Room(sizeof(uint)), value);
        return this;
    }

    public WireWriter Write(ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(Room(sizeof(ulong)), value);
        return this;
    }

    public WireWriter Write(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Room(bytes.Length));
        return this;
    }

    private Span<byte> Room(int count)
    {
        if (_bytes.Length - _length < count) Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _length + count));
        Span<byte> room = _bytes.AsSpan(_length, count);
        _length += count;
        return room;
    }
}
