// A server in a .NET host: options from the configuration, start and stop with the host, the health check.

using System.Net;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Server.Hosting;
using RawWs.Tests.Support;

namespace RawWs.Tests.Hosting;

public sealed class RawWsHostingTests
{
    private static readonly Action<ServerOptions> AnyPort = static options =>
        options.ListenEndPoints = [new IPEndPoint(IPAddress.Loopback, 0)];

    [Test]
    public async Task AHostedServer_Echoes_AndStopsGracefullyWithItsHost()
    {
        using IHost host = Build<EchoApplication>([], AnyPort);
        await host.StartAsync();
        WebSocketServer server = host.Services.GetRequiredService<WebSocketServer>();
        using RawClient client = RawClient.Open(server.EndPoints[0].Port);
        client.SendText("hello");
        Assert.That(client.ReadText(), Is.EqualTo("hello"));

        Task stopped = host.StopAsync();
        Assert.That(client.ReadClose(answer: true), Is.EqualTo(((ushort?)CloseCodes.GoingAway, "server shutting down")));
        client.Dispose();
        await stopped.WaitAsync(TestServer.Patience);
        Assert.That((server.Count, server.IsListening), Is.EqualTo((0, false)));
    }

    [Test]
    public async Task OptionsComeFromTheConfiguration_AndCodeComesAfterIt()
    {
        using IHost host = Build<EchoApplication>(
            [
                ("ListenEndPoints:0", "127.0.0.1:0"), ("ListenEndPoints:1", "[::1]:0"), ("MessageBytesMax", "100"),
                ("heartbeat", "00:01:00"),
                ("Subprotocols", "chat"), ("Compression", "true"), ("Transport", "socket"), ("SendBufferBytesMax", "5000"),
                ("Drain", "00:00:01"),
            ],
            static options => options.SendBufferBytesMax++,
            static services => services.Configure<ServerOptions>(static options => options.Loops = 3));
        ServerOptions options = host.Services.GetRequiredService<IOptions<ServerOptions>>().Value;
        Assert.That(options.ListenEndPoints,
            Is.EqualTo([new IPEndPoint(IPAddress.Loopback, 0), new IPEndPoint(IPAddress.IPv6Loopback, 0)]));
        Assert.That((options.MessageBytesMax, options.Heartbeat, options.Compression), Is.EqualTo((100, TimeSpan.FromMinutes(1), true)));
        Assert.That((options.Transport, options.SendBufferBytesMax, options.Loops), Is.EqualTo((TransportKind.Socket, 5001, 3)));
        Assert.That(options.Subprotocols, Is.EqualTo(["chat"]));
        Assert.That(host.Services.GetRequiredService<IOptions<RawWsHostingOptions>>().Value.Drain, Is.EqualTo(TimeSpan.FromSeconds(1)));
        await using WebSocketServer server = host.Services.GetRequiredService<WebSocketServer>();
        Assert.That(server.Options.MessageBytesMax, Is.EqualTo(100));
    }

    // What has no form in a configuration is set in code: the clock, the log, pages, sockets.
    [Test]
    public void EveryOption_HasItsKey() => Assert.That(SectionReader.Names, Is.EquivalentTo(typeof(ServerOptions).GetProperties()
        .Where(static property => property.CanWrite).Select(static property => property.Name)
        .Except([nameof(ServerOptions.TimeProvider), nameof(ServerOptions.LoggerFactory), nameof(ServerOptions.Pages),
            nameof(ServerOptions.Certificates), nameof(ServerOptions.ListeningSockets)])));

    [TestCase("Lops", "3", "RawWs:Lops: there is no such option")]
    [TestCase("Loops", "three", "RawWs:Loops: \"three\" cannot be read: ")]
    [TestCase("Loops", "", "RawWs:Loops: \"\" cannot be read: ")]
    [TestCase("Loops", "99999999999", "RawWs:Loops: \"99999999999\" cannot be read: ")]
    [TestCase("Loops", "0", "Loops: 1 to 1024, not 0.")]
    [TestCase("Loops:0", "3", "RawWs:Loops: one value is needed")]
    [TestCase("ListenEndPoints:0", "2000", "RawWs:ListenEndPoints:0: \"2000\" cannot be read: ADDRESS:PORT is needed")]
    [TestCase("ListenEndPoints:0", "127.0.0.1", "RawWs:ListenEndPoints:0: \"127.0.0.1\" cannot be read: ADDRESS:PORT is needed")]
    [TestCase("Transport", "pigeon", "RawWs:Transport: \"pigeon\" cannot be read: ")]
    [TestCase("Compression", "maybe", "RawWs:Compression: \"maybe\" cannot be read: ")]
    [TestCase("MessageTimeout", "00:00:00", "MessageTimeout: 0.001 to 86400 seconds, not 0.")]
    [TestCase("AllowedOrigins:0", "https://", "AllowedOrigins: \"https://\" can never match: ")]
    [TestCase("Drain", "-00:00:01", "Drain: 0 to 86400 seconds, not -1.")]
    public void AWrongOption_EndsTheStart_AndIsNamed(string key, string value, string error)
    {
        using IHost host = Build<EchoApplication>([("ListenEndPoints:9", "127.0.0.1:0"), (key, value)]);
        Assert.That(() => host.StartAsync(), Throws.InstanceOf<OptionsValidationException>().With.Message.Contains(error));
    }

