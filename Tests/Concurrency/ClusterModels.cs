// Models of what nodes of a cluster share between threads: the table of who is where, the links between nodes, and claims.

using Microsoft.Coyote.Specifications;
using RawWs.Server;
using RawWs.Server.Nats;
using Monitor = System.Threading.Monitor;

namespace RawWs.Concurrency;

internal static class ClusterModels
{
    private static readonly byte[] Uid = [.. "100"u8];

    public static IReadOnlyList<(string Name, Func<Task> Run)> Every { get; } =
    [
        (nameof(WhoLooksWhileNodesComeAndGo_FindsWhoStays), WhoLooksWhileNodesComeAndGo_FindsWhoStays),
        (nameof(WhatIsSentToAnotherNode_IsAnswered_InOrder), WhatIsSentToAnotherNode_IsAnswered_InOrder),
        (nameof(OfTwoNodesThatClaim_OneHasIt), OfTwoNodesThatClaim_OneHasIt),
        (nameof(WhoLeavesWhileAnotherClaims_LeavesNothing), WhoLeavesWhileAnotherClaims_LeavesNothing),
    ];

    // The interest table: one thread changes it, and others look.
    public static async Task WhoLooksWhileNodesComeAndGo_FindsWhoStays()
    {
        InterestTable table = new();
        table.Add(1, node: 1);
        table.Add(1, node: 2);
        await WhenAll(
            Task.Run(() =>
            {
                table.Add(1, node: 3);
                table.Remove(1, node: 1);
                table.RemoveAll(node: 3);
            }),
            Task.Run(() =>
            {
                for (int i = 0; i < 3; i++) Specification.Assert(table.Find(1).Contains(2), "who stays is found");
            }));
        Specification.Assert(table.Find(1).Count == 1 && table.Count == 1, "nobody else is there");
    }

    // Links and pending results: two senders on one node, a receiver on another one.
    public static async Task WhatIsSentToAnotherNode_IsAnswered_InOrder()
    {
        ModelNode one = new("one", 1), two = new("two", 2);
        (one.Other, two.Other) = (two, one);
        ModelNode[] nodes = [one, two];
        two.Node.Join(Uid);
        foreach (ModelNode node in nodes) node.Node.OnConnected(0);
        for (long now = 0; now <= 3_000; now += 500)
            foreach (ModelNode node in nodes) node.Turn(now);
        Specification.Assert(one.Node.IsComplete && two.Node.IsComplete, "they know each other");
        Task[] running = [.. nodes.Select(static node => Task.Run(node.Run))];
        await WhenAll(Task.Run(() => SendAsync(one, "a1", "a2")), Task.Run(() => SendAsync(one, "b1", "b2")));
        foreach (ModelNode node in nodes) node.End();
        await WhenAll(running);
        Specification.Assert(two.Got.Count == 4, $"{string.Join(' ', two.Got)}");
        Specification.Assert(two.Got.IndexOf("a1") < two.Got.IndexOf("a2") && two.Got.IndexOf("b1") < two.Got.IndexOf("b2"), "in order");

        static async Task SendAsync(ModelNode from, params string[] texts)
        {
            foreach (string text in texts)
            {
                DeliveryResult result = await from.Node.Send(Uid, WebSocketMessage.Text(text), now: 3_000);
                Specification.Assert(result == DeliveryResult.Delivered, $"{text}: {result}");
            }
        }
    }

    public static async Task OfTwoNodesThatClaim_OneHasIt()
    {
        foreach (DuplicateUid duplicates in (DuplicateUid[])[DuplicateUid.Reject, DuplicateUid.Replace])
        {
            ModelClaims shared = new();
            ModelHolder one = new(shared, "one"), two = new(shared, "two");
            await WhenAll(Task.Run(() => one.ConnectAsync(duplicates)), Task.Run(() => two.ConnectAsync(duplicates)));
            Specification.Assert(one.Has != two.Has, $"{duplicates}: {one.Has} and {two.Has}");
            Specification.Assert(shared.Holder == (one.Has ? "one" : "two"), "the store says so too");
        }
    }

    public static async Task WhoLeavesWhileAnotherClaims_LeavesNothing()
    {
        ModelClaims shared = new();
        ModelHolder one = new(shared, "one");
        await one.ConnectAsync(DuplicateUid.Reject);
        await WhenAll(Task.Run(one.Leave), Task.Run(() => one.ConnectAsync(DuplicateUid.Reject)));
        Specification.Assert(one.Has && shared.Holder == "one", $"{one.Has}, {shared.Holder}");
        one.Leave();
        while (one.Claims.Count > 0) await Task.Yield();
        Specification.Assert(shared.Holder is null, "nothing is left");
    }

    private static Task WhenAll(params Task[] tasks) => Task.WhenAll(tasks);

    /// <summary>A node whose wire leads to one other.</summary>
    private sealed class ModelNode : IWire, ILocalDelivery
    {
        private readonly object _signal = new();
        private readonly Queue<byte[]> _come = [];
        private readonly string _id;
        private bool _woken;
        private bool _ends;
        private long _now;

        public ModelNode(string id, ulong incarnation)
        {
            _id = id;
            Node = new ClusterNode(new ClusterSettings { Id = id, Incarnation = incarnation, EventsKept = 8 }, this, this) { Wake = Wake };
        }

        public ClusterNode Node { get; }

