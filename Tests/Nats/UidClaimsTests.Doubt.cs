// What becomes of claims when the store was away, has begun anew, or the lease has lapsed; and to look without a claim.

using RawWs.Server;
using RawWs.Server.Nats;
using RawWs.Tests.Support;

namespace RawWs.Tests.Nats;

public sealed partial class UidClaimsTests
{
    [TestCase(DuplicateUid.Replace), TestCase(DuplicateUid.Reject)]
    public async Task WithoutTheLease_WhatThisNodeHas_LetsNobodyIn(DuplicateUid duplicates)
    {
        await _one.ConnectAsync("bob", duplicates);
        _one.Store.HasLease = false;
        Assert.That(await _one.ConnectAsync("bob", duplicates), Is.EqualTo(UidClaim.Unreachable));
        Assert.That(_one.Has("bob"), Is.True, "who is there stays");
        _one.Store.HasLease = true;
        Assert.That(await _one.ConnectAsync("bob", duplicates), Is.EqualTo(UidClaim.Granted));
    }

    [TestCase(DuplicateUid.Replace), TestCase(DuplicateUid.Reject)]
    public async Task WhatIsDoubted_IsLookedAt_BeforeSomebodyIsLetIn(DuplicateUid duplicates)
    {
        await _one.ConnectAsync("ann", duplicates);
        await _one.ConnectAsync("bob", duplicates);
        _shared.Alive.Remove(_one.Store.Self);
        _one.Store.Changed = null; // it is stopped
        await _two.ConnectAsync("bob", duplicates);
        _shared.Alive.Add(_one.Store.Self);
        _one.Claims.Doubt();
        Assert.That(await _one.ConnectAsync("ann", duplicates), Is.EqualTo(UidClaim.Granted));
        UidClaim bob = await _one.Claims.ClaimAsync("bob"u8.ToArray(), duplicates);
        Assert.That(bob, Is.EqualTo(duplicates == DuplicateUid.Reject ? UidClaim.Taken : UidClaim.Granted));
        Assert.That(_one.Lost, Is.EqualTo(new[] { "bob" }), "who had it before");
    }

    // The answer belongs to a store that may be gone by now.
    [Test]
    public async Task AnAnswerThatComesBehindTheDoubt_GrantsNothing()
    {
        TaskCompletionSource answer = new();
        _one.Store.BeforeAnswer = () => answer.Task;
        Task<UidClaim> claim = _one.ConnectAsync("bob", DuplicateUid.Reject);
        _one.Claims.Doubt();
        _one.Store.BeforeAnswer = static () => Task.CompletedTask;
        answer.SetResult();
        Assert.That(await claim, Is.EqualTo(UidClaim.Unreachable));
        Assert.That(_shared.Find(KeyOf("bob")), Is.Null, "it is given back");
    }

    [Test]
    public async Task WhatIsLeftWhileItIsDoubted_IsGivenBackWhenItWasLookedAt()
    {
        await _one.ConnectAsync("bob", DuplicateUid.Reject);
        _one.Claims.Doubt();
        _one.Leave("bob");
        Assert.That(_shared.Find(KeyOf("bob")), Is.Not.Null);
        await _one.Claims.RegainAsync(CancellationToken.None);
        Assert.That((_shared.Find(KeyOf("bob")), _one.Claims.Count), Is.EqualTo(((Claim?)null, 0)));
    }

    // The numbers of a store that has begun anew are other claims'.
    [Test]
    public async Task WhenTheStoreHasBegunAnew_NothingIsDeletedByItsOldNumber([Values] bool leftBefore)
    {
        await _one.ConnectAsync("bob", DuplicateUid.Reject);
        if (leftBefore)
        {
            _one.Store.IsAway = true;
            _one.Leave("bob");
            _one.Store.IsAway = false;
        }

        _shared.Restart();
        await _two.ConnectAsync("ann", DuplicateUid.Reject); // it has bob's number now
        _one.Claims.BeginAnew();
        if (!leftBefore) _one.Leave("bob");
        await _one.Claims.SweepAsync(CancellationToken.None);
        await _one.Claims.RegainAsync(CancellationToken.None);
        Assert.That(_shared.Find(KeyOf("ann"))?.Holder, Is.EqualTo(_two.Store.Self));
        Assert.That((_shared.Find(KeyOf("bob")), _one.Claims.Count), Is.EqualTo(((Claim?)null, 0)));
    }

