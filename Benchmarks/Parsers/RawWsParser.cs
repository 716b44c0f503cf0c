// This project's WebSocketProtocol, used as its server uses it: one receive buffer, frames decoded where they lie, messages in pieces
// assembled in an array that grows, and the rest of a payload received where its message is assembled. (The server does that from 32 KiB
// on: a receive costs it a system call, and with a smaller rest it receives what follows. And the array here is kept between messages, as
// the buffer is that System.Net.WebSockets is given; the server rents one with a message's first chunk, which it therefore copies.) All
// checks are on; there is no way to turn one off.

using RawWs.Benchmarks.Corpus;
using RawWs.Frame;

namespace RawWs.Benchmarks.Parsers;

public sealed class RawWsParser : IFrameParser
{
    private const int ReceiveBytesMax = 256 * 1024;
    private const int ReceiveInPlaceBytesMax = 128 * 1024;
    private const int WholeBytesMin = 32 * 1024;

    private readonly WebSocketProtocol _protocol = new(Role.Server, new ProtocolLimits());
    private readonly PlacedBytes _buffer = new(ReceiveBytesMax, PlacedBytes.Buffer);
    private readonly byte[] _pong = new byte[FrameWriter.HeaderBytesMax + FrameWriter.ControlPayloadBytesMax];
    private PlacedBytes _message = new(1024, PlacedBytes.Message);
    private MessageKind _kind; // of the message in it
    private int _assembled;

    public string Name => "RawWs";

    public void Read(Wire wire, MessageSink sink)
    {
        ArgumentNullException.ThrowIfNull(wire);
        ArgumentNullException.ThrowIfNull(sink);
        int held = 0;
        Span<byte> buffer = _buffer.Span;
        while (true)
        {
            if (held == 0 && _protocol.PayloadBytesLeft > 0)
            {
                if (!ReadRest(wire, sink)) return;
                continue;
            }

            int more = wire.Receive(buffer[held..]);
            if (more == 0) return;
            held += more;
            if (held < _protocol.BytesWanted) continue;
            int at = ReadAll(buffer[..held], wire, sink);
            held -= at;
            if (held > 0 && at > 0) buffer.Slice(at, held).CopyTo(buffer);
        }
    }

    // Returns how many bytes of the buffer are done with.
    private int ReadAll(Span<byte> buffer, Wire wire, MessageSink sink)
    {
        int at = 0;
        while (at < buffer.Length)
        {
            Span<byte> rest = buffer[at..];
            if (_protocol.TryReadData(rest, _message.Span[_assembled..], out DataChunk chunk))
            {
                at += chunk.Consumed;
                ReadOnlySpan<byte> payload = buffer.Slice(at - chunk.PayloadBytes, chunk.PayloadBytes);
                if (chunk.IsMessage)
                {
                    sink.OnMessage(chunk.Kind, payload);
                    continue;
                }

                if (!chunk.IsAssembled)
                {
                    if (_message.Length - _assembled < payload.Length) Grow(payload.Length);
                    payload.CopyTo(_message.Span[_assembled..]);
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
        Span<byte> rest = _message.Span.Slice(_assembled, left);
        bool isReadWhole = _kind != MessageKind.Text && left >= WholeBytesMin;
        for (int unread = 0; !rest.IsEmpty;)
        {
            int received = wire.Receive(rest[unread..]);
            if (received == 0) return false;
            unread += received;

            // Text is refused at its first wrong byte. No byte of anything else can be wrong: much of it is looked at when it is there.
            if (isReadWhole && unread < rest.Length) continue;
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
        sink.OnMessage(_kind, _message.Span[.._assembled]);
        _assembled = 0;
    }

    private void Grow(int bytes) => _message = _message.Grown(_assembled + bytes, _assembled);

    private static InvalidDataException Ended(in ProtocolEvent found) => new($"The connection ended: {found.Rule}");
}
