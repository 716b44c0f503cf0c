// Three nodes of the program, real NATS servers, and clients that count every message: first all is well, and then nodes and servers break.
// RAWWS_TRIAL_CLIENTS says how many clients; Tests/trial runs it with a thousand.

using System.Globalization;
using RawWs.Tests.Support;

namespace RawWs.Tests.Nats;

[NonParallelizable]
public sealed class ClusterTrialTests
{
    private static readonly int Clients =
        int.Parse(Environment.GetEnvironmentVariable("RAWWS_TRIAL_CLIENTS") ?? "30", CultureInfo.InvariantCulture);

    // After 4 s without a word a node is taken to be gone.
    private static readonly TimeSpan AfterSilence = TimeSpan.FromSeconds(4.5);
    private static readonly TimeSpan Standstill = Clients > 100 ? TimeSpan.FromSeconds(30) : AfterSilence;

    [TestCase(1), TestCase(3)]
    public async Task WhenAllIsWell_EveryMessageComesOnce_InOrder(int servers)
    {
        await using ClusterTrial trial = await ClusterTrial.StartAsync(servers, 3, Clients);
        TrialCount before = await trial.CountAsync();
        await trial.SendPairwiseAsync();
        TrialCount count = await trial.CountAsync();
        long broadcasts = await trial.BroadcastAsync();
        Say($"pairwise: {count}; broadcasts delivered: {broadcasts}");
        Assert.That(count.Delivered - before.Delivered, Is.EqualTo(((long)Clients * Clients) + Clients));
        Assert.That((count.Told - before.Told, count.Missing, count.LeftOut, count.Both), Is.EqualTo((0L, 0L, 0L, 0L)));
        Assert.That(broadcasts, Is.EqualTo((long)Clients * Clients));
        Assert.That(trial.Clients.SelectMany(static client => client.Wrong), Is.Empty);
    }

    [Test]
    public async Task ANodeIsKilled_AndComesAgain()
    {
        await using ClusterTrial trial = await ClusterTrial.StartAsync(1, 3, Clients);
        await Count(trial, "killed with -9", async () =>
        {
            await Task.Delay(300);
            trial.KillNode(2);
            await Task.Delay(AfterSilence);
        }, Telling.Perhaps); // what went to its clients is not counted
        trial.StartNode(2);
        await trial.ReconnectAsync(2);
        await trial.KnowEachOtherAsync();
        await Count(trial, "it is back", static () => Task.Delay(300), Telling.Nobody);
    }

    [Test]
    public async Task ANodeStandsStill_AndGoesOn()
    {
        await using ClusterTrial trial = await ClusterTrial.StartAsync(1, 3, Clients);
        await Count(trial, $"stopped for {Standstill.TotalSeconds} s", async () =>
        {
            await Task.Delay(300);
            trial.StopNode(1);
            await Task.Delay(Standstill);
            trial.ContinueNode(1);
            await Task.Delay(500);
        }, mayLeaveOut: true);
        await trial.KnowEachOtherAsync();
        await Count(trial, "it goes on", static () => Task.Delay(300), Telling.Nobody);
    }

    [Test]
    public async Task TheServerIsKilled_AndComesAgainEmpty()
    {
        await using ClusterTrial trial = await ClusterTrial.StartAsync(1, 3, Clients);
        await Count(trial, "NATS is killed, and back after 1.5 s", async () =>
        {
            await Task.Delay(300);
            trial.Nats.Kill(0);
            await Task.Delay(1_500);
            trial.Nats.Start(0);
            await Task.Delay(1_000);
        });
        await trial.KnowEachOtherAsync();
        await Count(trial, "it is back", static () => Task.Delay(300), Telling.Nobody);
    }

    [Test]
    public async Task OneOfThreeServersIsKilled_AndItsNodeGoesToAnother()
    {
        await using ClusterTrial trial = await ClusterTrial.StartAsync(3, 3, Clients);
        await Count(trial, "one of three servers is killed", async () =>
        {
            await Task.Delay(300);
            trial.Nats.Kill(1);
            await Task.Delay(1_500);
        }, Telling.Perhaps); // it is elsewhere at once
        await trial.KnowEachOtherAsync();
        await Count(trial, "its node has gone to another one", static () => Task.Delay(300), Telling.Nobody);
    }

