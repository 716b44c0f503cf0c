// A span as a Memory, for SslStream, which takes no spans: its base class would rent an array for each, and copy. The memory is lent for
// one call that completes before it returns. After that there is nothing in it. Each thread has one.

using System.Buffers;

namespace RawWs.Server.Tls;

internal sealed unsafe class LentMemory : MemoryManager<byte>
{
    [ThreadStatic] private static LentMemory? _ofThread;

    private byte* _start;
    private int _length;

    /// <summary>The thread's own, which is lent once at a time.</summary>
    public static LentMemory OfThread => _ofThread ??= new LentMemory();

    /// <summary>Lends pinned bytes, until <see cref="TakeBack"/>.</summary>
    public Memory<byte> Lend(byte* start, int length)
    {
        _start = start;
        _length = length;
        return Memory;
    }

    /// <summary>Whoever has the memory sees nothing in it any more.</summary>
    public void TakeBack() => Lend(null, 0);

    public override Span<byte> GetSpan() => new(_start, _length);

    public override MemoryHandle Pin(int elementIndex = 0) => new(_start + elementIndex);

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
    }
}
