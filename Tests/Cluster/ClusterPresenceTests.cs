// Who comes and who goes in a whole cluster, over a backplane that loses what a test says.

using System.Text;
using RawWs.Server;
using RawWs.Server.Nats;

namespace RawWs.Tests.Cluster;

public sealed partial class ClusterPresenceTests
{
    private SimulatedPresence _cluster = null!;
    private PresenceNode _one = null!;
    private PresenceNode _two = null!;
    private PresenceNode _three = null!;

    [SetUp]
    public void SetUp()
    {
        _cluster = new SimulatedPresence();
        (_one, _two, _three) = (_cluster.Add("one"), _cluster.Add("two"), _cluster.Add("three"));
    }

    [Test]
    public void WhoIsOnline_AnyWhere_IsTold_AndThenWhatChanges()
    {
        _one.Join("ann");
        _two.Join("bob");
        using PresenceWatch watch = _one.Presence.Watch(new PresenceOptions());
        _cluster.Pass(500);
        Assert.That(Read(watch), Is.EqualTo(["+ann one", "+bob two", "whole"]));
        _three.Join("cat", "bob");
        _cluster.Pass(200);
        Assert.That(Read(watch), Is.EqualTo(["+cat three"]), "bob was there");
        _two.Leave("bob");
        _cluster.Pass(200);
        Assert.That(Read(watch), Is.Empty, "he still is");
        _three.Leave("bob");
        _one.Leave("ann");
        _cluster.Pass(200);
        Assert.That(Read(watch), Is.EquivalentTo((string[])["-bob three", "-ann one"]));
        _cluster.Pass(60_000);
        Assert.That((Read(watch), watch.LeftOut, _one.Presence.Nonsense), Is.EqualTo((Array.Empty<string>(), 0L, 0L)));
    }

    [Test]
    public void OfUidsThatAreNotAskedFor_NothingIsSent()
    {
        _two.Join([.. Enumerable.Range(0, 5_000).Select(static i => $"u{i}")]);
        using PresenceWatch watch = _one.Presence.Watch(new PresenceOptions { Uids = ["u7", "bob"], UidsMax = 2 });
        _cluster.Pass(500);
        Assert.That(Read(watch), Is.EqualTo(["+u7 two", "whole"]));
        Assert.That(_cluster.Sent.BytesMax, Is.LessThan(200));
        _three.Join("bob", "eve");
        _cluster.Pass(200);
        Assert.That(Read(watch), Is.EqualTo(["+bob three"]));
    }

    [Test]
    public void WhereNobodyWatches_NothingIsSaid()
    {
        _two.Join("bob");
        _cluster.Pass(10_000);
        Assert.That((_cluster.Sent.Count, _one.Presence.IsBusy), Is.EqualTo((0, false)));
        PresenceWatch watch = _one.Presence.Watch(new PresenceOptions());
        _cluster.Pass(500);
        Assert.That((_one.Watching, _two.Watching, _three.Watching), Is.EqualTo((1, 1, 1)));
        watch.Dispose();
        _cluster.Pass(200);
        Assert.That((_one.Watching, _two.Watching, _three.Watching), Is.EqualTo((0, 0, 0)));
        int sent = _cluster.Sent.Count;
        _two.Leave("bob");
        _cluster.Pass(10_000);
        Assert.That((_cluster.Sent.Count, _two.Presence.IsBusy), Is.EqualTo((sent, false)));
    }

    // Whoever watched was killed, and says nothing.
    [Test]
    public void AWatchThatIsNotHeardAnyMore_IsOver()
    {
        _one.Presence.Watch(new PresenceOptions());
        _cluster.Pass(500);
        Assert.That(_two.Watching, Is.EqualTo(1));
        _one.IsRunning = false;
        _cluster.Pass(5_000);
        Assert.That((_two.Watching, _two.Presence.IsBusy), Is.EqualTo((0, false)));
    }

