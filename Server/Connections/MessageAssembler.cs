// What a connection needs while its bytes are handled, and for as long as a message is unfinished: the protocol's state, and the part of
// the message that has come. Between messages a connection has no assembler. It lies in the loop's pool, ready for the next connection for
// which bytes arrive. Only the owner's thread uses it.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using RawWs.Frame;
using RawWs.Handshake;
using RawWs.Server.Extensions;
using RawWs.Server.Memory;
using RawWs.Server.Sending;

namespace RawWs.Server.Connections;

internal sealed class MessageAssembler(ProtocolLimits limits)
{
    private const int RoomBytesMin = 1024;
    private const int FirstRoomBytes = 4096;
    private const int ReceiveRoomBytesMin = 32 * 1024;
    private const int ReceiveRoomBytesMax = 256 * 1024; // as much as other connections get in their turn

    private byte[]? _assembly;
    private int _assembled;

    /// <summary>The state of the connection's protocol.</summary>
    public WebSocketProtocol Protocol { get; } = new(Role.Server, limits);

    /// <summary>The deadline of the unfinished message, in the loop's milliseconds.</summary>
    public long MessageDeadline { get; set; } = long.MaxValue;

    /// <summary>By how many milliseconds the deadline has moved after its first move; null before that.</summary>
    public long? Delay { get; set; }

    /// <summary>Before the upgrade: how far a request head that comes in pieces has been checked.</summary>
    public RequestProgress Head { get; set; }

    /// <summary>What decodes the unfinished message; null when no extension has marked it.</summary>
    public ConnectionExtension? Decoder { get; set; }

    /// <summary>What must be delivered before more is read from the connection; null for nothing.</summary>
    public IPendingDelivery? PendingDelivery { get; set; }

    /// <summary>How much of that delivery remained at the last check.</summary>
    public int LastRemaining { get; set; }

    /// <summary>When the delivery is checked next, in the loop's milliseconds.</summary>
    public long NextCheck { get; set; } = long.MaxValue;

    /// <summary>Whether nothing is unfinished. Then the connection does not need the assembler, and another one may have it.</summary>
    public bool IsAtRest => Protocol.IsAtRest && _assembly is null && PendingDelivery is null && !Head.HasBegun;

    /// <summary>Whether the bytes that begin with this one may belong to a message that is marked with some of these bits (§5.2).</summary>
    public bool MayBeMarked(byte first, ReservedBits bits) => Decoder is not null || (first & (byte)bits) != 0;

    /// <summary>The assembled message, or the part of it that has come.</summary>
    public ReadOnlyMemory<byte> Message => new(_assembly, 0, _assembled);

    /// <summary>Whether this is the array in which the message is assembled.</summary>
    public bool IsAssembledIn(byte[] array) => array == _assembly;

    /// <summary>
    /// Free space behind the assembled bytes, for chunks of bytes that lie in this array; none between messages, and where the bytes are in
    /// their place already, or are decoded first. What is written there is appended without a copy. It is valid until the assembler is used
    /// again.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Span<byte> RoomFor(byte[] array) =>
        _assembly is null || _assembly == array || Decoder is not null ? default : _assembly.AsSpan(_assembled);

    /// <summary>
    /// Appends a chunk to the message. The array grows with what has come: to twice its size. If the declared length is at most four times
    /// of what has come, it grows to that at once, so that a long message is not copied again and again. False when the server's memory
    /// limit is reached.
    /// </summary>
    public bool TryAppend(ReadOnlySpan<byte> chunk, long declaredBytes, MemoryBudget budget)
    {
        if (chunk.IsEmpty) return true;
        int needed = _assembled + chunk.Length;
        if (LiesAtTheEnd(chunk))
        {
            _assembled = needed;
            return true;
        }

        if (_assembly is null || _assembly.Length < needed)
        {
            bool trustsDeclared = declaredBytes >= needed && declaredBytes <= needed * 4L;
            long wanted = trustsDeclared ? declaredBytes : _assembly is null ? needed : _assembly.Length * 2L;
            if (!TryGrow((int)Math.Clamp(wanted, needed, Array.MaxLength), budget)) return false;
        }

        chunk.CopyTo(_assembly.AsSpan(_assembled));
        _assembled = needed;
        return true;
    }

    /// <summary>
    /// The place for the next bytes of a message that is not decoded. Bytes that are received there are already appended, and need no
    /// copy. False if it is not worth it, or the memory limit is reached.
    /// </summary>
    public bool TryGetReceiveRoom(MemoryBudget budget, out ArraySegment<byte> room)
    {
        room = default;
        long left = Protocol.PayloadBytesLeft;
        if (_assembly is null || Decoder is not null || left < ReceiveRoomBytesMin) return false;
        if (_assembly.Length - _assembled < ReceiveRoomBytesMin && !TryGrow((int)Math.Min(_assembly.Length * 2L, Array.MaxLength), budget))
            return false;
        room = new ArraySegment<byte>(_assembly, _assembled,
            (int)Math.Min(Math.Min(left, ReceiveRoomBytesMax), _assembly.Length - _assembled));
        return room.Count > 0;
    }

    /// <summary>
    /// Free space behind the assembled bytes for what is decoded: at least 1 KiB, but no more than the message may still have and one byte,
    /// which shows that it is too big. False when the server's memory limit is reached.
    /// </summary>
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
        if (room.Length > Protocol.DecodedBytesLeft) room = room[..(int)(Protocol.DecodedBytesLeft + 1)];
        return true;
    }

    /// <summary>So many bytes of the space have been filled. Returns the rule that they break, or null.</summary>
    public Rule? Fill(int bytes, MessageKind kind)
    {
        ReadOnlySpan<byte> chunk = _assembly.AsSpan(_assembled, bytes);
        _assembled += bytes;
        return Protocol.CheckDecoded(chunk, kind, endOfMessage: false);
    }

    /// <summary>Returns the message's memory to the budget. Nothing more of it is decoded.</summary>
    public void Release(MemoryBudget budget)
    {
        Decoder?.End();
        Decoder = null;
        if (_assembly is not null) budget.Return(_assembly);
        _assembly = null;
        _assembled = 0;
    }

    private bool LiesAtTheEnd(ReadOnlySpan<byte> chunk) => _assembly is not null && _assembled < _assembly.Length
        && Unsafe.AreSame(ref MemoryMarshal.GetReference(chunk), ref _assembly[_assembled]);

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
