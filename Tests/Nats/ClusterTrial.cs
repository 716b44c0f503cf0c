// A trial of a whole cluster: the program in several processes, real NATS servers, and many clients that count. Tests/trial runs it
// with a thousand clients; the tests with fewer.

using RawWs.Benchmarks.Load;
using RawWs.Tests.Support;

namespace RawWs.Tests.Nats;

internal sealed class ClusterTrial : IAsyncDisposable
{
    private const int AtOnceMax = 100;

    private static readonly string[] Counters =
        ["rawws_cluster_lost_total", "rawws_cluster_unanswered_total", "rawws_cluster_unknown_total"];

    private readonly NatsCluster _nats;
    private readonly bool _areAllNamed;
    private readonly RunningProgram[] _nodes;
    private readonly int[] _ports;
    private readonly TrialClient[] _clients;
    private readonly List<TrialClient> _others = []; // that are not counted
    private readonly HashSet<TrialClient> _cutOff = []; // their node was killed: what they sent, and what went to them, nobody can count
    private bool _wasKilled; // a node, and its counters with it

    private ClusterTrial(NatsCluster nats, int nodes, int clients, bool areAllNamed)
    {
        (_nats, _areAllNamed) = (nats, areAllNamed);
        _nodes = new RunningProgram[nodes];
        _ports = new int[nodes];
        _clients = [.. Enumerable.Range(0, clients).Select(static i => new TrialClient($"u{i}"))];
    }

    /// <param name="servers">How many servers NATS has.</param>
    /// <param name="nodes">How many nodes there are.</param>
    /// <param name="clients">How many clients, spread over the nodes.</param>
    /// <param name="areAllNamed">
    /// Whether each node has the names of all servers, and goes to any of them; if not, the first node has the first server alone, and so
    /// on.
    /// </param>
    public static async Task<ClusterTrial> StartAsync(int servers, int nodes, int clients, bool areAllNamed = true)
    {
        ClusterTrial trial = new(new NatsCluster(servers), nodes, clients, areAllNamed);
        try
        {
            for (int i = 0; i < nodes; i++) trial.Begin(i);
            for (int i = 0; i < nodes; i++) trial._ports[i] = trial._nodes[i].WaitForPort();
            for (int i = 0; i < clients; i++) await trial._clients[i].ConnectAsync(trial.PortOf(i));
            await trial.KnowEachOtherAsync();
            return trial;
        }
        catch
        {
            await trial.DisposeAsync();
            throw;
        }
    }

    public NatsCluster Nats => _nats;

    public IReadOnlyList<TrialClient> Clients => _clients;

    private IEnumerable<TrialClient> Counted => _clients.Where(client => !_cutOff.Contains(client));

    /// <summary>One client more, which is not counted.</summary>
    public async Task<TrialClient> EnterAsync(string uid, int node)
    {
        TrialClient client = new(uid);
        _others.Add(client);
        await client.ConnectAsync(_ports[node]);
        return client;
    }

    /// <summary>Sends messages until one has come: the receiver is known to the sender's node.</summary>
    public static Task ReachAsync(TrialClient from, TrialClient to) => TestServer.EventuallyAsync(
        async () =>
        {
            long number = await from.SendAndHearAsync(to.Uid);
            (long, string) message = (number, from.Uid);
            await TestServer.EventuallyAsync(
                () => to.Got.ContainsKey(message) || from.WasToldOf(to.Uid, number), "an answer or the message");
            return to.Got.ContainsKey(message);
        },
        $"{to.Uid} is known to {from.Uid}'s node");

    /// <summary>Starts a node, or starts it again.</summary>
    public void StartNode(int node)
    {
        Begin(node);
        _ports[node] = _nodes[node].WaitForPort();
    }

    /// <summary>Kills a node with SIGKILL. Its clients are counted no more.</summary>
    public void KillNode(int node)
    {
        for (int i = node; i < _clients.Length; i += _nodes.Length) _cutOff.Add(_clients[i]);
        _wasKilled = true;
        _nodes[node].Kill();
        _nodes[node].WaitForExit();
    }

    /// <summary>It stands still, until it goes on.</summary>
    public void StopNode(int node) => _nodes[node].Signal(Signals.Stop);

    public void ContinueNode(int node) => _nodes[node].Signal(Signals.Continue);

