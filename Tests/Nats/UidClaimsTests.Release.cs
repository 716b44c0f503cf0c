// How claims are given back: at once or later, one or many, and what becomes of who joins in that moment or after it.

using System.Text;
using RawWs.Server;
using RawWs.Server.Nats;
using RawWs.Tests.Support;

namespace RawWs.Tests.Nats;

public sealed partial class UidClaimsTests
{
    [Test]
    public async Task AClaimWhoseAnswerWasLost_IsGivenBack()
    {
        _one.Store.Changed = null; // what the store tells comes later
        _one.Store.LosesAnswers = true;
        Assert.That(await _one.ConnectAsync("bob", DuplicateUid.Reject), Is.EqualTo(UidClaim.Unreachable));
        _one.Store.LosesAnswers = false;
        Assert.That(await _two.ConnectAsync("bob", DuplicateUid.Reject), Is.EqualTo(UidClaim.Taken));
        _one.Store.Changed = _one.Claims.OnChanged;
        await _one.Claims.SweepAsync(CancellationToken.None);
        Assert.That(await _two.ConnectAsync("bob", DuplicateUid.Reject), Is.EqualTo(UidClaim.Granted));
    }

    [Test]
    public async Task AClaimThatCouldNotBeGivenBack_IsGivenBackLater()
    {
        await _one.ConnectAsync("bob", DuplicateUid.Reject);
        _one.Store.IsAway = true;
        _one.Leave("bob");
        await _one.Claims.SweepAsync(CancellationToken.None);
        _one.Store.IsAway = false;
        Assert.That(_shared.Find(KeyOf("bob")), Is.Not.Null);
        await _one.Claims.SweepAsync(CancellationToken.None);
        Assert.That(_shared.Find(KeyOf("bob")), Is.Null);
    }

    [Test]
    public async Task AClaimUnderWhichNobodyJoins_IsGivenBack()
    {
        await _one.Claims.ClaimAsync("bob"u8.ToArray(), DuplicateUid.Reject);
        _time.Advance(TimeSpan.FromSeconds(9));
        await _one.Claims.SweepAsync(CancellationToken.None);
        Assert.That(_shared.Find(KeyOf("bob")), Is.Not.Null);
        _time.Advance(TimeSpan.FromSeconds(1));
        await _one.Claims.SweepAsync(CancellationToken.None);
        Assert.That(_shared.Find(KeyOf("bob")), Is.Null);
        Assert.That(_one.Claims.Count, Is.Zero);
    }

    // The time to join begins when it is granted.
    [Test]
    public async Task AClaimThatTakesLong_IsNotGivenBackBeforeItsConnectionCouldJoin()
    {
        Holder slow = new(_shared, "slow", _time, TimeSpan.FromMinutes(1));
        TaskCompletionSource answer = new();
        slow.Store.BeforeAnswer = () => answer.Task;
        Task<UidClaim> claim = slow.Claims.ClaimAsync("bob"u8.ToArray(), DuplicateUid.Reject).AsTask();
        _time.Advance(TimeSpan.FromSeconds(15));
        await slow.Claims.SweepAsync(CancellationToken.None);
        answer.SetResult();
        Assert.That(await claim, Is.EqualTo(UidClaim.Granted));
        _time.Advance(TimeSpan.FromSeconds(9));
        await slow.Claims.SweepAsync(CancellationToken.None);
        Assert.That((_shared.Find(KeyOf("bob"))?.Holder, slow.Claims.Count), Is.EqualTo((slow.Store.Self, 1)));
        _time.Advance(TimeSpan.FromSeconds(1));
        await slow.Claims.SweepAsync(CancellationToken.None);
        Assert.That((_shared.Find(KeyOf("bob")), slow.Claims.Count), Is.EqualTo(((Claim?)null, 0)));
    }

    [Test]
    public async Task AClaimThatIsWantedElsewhere_AndUnderWhichNobodyHasJoined_IsGivenBackSoon()
    {
        await _one.Claims.ClaimAsync("bob"u8.ToArray(), DuplicateUid.Reject);
        _one.Claims.OnWanted("bob"u8);
        Assert.That(_shared.Find(KeyOf("bob")), Is.Not.Null, "its connection may be about to join");
        _time.Advance(TimeSpan.FromSeconds(1));
        _one.Claims.OnWanted("bob"u8);
        Assert.That((_shared.Find(KeyOf("bob")), _one.Claims.Count), Is.EqualTo(((Claim?)null, 0)));
        Assert.That(_one.Join("bob"), "it claims anew");
        _time.Advance(TimeSpan.FromSeconds(1));
        _one.Claims.OnWanted("bob"u8);
        Assert.That(_shared.Find(KeyOf("bob"))!.Value.Holder, Is.EqualTo(_one.Store.Self), "a connection has it");
    }

