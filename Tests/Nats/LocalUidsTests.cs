using RawWs.Server.Nats;

namespace RawWs.Tests.Nats;

public sealed class LocalUidsTests
{
    [Test]
    public void TheFirstComes_AndTheLastGoes()
    {
        LocalUids uids = new();
        Assert.That((uids.Join(1), uids.Join(1), uids.Join(2), uids.Leave(1)), Is.EqualTo((true, false, false, false)));
        Assert.That(uids.Take([]), Is.EqualTo(new UidEvent[] { new(1, true), new(2, true) }));
        Assert.That((uids.Leave(1), uids.Leave(2)), Is.EqualTo((true, false)));
        Assert.That(uids.Take([]), Is.EqualTo(new UidEvent[] { new(1, false), new(2, false) }));
    }

    // Threads tell of them in any order, each joining once and each end once: when all is told, what is told is true.
    [Test]
    public void InWhateverOrderItIsTold_InTheEndItIsTrue([Range(0, 49)] int seed)
    {
        Random random = new(seed);
        LocalUids uids = new();
        List<(ulong Hash, bool Joins)> told = [];
        Dictionary<ulong, int> left = [];
        for (int i = 0; i < 200; i++)
        {
            ulong hash = (ulong)random.Next(1, 6);
            told.Add((hash, true));
            if (random.Next(3) > 0 || hash == 5) told.Add((hash, false));
            else left[hash] = left.GetValueOrDefault(hash) + 1;
        }

        (ulong Hash, bool Joins)[] order = [.. told];
        random.Shuffle(order);
        HashSet<ulong> here = [];
        foreach ((ulong hash, bool joins) in order)
        {
            if (joins) uids.Join(hash);
            else uids.Leave(hash);
            foreach (UidEvent one in uids.Take([])) Assert.That(one.IsHere ? here.Add(one.Hash) : here.Remove(one.Hash), $"{one} is news");
        }

        Assert.That(here, Is.EquivalentTo(left.Keys));
    }
}
