// A node in this process: a server with a router, over a real nats-server.

using System.Net;
using System.Net.WebSockets;
using NATS.Client.Core;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Server.Nats;

namespace RawWs.Tests.Nats;

internal sealed class BackplaneNode : IAsyncDisposable
{
    private BackplaneNode(WebSocketServer server, NatsBackplane backplane) => (Server, Backplane) = (server, backplane);

    public WebSocketServer Server { get; }

    public NatsBackplane Backplane { get; }

    public static async Task<BackplaneNode> StartAsync(
        string url, string id, DuplicateUid duplicates = DuplicateUid.Share, TimeProvider? time = null, int claimReplicas = 1)
    {
        NatsBackplane backplane = new(new NatsBackplaneOptions
        {
            Nats = NatsOpts.Default with
            {
                Url = url,
                ReconnectWaitMin = TimeSpan.FromMilliseconds(50),
                ReconnectWaitMax = TimeSpan.FromMilliseconds(200),
                ReconnectJitter = TimeSpan.FromMilliseconds(50),
            },
            NodeId = id,
            ClaimsUids = duplicates != DuplicateUid.Share,
            ClaimReplicas = claimReplicas,
            TimeProvider = time ?? TimeProvider.System,
        });
        RouterApplication router = new(Introduce.Query, duplicates) { Delivery = backplane, Claims = backplane.Claims };
        WebSocketServer server = new(new ServerOptions { ListenEndPoints = [new IPEndPoint(IPAddress.Loopback, 0)] }, router);
        try
        {
            await backplane.StartAsync(server);
            await server.StartAsync();
            return new BackplaneNode(server, backplane);
        }
        catch
        {
            await backplane.DisposeAsync();
            throw;
        }
    }

    /// <summary>Two nodes, started at once: each waits for the words of others.</summary>
    public static async Task<(BackplaneNode One, BackplaneNode Two)> StartTwoAsync(
        string url, string one, string two, DuplicateUid duplicates = DuplicateUid.Share)
    {
        BackplaneNode[] nodes = await Task.WhenAll(StartAsync(url, one, duplicates), StartAsync(url, two, duplicates));
        return (nodes[0], nodes[1]);
    }

    public async Task<ClientWebSocket> ConnectAsync(string uid)
    {
        ClientWebSocket client = new();
        client.Options.CollectHttpResponseDetails = true;
        try
        {
            await client.ConnectAsync(new Uri($"ws://{Server.EndPoints[0]}/?uid={uid}"), CancellationToken.None);
        }
        catch (WebSocketException) when (client.HttpStatusCode != 0)
        {
            // Refused: the status says so.
        }

        return client;
    }

    public async Task KnowsAsync(string uid)
    {
        while (!Backplane.HasRemote(uid)) await Task.Delay(5);
    }

    public async ValueTask DisposeAsync()
    {
        await Server.StopAsync(TimeSpan.Zero);
        await Backplane.DisposeAsync();
    }
}
