// This project's Conversation, used as its server uses it: one receive buffer, frames decoded where they lie, messages in pieces assembled
// in an array that grows. All checks are on; there is no way to turn one off.

using RawWs.Benchmarks.Corpus;
using RawWs.Frame;

namespace RawWs.Benchmarks.Parsers;

public sealed class RawWsParser : IFrameParser
{
    private const int ReceiveBytesMax = 256 * 1024;

    private readonly Conversation _conversation = new(Role.Server, new ConversationLimits());
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
                Step step = _conversation.Next(_buffer.AsSpan(at, end - at), out int consumed);
                at += consumed;
                if (step.Kind == StepKind.NeedMoreData) break;
                Take(step, wire, sink);
            }

            held = end - at;
            if (held > 0 && at > 0) _buffer.AsSpan(at, held).CopyTo(_buffer);
        }
    }

    private void Take(in Step step, Wire wire, MessageSink sink)
    {
        switch (step.Kind)
        {
            case StepKind.Message:
                sink.OnMessage(step.MessageKind, step.Payload);
                break;
            case StepKind.Payload:
                Append(step.Payload);
                if (!step.EndOfMessage) break;
                sink.OnMessage(step.MessageKind, _message.AsSpan(0, _assembled));
                _assembled = 0;
                break;
            case StepKind.Ping:
                wire.Send(_pong.AsSpan(0, FrameWriter.Write(_pong, Opcode.Pong, step.Payload)));
                break;
            case StepKind.Close or StepKind.Fail:
                throw new InvalidDataException($"The conversation ended: {step.Rule}");
        }
    }

    private void Append(ReadOnlySpan<byte> stretch)
    {
        if (_message.Length - _assembled < stretch.Length) Array.Resize(ref _message, Math.Max(_assembled + stretch.Length, 2 * _message.Length));
        stretch.CopyTo(_message.AsSpan(_assembled));
        _assembled += stretch.Length;
    }
}
