// NATS servers: one, or three that are a cluster. Who connects to one goes through a proxy of its own, and so does each server's way to
// each other one: any of them can be paused.

using RawWs.Benchmarks.Backplane;
using RawWs.Tests.Support;

namespace RawWs.Tests.Nats;

internal sealed class NatsCluster : IAsyncDisposable
{
    private readonly NatsServer?[] _servers;
    private readonly int[] _ports;
    private readonly int[] _routePorts;
    private readonly string[] _arguments;
    private readonly PausingProxy[] _doors;
    private readonly Dictionary<(int From, int To), PausingProxy> _routes = [];

    /// <param name="servers">How many servers there are.</param>
    /// <param name="arguments">More for the command line of each.</param>
    public NatsCluster(int servers, params string[] arguments)
    {
        Tools.Require("nats-server");
        _arguments = arguments;
        _servers = new NatsServer?[servers];
        _ports = [.. Enumerable.Range(0, servers).Select(static _ => Ports.Free())];
        _routePorts = [.. Enumerable.Range(0, servers).Select(static _ => Ports.Free())];
        _doors = [.. _ports.Select(static port => new PausingProxy(port))];
        for (int from = 0; from < servers; from++)
            for (int to = 0; to < servers; to++)
                if (from != to) _routes[(from, to)] = new PausingProxy(_routePorts[to]);
        for (int i = 0; i < servers; i++) Start(i);
    }

    public int Count => _servers.Length;

    /// <summary>Where a server is reached, through its door.</summary>
    public string UrlOf(int server) => $"nats://127.0.0.1:{_doors[server].Port}";

    /// <summary>Where all are reached.</summary>
    public string Urls => string.Join(',', Enumerable.Range(0, Count).Select(UrlOf));

    /// <summary>Where a server listens itself.</summary>
    public int PortOf(int server) => _ports[server];

    /// <summary>Whether a line of a server's log has these words.</summary>
    public bool HasTold(int server, string words) => _servers[server]!.HasTold(words);

    /// <summary>The way of all clients to a server.</summary>
    public PausingProxy DoorOf(int server) => _doors[server];

    public void Start(int server)
    {
        List<string> arguments = [.. _arguments, "--port", $"{_ports[server]}", "--name", $"s{server}"];
        if (Count > 1)
        {
            string routes = string.Join(
                ',', _routes.Where(route => route.Key.From == server).Select(static route => $"nats://127.0.0.1:{route.Value.Port}"));
            // It must not be told where the others really are: it would go there past the proxies.
            arguments.AddRange(["--cluster_name", "trial", "--cluster", $"nats://127.0.0.1:{_routePorts[server]}",
                "--cluster_advertise", "127.0.0.1:1", "--no_advertise", "--routes", routes]);
        }

        _servers[server] = new NatsServer([.. arguments]);
    }

    /// <summary>It is gone at once, with all that it knew.</summary>
    public void Kill(int server)
    {
        _servers[server]?.Dispose();
        _servers[server] = null;
    }

    /// <summary>A server stands still, until it goes on.</summary>
    public void Stop(int server) => Signal(server, Signals.Stop);

    public void Continue(int server) => Signal(server, Signals.Continue);

    /// <summary>A server does not hear the others, nor they it.</summary>
    public void Isolate(int server)
    {
        foreach (PausingProxy proxy in RoutesOf(server)) proxy.Pause();
    }

    public void Heal(int server)
    {
        foreach (PausingProxy proxy in RoutesOf(server)) proxy.Resume();
    }

    public async ValueTask DisposeAsync()
    {
        for (int i = 0; i < Count; i++) Kill(i);
        foreach (PausingProxy proxy in (IEnumerable<PausingProxy>)[.. _doors, .. _routes.Values]) await proxy.DisposeAsync();
    }

    private void Signal(int server, int signal) => Assert.That(Signals.Send(_servers[server]!.ProcessId, signal), Is.Zero);

    private IEnumerable<PausingProxy> RoutesOf(int server) =>
        _routes.Where(route => route.Key.From == server || route.Key.To == server).Select(static route => route.Value);
}