    /// <summary>The clients of a node that was killed come back.</summary>
    public async Task ReconnectAsync(int node)
    {
        for (int i = node; i < _clients.Length; i += _nodes.Length)
        {
            await _clients[i].DisposeAsync();
            _cutOff.Remove(_clients[i]);
            _clients[i] = new TrialClient($"u{i}", _clients[i].SentCount);
            foreach (TrialClient other in _clients)
            {
                other.Forget(_clients[i].Uid);
                other.Forget(TrialClient.ToAll);
            }

            await _clients[i].ConnectAsync(PortOf(i));
        }
    }

    /// <summary>Each client sends one message to each client, so many at once that nobody is too slow.</summary>
    public async Task SendPairwiseAsync()
    {
        int count = _clients.Length;
        for (int distance = 0; distance < count; distance++)
        {
            await EachAsync(i => _clients[i].SendAsync(_clients[(i + distance) % count].Uid));
            if (distance % 10 == 9 || distance == count - 1) await AllHaveCome();
        }
    }

    /// <summary>Each client sends one message to everybody. Of those, this says how often one has come.</summary>
    public async Task<long> BroadcastAsync()
    {
        long before = _clients.Sum(static client => (long)client.Got.Count);
        long expected = before;
        foreach (TrialClient[] some in _clients.Chunk(20))
        {
            foreach (TrialClient client in some) await client.SendAsync(TrialClient.ToAll);
            expected += (long)some.Length * _clients.Length;
            await TestServer.EventuallyAsync(
                () => _clients.Sum(static client => (long)client.Got.Count) >= expected, "every broadcast has come to everybody");
        }

        return _clients.Sum(static client => (long)client.Got.Count) - before;
    }

    /// <summary>
    /// Each client sends to others at random, one message at a time, until the trouble is over. Now and then one sends to everybody.
    /// </summary>
    public async Task SendDuringAsync(Func<Task> trouble)
    {
        using CancellationTokenSource over = new();
        Task[] senders = [.. Enumerable.Range(0, _clients.Length).Select(i => SendUntilAsync(i, over.Token))];
        await trouble();
        await over.CancelAsync();
        await Task.WhenAll(senders);
    }

    /// <summary>
    /// Waits until of every message that was counted it is clear what has become of it, and says how many were sent, delivered, and told.
    /// What was told as unreachable may have been delivered: nobody knew. Nothing else may be both, and nothing neither. One to everybody
    /// is delivered when all who are counted have it; if it is neither delivered nor told, it must have left out a node that says nothing,
    /// and be counted by its sender's. Each client sends itself a message for it, which counts.
    /// </summary>
    public async Task<TrialCount> CountAsync()
    {
        // A client's messages are dealt with one after the other: what it sends to itself comes when it has been told of all before.
        await EachAsync(i => _clients[i].SendAsync(_clients[i].Uid));
        await TestServer.EventuallyAsync(
            () => Counted.All(static client => client.Got.ContainsKey((client.SentCount, client.Uid))), "each has what it sent to itself");
        await TestServer.EventuallyAsync(() => Balance().Missing == 0, "what has become of every message is known");
        TrialCount count = Balance();
        if (_wasKilled) Assert.That(count.LeftOut, Is.Zero, "those that live hear each other");
        else if (count.LeftOut > 0)
            Assert.That(await SumAsync("rawws_cluster_left_out_total"), Is.GreaterThanOrEqualTo(count.LeftOut), $"{count}");
        return count;
    }

    /// <summary>
    /// Waits until the nodes' counters have all that clients were told as unreachable: at most as much as they have counted. (What was for
    /// everybody counts once for each node; and what was lost and is not answered in time is counted at both ends.) Nothing is compared
    /// once a node was killed.
    /// </summary>
    public async Task AllToldAreCountedAsync()
    {
        if (_wasKilled) return;
        long told = _clients.Sum(static client => (long)client.ErrorCodes.GetValueOrDefault("unreachable"));
        await TestServer.EventuallyAsync(
            async () => await SumAsync(Counters) >= told, $"all {told} that were told unreachable are counted");
    }

