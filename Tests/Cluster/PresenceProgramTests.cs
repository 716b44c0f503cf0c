// Who comes and who goes in a cluster of programs, over a real server of NATS, as somebody's back-end hears it; and through the library.

using System.Net.WebSockets;
using RawWs.Benchmarks.Backplane;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Tests.Nats;
using RawWs.Tests.Support;

namespace RawWs.Tests.Cluster;

[Platform("Linux")]
[Parallelizable(ParallelScope.Self)]
public sealed class PresenceProgramTests
{
    [Test]
    public async Task ThePortOfOneNode_TellsOfAll_AndOfANodeThatIsKilled()
    {
        using ClusterPrograms cluster = new();
        ProgramNode one = cluster.Start("one"), two = cluster.Start("two");
        one.Enter("ann");
        two.Enter("bob");
        one.Knows(2);
        using HttpClient http = new() { BaseAddress = one.Program.AdminAddress, Timeout = TestServer.Patience };
        using EventStream all = await EventStream.Open(http, "/v1/presence"),
            named = await EventStream.Open(http, "/v1/presence?uid=bob&uid=cat");
        string?[] first = [await all.Next(), await all.Next()];
        Assert.That(first, Is.EquivalentTo(
            (string[])["""{"kind":"came","uid":"ann","node":"one"}""", """{"kind":"came","uid":"bob","node":"two"}"""]));
        Assert.That(await named.Next(), Is.EqualTo("""{"kind":"came","uid":"bob","node":"two"}"""));
        foreach (EventStream stream in (EventStream[])[all, named]) Assert.That(await stream.Next(), Is.EqualTo("""{"kind":"whole"}"""));

        RawClient cat = two.Enter("cat"), dan = one.Enter("dan");
        foreach (EventStream stream in (EventStream[])[all, named])
        {
            string?[] came = stream == all ? [await stream.Next(), await stream.Next()] : [await stream.Next()];
            Assert.That(came, Does.Contain("""{"kind":"came","uid":"cat","node":"two"}"""));
        }

        one.Enter("bob"); // he is on both now
        Leave(dan);
        Assert.That(await all.Next(), Is.EqualTo("""{"kind":"went","uid":"dan","node":"one"}"""));
        Leave(cat);
        foreach (EventStream stream in (EventStream[])[all, named])
            Assert.That(await stream.Next(), Is.EqualTo("""{"kind":"went","uid":"cat","node":"two"}"""));
        two.Enter("eve");
        Assert.That(await all.Next(), Is.EqualTo("""{"kind":"came","uid":"eve","node":"two"}"""));

        two.Program.Signal(9);
        Assert.That(await all.Next(), Is.EqualTo("""{"kind":"went","uid":"eve","node":"two"}"""), "and bob is on the other");
        one.Enter("fay");
        Assert.That(await all.Next(), Is.EqualTo("""{"kind":"came","uid":"fay","node":"one"}"""));
        Assert.That(one.Metric("rawws_cluster_nonsense_total"), Is.Zero);
    }

    [Test]
    public async Task WhenNatsGoes_TheWatchSaysSo_AndWhenItIsBack_WhatHasChanged()
    {
        using ClusterPrograms cluster = new();
        ProgramNode one = cluster.Start("one"), two = cluster.Start("two");
        RawClient bob = two.Enter("bob");
        one.Knows(1);
        using HttpClient http = new() { BaseAddress = one.Program.AdminAddress, Timeout = TestServer.Patience };
        using EventStream stream = await EventStream.Open(http, "/v1/presence");
        Assert.That((await stream.Next(), await stream.Next()),
            Is.EqualTo(("""{"kind":"came","uid":"bob","node":"two"}""", """{"kind":"whole"}""")));
        cluster.StopNats();
        Assert.That(await stream.Next(), Is.EqualTo("""{"kind":"notWhole"}"""));
        one.Enter("ann");
        Assert.That(await stream.Next(), Is.EqualTo("""{"kind":"came","uid":"ann","node":"one"}"""));
        Leave(bob);
        cluster.StartNats();
        Assert.That((await stream.Next(), await stream.Next()),
            Is.EqualTo(("""{"kind":"went","uid":"bob","node":"two"}""", """{"kind":"whole"}""")));
    }

    [Test]
    public async Task TheLibrary_TellsOfAll_AndEndsWithTheBackplane()
    {
        Tools.Require("nats-server");
        using NatsServer nats = new();
        await using BackplaneNode one = await BackplaneNode.StartAsync(nats.Url, "one");
        PresenceWatch watch;
        await using (BackplaneNode two = await BackplaneNode.StartAsync(nats.Url, "two"))
        {
            watch = two.Backplane.WatchPresence(new PresenceOptions { Uids = ["ann"] });
            using ClientWebSocket ann = await one.ConnectAsync("ann"), bob = await one.ConnectAsync("bob");
            List<string> told = [];
            using CancellationTokenSource patience = new(TestServer.Patience);
            await foreach (PresenceEvent next in watch.ReadAllAsync(patience.Token))
            {
                told.Add($"{next.Kind} {next.Uid} {next.Node}".Trim());
                if (told.Contains("Whole") && told.Contains("Came ann one")) break;
            }

            await ann.CloseAsync(WebSocketCloseStatus.NormalClosure, null, patience.Token);
            Assert.That(await watch.WaitToReadAsync(patience.Token), Is.True);
            Assert.That(watch.TryRead(out PresenceEvent? gone), Is.True);
            Assert.That((gone!.Kind, gone.Uid, gone.Node), Is.EqualTo((PresenceKind.Went, "ann", "one")));
        }

        Assert.That((await watch.WaitToReadAsync(), watch.HasEnded), Is.EqualTo((false, true)));
    }

    private static void Leave(RawClient client)
    {
        client.Send(Opcode.Close, [3, 232]);
        client.ReadClose();
        client.Dispose();
    }
}
