// The server and the client of the samples of docs/library.md.

using System.Net;
using System.Net.WebSockets;
using System.Text;
using RawWs.Server;

namespace RawWs.Samples.Library;

internal sealed class SampleServer : IAsyncDisposable
{
    private readonly WebSocketServer _server;

    private SampleServer(WebSocketServer server) => _server = server;

    public static async Task<SampleServer> Start(IWebSocketApplication application)
    {
        WebSocketServer server =
            new(new ServerOptions { ListenEndPoints = [new IPEndPoint(IPAddress.Loopback, 0)], Loops = 1 }, application);
        await server.StartAsync();
        return new SampleServer(server);
    }

    public ConnectionDirectory Directory => _server.Directory;

    public Task<SampleClient> Connect(string target = "/", string? header = null) => Connect(_server, target, header);

    public static async Task<SampleClient> Connect(WebSocketServer server, string target, string? header = null)
    {
        ClientWebSocket socket = new();
        if (header?.Split(": ") is [string name, string value]) socket.Options.SetRequestHeader(name, value);
        await socket.ConnectAsync(new Uri($"ws://{server.EndPoints[0]}{target}"), CancellationToken.None);
        return new SampleClient(socket);
    }

    public async ValueTask DisposeAsync() => await _server.DisposeAsync();
}

internal sealed class SampleClient(ClientWebSocket socket) : IAsyncDisposable
{
    private readonly byte[] _buffer = new byte[4096];

    public Task Write(string text) =>
        socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);

    public async Task<string> Read()
    {
        WebSocketReceiveResult received = await socket.ReceiveAsync(_buffer, CancellationToken.None);
        return received.MessageType switch
        {
            WebSocketMessageType.Text => Encoding.UTF8.GetString(_buffer, 0, received.Count),
            WebSocketMessageType.Binary => Convert.ToHexString(_buffer, 0, received.Count),
            _ => $"{(int?)received.CloseStatus} {received.CloseStatusDescription}",
        };
    }

    public async Task Ask(string text)
    {
        await Write(text);
        Console.WriteLine(await Read());
    }

    /// <summary>Answers the Close that comes.</summary>
    public void AnswerClose() => _ = Task.Run(async () =>
    {
        await Read();
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
    });

    public async ValueTask DisposeAsync()
    {
        if (socket.State == WebSocketState.Open) await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
        socket.Dispose();
    }
}
