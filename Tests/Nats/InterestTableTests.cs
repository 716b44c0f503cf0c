using RawWs.Server.Nats;

namespace RawWs.Tests.Nats;

public sealed class InterestTableTests
{
    [Test]
    public void ItIsADictionaryOfSets([Range(0, 9)] int seed)
    {
        Random random = new(seed);
        InterestTable table = new();
        Dictionary<ulong, HashSet<int>> naive = [];
        ulong[] hashes = [.. Enumerable.Range(0, 3_000).Select(_ => (ulong)random.NextInt64(1, seed % 2 == 0 ? long.MaxValue : 5_000))];
        for (int i = 0; i < 60_000; i++)
        {
            ulong hash = hashes[random.Next(hashes.Length)];
            int node = random.Next(3);
            HashSet<int> set = naive.TryGetValue(hash, out HashSet<int>? present) ? present : naive[hash] = [];
            bool grows = i / 10_000 % 2 == 0 ? random.Next(4) > 0 : random.Next(4) == 0;
            if (grows) Assert.That(table.Add(hash, node), Is.EqualTo(set.Add(node)));
            else Assert.That(table.Remove(hash, node), Is.EqualTo(set.Remove(node)));
            if (i % 5_000 == 4_999) Assert.That(table.RemoveAll(1), Is.EqualTo(naive.Values.Count(static one => one.Remove(1))));
            if (i % 1_000 == 0) Same();
        }

        Same();

        void Same()
        {
            Assert.That(table.Count, Is.EqualTo(naive.Values.Count(static set => set.Count > 0)));
            foreach (ulong hash in hashes)
            {
                NodeSet nodes = table.Find(hash);
                Assert.That(Enumerable.Range(0, nodes.Count).Select(i => nodes[i]), Is.EquivalentTo(naive.GetValueOrDefault(hash) ?? []));
            }

            for (int node = 0; node < 3; node++)
            {
                ulong[] expected = [.. naive.Where(one => one.Value.Contains(node)).Select(static one => one.Key)];
                Assert.That(table.HashesOf(node), Is.EquivalentTo(expected));
                Assert.That(table.CountOf(node), Is.EqualTo(expected.Length));
            }

            Assert.That(table.CountOf(3), Is.Zero, "of which nothing was ever told");
        }
    }
}