        public ModelNode Other { get; set; } = null!;

        public List<string> Got { get; } = [];

        public void Turn(long now)
        {
            _now = now;
            while (TryTake(out byte[]? message)) Node.Receive(message, now);
            Node.Turn(now);
        }

        public void Run()
        {
            while (true)
            {
                lock (_signal)
                {
                    while (!_woken && !_ends) Monitor.Wait(_signal);
                    if (!_woken) return;
                    _woken = false;
                }

                Turn(_now);
            }
        }

        public void End()
        {
            lock (_signal)
            {
                _ends = true;
                Monitor.PulseAll(_signal);
            }
        }

        public void PublishToAll(ReadOnlySpan<byte> message) => Other.Come(message.ToArray());

        public void PublishTo(string id, ReadOnlySpan<byte> message)
        {
            if (id != _id) Other.Come(message.ToArray());
        }

        public DeliveryResult Send(ReadOnlySpan<byte> uid, in WebSocketMessage message)
        {
            if (_id == "one") return DeliveryResult.Offline;
            Got.Add(System.Text.Encoding.UTF8.GetString(message.Span));
            return DeliveryResult.Delivered;
        }

        public DeliveryResult SendToEverybody(in WebSocketMessage message) => DeliveryResult.Delivered;

        public void Probe(ReadOnlySpan<byte> uid)
        {
        }

        private void Come(byte[] message)
        {
            lock (_signal) _come.Enqueue(message);
            Wake();
        }

        private bool TryTake([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out byte[]? message)
        {
            lock (_signal) return _come.TryDequeue(out message);
        }

        private void Wake()
        {
            lock (_signal)
            {
                _woken = true;
                Monitor.PulseAll(_signal);
            }
        }
    }

    /// <summary>The store: one uid is enough.</summary>
    private sealed class ModelClaims
    {
        private readonly object _lock = new();
        private readonly List<ModelHolder> _holders = [];
        private Claim? _claim;
        private ulong _revision;

        public string? Holder
        {
            get
            {
                lock (_lock) return _claim?.Holder.NodeId;
            }
        }

        public void Add(ModelHolder holder) => _holders.Add(holder);

        public Claim? Find()
        {
            lock (_lock) return _claim;
        }

        public ulong Put(string key, ClaimHolder holder, ulong revision)
        {
            Claim claim;
            lock (_lock)
            {
                if ((_claim?.Revision ?? 0) != revision) return 0;
                _claim = claim = new Claim(key, holder, ++_revision);
            }

            foreach (ModelHolder other in _holders) other.Claims.OnChanged(claim);
            return claim.Revision;
        }

        public void Delete(ulong revision)
        {
            lock (_lock)
                if (_claim?.Revision == revision) _claim = null;
        }
    }

    /// <summary>A node that has at most two connections, all of one uid.</summary>
    private sealed class ModelHolder : IClaimStore
    {
        private readonly object _lock = new();
        private readonly ModelClaims _shared;
        private readonly HashSet<int> _connections = [];
        private int _last;

        public ModelHolder(ModelClaims shared, string id)
        {
            (_shared, Self) = (shared, new ClaimHolder(id, 1));
            Claims = new UidClaims(this, _ => Has, TimeProvider.System, Timeout.InfiniteTimeSpan) { Lost = _ => ToLose() };
            shared.Add(this);
        }

        public UidClaims Claims { get; }

        public ClaimHolder Self { get; }

        public bool Has
        {
            get
            {
                lock (_lock) return _connections.Count > 0;
            }
        }

        public async Task ConnectAsync(DuplicateUid duplicates)
        {
            if (await Claims.ClaimAsync(Uid, duplicates) != UidClaim.Granted) return;
            int connection;
            lock (_lock) _connections.Add(connection = ++_last);
            if (!Claims.OnJoined(Uid)) Leave([connection]);
        }

        /// <summary>One of those that are here leaves.</summary>
        public void Leave()
        {
            lock (_lock)
            {
                if (_connections.Count == 0) return;
                _connections.Remove(_connections.First());
            }

            Claims.OnLeft(Uid);
        }

        public void CheckLease()
        {
            // It has one.
        }

        public ValueTask<ulong> CreateAsync(string key, CancellationToken cancellation) => AnswerAsync(() => _shared.Put(key, Self, 0));

        public ValueTask<ulong> TakeOverAsync(string key, ulong revision, CancellationToken cancellation) =>
            AnswerAsync(() => _shared.Put(key, Self, revision));

        public ValueTask<Claim?> FindAsync(string key, CancellationToken cancellation) => AnswerAsync(_shared.Find);

        public async ValueTask DeleteAsync(ulong revision, CancellationToken cancellation) => await AnswerAsync(() =>
        {
            _shared.Delete(revision);
            return true;
        });

        public ValueTask<bool> LivesAsync(ClaimHolder holder, CancellationToken cancellation) => AnswerAsync(static () => true);

        private void Leave(int[] connections)
        {
            lock (_lock) _connections.ExceptWith(connections);
            Claims.OnLeft(Uid);
        }

        private Action ToLose()
        {
            int[] connections;
            lock (_lock) connections = [.. _connections];
            return () => Leave(connections);
        }

        private static async ValueTask<T> AnswerAsync<T>(Func<T> act)
        {
            T answer = act();
            await Task.Yield();
            return answer;
        }
    }
}
