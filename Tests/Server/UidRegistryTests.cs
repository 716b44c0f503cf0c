// The registry by itself: against a naive model, and how much work it is to share a uid with thousands.

using System.Text;
using RawWs.Server;
using RawWs.Server.Delivery;

namespace RawWs.Tests.Server;

[TestFixture]
[NonParallelizable]
public sealed class UidRegistryTests
{
    private static readonly byte[] Uid = "everybody"u8.ToArray();

    // Every join and every leave in proportion to itself, and not to how many are there already: copied each time, they were 800 MB.
    [Test]
    public void TenThousandJoinAndLeaveOneUid_AtAFixedPriceEach([Values] bool lastComeFirstToGo)
    {
        const int Count = 10_000;
        UidRegistry registry = new();
        WebSocketConnection[] connections = Connections(Count);
        long before = GC.GetAllocatedBytesForCurrentThread();
        foreach (WebSocketConnection connection in connections) registry.TryAdd(Uid, connection, DuplicateUid.Share, out _);
        long joins = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.That((registry.Count, registry.Find(Uid).Length), Is.EqualTo((1, Count)));
        if (lastComeFirstToGo) Array.Reverse(connections);
        before = GC.GetAllocatedBytesForCurrentThread();
        foreach (WebSocketConnection connection in connections) registry.Remove(Uid, connection);
        long leaves = GC.GetAllocatedBytesForCurrentThread() - before;
        TestContext.Out.WriteLine($"{joins} bytes for the joins, {leaves} for the leaves");
        Assert.That((registry.Count, registry.Find(Uid).Length), Is.EqualTo((0, 0)));
        Assert.That(joins / Count, Is.LessThan(200), "bytes for a join");
        Assert.That(leaves / Count, Is.LessThan(200), "bytes for a leave");
    }

    [Test]
    public void Find_AllocatesNothing_WhileNobodyComesOrGoes([Values(1, 5, 1000)] int count)
    {
        UidRegistry registry = new();
        foreach (WebSocketConnection connection in Connections(count)) registry.TryAdd(Uid, connection, DuplicateUid.Share, out _);
        registry.Find(Uid);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++) registry.Find(Uid);
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
    }

    [Test]
    public void ComingAndGoing_IsWhatANaiveModelSays([Values(1, 2, 3)] int seed)
    {
        Random random = new(seed);
        UidRegistry registry = new();
        WebSocketConnection[] connections = Connections(60);
        byte[][] uids = [.. Enumerable.Range(0, 3).Select(static i => Encoding.ASCII.GetBytes($"u{i}"))];
        Dictionary<WebSocketConnection, byte[]> model = [];
        for (int round = 0; round < 5000; round++)
        {
            // Waves: many, then few, so that a uid's form changes both ways.
            bool comes = random.Next(100) < (round / 500 % 2 == 0 ? 70 : 30);
            WebSocketConnection connection = connections[random.Next(connections.Length)];
            if (comes && !model.ContainsKey(connection))
            {
                byte[] uid = model[connection] = uids[random.Next(uids.Length)];
                WebSocketConnection[] seen = registry.Find(uid), copy = [.. seen];
                Assert.That(registry.TryAdd([.. uid], connection, DuplicateUid.Share, out WebSocketConnection[] replaced));
                Assert.That(replaced, Is.Empty);
                Assert.That(seen, Is.EqualTo(copy), "what was found does not change");
            }
            else if (!comes)
            {
                byte[] uid = model.Remove(connection, out byte[]? own) ? own : uids[random.Next(uids.Length)];
                WebSocketConnection[] seen = registry.Find(uid), copy = [.. seen];
                registry.Remove([.. uid], connection);
                Assert.That(seen, Is.EqualTo(copy), "what was found does not change");
            }

            if (round % 10 != 0) continue;
            foreach (byte[] uid in uids)
            {
                IEnumerable<WebSocketConnection> expected = model.Where(pair => pair.Value == uid).Select(static pair => pair.Key);
                Assert.That(registry.Find(uid), Is.EquivalentTo(expected), $"seed {seed}, round {round}");
            }

            Assert.That(registry.Count, Is.EqualTo(model.Values.Distinct().Count()));
        }
    }

    // They are never begun: all that matters is that they are different.
    private static WebSocketConnection[] Connections(int count) =>
        [.. Enumerable.Range(0, count).Select(static i => new WebSocketConnection(i, null!, default))];
}
