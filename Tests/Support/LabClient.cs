// A client of the Lab's feed that knows nothing of the server's code: System.Net.WebSockets, and JSON as it comes.

using System.Globalization;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;

namespace RawWs.Tests.Support;

internal sealed class LabClient : IAsyncDisposable
{
    private readonly ClientWebSocket _socket = new();
    private int _lastId;

    public JsonElement Hello { get; private set; }

    public string TryPath => Hello.GetProperty("try").GetString()!;

    /// <summary>What has been told, in its order.</summary>
    public List<JsonElement> Events { get; } = [];

    /// <summary>The ways of messages that have been told.</summary>
    public List<JsonElement> Ways { get; } = [];

    public static async Task<LabClient> Open(int port, string? origin = null)
    {
        LabClient client = new();
        client._socket.Options.AddSubProtocol("rawws.lab.v1");
        if (origin is not null) client._socket.Options.SetRequestHeader("Origin", origin);
        await client._socket.ConnectAsync(new Uri($"ws://127.0.0.1:{port}/lab/feed"), Timeout()).ConfigureAwait(false);
        client.Hello = (await client.Receive().ConfigureAwait(false)).GetProperty("hello");
        return client;
    }

    /// <summary>Asks, and waits for the answer; what is told meanwhile is kept.</summary>
    public async Task<JsonElement> Ask(string what)
    {
        int id = ++_lastId;
        await Send(string.Create(CultureInfo.InvariantCulture, $"{{\"id\":{id},{what}}}")).ConfigureAwait(false);
        while (true)
        {
            JsonElement answer = await Receive().ConfigureAwait(false);
            if (answer.TryGetProperty("id", out JsonElement its) && its.GetInt32() == id) return answer;
            Keep(answer);
        }
    }

    public Task Send(string text) => _socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, true, Timeout());

    /// <summary>Waits until this has been told.</summary>
    public async Task<JsonElement> Event(Func<JsonElement, bool> wanted)
    {
        while (true)
        {
            if (Events.FirstOrDefault(wanted) is { ValueKind: JsonValueKind.Object } found) return found;
            Keep(await Receive().ConfigureAwait(false));
        }
    }

    /// <summary>Waits until so many ways have been told, and returns the last of them.</summary>
    public async Task<JsonElement> Way(int count)
    {
        while (Ways.Count < count) Keep(await Receive().ConfigureAwait(false));
        return Ways[count - 1];
    }

    public async Task<byte[]> ReceiveBinary()
    {
        (byte[] bytes, WebSocketMessageType type) = await ReceiveMessage().ConfigureAwait(false);
        Assert.That(type, Is.EqualTo(WebSocketMessageType.Binary));
        return bytes;
    }

    public async Task<JsonElement> Receive()
    {
        (byte[] bytes, WebSocketMessageType type) = await ReceiveMessage().ConfigureAwait(false);
        Assert.That(type, Is.EqualTo(WebSocketMessageType.Text), _socket.CloseStatusDescription);
        using JsonDocument document = JsonDocument.Parse(bytes);
        return document.RootElement.Clone();
    }

    public async ValueTask DisposeAsync()
    {
        if (_socket.State == WebSocketState.Open) await _socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "", Timeout());
        _socket.Dispose();
    }

    private static CancellationToken Timeout() => new CancellationTokenSource(TestServer.Patience).Token;

    private void Keep(JsonElement told)
    {
        if (told.TryGetProperty("events", out JsonElement events)) Events.AddRange(events.EnumerateArray());
        if (told.TryGetProperty("way", out JsonElement way)) Ways.Add(way);
    }

    private async Task<(byte[] Bytes, WebSocketMessageType Type)> ReceiveMessage()
    {
        using MemoryStream whole = new();
        byte[] piece = new byte[16 * 1024];
        while (true)
        {
            WebSocketReceiveResult read = await _socket.ReceiveAsync(piece, Timeout()).ConfigureAwait(false);
            whole.Write(piece, 0, read.Count);
            if (read.EndOfMessage) return (whole.ToArray(), read.MessageType);
        }
    }
}
