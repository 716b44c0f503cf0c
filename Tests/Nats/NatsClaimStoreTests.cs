// Claims in a real JetStream: what it says where there is none, and what a node does whose claims are gone though nothing has failed.

using Microsoft.Extensions.Time.Testing;
using NATS.Client.Core;
using NATS.Client.JetStream;
using RawWs.Benchmarks.Backplane;
using RawWs.Server;
using RawWs.Server.Nats;
using RawWs.Tests.Support;

namespace RawWs.Tests.Nats;

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
        await OpenAsync();
        Assert.That((await _one.LivesAsync(_two.Self, default), await _one.LivesAsync(new ClaimHolder("three", 3), default)),
            Is.EqualTo((true, false)));
        await _two.EndLeaseAsync(default);
        Assert.That(await _one.LivesAsync(_two.Self, default), Is.False);
    }

    // The store was away, perhaps from all nodes: whoever is back first does not take the others for dead.
    [Test]
    public async Task WhoseOwnLeaseWasGone_TakesNobodyForDead_ForAsLongAsALeaseLasts()
    {
        FakeTimeProvider time = new();
        NatsClaimStore late = new(_connection, "rawws", 1, new ClaimHolder("late", 9), time);
        ClaimHolder dead = new("dead", 4);
        await late.OpenAsync(default);
        await late.RenewLeaseAsync(default);
        Assert.That(await late.LivesAsync(dead, default), Is.False, "it was not away");
        late.DoubtLease();
        await late.RenewLeaseAsync(default);
        await CannotTellAsync();
        await OpenAsync();
        Assert.That(await late.LivesAsync(_one.Self, default), Is.True);
        time.Advance(NatsClaimStore.LeaseTime - TimeSpan.FromSeconds(1));
        await late.RenewLeaseAsync(default);
        await CannotTellAsync();
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.That(await late.LivesAsync(dead, default), Is.False);
        time.Advance(NatsClaimStore.LeaseTime); // longer than a lease without renewal
        await late.RenewLeaseAsync(default);
        await CannotTellAsync();

        Task CannotTellAsync() =>
            Assert.ThatAsync(async () => await late.LivesAsync(dead, default), Throws.InstanceOf<ClaimStoreException>());
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