    // Its node hears nothing, not even itself, and goes to another server.
    [Test]
    public async Task OneOfThreeServersStandsStill_AndGoesOn()
    {
        await using ClusterTrial trial = await ClusterTrial.StartAsync(3, 3, Clients);
        await Count(trial, $"one of three servers stopped for {Standstill.TotalSeconds} s", async () =>
        {
            await Task.Delay(300);
            trial.Nats.Stop(1);
            await Task.Delay(Standstill);
            trial.Nats.Continue(1);
            await Task.Delay(500);
        }, Telling.Perhaps, mayLeaveOut: true); // a node takes any of the servers
        await trial.KnowEachOtherAsync();
        await Count(trial, "it goes on", static () => Task.Delay(300), Telling.Nobody);
    }

    [Test]
    public async Task OneOfThreeServersIsCutOff_AndHeals()
    {
        await using ClusterTrial trial = await ClusterTrial.StartAsync(3, 3, Clients, areAllNamed: false);
        await Count(trial, "a partition of the NATS servers for 4.5 s", async () =>
        {
            await Task.Delay(300);
            trial.Nats.Isolate(2);
            await Task.Delay(AfterSilence);
            trial.Nats.Heal(2);
            await Task.Delay(500);
        }, mayLeaveOut: true);
        await trial.KnowEachOtherAsync();
        await Count(trial, "it has healed", static () => Task.Delay(300), Telling.Nobody);
    }

    // Its line takes nothing for a while. The others are not slower for it.
    [Test]
    public async Task ASlowLineToTheServer_HoldsUpNobodyElse()
    {
        await using ClusterTrial trial = await ClusterTrial.StartAsync(3, 3, Clients, areAllNamed: false);
        TrialClient one = await trial.EnterAsync("one", 1), two = await trial.EnterAsync("two", 2);
        await ClusterTrial.ReachAsync(one, two);
        one.ErrorCodes.Clear();
        await Count(trial, "a node's line stands still for 4.5 s", async () =>
        {
            await Task.Delay(300);
            trial.Nats.DoorOf(0).Pause();
            Task silence = Task.Delay(AfterSilence);
            for (int i = 0; i < 100; i++)
            {
                long number = await one.SendAndHearAsync(two.Uid);
                await TestServer.EventuallyAsync(() => two.Got.ContainsKey((number, one.Uid)), "it comes before that line goes on");
            }

            Assert.That(one.ErrorCodes, Is.Empty);
            await silence;
            trial.Nats.DoorOf(0).Resume();
            await Task.Delay(500);
        }, mayLeaveOut: true);
        await trial.KnowEachOtherAsync();
        await Count(trial, "it goes on", static () => Task.Delay(300), Telling.Nobody);
    }

    // Of everything that was sent, this is known: it has come, or its sender was told that it has not, or that nobody knows. Where a node
    // is taken to be gone and is not, nobody is told that it does not have what went to everybody: that is counted.
    private static async Task Count(
        ClusterTrial trial, string what, Func<Task> trouble, Telling telling = Telling.Somebody, bool mayLeaveOut = false)
    {
        TrialCount before = await trial.CountAsync();
        await trial.SendDuringAsync(trouble);
        TrialCount after = await trial.CountAsync();
        Say($"{what}: {after.Sent - before.Sent} sent, {after.Delivered - before.Delivered} delivered, {after.Told - before.Told} told, "
            + $"{after.Both - before.Both} of them delivered all the same, {after.LeftOut - before.LeftOut} to all left a silent node out; "
            + string.Join(", ", trial.Clients.SelectMany(static client => client.ErrorCodes).GroupBy(static one => one.Key)
                .Select(static codes => $"{codes.Key} {codes.Sum(static one => one.Value)}")));
        Assert.That((after.Missing, after.Untrue), Is.EqualTo((0L, 0L)));
        await trial.AllToldAreCountedAsync();
        Assert.That(trial.Clients.SelectMany(static client => client.Wrong), Is.Empty);
        if (!mayLeaveOut) Assert.That(after.LeftOut, Is.EqualTo(before.LeftOut));
        Assert.That(after.Sent - before.Sent, Is.GreaterThan(Clients), "more than what each sends to itself to be counted");
        if (telling == Telling.Nobody) Assert.That(after.Told, Is.EqualTo(before.Told));
        if (telling == Telling.Somebody) Assert.That(after.Told, Is.GreaterThan(before.Told), "else nothing was broken");
    }

    // Who must be told something.
    private enum Telling
    {
        Nobody,
        Somebody,
        Perhaps,
    }

    private static void Say(string line) => TestContext.Progress.WriteLine(line);
}
