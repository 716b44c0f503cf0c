// The example of Benchmarks/README.md: another parser put in.

using RawWs.Benchmarks.Corpus;
using RawWs.Benchmarks.Parsers;
using RawWs.Frame;

namespace RawWs.Tests.Benchmarks;

// README begins
public sealed class AnotherParser : IFrameParser
{
    private readonly Another.Decoder _decoder = new();
    private readonly byte[] _buffer = new byte[64 * 1024];

    public string Name => "Another";

    public void Read(Wire wire, MessageSink sink)
    {
        for (int received; (received = wire.Receive(_buffer)) > 0;)
        {
            foreach (Another.Event e in _decoder.Feed(_buffer.AsSpan(0, received)))
            {
                if (e.IsPing) wire.Send(e.PongFrame);
                if (e.IsMessage) sink.OnMessage(e.IsText ? MessageKind.Text : MessageKind.Binary, e.Payload);
            }
        }
    }
}

// README ends