    [Test]
    public async Task AJoinWhileItsClaimIsBeingGivenBack_ClaimsAnew()
    {
        await _one.Claims.ClaimAsync("bob"u8.ToArray(), DuplicateUid.Reject);
        TaskCompletionSource answer = new();
        _one.Store.BeforeAnswer = () => answer.Task;
        _time.Advance(TimeSpan.FromSeconds(10));
        await _one.Claims.SweepAsync(CancellationToken.None);
        Assert.That(_shared.Find(KeyOf("bob")), Is.Null, "it is deleted, and the answer is on its way");
        Assert.That(_one.Join("bob"), "nobody else has the uid");
        answer.SetResult();
        await TestServer.EventuallyAsync(() => _shared.Find(KeyOf("bob"))?.Holder == _one.Store.Self, "it is claimed anew");
        Assert.That((_one.Has("bob"), _one.Lost), Is.EqualTo((true, Array.Empty<string>())));
    }

    // After a flood of claims that came too late there are many; while the store is away none is lost.
    [Test]
    public async Task ManyThatNobodyWants_AreGivenBackAtOnce_OrLater()
    {
        await ClaimManyThatCannotBeGivenBackAsync();
        Assert.That((_one.Claims.Count, _shared.Find(KeyOf("u999")) is null), Is.EqualTo((0, false)));
        int atOnce = 0;
        TaskCompletionSource go = new();
        _one.Store.BeforeAnswer = async () =>
        {
            Assert.That(Interlocked.Increment(ref atOnce), Is.AtMost(64));
            await go.Task;
            Interlocked.Decrement(ref atOnce);
        };
        Task sweep = _one.Claims.SweepAsync(CancellationToken.None);
        await TestServer.EventuallyAsync(() => Volatile.Read(ref atOnce) == 64, "so many are deleted at once");
        go.SetResult();
        await sweep;
        Assert.That(Enumerable.Range(0, 1_000).Where(i => _shared.Find(KeyOf($"u{i}")) is not null), Is.Empty);
    }

    // Their numbers are other claims' by then.
    [Test]
    public async Task WhenTheStoreBeginsAnewMeanwhile_NothingIsDeletedByItsOldNumber()
    {
        await ClaimManyThatCannotBeGivenBackAsync();
        TaskCompletionSource go = new();
        int asked = 0;
        _one.Store.BeforeAnswer = () =>
        {
            Interlocked.Increment(ref asked);
            return go.Task;
        };
        Task sweep = _one.Claims.SweepAsync(CancellationToken.None);
        await TestServer.EventuallyAsync(() => Volatile.Read(ref asked) == 64, "as many as may be at once");
        _shared.Restart();
        _one.Claims.BeginAnew();
        for (int i = 0; i < 1_000; i++) await _two.ConnectAsync($"u{i}", DuplicateUid.Reject);
        go.SetResult();
        await sweep;
        Assert.That(Enumerable.Range(0, 1_000).Where(i => _shared.Find(KeyOf($"u{i}"))?.Holder != _two.Store.Self), Is.Empty);
    }

    // Nobody has to be asked about it.
    [Test]
    public async Task WhileManyAreAsking_WhatThisNodeHas_IsGrantedAtOnce()
    {
        await _one.ConnectAsync("bob", DuplicateUid.Replace);
        TaskCompletionSource answer = new();
        _one.Store.BeforeAnswer = () => answer.Task;
        Task<UidClaim>[] claims = ClaimMoreThanAreAskedAtOnce();
        Assert.That(await _one.Claims.ClaimAsync("bob"u8.ToArray(), DuplicateUid.Replace).AsTask().WaitAsync(TestServer.Patience),
            Is.EqualTo(UidClaim.Granted));
        answer.SetResult();
        await Task.WhenAll(claims);
    }

