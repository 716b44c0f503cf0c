// What NATS' client does with a message's bytes when it comes: they are copied out of its buffer, and wait. So this is where their length
// is looked at: what is longer than any node of ours sends is not kept. It waits as an empty message, which makes no sense to whoever
// reads it, and is counted there as all that makes none.

using System.Buffers;
using NATS.Client.Core;

namespace RawWs.Server.Nats;

/// <param name="bytesMax">The longest message that is kept.</param>
internal sealed class NatsBytes(int bytesMax) : INatsDeserialize<NatsMemoryOwner<byte>>
{
    /// <summary>The bytes, in memory of the pool's that whoever reads them gives back; nothing of what is empty or too long.</summary>
    public NatsMemoryOwner<byte> Deserialize(in ReadOnlySequence<byte> buffer)
    {
        if (buffer.IsEmpty || buffer.Length > bytesMax) return default;
        NatsMemoryOwner<byte> kept = NatsMemoryOwner<byte>.Allocate((int)buffer.Length);
        buffer.CopyTo(kept.Span);
        return kept;
    }
}
