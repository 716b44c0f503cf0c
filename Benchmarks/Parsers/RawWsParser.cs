// This project's WebSocketProtocol, used as its server uses it: one receive buffer, frames decoded where they lie, messages in pieces
// assembled in an array that grows. All checks are on; there is no way to turn one off.

using RawWs.Benchmarks.Corpus;
using RawWs.Frame;

namespace RawWs.Benchmarks.Parsers;

public sealed class RawWsParser : IFrameParser
{
    private const int ReceiveBytesMax = 256 * 1024;

    private readonly WebSocketProtocol _protocol = new(Role.Server, new ProtocolLimits());
    private readonly byte[] _buffer = new byte[ReceiveBytesMax];
    private readonly byte[] _pong = new byte[FrameWriter.HeaderBytesMax + FrameWriter.ControlPayloadBytesMax];
    private byte[] _message = new byte[1024];
    private int _assembled;

    public string Name => "RawWs";

    public void Read(Wire wire, MessageSink sink)
    {
        int held = 0;
        for (int received; (received = wire.Receive(_buffer.AsSpan(held))) > 0;)
        {
            int at = 0, end = held + received;
            while (true)
            {
                ProtocolEvent found = _protocol.Next(_buffer.AsSpan(at, end - at), out int consumed);
                at += consumed;
                if (found.Kind == ProtocolEventKind.NeedMoreData) break;
                Handle(found, wire, sink);
            }

            held = end - at;
            if (held > 0 && at > 0) _buffer.AsSpan(at, held).CopyTo(_buffer);
        }
    }

    private void Handle(in ProtocolEvent found, Wire wire, MessageSink sink)
    {
        switch (found.Kind)
        {
            case ProtocolEventKind.Message:
                sink.OnMessage(found.MessageKind, found.Payload);
                break;
            case ProtocolEventKind.MessageChunk:
                Append(found.Payload);
                if (!found.EndOfMessage) break;
                sink.OnMessage(found.MessageKind, _message.AsSpan(0, _assembled));
                _assembled = 0;
                break;
            case ProtocolEventKind.Ping:
                wire.Send(_pong.AsSpan(0, FrameWriter.Write(_pong, Opcode.Pong, found.Payload)));
                break;
            case ProtocolEventKind.Close or ProtocolEventKind.Fail:
                throw new InvalidDataException($"The connection ended: {found.Rule}");
        }
    }

    private void Append(ReadOnlySpan<byte> chunk)
    {
        if (_message.Length - _assembled < chunk.Length)
            Array.Resize(ref _message, Math.Max(_assembled + chunk.Length, 2 * _message.Length));
        chunk.CopyTo(_message.AsSpan(_assembled));
        _assembled += chunk.Length;
    }
}
