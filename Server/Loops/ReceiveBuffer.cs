// The one large buffer of a loop, into which every receive goes. It is lent to a connection from the moment its read completes
// until the loop takes it back, at the end of that same event: frames are decoded in it, in place. Bytes that a connection has
// left over from before are copied in front of what arrived, so what it sees is always one contiguous stretch:
//
//   0                    Headroom                                                     Length
//   |      ...[ tail ]   |[ received            ]                                     |
//
// Nobody keeps a byte of it beyond the event. Whoever can't let go (a handler that has pinned its message) keeps the whole
// array, and the loop makes itself another.

namespace RawWs.Server.Loops;

internal sealed class ReceiveBuffer
{
    /// <summary>Room in front of the received bytes, in bytes: more than any request head, control frame or frame header.</summary>
    public const int HeadroomBytes = 64 * 1024;

    /// <summary>The most that one receive brings, in bytes: what a peer can have before the others get their turn.</summary>
    public const int ReceiveBytesMax = 256 * 1024;

    /// <summary>The same where less is wanted: of a peer that sends more than can be worked through, or while memory is tight. The rest waits with the peer.</summary>
    public const int LittleReceiveBytesMax = 16 * 1024;

    /// <summary>The array as it is now.</summary>
    public byte[] Array { get; private set; } = Allocate();

    /// <summary>Where the next receive goes.</summary>
    public Span<byte> ReceiveSpan(bool little) => Array.AsSpan(HeadroomBytes, little ? LittleReceiveBytesMax : ReceiveBytesMax);

    /// <summary>Puts a tail in front of the received bytes. It must fit the headroom.</summary>
    public int Prepend(ReadOnlySpan<byte> tail)
    {
        int start = HeadroomBytes - tail.Length;
        tail.CopyTo(Array.AsSpan(start));
        return start;
    }

    /// <summary>The array stays with somebody; the loop goes on with a new one.</summary>
    public void GiveAway() => Array = Allocate();

    // On the pinned heap: the kernel writes to it all day, and the collector has no reason to look at it or move it.
    private static byte[] Allocate() => GC.AllocateUninitializedArray<byte>(HeadroomBytes + ReceiveBytesMax, pinned: true);
}
