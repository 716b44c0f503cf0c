// A foreign server to compare with: ASP.NET Core's Kestrel and its WebSocket.
//   RawWs.Peers.Kestrel PORT [--compression]
// On 127.0.0.1; port 0 takes a free one. "/" echoes each message whole, in whatever fragments it came; "/all" sends each to everybody
// who is connected there. Says "listening on 127.0.0.1:PORT" once it accepts, logs nothing, and ends on SIGTERM. Which garbage collector
// it runs with is left to DOTNET_gcServer.

using System.Buffers;
using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.WebSockets;
using System.Threading.Channels;

if (args is not ([_] or [_, "--compression"]) || !ushort.TryParse(
    args[0], NumberStyles.None, CultureInfo.InvariantCulture, out ushort port))
{
    Console.Error.WriteLine("usage: RawWs.Peers.Kestrel PORT [--compression]");
    return 2;
}

WebSocketAcceptContext acceptance = new() { DangerousEnableCompression = args.Length == 2 };
ConcurrentDictionary<WebSocket, ChannelWriter<Message>> everybody = new();

WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
builder.Logging.ClearProviders();
builder.WebHost.ConfigureKestrel(options => options.Listen(IPAddress.Loopback, port));
// Thousands connect at once where it is measured.
builder.WebHost.UseSockets(static options => options.Backlog = 4096);
// Connections that are open at the end are cut, not waited for.
builder.Services.Configure<HostOptions>(static options => options.ShutdownTimeout = TimeSpan.Zero);
WebApplication app = builder.Build();
app.UseWebSockets();
app.Run(AnswerAsync);
await app.StartAsync();
Console.WriteLine($"listening on 127.0.0.1:{new Uri(app.Urls.Single()).Port}");
await app.WaitForShutdownAsync();
return 0;

async Task AnswerAsync(HttpContext context)
{
    if (!context.WebSockets.IsWebSocketRequest)
    {
        context.Response.StatusCode = StatusCodes.Status400BadRequest;
        return;
    }

    using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync(acceptance);
    try
    {
        if (context.Request.Path == "/all") await BroadcastAsync(socket);
        else await ReceiveAllAsync(socket, (type, message) => socket.SendAsync(message, type, endOfMessage: true, default));
    }
    catch (WebSocketException)
    {
        // The peer broke a rule or went away; the library has ended the connection.
    }
    catch (OperationCanceledException)
    {
        // The server ends.
    }
}

// A socket takes one send at a time, so each has a queue and one task that empties it.
async Task BroadcastAsync(WebSocket socket)
{
    Channel<Message> queue = Channel.CreateUnbounded<Message>(new UnboundedChannelOptions { SingleReader = true });
    Task sending = SendQueuedAsync(socket, queue.Reader);
    everybody[socket] = queue.Writer;
    try
    {
        await ReceiveAllAsync(socket, (type, message) =>
        {
            Message copy = new(type, message.ToArray());
            foreach (KeyValuePair<WebSocket, ChannelWriter<Message>> one in everybody) one.Value.TryWrite(copy);
            return ValueTask.CompletedTask;
        });
    }
    finally
    {
        everybody.TryRemove(socket, out _);
        queue.Writer.TryComplete();
        await sending;
    }
}

static async Task SendQueuedAsync(WebSocket socket, ChannelReader<Message> queue)
{
    try
    {
        await foreach (Message message in queue.ReadAllAsync())
            await socket.SendAsync(message.Payload, message.Type, endOfMessage: true, default);
    }
    catch (WebSocketException)
    {
        // The receiving side finds out, too.
    }
}

// Every message until the peer's Close, which is answered. A message lies in a pooled buffer that grows with it, and only until it is dealt
// with.
static async Task ReceiveAllAsync(WebSocket socket, Func<WebSocketMessageType, ReadOnlyMemory<byte>, ValueTask> onMessage)
{
    byte[] buffer = ArrayPool<byte>.Shared.Rent(4096);
    try
    {
        for (int length = 0; ;)
        {
            ValueWebSocketReceiveResult received = await socket.ReceiveAsync(buffer.AsMemory(length), default);
            if (received.MessageType == WebSocketMessageType.Close)
            {
                await socket.CloseOutputAsync(socket.CloseStatus ?? WebSocketCloseStatus.NormalClosure, null, default);
                return;
            }

            length += received.Count;
            if (received.EndOfMessage)
            {
                await onMessage(received.MessageType, buffer.AsMemory(0, length));
                length = 0;
            }
            else if (length == buffer.Length)
            {
                byte[] larger = ArrayPool<byte>.Shared.Rent(length * 2);
                buffer.CopyTo(larger, 0);
                ArrayPool<byte>.Shared.Return(buffer);
                buffer = larger;
            }
        }
    }
    finally
    {
        ArrayPool<byte>.Shared.Return(buffer);
    }
}

internal sealed record Message(WebSocketMessageType Type, byte[] Payload);