    // And who is told of the new store's low numbers has not been overtaken.
    [Test]
    public async Task WhoClaimsInANewStore_IsNotOvertakenByTheOldOne()
    {
        TaskCompletionSource answer = new();
        _one.Store.BeforeAnswer = () => answer.Task;
        Task<UidClaim> waits = _one.Claims.ClaimAsync("bob"u8.ToArray(), DuplicateUid.Replace).AsTask();
        await _two.ConnectAsync("bob", DuplicateUid.Replace);
        _shared.Restart();
        _one.Claims.BeginAnew();
        _one.Store.BeforeAnswer = static () => Task.CompletedTask;
        Task<UidClaim> next = _one.ConnectAsync("bob", DuplicateUid.Replace);
        answer.SetResult();
        Assert.That(await waits, Is.EqualTo(UidClaim.Unreachable));
        Assert.That((await next, _one.Has("bob")), Is.EqualTo((UidClaim.Granted, true)));
    }

    [Test]
    public async Task WhatCouldNotBeGivenBack_AndIsUsedAgain_IsNotDeleted()
    {
        await _one.ConnectAsync("bob", DuplicateUid.Reject);
        _one.Store.IsAway = true;
        _one.Leave("bob");
        _one.Store.IsAway = false;
        Assert.That(await _one.ConnectAsync("bob", DuplicateUid.Reject), Is.EqualTo(UidClaim.Granted));
        await _one.Claims.SweepAsync(CancellationToken.None);
        Assert.That(_shared.Find(KeyOf("bob"))?.Holder, Is.EqualTo(_one.Store.Self));
        Assert.That(await _two.ConnectAsync("bob", DuplicateUid.Reject), Is.EqualTo(UidClaim.Taken));
    }

    [Test]
    public async Task AClaimWhoseAnswerWasLost_WhileAnotherOneWaits_IsGivenBackToo()
    {
        _one.Store.Changed = null; // what the store tells comes later
        _one.Store.LosesAnswers = true;
        await _one.ConnectAsync("bob", DuplicateUid.Reject);
        _one.Store.LosesAnswers = false;
        TaskCompletionSource answer = new();
        _one.Store.BeforeAnswer = () => answer.Task;
        Task<UidClaim> second = _one.ConnectAsync("bob", DuplicateUid.Reject);
        _one.Store.Changed = _one.Claims.OnChanged;
        _one.Store.BeforeAnswer = static () => Task.CompletedTask;
        _one.Store.IsAway = true;
        answer.SetResult();
        Assert.That(await second, Is.EqualTo(UidClaim.Unreachable));
        _one.Store.IsAway = false;
        await _one.Claims.SweepAsync(CancellationToken.None);
        Assert.That(_shared.Find(KeyOf("bob")), Is.Null);
    }

    // NATS is back, empty, and this node is back before the one whose uid it is. Who replaces gets it at once: he would get it anyway.
    [Test]
    public async Task WhatOthersMayHave_IsGivenToNobody_BeforeTheyAreBack()
    {
        await _one.ConnectAsync("bob", DuplicateUid.Reject);
        await _two.ConnectAsync("cat", DuplicateUid.Reject);
        _shared.Restart();
        _two.Claims.BeginAnew();
        Assert.That(await _two.ConnectAsync("bob", DuplicateUid.Reject), Is.EqualTo(UidClaim.Unreachable));
        Assert.That(await Look(_two, DuplicateUid.Reject), Is.EqualTo(UidClaim.Unreachable));
        Assert.That(_shared.Find(KeyOf("bob")), Is.Null);
        Assert.That(await _two.ConnectAsync("cat", DuplicateUid.Reject), Is.EqualTo(UidClaim.Granted), "its own directory knows it");
        _one.Claims.BeginAnew();
        await _one.Claims.RegainAsync(CancellationToken.None);
        Assert.That(await _two.ConnectAsync("bob", DuplicateUid.Reject), Is.EqualTo(UidClaim.Taken));
        Assert.That((_one.Lost, _one.Has("bob")), Is.EqualTo((Array.Empty<string>(), true)));
        Assert.That(await _two.ConnectAsync("eve", DuplicateUid.Replace), Is.EqualTo(UidClaim.Granted));
        _time.Advance(TimeSpan.FromSeconds(8));
        Assert.That(await _two.ConnectAsync("dan", DuplicateUid.Reject), Is.EqualTo(UidClaim.Granted), "who has not come back has nothing");
    }

