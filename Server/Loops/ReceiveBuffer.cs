// The loop's one large buffer, into which every receive goes. It is lent to a connection from the moment its read completes until the loop
// reclaims it, at the end of the same event. Frames are decoded in it, in place; of a binary message in pieces, to where it is assembled.
// Bytes that a connection has left over from before (its tail) are copied in front of what arrived, so that it always sees contiguous
// bytes:
//
//   0                    Headroom                                                     Length
//   |      ...[ tail ]   |[ received            ]                                     |
//
// Nobody keeps a byte of it after the event. If somebody must (a handler that still has a message in it), they keep the whole array, and
// the loop makes itself another one.

namespace RawWs.Server.Loops;

internal sealed class ReceiveBuffer
{
    /// <summary>The space in front of the received bytes, in bytes: more than any request head, control frame or frame header.</summary>
    public const int HeadroomBytes = 64 * 1024;

    /// <summary>The most that one receive brings, in bytes. Then the other connections get their turn.</summary>
    public const int ReceiveBytesMax = 256 * 1024;

    /// <summary>
    /// The same if less is wanted: from a peer that sends faster than its bytes can be handled, or while memory is tight. The rest waits
    /// with the peer.
    /// </summary>
    public const int LittleReceiveBytesMax = 16 * 1024;

    /// <summary>The current array.</summary>
    public byte[] Array { get; private set; } = Allocate();

    /// <summary>
    /// How many bytes the loop has copied for reads that needed more than had arrived. For tests, as a measure of the work.
    /// </summary>
    public long MovedBytes { get; set; }

    /// <summary>The part of the array that the next receive fills.</summary>
    public Span<byte> ReceiveSpan(bool little) => Array.AsSpan(HeadroomBytes, little ? LittleReceiveBytesMax : ReceiveBytesMax);

    /// <summary>Copies a tail in front of the received bytes. It must fit into the headroom. Returns where it begins.</summary>
    public int Prepend(ReadOnlySpan<byte> tail)
    {
        int start = HeadroomBytes - tail.Length;
        MovedBytes += tail.Length;
        tail.CopyTo(Array.AsSpan(start));
        return start;
    }

    /// <summary>Somebody keeps the array, and the loop makes a new one.</summary>
    public void GiveAway() => Array = Allocate();

    // On the pinned heap: the kernel writes to it all the time, and the garbage collector has no reason to look at it or to move it.
    private static byte[] Allocate() => GC.AllocateUninitializedArray<byte>(HeadroomBytes + ReceiveBytesMax, pinned: true);
}
