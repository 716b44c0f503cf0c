// Presence over a real server of NATS: what goes wrong in a turn is told, and the next turn is as any.

using System.Collections.Concurrent;
using NATS.Client.Core;
using RawWs.Benchmarks.Backplane;
using RawWs.Server;
using RawWs.Server.Nats;
using RawWs.Tests.Support;

namespace RawWs.Tests.Cluster;

[Parallelizable(ParallelScope.Self)]
public sealed class NatsPresenceTests
{
    [Test]
    public async Task ATurnThatFails_IsToldOf_AndIsNotTheEnd()
    {
        Tools.Require("nats-server");
        using NatsServer nats = new();
        await using NatsConnection connection = new(NatsOpts.Default with { Url = nats.Url });
        ConcurrentQueue<Exception> failures = [];
        PresenceWatch? own = null;
        int turns = 0;
        await using NatsPresence presence = new(
            connection,
            "rawws",
            "one",
            options => own = new PresenceWatch(options),
            () => Interlocked.Increment(ref turns) == 1
                ? throw new InvalidOperationException("no sense")
                : new ClusterMembers(true, true, []),
            static _ => { },
            failures.Enqueue,
            TimeProvider.System);
        await presence.StartAsync();
        using PresenceWatch watch = presence.Watch(new PresenceOptions());
        own!.Tell("ann", "", true);
        using CancellationTokenSource patience = new(TestServer.Patience);
        Assert.That(await watch.WaitToReadAsync(patience.Token), Is.True);
        Assert.That(watch.TryRead(out PresenceEvent? told), Is.True);
        Assert.That((told!.Kind, told.Uid, told.Node), Is.EqualTo((PresenceKind.Came, "ann", "one")));
        Assert.That(failures.Select(static failure => failure.Message), Is.EqualTo(new[] { "no sense" }));
    }
}
