// Server-sent events of an admin port, read as any client reads them.

using System.Net;
using System.Text.Json;

namespace RawWs.Tests.Support;

internal sealed class EventStream : IDisposable
{
    private readonly HttpResponseMessage _response;
    private readonly StreamReader _reader;

    private EventStream(HttpResponseMessage response, Stream stream) => (_response, _reader) = (response, new StreamReader(stream));

    /// <summary>Asks, and reads the first comment.</summary>
    public static async Task<EventStream> Open(HttpClient http, string path)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, path);
        HttpResponseMessage response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.That((response.StatusCode, response.Content.Headers.ContentType?.MediaType),
            Is.EqualTo((HttpStatusCode.OK, "text/event-stream")));
        EventStream stream = new(response, await response.Content.ReadAsStreamAsync());
        Assert.That(await stream.Line(), Does.StartWith(": "));
        return stream;
    }

    /// <summary>The data of the next event, whose name is its kind; null at the end.</summary>
    public async Task<string?> Next()
    {
        string name = "";
        while (await Line() is { } line)
        {
            if (line.StartsWith("event: ", StringComparison.Ordinal)) name = line[7..];
            if (!line.StartsWith("data: ", StringComparison.Ordinal)) continue;
            Assert.That(JsonDocument.Parse(line[6..]).RootElement.GetProperty("kind").GetString(), Is.EqualTo(name));
            return line[6..];
        }

        return null;
    }

    public void Dispose()
    {
        _reader.Dispose();
        _response.Dispose();
    }

    private async Task<string?> Line()
    {
        using CancellationTokenSource patience = new(TestServer.Patience);
        return await _reader.ReadLineAsync(patience.Token);
    }
}
