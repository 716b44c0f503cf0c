using System.Text;
using Microsoft.Extensions.Time.Testing;
using RawWs.Server;
using RawWs.Server.Nats;

namespace RawWs.Tests.Nats;

public sealed partial class UidClaimsTests
{
    private readonly FakeTimeProvider _time = new();
    private SharedClaims _shared = null!;
    private Holder _one = null!;
    private Holder _two = null!;

    [SetUp]
    public void SetUp()
    {
        _shared = new SharedClaims();
        (_one, _two) = (new Holder(_shared, "one", _time), new Holder(_shared, "two", _time));
    }

    [TestCase(DuplicateUid.Replace), TestCase(DuplicateUid.Reject)]
    public async Task WhatNobodyHas_IsGranted_AndIsFreeWhenTheLastHasLeft(DuplicateUid duplicates)
    {
        Assert.That(await _one.ConnectAsync("bob", duplicates), Is.EqualTo(UidClaim.Granted));
        Assert.That(await _one.ConnectAsync("bob", duplicates), Is.EqualTo(UidClaim.Granted), "within one node its directory decides");
        _one.Leave("bob");
        Assert.That(_shared.Find(KeyOf("bob")), Is.Not.Null);
        _one.Leave("bob");
        Assert.That(_shared.Find(KeyOf("bob")), Is.Null);
        Assert.That(_one.Claims.Count, Is.Zero);
        Assert.That(await _two.ConnectAsync("bob", duplicates), Is.EqualTo(UidClaim.Granted));
    }

    [Test]
    public async Task Share_ClaimsNothing()
    {
        Assert.That(await _one.Claims.ClaimAsync("bob"u8.ToArray(), DuplicateUid.Share), Is.EqualTo(UidClaim.Granted));
        Assert.That(_shared.Find(KeyOf("bob")), Is.Null);
    }

    [Test]
    public async Task Reject_LeavesItToWhoHasIt_WhoIsAskedWhetherItLives()
    {
        await _one.ConnectAsync("bob", DuplicateUid.Reject);
        Assert.That(await _two.ConnectAsync("bob", DuplicateUid.Reject), Is.EqualTo(UidClaim.Taken));
        Assert.That(_two.Asked, Is.EqualTo(new[] { "one:bob" }));
        Assert.That((_one.Lost, _two.Claims.Count), Is.EqualTo((Array.Empty<string>(), 0)));
    }

    [Test]
    public async Task Replace_TakesIt_AndWhoHadItLearnsThat()
    {
        await _one.ConnectAsync("bob", DuplicateUid.Replace);
        Assert.That(await _two.ConnectAsync("bob", DuplicateUid.Replace), Is.EqualTo(UidClaim.Granted));
        Assert.That(_one.Lost, Is.EqualTo(new[] { "bob" }));
        Assert.That(_shared.Find(KeyOf("bob"))!.Value.Holder, Is.EqualTo(_two.Store.Self), "the one that has lost it gives nothing back");
        Assert.That(_one.Claims.Count, Is.Zero);
    }

    [Test]
    public async Task WhatADeadNodeHas_IsFree()
    {
        await _one.ConnectAsync("bob", DuplicateUid.Reject);
        _shared.Alive.Remove(_one.Store.Self);
        Assert.That(await _two.ConnectAsync("bob", DuplicateUid.Reject), Is.EqualTo(UidClaim.Granted));
        Assert.That(_one.Lost, Is.EqualTo(new[] { "bob" }), "should it come back");
    }

    [Test]
    public async Task WithoutTheStore_NothingIsGranted()
    {
        _two.Store.IsAway = true;
        List<string> why = [];
        _two.Claims.Undecided = exception => why.Add(exception.Message);
        Assert.That(await _two.ConnectAsync("bob", DuplicateUid.Replace), Is.EqualTo(UidClaim.Unreachable));
        Assert.That(why, Is.EqualTo(new[] { "away" }));
        _two.Store.IsAway = false;
        Assert.That(await _two.ConnectAsync("bob", DuplicateUid.Replace), Is.EqualTo(UidClaim.Granted));
    }

    [Test]
    public async Task AnAnswerThatDoesNotCome_IsNotWaitedForLongerThanSaid()
    {
        TaskCompletionSource answer = new();
        _one.Store.BeforeAnswer = () => answer.Task;
        Task<UidClaim> first = _one.ConnectAsync("bob", DuplicateUid.Replace), second = _one.ConnectAsync("bob", DuplicateUid.Replace);
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.That(await second, Is.EqualTo(UidClaim.Unreachable), "behind the first");
        answer.SetResult();
        await first;
    }

