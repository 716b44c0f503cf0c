// Reads what another node has said. WireMessage.cs has what it looks like.

using System.Buffers.Binary;

namespace RawWs.Server.Nats;

/// <summary>
/// Reads numbers from bytes that anybody may have sent. When they do not suffice <see cref="IsCut"/> says so, and 0 is read.
/// </summary>
internal ref struct WireReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    public bool IsCut { get; private set; }

    public readonly ReadOnlySpan<byte> Rest => _rest;

    /// <summary>The head, of whichever version. What follows it is known in this node's own version alone.</summary>
    public bool TryReadHead(out WireHead head)
    {
        byte version = ReadByte();
        WireKind kind = (WireKind)ReadByte();
        ulong incarnation = ReadUInt64();
        ReadOnlySpan<byte> id = Read(ReadByte());
        head = new WireHead(version, kind, incarnation, id);
        return !IsCut && version != 0 && NodeId.IsValid(id);
    }

    public byte ReadByte() => Read(1) is [byte value] ? value : (byte)0;

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
