// Memory that is no array: a MemoryManager's, which a caller may pass wherever the library takes memory.

using System.Buffers;

namespace RawWs.Tests.Support;

internal sealed class ForeignMemory(byte[] bytes) : MemoryManager<byte>
{
    public override Span<byte> GetSpan() => bytes;

    public override MemoryHandle Pin(int elementIndex = 0) => throw new NotSupportedException();

    public override void Unpin() => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
    }
}
