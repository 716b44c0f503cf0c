// The admin port: HTTP/1.1 by ASP.NET Core, beside the server and on an address of its own. It is a user of the library's public face like
// any other program. Nothing of it lies on the path of a client's byte, and nothing of it is loaded when the setting is not there: whoever
// starts it does so in a method of its own.
// Everything has a bound: connections, heads, bodies, bodies at once, the time for each.

using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using RawWs.Server.Console.Cluster;
using RawWs.Server.Listening;
using RawWs.Server.Log;
using BadHttpRequestException = Microsoft.AspNetCore.Http.BadHttpRequestException;

namespace RawWs.Server.Console.Admin;

internal sealed class AdminPort : IAsyncDisposable
{
    private const int ConnectionsMax = 256;
    private const double BodyBytesPerSecondMin = 64 * 1024;

    private static readonly TimeSpan StopTimeMax = TimeSpan.FromSeconds(2);

    private readonly WebApplication _application;
    private readonly AdminBody _bodies;
    private readonly SendMetrics _metrics;

    private AdminPort(WebApplication application, AdminBody bodies, SendMetrics metrics, string address) =>
        (_application, _bodies, _metrics, Address) = (application, bodies, metrics, address);

    /// <summary>Where it listens, with the port that the system chose.</summary>
    public string Address { get; }

    /// <summary>Begins to listen.</summary>
    /// <param name="address">Where.</param>
    /// <param name="tokens">The tokens of which each request must have one; null for none.</param>
    /// <param name="server">The server, which has been started.</param>
    /// <param name="readiness">What it says about newcomers.</param>
    /// <param name="telemetry">The metrics that are read from it.</param>
    /// <param name="cluster">The cluster that the server is a node of; null for none.</param>
    /// <exception cref="StartException">It cannot listen there.</exception>
    public static async Task<AdminPort> StartAsync(ListenAddress address, AdminTokens? tokens, WebSocketServer server, Readiness readiness,
        Telemetry telemetry, ProgramCluster? cluster = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(options => Configure(options, address));
        builder.WebHost.UseSockets(options => options.CreateBoundListenSocket = endPoint => Bind(endPoint, address));
        builder.Logging.AddProvider(new ForwardingLog(server.Options.LoggerFactory)).SetMinimumLevel(LogLevel.Warning);
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.Services.Configure<HostOptions>(static options => options.ShutdownTimeout = StopTimeMax);
        builder.Services.AddRoutingCore();
        builder.Services.ConfigureHttpJsonOptions(static options =>
            options.SerializerOptions.TypeInfoResolverChain.Insert(0, AdminJson.Default));
        builder.Services.AddOpenApi(Describe);

        AdminBody bodies = new();
        SendMetrics metrics = new();
        WebApplication application = builder.Build();
        AdminGuard guard = new(tokens, isSocket: address.SocketPath is not null);
        application.Use((context, next) => AnswerAsync(context, next, guard));
        telemetry.ServePrometheus(application);
        application.UseRouting();
        new SendEndpoints(server, bodies, metrics, cluster).Map(application);
        new ConnectionEndpoints(server).Map(application);
        new UidEndpoints(server, cluster).Map(application);
        new ClusterEndpoints(cluster).Map(application);
        new ClusterUidsEndpoint(server, cluster).Map(application);
        new ServerEndpoints(server, server.Options.TimeProvider, readiness).Map(application);
        new TraceEndpoint(server, application.Lifetime.ApplicationStopping).Map(application);
        new PresenceEndpoint(server, cluster, application.Lifetime.ApplicationStopping).Map(application);
        HealthEndpoints.Map(application, readiness);
        application.MapOpenApi("/openapi.json");
        try
        {
            await application.StartAsync().ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or SocketException or UnauthorizedAccessException)
        {
            await application.DisposeAsync().ConfigureAwait(false);
            string where = LogText.Escape(address.ToString());
            throw new StartException($"the admin port cannot listen on {where}: {exception.Message}", exception);
        }

        string url = application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        return new AdminPort(application, bodies, metrics, address.SocketPath is null ? url : address.ToString());
    }

    public async ValueTask DisposeAsync()
    {
        await _application.StopAsync().ConfigureAwait(false);
        await _application.DisposeAsync().ConfigureAwait(false);
        _bodies.Dispose();
        _metrics.Dispose();
    }

    private static void Configure(KestrelServerOptions options, ListenAddress address)
    {
        options.AddServerHeader = false;
        options.Limits.MaxConcurrentConnections = ConnectionsMax;
        options.Limits.MaxRequestBodySize = AdminBody.BytesMax;
        options.Limits.MinRequestBodyDataRate = new MinDataRate(BodyBytesPerSecondMin, TimeSpan.FromSeconds(5));
        if (address.EndPoint is { } endPoint) options.Listen(endPoint, static listen => listen.Protocols = HttpProtocols.Http1);
        else options.ListenUnixSocket(address.SocketPath!, static listen => listen.Protocols = HttpProtocols.Http1);
    }

    private static Socket Bind(EndPoint endPoint, ListenAddress address) => address.SocketPath is { } path
        ? SocketFile.Bind(path, address.SocketMode)
        : SocketTransportOptions.CreateDefaultBoundListenSocket(endPoint);

    private static void Describe(OpenApiOptions options) => options.AddDocumentTransformer(static (document, _, _) =>
    {
        document.Info.Title = "RawWs, the admin port";
        document.Info.Version = "1";
        document.Servers = []; // whoever reads it knows where he has it from
        return Task.CompletedTask;
    });

    // Every answer to a request that is refused is a problem, also where the framework refuses it.
    private static async Task AnswerAsync(HttpContext context, RequestDelegate next, AdminGuard guard)
    {
        HttpResponse response = context.Response;
        response.Headers.CacheControl = "no-store";
        try
        {
            Problem? refusal = guard.FindRefusal(context.Request);
            if (refusal is null) await next(context).ConfigureAwait(false);
            if (!response.HasStarted && response is { StatusCode: >= 400, ContentType: null })
                refusal ??= DescribeRefusal(context);
            if (refusal is not null) await refusal.ToResult().ExecuteAsync(context).ConfigureAwait(false);
        }
        catch (BadHttpRequestException exception) when (!response.HasStarted)
        {
            await Problem.Of(exception.StatusCode, exception.Message).ToResult().ExecuteAsync(context).ConfigureAwait(false);
        }
    }

    // What the framework has refused: nothing is there, or what is there takes another method or type.
    private static Problem DescribeRefusal(HttpContext context)
    {
        HttpRequest request = context.Request;
        return context.Response.StatusCode switch
        {
            StatusCodes.Status405MethodNotAllowed => Problem.Of(StatusCodes.Status405MethodNotAllowed,
                $"{request.Path} takes {context.Response.Headers.Allow}, not {request.Method}."),
            StatusCodes.Status415UnsupportedMediaType => AdminBody.WrongType(request),
            int status => Problem.Of(status, $"{request.Method} {request.Path} is not there."),
        };
    }

    // Signals are the program's.
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }

    // What the framework logs goes where the server's lines go.
    private sealed class ForwardingLog(ILoggerFactory factory) : ILoggerProvider
    {
        public ILogger CreateLogger(string categoryName) => factory.CreateLogger(categoryName);

        public void Dispose()
        {
        }
    }
}
