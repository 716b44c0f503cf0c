// What nodes say to each other, byte by byte. Numbers are little-endian.
//
//   message    = version (1 byte: 1) kind (1 byte) incarnation (8) length of the node's id (1) id
//                and then by kind:
//   Hello      nothing: a node has begun. Whoever hears it says Alive.
//   Alive      number of its last event (8), standing
//   Bye        nothing
//   Taken      incarnation (8), standing: the sender has the same id and goes on, and that one ends
//   standing   1 if the sender has joined and else 0 (1), when it began in milliseconds since 1970 (8)
//   Events     number of the first event (8), and each event: 1 for a uid that came or 0 for one that went (1), hash (8)
//   Wanted     incarnation (8) of whom it asks, number of the first event that is missing (8)
//   Snapshot   number of the last event in it (8), part (4), whether it is the last (1), hashes (8 each)
//   Direct     incarnation (8) of whom it is for, number of the sender's link to it (4), then a piece
//   Everybody  a piece
//   piece      its number (8), number of the first message that begins in it (8), length of what belongs to one that began before (4),
//              bytes
//   bytes      of messages, each: length of the rest (4), 1 for text or 2 for binary (1), length of the uid (2), uid, payload.
//              A message that is longer than what is left of a piece goes on in the next one.
//   Answers    incarnation (8) of whom it is for, number of the link that Direct came over (4), and for Direct and then for Everybody:
//              number of the first message that it is about (8), number behind the last (8), count of exceptions (4), and each: first (8),
//              number behind the last (8), result (1)
//   Probe      uid: another connection wants it, and asks whether the one that has it lives
//
// Nothing that comes in is trusted: what is cut, too long or unknown is dropped and counted.

using System.Buffers.Binary;
using System.Text;

namespace RawWs.Server.Nats;

internal enum WireKind : byte
{
    Hello = 1,
    Alive,
    Bye,
    Taken,
    Events,
    Wanted,
    Snapshot,
    Direct,
    Everybody,
    Answers,
    Probe,
}

/// <summary>Who says what: the beginning of every message.</summary>
/// <param name="kind">What it is.</param>
/// <param name="incarnation">Which life of its sender it is of.</param>
/// <param name="id">Its sender's id, in ASCII.</param>
internal readonly ref struct WireHead(WireKind kind, ulong incarnation, ReadOnlySpan<byte> id)
{
    public const byte Version = 1;
    public const int IdBytesMax = 64;

    public WireKind Kind { get; } = kind;

    public ulong Incarnation { get; } = incarnation;

    public ReadOnlySpan<byte> Id { get; } = id;
}

/// <summary>
/// Reads numbers from bytes that anybody may have sent. When they do not suffice <see cref="IsCut"/> says so, and 0 is read.
/// </summary>
internal ref struct WireReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    public bool IsCut { get; private set; }

    public readonly ReadOnlySpan<byte> Rest => _rest;

    public bool TryReadHead(out WireHead head)
    {
        byte version = ReadByte();
        WireKind kind = (WireKind)ReadByte();
        ulong incarnation = ReadUInt64();
        ReadOnlySpan<byte> id = Read(ReadByte());
        head = new WireHead(kind, incarnation, id);
        return !IsCut && version == WireHead.Version && kind is >= WireKind.Hello and <= WireKind.Probe && NodeId.IsValid(id);
    }

    public byte ReadByte() => Read(1) is [byte value] ? value : (byte)0;

    public ushort ReadUInt16() =>
        Read(sizeof(ushort)) is { Length: > 0 } bytes ? BinaryPrimitives.ReadUInt16LittleEndian(bytes) : (ushort)0;

    public uint ReadUInt32() => Read(sizeof(uint)) is { Length: > 0 } bytes ? BinaryPrimitives.ReadUInt32LittleEndian(bytes) : 0;

    public ulong ReadUInt64() => Read(sizeof(ulong)) is { Length: > 0 } bytes ? BinaryPrimitives.ReadUInt64LittleEndian(bytes) : 0;

    public ReadOnlySpan<byte> Read(int count)
    {
        if (count > _rest.Length)
        {
            IsCut = true;
            _rest = default;
            return default;
        }

        ReadOnlySpan<byte> read = _rest[..count];
        _rest = _rest[count..];
        return read;
    }
}

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
        return Write(WireHead.Version).Write((byte)kind).Write(incarnation).Write((byte)id.Length).Write(id);
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

/// <summary>The name of a node: a part of a NATS subject, so letters, digits, - and _ only.</summary>
internal static class NodeId
{
    public static bool IsValid(ReadOnlySpan<byte> id)
    {
        foreach (byte one in id)
            if (!char.IsAsciiLetterOrDigit((char)one) && one is not ((byte)'-' or (byte)'_')) return false;
        return id.Length is > 0 and <= WireHead.IdBytesMax;
    }

    public static bool IsValid(string id) => IsValid(Encoding.UTF8.GetBytes(id));
}
