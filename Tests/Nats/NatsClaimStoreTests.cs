// Claims in a real JetStream: what it says where there is none, and what a node does whose claims are gone though nothing has failed.

using System.Text;
using Microsoft.Extensions.Time.Testing;
using NATS.Client.Core;
using NATS.Client.JetStream;
using RawWs.Benchmarks.Backplane;
using RawWs.Server;
using RawWs.Server.Nats;
using RawWs.Tests.Support;

namespace RawWs.Tests.Nats;

[Parallelizable(ParallelScope.Self)]
public sealed class NatsClaimStoreTests
{
    private static readonly string Bob = UidClaims.KeyOf("bob"u8);

    private NatsServer _nats = null!;
    private NatsConnection _connection = null!;
    private NatsClaimStore _one = null!;
    private NatsClaimStore _two = null!;

    [SetUp]
    public void SetUp()
    {
        Tools.Require("nats-server");
        _nats = new NatsServer();
        _connection = new NatsConnection(NatsOpts.Default with { Url = _nats.Url });
        _one = new NatsClaimStore(_connection, "rawws", 1, new ClaimHolder("one", 1), TimeProvider.System);
        _two = new NatsClaimStore(_connection, "rawws", 1, new ClaimHolder("two", 2), TimeProvider.System);
    }

    [TearDown]
    public async Task TearDown()
    {
        if (_connection is not null) await _connection.DisposeAsync();
        _nats?.Dispose();
    }

    [Test]
    public async Task WhatNobodyHas_IsNotFound_BeforeItWasClaimed_AndAfterItWasGivenBack()
    {
        await OpenAsync();
        Assert.That(await _one.FindAsync(Bob, default), Is.Null);
        ulong revision = await _one.CreateAsync(Bob, default);
        Assert.That(await _one.FindAsync(Bob, default), Is.EqualTo(new Claim(Bob, _one.Self, revision)));
        Assert.That(await _two.CreateAsync(Bob, default), Is.Zero);
        await _one.DeleteAsync(revision, default);
        await _one.DeleteAsync(revision, default); // there is no such claim any more
        Assert.That(await _two.FindAsync(Bob, default), Is.Null);
        Assert.That(await _two.CreateAsync(Bob, default), Is.GreaterThan(revision));
        await _one.DeleteAsync(revision, default);
        Assert.That((await _two.FindAsync(Bob, default))?.Holder, Is.EqualTo(_two.Self));
    }

    [Test]
    public async Task ANodeLives_WhileItHasALease()
    {
        (NatsClaimStore judge, _) = await OpenJudgeAsync();
        await OpenAsync();
        Assert.That((await judge.LivesAsync(_two.Self, default), await judge.LivesAsync(new ClaimHolder("three", 3), default)),
            Is.EqualTo((true, false)));
        await _two.EndLeaseAsync(default);
        Assert.That(await judge.LivesAsync(_two.Self, default), Is.False);
    }

    // The store was away, perhaps from all nodes: whoever is back first does not take the others for dead, and nor does one that begins.
    [Test]
    public async Task WhoseOwnLeaseWasGone_TakesNobodyForDead_UntilTheOthersHaveHadTheirTime()
    {
        (NatsClaimStore judge, FakeTimeProvider time) = await OpenJudgeAsync(waits: false);
        await OpenAsync();
        ClaimHolder dead = new("dead", 4);
        Assert.That(await judge.LivesAsync(_one.Self, default), Is.True, "who has a lease lives");
        Assert.That(await judge.LivesAsync(new ClaimHolder("judge", 4), default), Is.False, "an earlier life of its own is over");
        await WaitsAsync();
        judge.DoubtLease();
        await judge.RenewLeaseAsync(default);
        await WaitsAsync();
        time.Advance(OwnLease.Lasts / 2);
        await judge.RenewLeaseAsync(default); // too late: another one's may have ended
        await WaitsAsync();
        judge.DoubtLease();
        await Assert.ThatAsync(async () => await judge.LivesAsync(dead, default), Throws.InstanceOf<ClaimStoreException>());

        async Task WaitsAsync()
        {
            for (int seconds = 0; seconds < 8; seconds++)
            {
                await Assert.ThatAsync(async () => await judge.LivesAsync(dead, default), Throws.InstanceOf<ClaimStoreException>());
                time.Advance(TimeSpan.FromSeconds(1));
                await judge.RenewLeaseAsync(default);
            }

            Assert.That(await judge.LivesAsync(dead, default), Is.False);
        }
    }

    [Test]
    public async Task WithoutALease_NothingIsClaimed_AndNothingDeleted()
    {
        await OpenAsync();
        ulong revision = await _one.CreateAsync(Bob, default);
        _one.DoubtLease();
        Assert.That(() => _one.CheckLease(), Throws.InstanceOf<ClaimStoreException>());
        await Assert.ThatAsync(async () => await _one.CreateAsync(Bob, default), Throws.InstanceOf<ClaimStoreException>());
        await Assert.ThatAsync(async () => await _one.TakeOverAsync(Bob, revision, default), Throws.InstanceOf<ClaimStoreException>());
        await Assert.ThatAsync(async () => await _one.DeleteAsync(revision, default), Throws.InstanceOf<ClaimStoreException>());
        await _one.RenewLeaseAsync(default);
        Assert.That(await _one.TakeOverAsync(Bob, revision, default), Is.GreaterThan(revision));
    }

