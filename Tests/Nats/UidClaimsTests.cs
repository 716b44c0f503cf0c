using System.Text;
using Microsoft.Extensions.Time.Testing;
using RawWs.Server;
using RawWs.Server.Nats;
using RawWs.Tests.Support;

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
        for (int i = 0; i < 1_000; i++) await _one.Claims.ClaimAsync(Encoding.UTF8.GetBytes($"u{i}"), DuplicateUid.Reject);
        _time.Advance(TimeSpan.FromSeconds(10));
        _one.Store.IsAway = true;
        for (int sweeps = 0; sweeps < 3; sweeps++) await _one.Claims.SweepAsync(CancellationToken.None);
        _one.Store.IsAway = false;
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
        for (int i = 0; i < 1_000; i++) await _one.Claims.ClaimAsync(Encoding.UTF8.GetBytes($"u{i}"), DuplicateUid.Reject);
        _time.Advance(TimeSpan.FromSeconds(10));
        _one.Store.IsAway = true;
        await _one.Claims.SweepAsync(CancellationToken.None);
        _one.Store.IsAway = false;
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
        Task<UidClaim>[] claims = [.. Enumerable.Range(0, 300).Select(
            i => _one.Claims.ClaimAsync(Encoding.UTF8.GetBytes($"u{i}"), DuplicateUid.Replace).AsTask())];
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
        Task<UidClaim>[] claims = [.. Enumerable.Range(0, 300).Select(
            i => _one.Claims.ClaimAsync(Encoding.UTF8.GetBytes($"u{i}"), DuplicateUid.Reject).AsTask())];
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

    // The claim has been given back when the connection joins.
    private async Task ClaimTooEarlyAsync(DuplicateUid duplicates)
    {
        Assert.That(await _one.Claims.ClaimAsync("bob"u8.ToArray(), duplicates), Is.EqualTo(UidClaim.Granted));
        _time.Advance(TimeSpan.FromSeconds(10));
        await _one.Claims.SweepAsync(CancellationToken.None);
        Assert.That(_shared.Find(KeyOf("bob")), Is.Null);
    }

    private static string KeyOf(string uid) => UidClaims.KeyOf(Encoding.UTF8.GetBytes(uid));

    /// <summary>A node with its claims, and connections that are only names.</summary>
    private sealed class Holder
    {
        private readonly Lock _lock = new();
        private readonly Dictionary<string, List<int>> _connections = []; // numbers of those that each uid has
        private readonly List<string> _lost = [];
        private int _lastNumber;

        public Holder(SharedClaims shared, string nodeId, TimeProvider time, TimeSpan? within = null)
        {
            Store = shared.Add(nodeId);
            Claims = new UidClaims(Store, uid => Has(Encoding.UTF8.GetString(uid)), time, within ?? TimeSpan.FromSeconds(2))
            {
                Lost = uid => ToLose(Encoding.UTF8.GetString(uid.Span), _lost),
                Unclaimed = uid => ToLose(Encoding.UTF8.GetString(uid.Span), Unclaimed),
                Refused = (node, uid) => Asked.Add($"{node}:{Encoding.UTF8.GetString(uid.Span)}"),
            };
            Store.Changed = Claims.OnChanged;
        }

        public FakeClaimStore Store { get; }

        public UidClaims Claims { get; }

        public IEnumerable<string> Lost => _lost;

        public List<string> Asked { get; } = [];

        public List<string> Unclaimed { get; } = [];

        /// <summary>What happens before connections that are lost are closed.</summary>
        public Action BeforeClosing { get; set; } = static () => { };

        public bool Has(string uid)
        {
            lock (_lock) return _connections.ContainsKey(uid);
        }

        public async Task<UidClaim> ConnectAsync(string uid, DuplicateUid duplicates)
        {
            UidClaim claim = await Claims.ClaimAsync(Encoding.UTF8.GetBytes(uid), duplicates);
            if (claim == UidClaim.Granted) Join(uid);
            return claim;
        }

        /// <returns>Whether it may stay.</returns>
        public bool Join(string uid)
        {
            int number;
            lock (_lock)
            {
                number = ++_lastNumber;
                if (!_connections.TryAdd(uid, [number])) _connections[uid].Add(number);
            }

            bool stays = Claims.OnJoined(Encoding.UTF8.GetBytes(uid));
            if (!stays) Leave(uid, number);
            return stays;
        }

        public void Leave(string uid)
        {
            int number;
            lock (_lock)
            {
                if (!_connections.TryGetValue(uid, out List<int>? numbers)) return;
                number = numbers[^1];
            }

            Leave(uid, number);
        }

        private void Leave(string uid, int number)
        {
            lock (_lock)
            {
                if (!_connections.TryGetValue(uid, out List<int>? numbers) || !numbers.Remove(number)) return;
                if (numbers.Count == 0) _connections.Remove(uid);
            }

            Claims.OnLeft(Encoding.UTF8.GetBytes(uid));
        }

        private Action ToLose(string uid, List<string> why)
        {
            int[] numbers;
            lock (_lock) numbers = [.. _connections.GetValueOrDefault(uid, [])];
            return () =>
            {
                BeforeClosing();
                lock (_lock) why.Add(uid);
                foreach (int number in numbers) Leave(uid, number);
            };
        }
    }
}
