// Who comes and who goes: what a watch makes of what it is told, whatever its reader does; and what a server tells it.

using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

public sealed class PresenceWatchTests
{
    [Test]
    public void WhatIs_IsTold_ThenThatThisIsAll_ThenWhatChanges()
    {
        using PresenceWatch watch = new(new PresenceOptions());
        watch.Tell("ann", "one", true);
        watch.Tell("bob", "two", true);
        watch.TellWhole(true);
        watch.Tell("cat", "one", true);
        Assert.That(Read(watch), Is.EqualTo(["+ann one", "+bob two", "whole", "+cat one"]));
        watch.Tell("ann", "one", false);
        Assert.That(Read(watch), Is.EqualTo(["-ann one"]));
        Assert.That((watch.TryRead(out _), watch.LeftOut), Is.EqualTo((false, 0L)));
    }

    [Test]
    public void AUidOnSeveralNodes_ComesOnce_AndGoesWithTheLast()
    {
        using PresenceWatch watch = new(new PresenceOptions());
        watch.Tell("ann", "one", true);
        Assert.That(Read(watch), Is.EqualTo(["+ann one"]));
        watch.Tell("ann", "two", true);
        watch.Tell("ann", "one", true); // known already
        watch.Tell("ann", "one", false);
        watch.Tell("ann", "three", false); // it was not there
        Assert.That(Read(watch), Is.Empty);
        watch.Tell("ann", "two", false);
        Assert.That(Read(watch), Is.EqualTo(["-ann two"]));
        watch.Tell("ann", "two", false);
        Assert.That(Read(watch), Is.Empty);
    }

    [Test]
    public void WhatIsUndoneBeforeItIsRead_IsCounted_AndTheRestIsRight()
    {
        using PresenceWatch watch = new(new PresenceOptions());
        watch.Tell("ann", "", true);
        watch.TellWhole(true);
        Assert.That(Read(watch), Is.EqualTo(["+ann", "whole"]));
        watch.Tell("ann", "", false);
        watch.Tell("eve", "", true);
        watch.Tell("ann", "", true); // she was away, and is back
        watch.Tell("eve", "", false); // she was here, and is not any more
        watch.TellWhole(false);
        watch.TellWhole(true);
        Assert.That((Read(watch), watch.LeftOut), Is.EqualTo((Array.Empty<string>(), 4L)));
        watch.Tell("bob", "", true);
        Assert.That(watch.TryRead(out PresenceEvent? told), Is.True);
        Assert.That((told!.Kind, told.Uid, told.LeftOut), Is.EqualTo((PresenceKind.Came, "bob", 4L)));
        watch.Tell("bob", "", false);
        Assert.That(watch.TryRead(out told), Is.True);
        Assert.That((told!.Kind, told.Uid, told.LeftOut), Is.EqualTo((PresenceKind.Went, "bob", 0L)));
    }

    // Against what is true: a reader that reads now and then, and at the end all.
    [Test]
    public void WhateverIsTold_WhoHasReadAll_KnowsWhatIs([Values(1, 2, 3)] int seed)
    {
        Random random = new(seed);
        using PresenceWatch watch = new(new PresenceOptions());
        HashSet<(string, string)> truth = [];
        HashSet<string> known = [];
        long changes = 0, read = 0;
        for (int i = 0; i < 20_000; i++)
        {
            (string uid, string node) = ($"u{random.Next(20)}", $"n{random.Next(3)}");
            bool isHere = random.Next(2) == 0, was = truth.Any(one => one.Item1 == uid);
            if (isHere) truth.Add((uid, node));
            else truth.Remove((uid, node));
            if (was != truth.Any(one => one.Item1 == uid)) changes++;
            watch.Tell(uid, node, isHere);
            for (int j = random.Next(30) == 0 ? random.Next(10) : 0; j > 0; j--) ReadOne();
        }

        while (ReadOne()) continue;
        Assert.That(known, Is.EquivalentTo(truth.Select(static one => one.Item1).Distinct()));
        Assert.That(read + watch.LeftOut, Is.EqualTo(changes), "each change was read, or counted");

        bool ReadOne()
        {
            if (!watch.TryRead(out PresenceEvent? told)) return false;
            Assert.That(told.Kind == PresenceKind.Came ? known.Add(told.Uid) : known.Remove(told.Uid), Is.True, "it was not told twice");
            read++;
            return true;
        }
    }