    // What is not asked in time is not done later.
    [Test]
    public async Task PastSoManyAtOnce_WhatCannotBeAnsweredInTime_IsNotAsked()
    {
        TaskCompletionSource answer = new();
        _one.Store.BeforeAnswer = () => answer.Task;
        Task<UidClaim>[] claims = ClaimMoreThanAreAskedAtOnce();
        await TestServer.EventuallyAsync(() => _shared.Find(KeyOf("u255")) is not null, "256 are asked");
        _time.Advance(TimeSpan.FromSeconds(2));
        UidClaim[] late = await Task.WhenAll(claims[256..]);
        Assert.That(late, Is.All.EqualTo(UidClaim.Unreachable));
        answer.SetResult();
        await Task.WhenAll(claims);
        Assert.That(Enumerable.Range(256, 44).Where(i => _shared.Find(KeyOf($"u{i}")) is not null), Is.Empty);
    }

    [TestCase(DuplicateUid.Replace), TestCase(DuplicateUid.Reject)]
    public async Task AJoinThatComesLate_ClaimsAnew(DuplicateUid duplicates)
    {
        await ClaimTooEarlyAsync(duplicates);
        Assert.That(_one.Join("bob"), Is.True);
        Assert.That(_shared.Find(KeyOf("bob"))!.Value.Holder, Is.EqualTo(_one.Store.Self));
        Assert.That(await _two.ConnectAsync("bob", DuplicateUid.Reject), Is.EqualTo(UidClaim.Taken));
        _one.Leave("bob");
        Assert.That((_shared.Find(KeyOf("bob")), _one.Claims.Count), Is.EqualTo(((Claim?)null, 0)));
    }

    [TestCase(DuplicateUid.Replace), TestCase(DuplicateUid.Reject)]
    public async Task AJoinThatComesLate_WhenAnotherNodeHasTheUid_IsDecidedAsAnyOther(DuplicateUid duplicates)
    {
        await ClaimTooEarlyAsync(duplicates);
        await _two.ConnectAsync("bob", duplicates);
        _one.Join("bob");
        bool isReplaced = duplicates == DuplicateUid.Replace;
        Assert.That((_one.Has("bob"), _two.Has("bob")), Is.EqualTo((isReplaced, !isReplaced)));
        Assert.That(_shared.Find(KeyOf("bob"))!.Value.Holder, Is.EqualTo((isReplaced ? _one : _two).Store.Self));
        Assert.That((_one.Claims.Count, _two.Claims.Count), Is.EqualTo(isReplaced ? (1, 0) : (0, 1)));
    }

    [Test]
    public async Task AJoinThatComesLate_WithoutTheStore_DoesNotStay()
    {
        await ClaimTooEarlyAsync(DuplicateUid.Reject);
        _one.Store.IsAway = true;
        _one.Join("bob");
        Assert.That((_one.Has("bob"), _one.Unclaimed, _one.Lost), Is.EqualTo((false, new List<string> { "bob" }, Array.Empty<string>())));
        Assert.That(_one.Claims.Count, Is.Zero);
    }

    // u0 to u999, and while they are to be given back the store is away.
    private async Task ClaimManyThatCannotBeGivenBackAsync()
    {
        for (int i = 0; i < 1_000; i++) await _one.Claims.ClaimAsync(Encoding.UTF8.GetBytes($"u{i}"), DuplicateUid.Reject);
        _time.Advance(TimeSpan.FromSeconds(10));
        _one.Store.IsAway = true;
        for (int sweeps = 0; sweeps < 3; sweeps++) await _one.Claims.SweepAsync(CancellationToken.None);
        _one.Store.IsAway = false;
    }

    // u0 to u299.
    private Task<UidClaim>[] ClaimMoreThanAreAskedAtOnce() =>
        [.. Enumerable.Range(0, 300).Select(
            i => _one.Claims.ClaimAsync(Encoding.UTF8.GetBytes($"u{i}"), DuplicateUid.Reject).AsTask())];

    // The claim has been given back when the connection joins.
    private async Task ClaimTooEarlyAsync(DuplicateUid duplicates)
    {
        Assert.That(await _one.Claims.ClaimAsync("bob"u8.ToArray(), duplicates), Is.EqualTo(UidClaim.Granted));
        _time.Advance(TimeSpan.FromSeconds(10));
        await _one.Claims.SweepAsync(CancellationToken.None);
        Assert.That(_shared.Find(KeyOf("bob")), Is.Null);
    }
}
