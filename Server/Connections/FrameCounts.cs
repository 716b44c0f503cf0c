// The frames that the counts of messages do not tell of. A connection that has only text, each message in one frame, needs none of it: it
// is made for the first frame of another kind. Only the owner writes, but for the binary messages sent, which any thread counts.

namespace RawWs.Server.Connections;

internal sealed class FrameCounts
{
    private long _binaryOut;

    public long BinaryIn { get; set; }

    public long ContinuationIn { get; set; }

    public long PingIn { get; set; }

    public long PongIn { get; set; }

    public long PongOut { get; set; }

    public uint PingOut { get; set; }

    public bool CloseIn { get; set; }

    public bool CloseOut { get; set; }

    public long BinaryOut => Volatile.Read(ref _binaryOut);

    /// <summary>Any thread.</summary>
    public void CountBinaryOut(int count) => Interlocked.Add(ref _binaryOut, count);
}
