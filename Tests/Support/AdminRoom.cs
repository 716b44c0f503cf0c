// A server with a router, its admin port, and a client of that: a foreign one, the framework's.

using System.Net;
using System.Text;
using System.Text.Json;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Server.Console.Admin;

namespace RawWs.Tests.Support;

internal sealed class AdminRoom : IAsyncDisposable
{
    private readonly TestServer _server;
    private readonly Telemetry _telemetry;
    private readonly List<RawClient> _clients = [];

    private AdminRoom(TestServer server, AdminPort port, Readiness readiness, Telemetry telemetry)
    {
        (_server, _telemetry, Readiness) = (server, telemetry, readiness);
        Port = port;
        Http = new HttpClient { BaseAddress = new Uri(port.Address), Timeout = TestServer.Patience };
    }

    public WebSocketServer Server => _server.Server;

    public AdminPort Port { get; }

    public Readiness Readiness { get; }

    public HttpClient Http { get; }

    public static async Task<AdminRoom> Open(
        Func<ServerOptions, ServerOptions>? change = null, Setup? setup = null, IWebSocketApplication? application = null)
    {
        TestServer server = await TestServer.Start(
            setup ?? Setup.All[0], application ?? new RouterApplication(Introduce.Query, DuplicateUid.Share), change);
        ListenAddress address = new(new IPEndPoint(IPAddress.Loopback, 0));
        Readiness readiness = new(server.Server);
        Telemetry telemetry = new(server.Server, exports: false);
        return new AdminRoom(
            server, await AdminPort.StartAsync(address, null, server.Server, readiness, telemetry), readiness, telemetry);
    }

    /// <summary>A client that is connected; with a uid, or without one.</summary>
    public RawClient Enter(string uid = "", int receiveBuffer = 0)
    {
        RawClient client = RawClient.Open(_server.Port, uid.Length == 0 ? "/" : $"/?uid={Uri.EscapeDataString(uid)}", receiveBuffer);
        _clients.Add(client);
        return client;
    }

    /// <summary>The answer to a body in JSON; it must be of this status.</summary>
    public async Task<JsonElement> Post(string path, string body, HttpStatusCode status = HttpStatusCode.OK)
    {
        using StringContent content = new(body, Encoding.UTF8, "application/json");
        return await Read(await Http.PostAsync(new Uri(path, UriKind.Relative), content), status);
    }

    public async Task<JsonElement> Get(string path, HttpStatusCode status = HttpStatusCode.OK) =>
        await Read(await Http.GetAsync(new Uri(path, UriKind.Relative)), status);

    public async Task<JsonElement> Delete(string path, HttpStatusCode status = HttpStatusCode.OK) =>
        await Read(await Http.DeleteAsync(new Uri(path, UriKind.Relative)), status);

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Port.DisposeAsync();
        _telemetry.Dispose();
        _clients.ForEach(static client => client.Dispose());
        await _server.DisposeAsync();
    }

    private static async Task<JsonElement> Read(HttpResponseMessage response, HttpStatusCode status)
    {
        using (response)
        {
            string text = await response.Content.ReadAsStringAsync();
            Assert.That(response.StatusCode, Is.EqualTo(status), text);
            string type = status == HttpStatusCode.OK ? "application/json" : "application/problem+json";
            Assert.That(response.Content.Headers.ContentType?.MediaType, Is.EqualTo(type), text);
            return JsonDocument.Parse(text).RootElement;
        }
    }
}
