// A real server of NATS, and the program as nodes of a cluster over it, each a process of its own.

using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using RawWs.Benchmarks.Backplane;
using RawWs.Benchmarks.Load;

namespace RawWs.Tests.Support;

internal sealed class ClusterPrograms : IDisposable
{
    private readonly List<ProgramNode> _nodes = [];
    private NatsServer? _nats;

    /// <summary>NATS listens, on a port that stays when it is started again.</summary>
    /// <param name="arguments">More for its command line.</param>
    public ClusterPrograms(params string[] arguments)
    {
        Tools.Require("nats-server");
        Port = Ports.Free();
        Arguments = [.. arguments, "--port", Port.ToString(CultureInfo.InvariantCulture)];
        StartNats();
    }

    public int Port { get; }

    public string Url => $"nats://127.0.0.1:{Port}";

    private string[] Arguments { get; }

    /// <param name="more">More for its command line, this time.</param>
    public void StartNats(params string[] more) => _nats = new NatsServer([.. Arguments, .. more]);

    public void StopNats()
    {
        _nats?.Dispose();
        _nats = null;
    }

    /// <summary>A node that serves.</summary>
    public ProgramNode Start(string id, params string[] arguments)
    {
        ProgramNode node = new(Program(Url, ["--node-id", id, .. arguments]));
        _nodes.Add(node);
        return node;
    }

    /// <summary>Two nodes that serve, "one" and "two". Each waits for the words of others when it starts, so they start at once.</summary>
    /// <param name="arguments">For both.</param>
    /// <param name="ofOne">For the first one besides.</param>
    public (ProgramNode One, ProgramNode Two) StartTwo(string[]? arguments = null, string[]? ofOne = null)
    {
        ProgramNode[] nodes = StartAll(["one", .. arguments ?? [], .. ofOne ?? []], ["two", .. arguments ?? []]);
        return (nodes[0], nodes[1]);
    }

    /// <summary>Nodes that serve, started at once: of each the id, and arguments behind it.</summary>
    public ProgramNode[] StartAll(params string[][] nodes)
    {
        RunningProgram[] programs = [.. nodes.Select(node => Program(Url, ["--node-id", .. node]))];
        try
        {
            foreach (RunningProgram program in programs) _nodes.Add(new ProgramNode(program));
        }
        catch
        {
            foreach (RunningProgram program in programs) program.Dispose();
            throw;
        }

        return [.. _nodes.TakeLast(nodes.Length)];
    }

    /// <summary>The program with a backplane; it may be one that does not start.</summary>
    public static RunningProgram Program(string url, params string[] arguments) => RunningProgram.Start(
        ["--listen", "127.0.0.1:0", "--introduce", "query", "--heartbeat", "0", "--drain", "0", "--admin", "127.0.0.1:0",
            "--backplane", url, .. arguments]);

    /// <summary>
    /// Waits for what other processes bring about. To ask them costs them more than to wait, so it is asked a hundred times a second.
    /// </summary>
    public static void Eventually(Func<bool> condition, string what) =>
        TestServer.EventuallyAsync(condition, what).GetAwaiter().GetResult();

    public void Dispose()
    {
        _nodes.ForEach(static node => node.Dispose());
        StopNats();
    }
}

/// <summary>A node, its clients, and a client of its admin port.</summary>
internal sealed class ProgramNode : IDisposable
{
    private readonly List<RawClient> _clients = [];
    private readonly HttpClient _http;

    public ProgramNode(RunningProgram program)
    {
        Program = program;
        if (program.WaitForPortOrExit() is not { } port) throw new InvalidOperationException($"It does not start: {program.Errors}");
        Port = port;
        _http = new HttpClient { BaseAddress = program.AdminAddress, Timeout = TestServer.Patience };
    }

    public RunningProgram Program { get; }

    public int Port { get; }

    public RawClient Enter(string uid)
    {
        RawClient client = RawClient.Open(Port, $"/?uid={Uri.EscapeDataString(uid)}");
        _clients.Add(client);
        return client;
    }

    public (HttpStatusCode Status, string Text) Ask(HttpMethod method, string path, string? body = null)
    {
        using HttpRequestMessage request = new(method, path);
        if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        using HttpResponseMessage response = _http.Send(request);
        using StreamReader reader = new(response.Content.ReadAsStream());
        return (response.StatusCode, reader.ReadToEnd());
    }

    public string Get(string path) => Ask(HttpMethod.Get, path).Text;

    public JsonElement Post(string path, string body) => JsonDocument.Parse(Ask(HttpMethod.Post, path, body).Text).RootElement;

    /// <summary>Waits until it knows of so many uids in the cluster.</summary>
    public void Knows(int uids) => ClusterPrograms.Eventually(() => Metric("rawws_cluster_uids") == uids, $"{uids} uids are known");

    /// <summary>A number of /metrics; null when it is not there.</summary>
    public double? Metric(string name) => MetricsText.Read(Get("/metrics"))
        .Where(sample => sample.Name == name).Select(static sample => (double?)sample.Value).FirstOrDefault();

    public void Dispose()
    {
        _clients.ForEach(static client => client.Dispose());
        _http.Dispose();
        Program.Dispose();
    }
}
