// What a connection needs while bytes are taken from it, and for as long as a message is under way: the conversation, and the
// message as far as it has come. Between messages a connection has none: the inbox rests with the loop, ready for the next
// connection that bytes arrive for. The owner's thread only.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using RawWs.Frame;
using RawWs.Handshake;
using RawWs.Server.Compression;
using RawWs.Server.Loops;
using RawWs.Server.Memory;

namespace RawWs.Server;

internal sealed class Inbox(ProtocolLimits limits)
{
    private const int RoomBytesMin = 1024;
    private const int FirstRoomBytes = 4096;
    private const int ReceiveRoomBytesMin = 32 * 1024;
    private const int ReceiveRoomBytesMax = 256 * 1024; // what others get in their turn

    private byte[]? _assembly;
    private int _assembled;
    private Utf8Validator _utf8;

    /// <summary>The protocol's state.</summary>
    public WebSocketProtocol Protocol { get; } = new(Role.Server, limits);

    /// <summary>By when the message under way must have ended, in the loop's milliseconds.</summary>
    public long MessageDeadline { get; set; } = long.MaxValue;

    /// <summary>Before the upgrade: how far a head that comes in pieces has been judged.</summary>
    public RequestProgress Head { get; set; }

    /// <summary>What decompresses the message under way; null when it is not compressed.</summary>
    public Inflater? Inflater { get; set; }

    /// <summary>What has to leave before more is read from the connection; null for nothing.</summary>
    public IUnderWay? Awaited { get; set; }

    /// <summary>How much of that was left when it was looked at last.</summary>
    public int AwaitedLeft { get; set; }

    /// <summary>When it is looked at next, in the loop's milliseconds.</summary>
    public long LookTime { get; set; } = long.MaxValue;

    /// <summary>Nothing is under way: the connection can do without, and another may have it.</summary>
    public bool IsAtRest => Protocol.IsAtRest && _assembly is null && Awaited is null && !Head.HasBegun;

    /// <summary>Whether what comes next, beginning with this byte, may be of a compressed message (RSV1: RFC 7692 §6).</summary>
    public bool MayBeCompressed(byte first) => Inflater is not null || (first & (byte)ReservedBits.Rsv1) != 0;

    /// <summary>The message that has been assembled, or what there is of it.</summary>
    public ReadOnlyMemory<byte> Message => new(_assembly, 0, _assembled);

    /// <summary>Whether this is the array that the message is assembled in.</summary>
    public bool IsAssembledIn(byte[] array) => array == _assembly;

    /// <summary>
    /// Appends a stretch to the message. Its array grows with what has come: to twice of it, or, so that a long message is not moved
    /// over and over, to what is declared, if that is no more than four times of it. False when the server's memory limit is reached.
    /// </summary>
    public bool TryAppend(ReadOnlySpan<byte> stretch, long declaredBytes, MemoryBudget budget)
    {
        if (stretch.IsEmpty) return true;
        int needed = _assembled + stretch.Length;
        if (LiesAtTheEnd(stretch))
        {
            _assembled = needed;
            return true;
        }

        if (_assembly is null || _assembly.Length < needed)
        {
            long wanted = declaredBytes >= needed && declaredBytes <= needed * 4L ? declaredBytes : _assembly is null ? needed : _assembly.Length * 2L;
            if (!TryGrow((int)Math.Clamp(wanted, needed, Array.MaxLength), budget)) return false;
        }

        stretch.CopyTo(_assembly.AsSpan(_assembled));
        _assembled = needed;
        return true;
    }

    /// <summary>
    /// Room for the next bytes of a message that comes as it is, so that they need not be moved: what is received there is appended in its place.
    /// False where it is not worth it, or the memory limit is reached.
    /// </summary>
    public bool TryGetReceiveRoom(MemoryBudget budget, out ArraySegment<byte> room)
    {
        room = default;
        long left = Protocol.PayloadBytesLeft;
        if (_assembly is null || Inflater is not null || left < ReceiveRoomBytesMin) return false;
        if (_assembly.Length - _assembled < ReceiveRoomBytesMin && !TryGrow((int)Math.Min(_assembly.Length * 2L, Array.MaxLength), budget)) return false;
        room = new ArraySegment<byte>(_assembly, _assembled, (int)Math.Min(Math.Min(left, ReceiveRoomBytesMax), _assembly.Length - _assembled));
        return room.Count > 0;
    }

    /// <summary>A compressed message begins: what comes out of it is judged as text from here on, if it is text.</summary>
    public void BeginInflate(Inflater inflater, long bytesMax)
    {
        Inflater = inflater;
        inflater.Begin(bytesMax);
        _utf8.Reset();
    }

    /// <summary>Room behind what has been assembled, some of it at least. False when the server's memory limit is reached.</summary>
    public bool TryGetRoom(MemoryBudget budget, out Span<byte> room)
    {
        if (_assembly is null || _assembly.Length - _assembled < RoomBytesMin)
        {
            if (!TryGrow(_assembly is null ? FirstRoomBytes : (int)Math.Min(_assembly.Length * 2L, Array.MaxLength), budget))
            {
                room = default;
                return false;
            }
        }

        room = _assembly.AsSpan(_assembled);
        return true;
    }

    /// <summary>So much of the room has been filled. The rule that the text breaks with it, or null; binary is not judged.</summary>
    public Rule? Fill(int bytes, MessageKind kind)
    {
        ReadOnlySpan<byte> stretch = _assembly.AsSpan(_assembled, bytes);
        _assembled += bytes;
        // §8.1, RFC 7692 §6: it is the decompressed message that has to be UTF-8.
        return kind == MessageKind.Binary || _utf8.Append(stretch) ? null : FrameRules.TextNotUtf8;
    }

    /// <summary>Whether the text has ended between two characters.</summary>
    public bool TextIsComplete => _utf8.IsComplete;

    /// <summary>Gives the message's memory back.</summary>
    public void Release(MemoryBudget budget)
    {
        if (_assembly is not null) budget.Return(_assembly);
        _assembly = null;
        _assembled = 0;
    }

    private bool LiesAtTheEnd(ReadOnlySpan<byte> stretch) => _assembly is not null && _assembled < _assembly.Length
        && Unsafe.AreSame(ref MemoryMarshal.GetReference(stretch), ref _assembly[_assembled]);

    private bool TryGrow(int bytes, MemoryBudget budget)
    {
        byte[]? larger = budget.TryRentToWait(bytes);
        if (larger is null) return false;
        _assembly.AsSpan(0, _assembled).CopyTo(larger);
        if (_assembly is not null) budget.Return(_assembly);
        _assembly = larger;
        return true;
    }
}