    // NATS was away, and is back as empty as at first. Another node was faster, and has made all anew: so nothing fails here, and what is
    // told has low numbers.
    [Test]
    public async Task WhenTheClaimsAreGone_AndNothingHasFailed_WhoWasDisconnectedClaimsAgain()
    {
        UidClaims claims = new(_one, static _ => true, TimeProvider.System, TestServer.Patience);
        await using ClaimKeeper keeper = new(_one, claims, TimeProvider.System);
        await keeper.StartAsync(default);
        foreach (byte[] uid in (byte[][])["ann"u8.ToArray(), "bob"u8.ToArray()])
            Assert.That(await claims.ClaimAsync(uid, DuplicateUid.Reject), Is.EqualTo(UidClaim.Granted));
        await new NatsJSContext(_connection).DeleteStreamAsync("KV_rawws-uids");
        await _two.OpenAsync(default);
        keeper.Doubt();
        await HasBobAsync(_one);
    }

    // The same, and not even the end of the connection was seen.
    [Test]
    public async Task WhenAllIsGone_AndNothingHasFailed_TheNumberOfTheLeaseShowsIt()
    {
        UidClaims claims = new(_one, static _ => true, TimeProvider.System, TestServer.Patience);
        await using ClaimKeeper keeper = new(_one, claims, TimeProvider.System);
        await keeper.StartAsync(default);
        Assert.That(await claims.ClaimAsync("bob"u8.ToArray(), DuplicateUid.Reject), Is.EqualTo(UidClaim.Granted));
        NatsJSContext jetStream = new(_connection);
        await jetStream.DeleteStreamAsync("KV_rawws-uids");
        await jetStream.DeleteStreamAsync("KV_rawws-uids-nodes");
        await _two.OpenAsync(default);
        await HasBobAsync(_one);
        Assert.That(await claims.ClaimAsync("bob"u8.ToArray(), DuplicateUid.Reject), Is.EqualTo(UidClaim.Granted));
    }

    // Claims are kept by one server, and leases by another: the first one alone begins anew, and another node has the uid then.
    [Test]
    public async Task WhenTheClaimsAloneAreGone_TheirLastNumberShowsIt_AndWhoHasLostAUidIsTold()
    {
        List<string> lost = [];
        UidClaims claims = new(_one, static _ => true, TimeProvider.System, TestServer.Patience)
        {
            Lost = uid => () => { lock (lost) lost.Add(Encoding.UTF8.GetString(uid.Span)); },
        };
        await using ClaimKeeper keeper = new(_one, claims, TimeProvider.System);
        await keeper.StartAsync(default);
        foreach (byte[] uid in (byte[][])["ann"u8.ToArray(), "eve"u8.ToArray(), "bob"u8.ToArray()])
            Assert.That(await claims.ClaimAsync(uid, DuplicateUid.Replace), Is.EqualTo(UidClaim.Granted));
        await new NatsJSContext(_connection).DeleteStreamAsync("KV_rawws-uids");
        await _two.OpenAsync(default);
        await _two.RenewLeaseAsync(default);
        Assert.That(await _two.CreateAsync(Bob, default), Is.Not.Zero);
        await TestServer.EventuallyAsync(
            () =>
            {
                lock (lost) return lost.SequenceEqual(["bob"]);
            },
            "bob is lost");
        Assert.That(
            (await _two.FindAsync(UidClaims.KeyOf("ann"u8), default))?.Holder, Is.EqualTo(_one.Self), "what nobody took is regained");
    }

    // Its time is the test's, and it has had its lease for long enough to judge.
    private async Task<(NatsClaimStore Store, FakeTimeProvider Time)> OpenJudgeAsync(bool waits = true)
    {
        FakeTimeProvider time = new();
        NatsClaimStore judge = new(_connection, "rawws", 1, new ClaimHolder("judge", 9), time);
        await judge.OpenAsync(default);
        for (int second = 0; second < (waits ? 10 : 1); second++)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await judge.RenewLeaseAsync(default);
        }

        return (judge, time);
    }

    private async Task OpenAsync()
    {
        foreach (NatsClaimStore store in (NatsClaimStore[])[_one, _two])
        {
            await store.OpenAsync(default);
            await store.RenewLeaseAsync(default);
        }
    }

    private async Task HasBobAsync(NatsClaimStore holder)
    {
        using CancellationTokenSource patience = new(TestServer.Patience);
        while ((await _two.FindAsync(Bob, patience.Token))?.Holder != holder.Self) await Task.Delay(5, patience.Token);
    }
}