    [Test]
    public async Task TheHealthCheck_TellsWhetherThereIsRoom()
    {
        using IHost host = Build<EchoApplication>([("ConnectionsMax", "1")], AnyPort);
        HealthCheckService health = host.Services.GetRequiredService<HealthCheckService>();
        Assert.That((await health.CheckHealthAsync()).Status, Is.EqualTo(HealthStatus.Unhealthy), "before the start");
        await host.StartAsync();
        WebSocketServer server = host.Services.GetRequiredService<WebSocketServer>();
        Assert.That((await health.CheckHealthAsync()).Status, Is.EqualTo(HealthStatus.Healthy));
        using (RawClient client = RawClient.Open(server.EndPoints[0].Port))
        {
            HealthReportEntry entry = (await health.CheckHealthAsync()).Entries["rawws"];
            Assert.That((entry.Status, entry.Description), Is.EqualTo((HealthStatus.Degraded, "the limit of connections is reached")));
            Assert.That((entry.Data["connections"], entry.Data["connectionsMax"]), Is.EqualTo(((object)1, (object)1)));
        }

        TestServer.Eventually(() => server.Count == 0, "the client is gone");
        Assert.That((await health.CheckHealthAsync()).Status, Is.EqualTo(HealthStatus.Healthy));
        await host.StopAsync();
        Assert.That((await health.CheckHealthAsync()).Status, Is.EqualTo(HealthStatus.Unhealthy), "after the stop");
    }

    // As soon as a newcomer would get 503.
    [Test]
    public async Task TheHealthCheck_IsDegraded_WhereMemoryIsFull()
    {
        using IHost host = Build<EchoApplication>([("MemoryBytesMax", "1048576")], AnyPort);
        await host.StartAsync();
        WebSocketServer server = host.Services.GetRequiredService<WebSocketServer>();
        HealthCheckService health = host.Services.GetRequiredService<HealthCheckService>();
        byte[] held = server.Budget.Rent(1 << 20);
        HealthReportEntry entry = (await health.CheckHealthAsync()).Entries["rawws"];
        Assert.That((entry.Status, entry.Description), Is.EqualTo((HealthStatus.Degraded, "the memory limit is reached")));
        using (RawClient client = RawClient.Connect(server.EndPoints[0].Port))
        {
            client.Send($"GET / HTTP/1.1\r\n{RawClient.Upgrade}\r\n");
            Assert.That(client.ReadHead(), Does.StartWith("HTTP/1.1 503"));
        }

        server.Budget.Return(held);
        Assert.That((await health.CheckHealthAsync()).Status, Is.EqualTo(HealthStatus.Healthy));
        await host.StopAsync();
    }

    // Whoever else checks the options.
    [Test]
    public void OwnValidations_StandBesideTheLibrarys()
    {
        using IHost host = Build<EchoApplication>(
            [("Loops", "-1")], AnyPort, static services => services.AddOptions<ServerOptions>().Validate(static _ => true));
        Assert.That(async () => await host.StartAsync(), Throws.InstanceOf<OptionsValidationException>());
    }

    [Test]
    public async Task TheApplication_IsMadeByTheContainer_AndTheRouterKnowsItsServer()
    {
        using IHost host = Build<RouterApplication>(
            [], AnyPort, static services => services.AddSingleton(new RouterApplication(Introduce.Query, default)));
        await host.StartAsync();
        int port = host.Services.GetRequiredService<WebSocketServer>().EndPoints[0].Port;
        using RawClient alice = RawClient.Open(port, "/?uid=alice");
        using RawClient bob = RawClient.Open(port, "/?uid=bob");
        bob.SendText("alice:hi");
        Assert.That(alice.ReadText(), Is.EqualTo("hi"));
        bob.SendText("all:everybody");
        Assert.That((alice.ReadText(), bob.ReadText()), Is.EqualTo(("everybody", "everybody")));
    }

    [Test]
    public async Task AnApplication_GetsWhatItsConstructorAsksFor()
    {
        using IHost host = Build<Greeter>([], AnyPort, static services => services.AddSingleton(new Greeting("good day")));
        await host.StartAsync();
        using RawClient client = RawClient.Open(host.Services.GetRequiredService<WebSocketServer>().EndPoints[0].Port);
        Assert.That(client.ReadText(), Is.EqualTo("good day"));
    }

    [Test]
    public void ASecondServer_IsRefused()
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.AddRawWs<EchoApplication>();
        Assert.That(() => builder.AddRawWs<EchoApplication>(), Throws.InvalidOperationException);
    }

    private static IHost Build<TApplication>(
        (string Key, string Value)[] configuration, Action<ServerOptions>? configure = null, Action<IServiceCollection>? add = null)
        where TApplication : class, IWebSocketApplication
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection(
            configuration.Select(static pair => KeyValuePair.Create($"{RawWsHosting.Section}:{pair.Key}", (string?)pair.Value)));
        add?.Invoke(builder.Services);
        Assert.That(builder.AddRawWs<TApplication>(configure), Is.SameAs(builder));
        return builder.Build();
    }

    internal sealed record Greeting(string Text);

    internal sealed class Greeter(Greeting greeting) : IWebSocketApplication
    {
        public ValueTask<UpgradeDecision> OnUpgrade(UpgradeContext context) => new(UpgradeDecision.Accept());

        public void OnOpen(WebSocketConnection connection) =>
            connection.TrySend(MessageKind.Text, System.Text.Encoding.UTF8.GetBytes(greeting.Text));

        public ValueTask OnMessage(WebSocketConnection connection, WebSocketMessage message) => ValueTask.CompletedTask;
    }
}
