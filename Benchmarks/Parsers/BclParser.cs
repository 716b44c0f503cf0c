// System.Net.WebSockets over memory: WebSocket.CreateFromStream at the server's end, on a stream that is the wire. Everything completes
// synchronously, so no scheduler is measured. The caller's buffer takes a whole message, so what is large is received without a copy
// of the library's own. With permessage-deflate it is DeflateBenchmark's, which also has it send.

using System.Net.WebSockets;
using RawWs.Benchmarks.Corpus;
using RawWs.Frame;

namespace RawWs.Benchmarks.Parsers;

public sealed class BclParser : IFrameParser, IDisposable
{
    private readonly WireStream _stream = new();
    private readonly WebSocket _socket;
    private PlacedBytes _message = new(64 * 1024, PlacedBytes.Message);

    public BclParser()
        : this(deflate: null)
    {
    }

    internal BclParser(WebSocketDeflateOptions? deflate) => _socket = WebSocket.CreateFromStream(
        _stream, new WebSocketCreationOptions { IsServer = true, KeepAliveInterval = TimeSpan.Zero, DangerousDeflateOptions = deflate });

    public string Name => "System.Net.WebSockets";

    public void Read(Wire wire, MessageSink sink)
    {
        ArgumentNullException.ThrowIfNull(wire);
        ArgumentNullException.ThrowIfNull(sink);
        _stream.Wire = wire;
        for (int i = wire.Messages.Count; i > 0; i--)
        {
            int length = 0;
            while (true)
            {
                if (length == _message.Length) _message = _message.Grown(2 * length, length);
                ValueTask<ValueWebSocketReceiveResult> receiving = _socket.ReceiveAsync(_message.Memory[length..], CancellationToken.None);
                if (!receiving.IsCompleted) throw new InvalidOperationException("The stream answers at once, and so must the socket.");
                ValueWebSocketReceiveResult result = receiving.GetAwaiter().GetResult();
                length += result.Count;
                if (!result.EndOfMessage) continue;
                sink.OnMessage(result.MessageType == WebSocketMessageType.Text ? MessageKind.Text : MessageKind.Binary,
                    _message.Span[..length]);
                break;
            }
        }
    }

    /// <summary>Sends one binary message, in one frame.</summary>
    internal void Write(Wire wire, ReadOnlyMemory<byte> message)
    {
        _stream.Wire = wire;
        ValueTask sending = _socket.SendAsync(message, WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None);
        if (!sending.IsCompleted) throw new InvalidOperationException("The stream takes everything at once, and so must the socket.");
        sending.GetAwaiter().GetResult();
    }

    public void Dispose()
    {
        _socket.Dispose();
        _stream.Dispose();
    }

    /// <summary>The wire as a stream, without an await in it.</summary>
    private sealed class WireStream : Stream
    {
        public Wire? Wire { get; set; }

        public override bool CanRead => true;

        public override bool CanWrite => true;

        public override bool CanSeek => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count) => Wire!.Receive(buffer.AsSpan(offset, count));

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            new(Wire!.Receive(buffer.Span));

        public override void Write(byte[] buffer, int offset, int count) => Wire!.Send(buffer.AsSpan(offset, count));

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Wire!.Send(buffer.Span);
            return ValueTask.CompletedTask;
        }

        public override void Flush()
        {
        }

        public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
