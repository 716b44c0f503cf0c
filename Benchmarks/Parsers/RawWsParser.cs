// This project's WebSocketProtocol, used as its server uses it: one receive buffer, frames decoded where they lie, messages in pieces
// assembled in an array that grows, and a large payload that goes on received where its message is assembled. All checks are on; there is
// no way to turn one off.

using RawWs.Benchmarks.Corpus;
using RawWs.Frame;

namespace RawWs.Benchmarks.Parsers;

public sealed class RawWsParser : IFrameParser
{
    private const int ReceiveBytesMax = 256 * 1024;
    private const int ReceiveInPlaceBytesMin = 32 * 1024;
    private const int ReceiveInPlaceBytesMax = 128 * 1024;

    private readonly WebSocketProtocol _protocol = new(Role.Server, new ProtocolLimits());
    private readonly byte[] _buffer = new byte[ReceiveBytesMax];
    private readonly byte[] _pong = new byte[FrameWriter.HeaderBytesMax + FrameWriter.ControlPayloadBytesMax];
    private byte[] _message = new byte[1024];
    private int _assembled;

    public string Name => "RawWs";

    public void Read(Wire wire, MessageSink sink)
    {
        ArgumentNullException.ThrowIfNull(wire);
        ArgumentNullException.ThrowIfNull(sink);
        int held = 0;
        while (true)
        {
            if (_assembled > 0 && held == 0 && _protocol.PayloadBytesLeft >= ReceiveInPlaceBytesMin)
            {
                int received = wire.Receive(RoomInMessage());
                if (received == 0) return;
                Span<byte> bytes = _message.AsSpan(_assembled, received);
                if (!_protocol.TryReadData(bytes, out DataChunk chunk)) throw Ended(_protocol.Next(bytes, out _));
                Added(chunk, sink);
                continue;
            }

            int more = wire.Receive(_buffer.AsSpan(held));
            if (more == 0) return;
            int end = held + more, at = ReadAll(end, wire, sink);
            held = end - at;
            if (held > 0 && at > 0) _buffer.AsSpan(at, held).CopyTo(_buffer);
        }
    }

    // Returns how many bytes of the buffer are done with.
    private int ReadAll(int end, Wire wire, MessageSink sink)
    {
        int at = 0;
        while (at < end)
        {
            Span<byte> rest = _buffer.AsSpan(at, end - at);
            if (_protocol.TryReadData(rest, out DataChunk chunk))
            {
                at += chunk.Consumed;
                ReadOnlySpan<byte> payload = _buffer.AsSpan(at - chunk.PayloadBytes, chunk.PayloadBytes);
                if (chunk.IsMessage)
                {
                    sink.OnMessage(chunk.Kind, payload);
                    continue;
                }

                if (_message.Length - _assembled < payload.Length) Grow(payload.Length);
                payload.CopyTo(_message.AsSpan(_assembled));
                Added(chunk, sink);
                continue;
            }

            ProtocolEvent found = _protocol.Next(rest, out int consumed);
            at += consumed;
            if (found.Kind == ProtocolEventKind.NeedMoreData) break;
            if (found.Kind is ProtocolEventKind.Close or ProtocolEventKind.Fail) throw Ended(found);
            if (found.Kind == ProtocolEventKind.Ping)
                wire.Send(_pong.AsSpan(0, FrameWriter.Write(_pong, Opcode.Pong, found.Payload)));
        }

        return at;
    }

    private void Added(in DataChunk chunk, MessageSink sink)
    {
        _assembled += chunk.PayloadBytes;
        if (!chunk.EndOfMessage) return;
        sink.OnMessage(chunk.Kind, _message.AsSpan(0, _assembled));
        _assembled = 0;
    }

    private Span<byte> RoomInMessage()
    {
        int wanted = (int)Math.Min(_protocol.PayloadBytesLeft, ReceiveInPlaceBytesMax);
        if (_message.Length - _assembled < wanted) Grow((int)_protocol.PayloadBytesLeft);
        return _message.AsSpan(_assembled, wanted);
    }

    private void Grow(int bytes) => Array.Resize(ref _message, Math.Max(_assembled + bytes, 2 * _message.Length));

    private static InvalidDataException Ended(in ProtocolEvent found) => new($"The connection ended: {found.Rule}");
}