    [Test]
    public void ManyUids_ComeInMessagesOfABoundedLength()
    {
        string[] uids = [.. Enumerable.Range(0, 20_000).Select(static i => $"{i:00000}{new string('ü', 50)}")];
        _two.Join(uids);
        using PresenceWatch watch = _one.Presence.Watch(new PresenceOptions());
        _cluster.Pass(30_000);
        string[] read = Read(watch);
        Assert.That((read.Length, read[^1]), Is.EqualTo((20_001, "whole")));
        Assert.That(read[..^1].ToHashSet().SetEquals(uids.Select(static uid => $"+{uid} two")), Is.True);
        Assert.That(_cluster.Sent.BytesMax, Is.LessThan(100_000));
    }

    // Of characters that take six bytes each in JSON, and as many uids as one message has.
    [TestCase(255, 400), TestCase(16, 4_000)]
    public void TheLongestAnswer_IsHeard(int length, int count)
    {
        _two.Join([.. Enumerable.Range(0, count).Select(i => $"{i:0000}{new string('\u0001', length - 4)}")]);
        using PresenceWatch watch = _one.Presence.Watch(new PresenceOptions());
        _cluster.Pass(10_000);
        Assert.That((Read(watch).Length, _one.Presence.Nonsense), Is.EqualTo((count + 1, 0L)));
        Assert.That(_cluster.Sent.BytesMax, Is.InRange(70_000, PresenceMessage.ToldBytesMax));
    }

    [Test]
    public void WhereMessagesAreShort_ThoseWhoAreOnline_ComeInMore()
    {
        string[] uids = [.. Enumerable.Range(0, 200).Select(static i => $"{i:00000}{new string('\u0001', 50)}")];
        _two.Join(uids);
        _two.PayloadBytesMax = 2048;
        using PresenceWatch watch = _one.Presence.Watch(new PresenceOptions());
        _cluster.Pass(10_000);
        Assert.That(Read(watch), Has.Length.EqualTo(201));
        Assert.That(_cluster.Sent.BytesMax, Is.LessThanOrEqualTo(2048));
    }

    [Test]
    public void AWatchWhoseQuestionIsTooLong_DoesNotBegin_OrEndsAndSaysWhy()
    {
        PresenceOptions many = new() { Uids = [.. Enumerable.Range(0, 100).Select(static i => $"uid{i:00000}")] };
        _one.PayloadBytesMax = 1024;
        Assert.That(() => _one.Presence.Watch(many),
            Throws.InvalidOperationException.With.Message.Match("takes a message of \\d+ bytes, and the backplane takes 1024"));
        Assert.That((_one.Watching, _one.Presence.IsBusy), Is.EqualTo((0, false)));
        _one.PayloadBytesMax = 1024 * 1024;
        using PresenceWatch watch = _one.Presence.Watch(many), other = _one.Presence.Watch(new PresenceOptions());
        _two.Join("uid00007");
        _cluster.Pass(500);
        Assert.That(Read(watch), Is.EqualTo(["+uid00007 two", "whole"]));
        _one.PayloadBytesMax = 1024;
        _cluster.Pass(1_500);
        Assert.That((watch.HasEnded, other.HasEnded, _one.Refused.Count), Is.EqualTo((true, false, 1)));
        Assert.That(_one.Refused[0], Does.StartWith("a watch of presence has ended: ").And.Contain("max_payload"));
        _two.Join("bob");
        _cluster.Pass(500);
        Assert.That(Read(other), Does.Contain("+bob two"), "the others go on");
    }

    [Test]
    public void TooManyOnOneNode_OrOnAllTogether_EndTheWatch()
    {
        _two.Join("a", "b", "c");
        using PresenceWatch three = _one.Presence.Watch(new PresenceOptions { UidsMax = 3 }),
            two = _one.Presence.Watch(new PresenceOptions { UidsMax = 2 });
        _cluster.Pass(500);
        Assert.That(Read(three), Is.EqualTo(["+a two", "+b two", "+c two", "whole"]));
        Assert.That(Read(two)[^1], Is.EqualTo("too many"));
        Assert.That((two.HasEnded, three.HasEnded), Is.EqualTo((true, false)));
        _three.Join("a");
        _cluster.Pass(200);
        Assert.That(Read(three), Is.Empty, "three uids, wherever they are");
        _three.Join("d");
        _cluster.Pass(200);
        Assert.That(Read(three), Is.EqualTo(["too many"]));
        _cluster.Pass(200);
        Assert.That((_one.Watching, _two.Watching, _three.Watching), Is.EqualTo((0, 0, 0)));
    }