    [Test]
    public async Task WhereThereAreTooMany_ItEnds_AndSaysSo()
    {
        bool hasEnded = false;
        using PresenceWatch watch = new(new PresenceOptions { UidsMax = 2 }, _ => hasEnded = true);
        watch.Tell("ann", "", true);
        watch.Tell("bob", "", true);
        watch.Tell("ann", "", false);
        watch.Tell("cat", "", true); // there is room again
        Assert.That((hasEnded, watch.HasEnded), Is.EqualTo((false, false)));
        watch.Tell("dan", "", true);
        watch.Tell("bob", "", false); // nobody listens any more
        Assert.That((hasEnded, watch.HasEnded), Is.EqualTo((true, true)));
        Assert.That(Read(watch), Is.EqualTo(["+bob", "+cat", "too many"]));
        Assert.That(await watch.WaitToReadAsync(), Is.False);
    }

    [Test]
    public void OnlyWhoIsAskedFor_IsTold()
    {
        using PresenceWatch watch = new(new PresenceOptions { Uids = ["ann", "bob"], UidsMax = 2 });
        foreach (string uid in (string[])["ann", "eve", "dan", "cat"]) watch.Tell(uid, "", true);
        Assert.That(Read(watch), Is.EqualTo(["+ann"]));
    }

    [Test]
    public async Task WhoWaits_IsWoken_ByAnEvent_AndByTheEnd()
    {
        PresenceWatch watch = new(new PresenceOptions());
        Task<bool> waits = watch.WaitToReadAsync().AsTask();
        Assert.That(waits.IsCompleted, Is.False);
        watch.Tell("ann", "", true);
        Assert.That(await waits.WaitAsync(TestServer.Patience), Is.True);
        Assert.That(Read(watch), Is.EqualTo(["+ann"]));
        waits = watch.WaitToReadAsync().AsTask();
        using CancellationTokenSource impatience = new();
        Task<bool> other = watch.WaitToReadAsync(impatience.Token).AsTask();
        await impatience.CancelAsync();
        await Assert.ThatAsync(() => other, Throws.InstanceOf<OperationCanceledException>());
        watch.Dispose();
        Assert.That(await waits.WaitAsync(TestServer.Patience), Is.False);
        watch.Tell("bob", "", true);
        Assert.That((watch.TryRead(out _), watch.HasEnded), Is.EqualTo((false, true)));
    }

    private static IEnumerable<PresenceOptions> Wrong =>
    [
        new() { UidsMax = 0 }, new() { UidsMax = 10_000_001 }, new() { Uids = [] }, new() { Uids = [""] }, new() { Uids = ["\ud800"] },
        new() { Uids = [new string('x', 257)] }, new() { Uids = [new string('ü', 129)] },
        new() { Uids = [.. Enumerable.Range(0, 1001).Select(static i => $"{i}")] },
        new() { Uids = [.. Enumerable.Range(0, 300).Select(static i => $"{i:000}{new string('x', 253)}")] },
    ];

    [Test]
    public void WhatIsWrong_IsSaid()
    {
        foreach (PresenceOptions options in Wrong)
        {
            Assert.That(options.FindError(), Does.StartWith("Uids"));
            Assert.That(() => new PresenceWatch(options), Throws.ArgumentException);
        }
    }

    [Test]
    public async Task AServer_TellsWhoIsThere_WhoComes_AndWhoGoes()
    {
        await using TestServer server = await TestServer.Start(Setup.All[0], new RouterApplication(Introduce.Query, DuplicateUid.Share));
        using RawClient ann = Enter(server, "ann");
        TestServer.Eventually(() => server.Server.Directory.UidCount == 1, "ann is there");
        using PresenceWatch all = server.Server.Directory.WatchPresence(),
            named = server.Server.Directory.WatchPresence(new PresenceOptions { Uids = ["bob", "ann"] });
        Assert.That((Read(all), Read(named)), Is.EqualTo((new[] { "+ann", "whole" }, new[] { "+ann", "whole" })));
        using RawClient bob = Enter(server, "bob"), again = Enter(server, "bob"), eve = Enter(server, "eve");
        Assert.That((await Next(all), await Next(all), await Next(named)), Is.EqualTo(("+bob", "+eve", "+bob")));
        Leave(bob);
        Leave(ann);
        Assert.That((await Next(all), await Next(named)), Is.EqualTo(("-ann", "-ann")), "the other one still has it");
        Leave(again);
        Assert.That((await Next(all), await Next(named)), Is.EqualTo(("-bob", "-bob")));
        using PresenceWatch later = server.Server.Directory.WatchPresence();
        Assert.That(Read(later), Is.EqualTo(["+eve", "whole"]));
    }