    // The store tells of the later claim before the earlier one's answer has come.
    [Test]
    public async Task WhoIsOvertaken_LearnsItWhenItJoins()
    {
        TaskCompletionSource answer = new();
        _one.Store.BeforeAnswer = () => answer.Task;
        Task<UidClaim> claim = _one.Claims.ClaimAsync("bob"u8.ToArray(), DuplicateUid.Replace).AsTask();
        Assert.That(await _two.ConnectAsync("bob", DuplicateUid.Replace), Is.EqualTo(UidClaim.Granted));
        answer.SetResult();
        Assert.That(await claim, Is.EqualTo(UidClaim.Granted));
        Assert.That(_one.Join("bob"), Is.False);
        Assert.That(_two.Lost, Is.Empty);
    }

    [Test]
    public async Task ANodeThatComesBack_KeepsWhatNobodyHasTaken()
    {
        foreach (string uid in new[] { "ann", "bob", "eve" }) await _one.ConnectAsync(uid, DuplicateUid.Reject);
        _shared.Alive.Remove(_one.Store.Self);
        _one.Store.Changed = null; // it is stopped
        await _two.ConnectAsync("bob", DuplicateUid.Reject);
        _shared.Delete(_shared.Find(KeyOf("eve"))!.Value.Revision); // tidied away
        _shared.Alive.Add(_one.Store.Self);
        await _one.Claims.RegainAsync(CancellationToken.None);
        Assert.That(_one.Lost, Is.EqualTo(new[] { "bob" }));
        Assert.That(_shared.Find(KeyOf("ann"))!.Value.Holder, Is.EqualTo(_one.Store.Self));
        Assert.That(_shared.Find(KeyOf("eve"))!.Value.Holder, Is.EqualTo(_one.Store.Self));
    }

    [Test]
    public async Task AStoreThatBeginsAnew_IsTold_AndWhoTellsItFirstKeepsIt()
    {
        for (int i = 0; i < 5; i++) await _one.ConnectAsync($"u{i}", DuplicateUid.Replace);
        _shared.Restart();
        await _two.ConnectAsync("u1", DuplicateUid.Replace); // before the first has noticed
        await _one.Claims.RegainAsync(CancellationToken.None);
        Assert.That(_one.Lost, Is.EqualTo(new[] { "u1" }));
        for (int i = 0; i < 5; i++)
            Assert.That(_shared.Find(KeyOf($"u{i}"))!.Value.Holder.NodeId, Is.EqualTo(i == 1 ? "two" : "one"));
        // What is told of now has low numbers.
        await _two.ConnectAsync("u2", DuplicateUid.Replace);
        Assert.That(_one.Lost, Is.EqualTo(new[] { "u1", "u2" }));
    }

    // Between the moment in which a uid is lost and that in which its connection is closed.
    [Test]
    public async Task AConnectionThatClaimsWhileAnotherIsClosed_Stays()
    {
        await _one.ConnectAsync("bob", DuplicateUid.Replace);
        Task<UidClaim>? again = null;
        _one.BeforeClosing = () => again ??= _one.ConnectAsync("bob", DuplicateUid.Replace);
        await _two.ConnectAsync("bob", DuplicateUid.Replace);
        Assert.That(await again!, Is.EqualTo(UidClaim.Granted));
        Assert.That((_one.Has("bob"), _two.Has("bob"), _one.Lost), Is.EqualTo((true, false, new[] { "bob" })));
        Assert.That(_shared.Find(KeyOf("bob"))!.Value.Holder, Is.EqualTo(_one.Store.Self));
        _one.Leave("bob");
        Assert.That((_one.Has("bob"), _one.Claims.Count), Is.EqualTo((false, 0)), "it was one connection");
    }

    // Two nodes at once, again and again: in the end one of them has it, and the store says which.
    [Test]
    public async Task OfTwoAtOnce_OneHasIt(
        [Values(DuplicateUid.Replace, DuplicateUid.Reject)] DuplicateUid duplicates, [Values] bool leaves)
    {
        foreach (Holder holder in new[] { _one, _two }) holder.Store.BeforeAnswer = static async () => await Task.Yield();
        for (int round = 0; round < 5_000; round++)
        {
            string uid = leaves ? $"u{round % 3}" : $"u{round}";
            UidClaim[] claims = await Task.WhenAll(
                Task.Run(() => _one.ConnectAsync(uid, duplicates)), Task.Run(() => _two.ConnectAsync(uid, duplicates)));
            Assert.That(claims, Does.Contain(UidClaim.Granted));
            bool[] has = [_one.Has(uid), _two.Has(uid)];
            Assert.That(has.Count(static one => one), Is.EqualTo(1), $"round {round}: {string.Join(' ', claims)}");
            Assert.That(_shared.Find(KeyOf(uid))!.Value.Holder, Is.EqualTo((has[0] ? _one : _two).Store.Self));
            if (leaves) (has[0] ? _one : _two).Leave(uid);
        }
    }

    private static string KeyOf(string uid) => UidClaims.KeyOf(Encoding.UTF8.GetBytes(uid));
}