    /// <summary>Each client has heard of each other node's last client: then nobody is unknown.</summary>
    public async Task KnowEachOtherAsync()
    {
        for (int node = 0; node < _nodes.Length; node++)
        {
            TrialClient from = _clients[node];
            foreach (TrialClient to in _clients[^_nodes.Length..])
                if (from != to) await ReachAsync(from, to);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (TrialClient client in _clients.Concat(_others)) await client.DisposeAsync();
        foreach (RunningProgram? node in _nodes) node?.Dispose();
        await _nats.DisposeAsync();
    }

    private async Task SendUntilAsync(int from, CancellationToken over)
    {
        Random random = new(from);
        while (!over.IsCancellationRequested && !_clients[from].IsOver)
        {
            int other = (from + random.Next(1, _clients.Length)) % _clients.Length;
            bool isToAll = random.Next(_clients.Length) == 0;
            await _clients[from].SendAndHearAsync(isToAll ? TrialClient.ToAll : _clients[other].Uid);
            await Task.Delay(random.Next(50), CancellationToken.None);
        }
    }

    // Of counters of all nodes.
    private async Task<double> SumAsync(params string[] counters)
    {
        using HttpClient http = new() { Timeout = TestServer.Patience };
        double sum = 0;
        foreach (RunningProgram node in _nodes)
        {
            string metrics = await http.GetStringAsync(new Uri(node.AdminAddress, "metrics"));
            sum += MetricsText.Read(metrics).Where(sample => counters.Contains(sample.Name)).Sum(static sample => sample.Value);
        }

        return sum;
    }

    private TrialCount Balance()
    {
        long sent = 0, delivered = 0, told = 0, missing = 0, leftOut = 0, both = 0, untrue = 0;
        TrialClient[] all = [.. Counted];
        Dictionary<string, TrialClient[]> receivers = all.ToDictionary(static client => client.Uid, static client => new[] { client });
        receivers[TrialClient.ToAll] = all;
        foreach (TrialClient from in all)
        {
            foreach ((string uid, List<long> numbers) in from.Sent)
            {
                if (!receivers.TryGetValue(uid, out TrialClient[]? to)) continue;
                sent += numbers.Count;
                foreach (long number in numbers)
                {
                    bool hasCome = to.All(client => client.Got.ContainsKey((number, from.Uid)));
                    string? code = from.ToldOf(uid, number);
                    bool isTold = code is not null;
                    if (hasCome) delivered++;
                    if (isTold) told++;
                    if (!hasCome && !isTold && uid == TrialClient.ToAll) leftOut++;
                    else if (!hasCome && !isTold) missing++;
                    if (hasCome && isTold) both++;
                    if (hasCome && isTold && code != "unreachable") untrue++;
                }
            }
        }

        return new TrialCount(sent, delivered, told, missing, leftOut, both, untrue);
    }

    private void Begin(int node)
    {
        _nodes[node]?.Dispose();
        IEnumerable<string> servers = Enumerable.Range(node, _areAllNamed ? _nats.Count : 1).Select(i => _nats.UrlOf(i % _nats.Count));
        _nodes[node] = RunningProgram.Start(
            "--listen", _ports[node] == 0 ? "127.0.0.1:0" : $"127.0.0.1:{_ports[node]}", "--introduce", "query", "--loops", "1",
            "--heartbeat", "0", // clients that are silent stay
            "--admin", "127.0.0.1:0", "--backplane", string.Join(',', servers), "--cluster", "trial", "--node-id", $"n{node}");
    }

    private int PortOf(int client) => _ports[client % _nodes.Length];

    private async Task EachAsync(Func<int, Task> act)
    {
        for (int begin = 0; begin < _clients.Length; begin += AtOnceMax)
            await Task.WhenAll(Enumerable.Range(begin, Math.Min(AtOnceMax, _clients.Length - begin)).Select(act));
    }

    private Task AllHaveCome() => TestServer.EventuallyAsync(
        () => _clients.Sum(static client => client.SentCount) <= _clients.Sum(static client => client.Got.Count + client.ToldCount),
        "all have come");
}

/// <param name="Sent">How many messages clients have sent to clients that are counted.</param>
/// <param name="Delivered">How many have come.</param>
/// <param name="Told">How many their senders were told of.</param>
/// <param name="Missing">How many have neither come nor been told, and were not to everybody.</param>
/// <param name="LeftOut">How many were to everybody, and have not come to everybody, and were not told.</param>
/// <param name="Both">How many were told and have come.</param>
/// <param name="Untrue">How many of those were told as something else than unreachable: nobody may say that who knows nothing.</param>
internal sealed record TrialCount(long Sent, long Delivered, long Told, long Missing, long LeftOut, long Both, long Untrue);