    // The uid changes hands, and is there all the time.
    [Test]
    public async Task WhoIsReplaced_DoesNotGo()
    {
        await using TestServer server = await TestServer.Start(Setup.All[0], new RouterApplication(Introduce.Query, DuplicateUid.Replace));
        using PresenceWatch watch = server.Server.Directory.WatchPresence();
        using RawClient older = Enter(server, "ann"), newer = Enter(server, "ann"), bob = Enter(server, "bob");
        older.ReadClose(answer: true);
        Assert.That((await Next(watch), await Next(watch), await Next(watch)), Is.EqualTo(("whole", "+ann", "+bob")));
        Leave(newer);
        Assert.That(await Next(watch), Is.EqualTo("-ann"));
    }

    // What two loops tell of one uid at once: at the end it is right.
    [Test]
    public async Task WhateverLoopsTellAtOnce_TheEndIsRight()
    {
        await using TestServer server =
            await TestServer.Start(Setup.All[1], new RouterApplication(Introduce.Query, DuplicateUid.Share));
        using PresenceWatch watch = server.Server.Directory.WatchPresence();
        using RawClient stays = Enter(server, "last");
        await Parallel.ForAsync(0, 200, (i, _) =>
        {
            using RawClient client = Enter(server, $"u{i % 3}");
            if (i % 2 == 0) Leave(client);
            return ValueTask.CompletedTask;
        });
        HashSet<string> known = [];
        TestServer.Eventually(
            () =>
            {
                while (watch.TryRead(out PresenceEvent? told))
                    if (told.Kind == PresenceKind.Came) known.Add(told.Uid);
                    else known.Remove(told.Uid);
                return server.Server.Count == 1 && known.SetEquals(["last"]);
            },
            "only the last one is known");
        using PresenceWatch fresh = server.Server.Directory.WatchPresence();
        Assert.That(Read(fresh), Is.EqualTo(["+last", "whole"]));
    }

    [Test]
    public async Task TheEndOfTheServer_EndsTheWatch_AndThereIsABoundOfThem()
    {
        await using TestServer server = await TestServer.Start(Setup.All[0], new RouterApplication(Introduce.Query, DuplicateUid.Share));
        ConnectionDirectory directory = server.Server.Directory;
        PresenceWatch[] watches = [.. Enumerable.Range(0, 256).Select(_ => directory.WatchPresence())];
        Assert.That(() => directory.WatchPresence(), Throws.InvalidOperationException);
        watches[0].Dispose();
        watches[0].Dispose();
        PresenceWatch watch = directory.WatchPresence();
        Assert.That(() => directory.WatchPresence(), Throws.InvalidOperationException);
        await server.Server.StopAsync(TimeSpan.Zero);
        Assert.That(Read(watch), Is.EqualTo(["whole"]));
        Assert.That(await watch.WaitToReadAsync(), Is.False);
        Assert.That(() => directory.WatchPresence(), Throws.InvalidOperationException);
    }

    private static RawClient Enter(TestServer server, string uid) => RawClient.Open(server.Port, $"/?uid={uid}");

    private static void Leave(RawClient client)
    {
        client.Send(Opcode.Close, [3, 232]);
        client.ReadClose();
        client.Dispose();
    }

    private static async Task<string> Next(PresenceWatch watch)
    {
        using CancellationTokenSource patience = new(TestServer.Patience);
        Assert.That(await watch.WaitToReadAsync(patience.Token), Is.True);
        Assert.That(watch.TryRead(out PresenceEvent? told), Is.True);
        return Write(told!);
    }

    private static string[] Read(PresenceWatch watch)
    {
        List<string> events = [];
        while (watch.TryRead(out PresenceEvent? told)) events.Add(Write(told));
        return [.. events];
    }

    private static string Write(PresenceEvent told) => told.Kind switch
    {
        PresenceKind.Came => $"+{told.Uid} {told.Node}".Trim(),
        PresenceKind.Went => $"-{told.Uid} {told.Node}".Trim(),
        PresenceKind.Whole => "whole",
        PresenceKind.NotWhole => "not whole",
        _ => "too many",
    };
}
