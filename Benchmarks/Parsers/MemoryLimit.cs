// The limit: it is told where every payload lies, so that nothing is parsed and nothing is checked. What is left is what no reader can do
// without: the copy that a receive is, and one pass of XOR over the payload. Both are done as well as we know how: what is small is
// received again and again into the same piece of memory, which the processor's first cache keeps; what is large is received where it is
// delivered, piece by piece, and each piece meets its mask before it has left that cache. A payload of 256 KiB and more comes from beyond
// the second cache anyhow: larger pieces, which the second cache keeps, are copied faster.

using RawWs.Benchmarks.Corpus;
using RawWs.Frame;

namespace RawWs.Benchmarks.Parsers;

public sealed class MemoryLimit : IFrameParser
{
    private const int PieceBytes = 16 * 1024; // with its source in the first cache of any processor of today

    private const int LargePieceBytes = 128 * 1024; // in the second cache
    private const int LargeBytes = 256 * 1024;

    private readonly byte[] _pong = new byte[2 + FrameWriter.ControlPayloadBytesMax];
    private readonly PlacedBytes _piece = new(PieceBytes, PlacedBytes.Buffer);
    private PlacedBytes _message = new(PieceBytes, PlacedBytes.Message);
    private int _start; // what is received and not yet used lies in _piece from here
    private int _end;

    public string Name => "Limit: memcpy and XOR";

    public void Read(Wire wire, MessageSink sink)
    {
        ArgumentNullException.ThrowIfNull(wire);
        ArgumentNullException.ThrowIfNull(sink);
        (_start, _end) = (0, 0);
        int assembled = 0, frameStart = 0;
        MessageKind kind = default;
        foreach (ref readonly FramePlace frame in wire.Places)
        {
            int header = frame.PayloadStart - frameStart;
            frameStart = frame.PayloadStart + frame.Length;
            if (frame.Opcode < Opcode.Close && frame.Opcode != Opcode.Continuation) kind = (MessageKind)frame.Opcode;
            bool alone = frame.Fin && frame.Opcode != Opcode.Continuation;
            if (alone && header + frame.Length <= PieceBytes)
            {
                Fill(wire, header + frame.Length);
                Span<byte> payload = _piece.Span.Slice(_start + header, frame.Length);
                _start += header + frame.Length;
                if (frame.Opcode == Opcode.Ping) Pong(payload, frame.MaskingKey, wire);
                if (frame.Opcode >= Opcode.Close) continue;
                VectorXor.InPlace(payload, frame.MaskingKey);
                sink.OnMessage(kind, payload);
                continue;
            }

            Fill(wire, header);
            _start += header;
            if (_message.Length < assembled + frame.Length) _message = _message.Grown(assembled + frame.Length, assembled);
            ReceiveWhereItIsDelivered(wire, _message.Span.Slice(assembled, frame.Length), frame.MaskingKey);
            assembled += frame.Length;
            if (!frame.Fin) continue;
            sink.OnMessage(kind, _message.Span[..assembled]);
            assembled = 0;
        }
    }

    /// <summary>XOR with a key; <paramref name="destination"/> may be the source.</summary>
    internal static void Xor(ReadOnlySpan<byte> source, Span<byte> destination, uint key) => VectorXor.Copying(source, destination, key);

    // Until so many bytes are there; no more than a piece is ever asked for.
    private void Fill(Wire wire, int count)
    {
        if (_end - _start >= count) return;
        if (_start > 0)
        {
            _piece.Span[_start.._end].CopyTo(_piece.Span);
            (_start, _end) = (0, _end - _start);
        }

        while (_end < count) _end += wire.Receive(_piece.Span[_end..]);
    }

    private void ReceiveWhereItIsDelivered(Wire wire, Span<byte> payload, uint key)
    {
        int done = Math.Min(_end - _start, payload.Length);
        VectorXor.Copying(_piece.Span.Slice(_start, done), payload, key);
        _start += done;
        int most = payload.Length < LargeBytes ? PieceBytes : LargePieceBytes;
        while (done < payload.Length)
        {
            Span<byte> piece = payload[done..Math.Min(done + most, payload.Length)];
            for (int received = 0; received < piece.Length;) received += wire.Receive(piece[received..]);
            VectorXor.InPlace(piece, uint.RotateRight(key, 8 * (done & 3)));
            done += piece.Length;
        }
    }

    private void Pong(ReadOnlySpan<byte> payload, uint key, Wire wire)
    {
        (_pong[0], _pong[1]) = (0x8A, (byte)payload.Length);
        VectorXor.Copying(payload, _pong.AsSpan(2), key);
        wire.Send(_pong.AsSpan(0, 2 + payload.Length));
    }
}
