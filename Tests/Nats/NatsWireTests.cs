// The wire over a real server of NATS: what it keeps of what comes, and what goes wrong with one message is not the end of the next one.

using System.Collections.Concurrent;
using NATS.Client.Core;
using RawWs.Benchmarks.Backplane;
using RawWs.Server.Nats;
using RawWs.Tests.Support;

namespace RawWs.Tests.Nats;

[Parallelizable(ParallelScope.Self)]
public sealed class NatsWireTests
{
    private const string ToAll = "rawws.all";

    private NatsServer _nats = null!;

    [SetUp]
    public void SetUp()
    {
        Tools.Require("nats-server");
        _nats = new NatsServer();
    }

    [TearDown]
    public void TearDown() => _nats?.Dispose();

    // So what waits has a bound, whoever publishes.
    [Test]
    public async Task WhatIsLongerThanANodeSends_IsNotKept()
    {
        await using NatsWire wire = new(NatsOpts.Default with { Url = _nats.Url }, "rawws", "one", TimeProvider.System);
        await wire.StartAsync();
        await using NatsConnection stranger = new(NatsOpts.Default with { Url = _nats.Url });
        byte[] longest = new byte[256 * 1024];
        Random.Shared.NextBytes(longest);
        foreach (byte[] bytes in (byte[][])[longest, [.. longest, 0], new byte[1_000_000], [], [7]])
            await stranger.PublishAsync(ToAll, bytes);
        List<byte[]> come = [];
        while (come.Count < 5) come.Add(await NextAsync(wire));
        Assert.That(come.Select(static bytes => bytes.Length), Is.EqualTo([longest.Length, 0, 0, 0, 1]));
        Assert.That(come[0].AsSpan().SequenceEqual(longest) && come[4][0] == 7);
    }

    [Test]
    public async Task AMessageThatFails_IsToldOf_AndTheNextOnesCome()
    {
        ConcurrentQueue<Exception> failures = [];
        int came = 0;
        await using NatsWire wire = new(NatsOpts.Default with { Url = _nats.Url }, "rawws", "one", TimeProvider.System)
        {
            Came = () =>
            {
                if (Interlocked.Increment(ref came) == 1) throw new NotSupportedException("no sense");
            },
            Failed = failures.Enqueue,
        };
        await wire.StartAsync();
        for (byte i = 0; i < 3; i++) wire.PublishToAll([i]);
        for (byte i = 0; i < 3; i++) Assert.That(await NextAsync(wire), Is.EqualTo(new[] { i }));
        Assert.That(failures.Select(static failure => failure.Message), Is.EqualTo(["no sense"]));
    }

    private static async Task<byte[]> NextAsync(NatsWire wire)
    {
        using NatsMemoryOwner<byte> message = await wire.Come.ReadAsync().AsTask().WaitAsync(TestServer.Patience);
        return message.Memory.ToArray();
    }
}