    // A later claim is told of before the answer to the one that makes it again. Its number is lower than that of before.
    [Test]
    public async Task WhoIsOvertakenWhileItRegains_LearnsIt()
    {
        for (int i = 0; i < 5; i++) await _two.ConnectAsync($"u{i}", DuplicateUid.Replace);
        await _one.ConnectAsync("bob", DuplicateUid.Replace);
        _shared.Restart();
        _one.Claims.BeginAnew();
        TaskCompletionSource created = new();
        int answers = 0;
        _one.Store.BeforeAnswer = () => Interlocked.Increment(ref answers) == 2 ? created.Task : Task.CompletedTask; // it looks first
        Task regaining = _one.Claims.RegainAsync(CancellationToken.None);
        TestServer.Eventually(() => _shared.Find(KeyOf("bob")) is not null, "it is made again");
        Assert.That(await _two.ConnectAsync("bob", DuplicateUid.Replace), Is.EqualTo(UidClaim.Granted));
        created.SetResult();
        await regaining;
        Assert.That((_one.Lost, _one.Has("bob"), _two.Has("bob")), Is.EqualTo((new[] { "bob" }, false, true)));
    }

    [Test]
    public async Task ToLook_ClaimsNothing()
    {
        Assert.That(await Look(_one, DuplicateUid.Reject), Is.EqualTo(UidClaim.Granted), "it is free");
        Assert.That((_shared.Find(KeyOf("bob")), _one.Claims.Count), Is.EqualTo(((Claim?)null, 0)));
        await _two.ConnectAsync("bob", DuplicateUid.Reject);
        Assert.That(await Look(_one, DuplicateUid.Reject), Is.EqualTo(UidClaim.Taken));
        Assert.That(await Look(_two, DuplicateUid.Reject), Is.EqualTo(UidClaim.Granted), "within one node its directory decides");
        Assert.That((_one.Asked, _two.Lost), Is.EqualTo((new List<string>(), Array.Empty<string>())), "nobody is asked whether he lives");
        _shared.Alive.Remove(_two.Store.Self);
        Assert.That(await Look(_one, DuplicateUid.Reject), Is.EqualTo(UidClaim.Granted), "a dead node's");
        Assert.That(_shared.Find(KeyOf("bob"))?.Holder, Is.EqualTo(_two.Store.Self));
    }

    [TestCase(DuplicateUid.Share), TestCase(DuplicateUid.Replace)]
    public async Task ToLook_WhereWhoComesAlwaysGetsIt_AsksNobody(DuplicateUid duplicates)
    {
        await _two.ConnectAsync("bob", DuplicateUid.Replace);
        _one.Store.IsAway = true;
        Assert.That(await Look(_one, duplicates), Is.EqualTo(UidClaim.Granted));
        Assert.That(_two.Lost, Is.Empty);
    }

    [Test]
    public async Task ToLook_WithoutTheStore_IsToKnowNothing()
    {
        _one.Store.IsAway = true;
        List<string> why = [];
        _one.Claims.Undecided = exception => why.Add(exception.Message);
        Assert.That(await Look(_one, DuplicateUid.Reject), Is.EqualTo(UidClaim.Unreachable));
        Assert.That(why, Is.EqualTo(new[] { "away" }));
    }

    private static ValueTask<UidClaim> Look(Holder holder, DuplicateUid duplicates) =>
        holder.Claims.LookAsync("bob"u8.ToArray(), duplicates);
}