    [Test]
    public void WhatIsUndoneBeforeItIsTold_IsCounted()
    {
        using PresenceWatch watch = _one.Presence.Watch(new PresenceOptions());
        _cluster.Pass(500);
        Read(watch);
        _two.Join("bob");
        _two.Leave("bob");
        _two.Join("eve");
        _cluster.Pass(200);
        Assert.That((Read(watch), watch.LeftOut), Is.EqualTo((new[] { "+eve two" }, 2L)));
    }

    [Test]
    public void SoManyWatches_AndNoMore()
    {
        PresenceWatch[] watches = [.. Enumerable.Range(0, 64).Select(_ => _one.Presence.Watch(new PresenceOptions()))];
        Assert.That(() => _one.Presence.Watch(new PresenceOptions()), Throws.InvalidOperationException);
        Assert.That(_one.Watching, Is.EqualTo(64));
        watches[3].Dispose();
        _cluster.Pass(100);
        using PresenceWatch next = _one.Presence.Watch(new PresenceOptions());
        _one.Presence.Dispose();
        Assert.That((next.HasEnded, _one.Watching), Is.EqualTo((true, 0)));
        Assert.That(() => _one.Presence.Watch(new PresenceOptions()), Throws.InvalidOperationException);
    }

    // Strangers who may publish in NATS.
    [Test]
    public void WhoAsksForever_GetsSoMuch_AndNoMore()
    {
        for (int i = 0; i < 1_000; i++)
            _two.Presence.ReceiveQuestion(Encoding.UTF8.GetBytes(
                $$"""{"v":1,"from":"eve","kind":"watch","watch":{{i}},"most":10}"""), "_INBOX.eve", _cluster.Now);
        Assert.That(_two.Watching, Is.EqualTo(128));
        _cluster.Pass(5_000);
        Assert.That(_two.Watching, Is.Zero);
    }

    [Test]
    public void WhatIsNotAskedFor_AndWhatIsOutOfOrder_ChangesNothing()
    {
        using PresenceWatch watch = _one.Presence.Watch(new PresenceOptions { Uids = ["bob"] });
        _cluster.Pass(500);
        Read(watch);
        foreach (string told in (string[])[Told("four", 5, "bob"), Told("four", 1, "bob"), Told("two", 700, "bob"), Told("two", 0, "eve")])
            _one.Presence.ReceiveTold(Encoding.UTF8.GetBytes(told), _cluster.Now);
        Assert.That(Read(watch), Is.Empty);
        _one.Presence.ReceiveTold(Encoding.UTF8.GetBytes(Told("four", 0, "bob")), _cluster.Now);
        Assert.That(Read(watch), Is.EqualTo(["+bob four"]));
        _cluster.Pass(3_000);
        Assert.That(Read(watch), Is.EqualTo(["-bob four"]), "nobody knows of such a node");

        static string Told(string node, int number, string uid) =>
            $$"""{"v":1,"node":"{{node}}","watch":1,"feed":1,"number":{{number}},"state":"all","came":["{{uid}}"],"went":[]}""";
    }

    private static void Kill(PresenceNode node)
    {
        node.IsRunning = false;
        node.IsAttached = false;
    }

    private void TakeForGone(PresenceNode node)
    {
        foreach (PresenceNode other in _cluster.Nodes.Values) other.Gone.Add(node.Id);
    }

    private static string[] Read(PresenceWatch watch)
    {
        List<string> events = [];
        while (watch.TryRead(out PresenceEvent? told)) events.Add(Write(told));
        return [.. events];
    }

    private static void ReadInto(PresenceWatch watch, HashSet<string> known)
    {
        while (watch.TryRead(out PresenceEvent? told))
            if (told.Kind == PresenceKind.Came) Assert.That(known.Add(told.Uid), Is.True);
            else if (told.Kind == PresenceKind.Went) Assert.That(known.Remove(told.Uid), Is.True);
    }

    private static string Write(PresenceEvent told) => told.Kind switch
    {
        PresenceKind.Came => $"+{told.Uid} {told.Node}",
        PresenceKind.Went => $"-{told.Uid} {told.Node}",
        PresenceKind.Whole => "whole",
        PresenceKind.NotWhole => "not whole",
        _ => "too many",
    };
}
