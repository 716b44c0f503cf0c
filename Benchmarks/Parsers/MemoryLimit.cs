// The limit: it is told where every payload lies, so that nothing is parsed and nothing is checked. What is left is what no reader can do
// without: the copy that a receive is, and one pass of XOR over the payload, at the speed of memory.

using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using RawWs.Benchmarks.Corpus;
using RawWs.Frame;

namespace RawWs.Benchmarks.Parsers;

public sealed class MemoryLimit : IFrameParser
{
    private readonly byte[] _pong = new byte[127];
    private byte[] _buffer = [];
    private byte[] _message = [];

    public string Name => "Limit: memcpy and XOR";

    public void Read(Wire wire, MessageSink sink)
    {
        ArgumentNullException.ThrowIfNull(wire);
        ArgumentNullException.ThrowIfNull(sink);
        FramePlace last = wire.Frames[^1];
        int end = last.PayloadStart + last.Length;
        if (_buffer.Length < end) (_buffer, _message) = (new byte[end], new byte[end]);
        int received = 0;
        for (int more; (more = wire.Receive(_buffer.AsSpan(received, end - received))) > 0;) received += more;

        int assembled = 0;
        MessageKind kind = default;
        for (int i = 0; i < wire.Frames.Count; i++)
        {
            FramePlace frame = wire.Frames[i];
            Span<byte> payload = _buffer.AsSpan(frame.PayloadStart, frame.Length);
            if (frame.Opcode >= Opcode.Close)
            {
                if (frame.Opcode == Opcode.Ping) Pong(payload, frame.MaskingKey, wire);
                continue;
            }

            if (frame.Opcode != Opcode.Continuation) kind = (MessageKind)frame.Opcode;
            bool whole = frame.Fin && assembled == 0 && frame.Opcode != Opcode.Continuation;
            Span<byte> destination = whole ? payload : _message.AsSpan(assembled, frame.Length);
            Xor(payload, destination, frame.MaskingKey);
            assembled = whole ? 0 : assembled + frame.Length;
            if (!frame.Fin) continue;
            sink.OnMessage(kind, whole ? payload : _message.AsSpan(0, assembled));
            assembled = 0;
        }
    }

    /// <summary>XOR with a key, as fast as vectors go; <paramref name="destination"/> may be the source.</summary>
    internal static void Xor(ReadOnlySpan<byte> source, Span<byte> destination, uint key)
    {
        ref byte from = ref MemoryMarshal.GetReference(source);
        ref byte to = ref MemoryMarshal.GetReference(destination);
        Vector<byte> pattern = Vector.AsVectorByte(new Vector<uint>(key));
        ulong twice = ((ulong)key << 32) | key;
        nuint at = 0, length = (nuint)source.Length;
        for (; at + (nuint)Vector<byte>.Count <= length; at += (nuint)Vector<byte>.Count)
            (Vector.LoadUnsafe(ref from, at) ^ pattern).StoreUnsafe(ref to, at);
        for (; at + sizeof(ulong) <= length; at += sizeof(ulong))
            Unsafe.WriteUnaligned(ref Unsafe.Add(ref to, at), Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref from, at)) ^ twice);
        for (; at < length; at++)
            Unsafe.Add(ref to, at) = (byte)(Unsafe.Add(ref from, at) ^ (key >> (8 * (int)(at & 3))));
    }

    private void Pong(ReadOnlySpan<byte> payload, uint key, Wire wire)
    {
        (_pong[0], _pong[1]) = (0x8A, (byte)payload.Length);
        Xor(payload, _pong.AsSpan(2), key);
        wire.Send(_pong.AsSpan(0, 2 + payload.Length));
    }
}
