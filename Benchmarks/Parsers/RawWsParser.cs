// This project's WebSocketProtocol, used as its server uses it: one receive buffer, frames decoded where they lie, messages in pieces
// assembled in an array that grows, and a payload that goes on received where its message is assembled. (The server does that with large
// ones only: a receive costs it a system call. And the array here is kept between messages, as the buffer is that System.Net.WebSockets is
// given; the server rents one with a message's first chunk, which it therefore copies.) All checks are on; there is no way to turn one off.

using RawWs.Benchmarks.Corpus;
using RawWs.Frame;

namespace RawWs.Benchmarks.Parsers;

public sealed class RawWsParser : IFrameParser
{
    private const int ReceiveBytesMax = 256 * 1024;
    private const int ReceiveInPlaceBytesMax = 128 * 1024;

    private readonly WebSocketProtocol _protocol = new(Role.Server, new ProtocolLimits());
    private readonly byte[] _buffer = new byte[ReceiveBytesMax];
    private readonly byte[] _pong = new byte[FrameWriter.HeaderBytesMax + FrameWriter.ControlPayloadBytesMax];
    private byte[] _message = new byte[1024];
    private MessageKind _kind; // of the message in it
    private int _assembled;

    public string Name => "RawWs";

    public void Read(Wire wire, MessageSink sink)
    {
        ArgumentNullException.ThrowIfNull(wire);
        ArgumentNullException.ThrowIfNull(sink);
        int held = 0;
        while (true)
        {
            if (held == 0 && _protocol.PayloadBytesLeft > 0)
            {
                if (!ReadRest(wire, sink)) return;
                continue;
            }

            int more = wire.Receive(_buffer.AsSpan(held));
            if (more == 0) return;
            held += more;
            if (held < _protocol.BytesWanted) continue;
            int at = ReadAll(held, wire, sink);
            held -= at;
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
            if (_protocol.TryReadData(rest, _message.AsSpan(_assembled), out DataChunk chunk))
            {
                at += chunk.Consumed;
                ReadOnlySpan<byte> payload = _buffer.AsSpan(at - chunk.PayloadBytes, chunk.PayloadBytes);
                if (chunk.IsMessage)
                {
                    sink.OnMessage(chunk.Kind, payload);
                    continue;
                }

                if (!chunk.IsAssembled)
                {
                    if (_message.Length - _assembled < payload.Length) Grow(payload.Length);
                    payload.CopyTo(_message.AsSpan(_assembled));
                }

                _kind = chunk.Kind;
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

    // The rest of a frame's payload is received where its message is assembled. False at the end.
    private bool ReadRest(Wire wire, MessageSink sink)
    {
        int left = (int)Math.Min(_protocol.PayloadBytesLeft, ReceiveInPlaceBytesMax);
        if (_message.Length - _assembled < left) Grow((int)_protocol.PayloadBytesLeft);
        Span<byte> rest = _message.AsSpan(_assembled, left);
        for (int unread = 0; !rest.IsEmpty;)
        {
            int received = wire.Receive(rest[unread..]);
            if (received == 0) return false;
            unread += received;

            // Text is refused at its first wrong byte. No byte of anything else can be wrong: it is looked at when it is there.
            if (_kind != MessageKind.Text && unread < rest.Length) continue;
            if (!_protocol.TryReadData(rest[..unread], out DataChunk chunk)) throw Ended(_protocol.Next(rest[..unread], out _));
            Added(chunk, sink);
            rest = rest[unread..];
            unread = 0;
        }

        return true;
    }

    private void Added(in DataChunk chunk, MessageSink sink)
    {
        _assembled += chunk.PayloadBytes;
        if (!chunk.EndOfMessage) return;
        sink.OnMessage(_kind, _message.AsSpan(0, _assembled));
        _assembled = 0;
    }

    private void Grow(int bytes) => Array.Resize(ref _message, Math.Max(_assembled + bytes, 2 * _message.Length));

    private static InvalidDataException Ended(in ProtocolEvent found) => new($"The connection ended: {found.Rule}");
}
