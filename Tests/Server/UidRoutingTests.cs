// The router as its clients see it: a real server on a free port, two loops, and the framework's own client. Nothing sleeps: what must
// not arrive is shown by the next thing that does, as messages of one connection come in order.

using System.Net;
using System.Net.WebSockets;
using Microsoft.Extensions.Time.Testing;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixture]
public class UidRoutingTests
{
    [Test]
    public async Task TheSeedsPage_GetsItsOwnBodyBack()
    {
        await using RouterRoom room = await RouterRoom.Open();
        RouterPeer peer = await room.Enter();
        await peer.Send("100:haha");
        Assert.That(await peer.Receive(), Is.EqualTo("haha"));
        Assert.That(room.Router.UidCount, Is.EqualTo(1));
    }

    [Test]
    public async Task AfterTheIntroduction_MessagesOnlyRoute()
    {
        await using RouterRoom room = await RouterRoom.Open();
        RouterPeer one = await room.Enter(), two = await room.Enter();
        await one.Introduce("1");
        await two.Introduce("2");
        await one.Send("2:to two:with a colon");
        Assert.That(await two.Receive(), Is.EqualTo("to two:with a colon"));
        await two.Send("1:");
        Assert.That(await one.Receive(), Is.Empty);
        await one.Send("3:who?");
        Assert.That(await one.Receive(), Is.EqualTo("error:offline:3"));
        Assert.That(room.Router.UidCount, Is.EqualTo(2));
    }

    [Test]
    public async Task Binary_StaysBinary()
    {
        await using RouterRoom room = await RouterRoom.Open();
        RouterPeer peer = await room.Enter();
        await peer.Send("7:\u0001\u0002", WebSocketMessageType.Binary);
        Assert.That(await peer.Receive(WebSocketMessageType.Binary), Is.EqualTo("\u0001\u0002"));
    }

    [Test]
    public async Task All_ReachesEveryOpenConnectionOnce_NamedOrNot_AndIntroducesNobody()
    {
        await using RouterRoom room = await RouterRoom.Open();
        RouterPeer named = await room.Enter(), twin = await room.Enter(), unnamed = await room.Enter();
        await named.Introduce("1");
        await twin.Send("1:x");
        foreach (RouterPeer peer in new[] { named, twin }) Assert.That(await peer.Receive(), Is.EqualTo("x"));
        await unnamed.Send("all:first");
        await unnamed.Send("all:second");
        foreach (RouterPeer peer in new[] { named, twin, unnamed })
        {
            Assert.That(await peer.Receive(), Is.EqualTo("first"));
            Assert.That(await peer.Receive(), Is.EqualTo("second"));
        }

        Assert.That(room.Router.UidCount, Is.EqualTo(1));
    }

    [TestCase("haha", "error:no-colon:write uid:body")]
    [TestCase("error:x", "error:reserved:error")]
    [TestCase("@team:x", "error:reserved:@team")]
    [TestCase(":x", "error:bad-uid:a uid is 1 to 64 bytes of UTF-8 without colon or control character")]
    public async Task WhatCannotBeDone_IsAnswered_AndIntroducesNobody(string message, string answer)
    {
        await using RouterRoom room = await RouterRoom.Open();
        RouterPeer peer = await room.Enter();
        await peer.Send(message);
        Assert.That(await peer.Receive(), Is.EqualTo(answer));
        Assert.That(room.Router.UidCount, Is.Zero);
    }

    [Test]
    public async Task TheHeartbeatTexts_AreNeitherRoutedNorAnswered()
    {
        await using RouterRoom room = await RouterRoom.Open();
        RouterPeer peer = await room.Enter();
        foreach (string life in new[] { "", "ping", "pong" }) await peer.Send(life);
        await peer.Send("1:after");
        Assert.That(await peer.Receive(), Is.EqualTo("after"));
    }

    [Test]
    public async Task AUidInTheQuery_IsPercentDecoded_AndKnownFromTheBeginning()
    {
        await using RouterRoom room = await RouterRoom.Open(Introduce.Query);
        RouterPeer named = await room.Enter("?uid=%E5%BC%A0"), unnamed = await room.Enter();
        await unnamed.Send("张:hello");
        Assert.That(await named.Receive(), Is.EqualTo("hello"));
        Assert.That(room.Router.UidCount, Is.EqualTo(1), "With query a first message introduces nobody.");
    }

    [TestCase("?uid=1&uid=1", HttpStatusCode.BadRequest)]
    [TestCase("?uid=", HttpStatusCode.BadRequest)]
    [TestCase("?uid=a%3Ab", HttpStatusCode.BadRequest)]
    [TestCase("?uid=%FF", HttpStatusCode.BadRequest)]
    [TestCase("?uid=all", HttpStatusCode.BadRequest)]
    [TestCase("?uid=%40team", HttpStatusCode.BadRequest)]
    [TestCase("?uid=taken", HttpStatusCode.Conflict)]
    public async Task AUidThatCannotBeGiven_IsRefusedWithAStatus(string query, HttpStatusCode status)
    {
        await using RouterRoom room = await RouterRoom.Open(Introduce.Query, DuplicateUid.Reject);
        await room.Enter("?uid=taken");
        using ClientWebSocket client = new();
        client.Options.CollectHttpResponseDetails = true;
        Assert.That(async () => await client.ConnectAsync(room.Uri(query), default), Throws.InstanceOf<WebSocketException>());
        Assert.That(client.HttpStatusCode, Is.EqualTo(status));
    }

    [Test]
    public async Task IntroduceNone_GivesNobodyAName()
    {
        await using RouterRoom room = await RouterRoom.Open(Introduce.None);
        RouterPeer peer = await room.Enter("?uid=1");
        await peer.Send("1:x");
        Assert.That(await peer.Receive(), Is.EqualTo("error:offline:1"));
        Assert.That(room.Router.UidCount, Is.Zero);
    }

    [Test]
    public async Task Share_DeliversToEachConnectionOfTheUidOnce()
    {
        await using RouterRoom room = await RouterRoom.Open();
        RouterPeer phone = await room.Enter("?uid=me"), laptop = await room.Enter("?uid=me"), other = await room.Enter("?uid=other");
        await other.Send("me:one");
        await other.Send("me:two");
        foreach (RouterPeer peer in new[] { phone, laptop })
        {
            Assert.That(await peer.Receive(), Is.EqualTo("one"));
            Assert.That(await peer.Receive(), Is.EqualTo("two"));
        }
    }

    [Test]
    public async Task Replace_ClosesTheOlderConnection_WhichDoesNotTakeTheNewOnesNameWithIt()
    {
        await using RouterRoom room = await RouterRoom.Open(duplicates: DuplicateUid.Replace);
        RouterPeer old = await room.Enter("?uid=me");
        RouterPeer young = await room.Enter();
        await young.Send("me:mine now");
        Assert.That(await young.Receive(), Is.EqualTo("mine now"));
        Assert.That(await old.ReceiveClose(), Is.EqualTo((WebSocketCloseStatus)4500));
        await room.WaitForEnd(EndCause.Replaced);
        await young.Send("me:still");
        Assert.That(await young.Receive(), Is.EqualTo("still"));
        Assert.That(room.Router.UidCount, Is.EqualTo(1));
    }

    [Test]
    public async Task Reject_LeavesTheNewerUnnamed_TellsIt_AndDeliversNothing()
    {
        await using RouterRoom room = await RouterRoom.Open(duplicates: DuplicateUid.Reject);
        RouterPeer first = await room.Enter("?uid=me"), second = await room.Enter();
        await second.Send("me:hello");
        Assert.That(await second.Receive(), Is.EqualTo("error:rejected:me"));
        await second.Send("other:hello");
        Assert.That(await second.Receive(), Is.EqualTo("hello"));
        await second.Send("me:now that I have a name");
        Assert.That(await first.Receive(), Is.EqualTo("now that I have a name"));
    }

    [Test]
    public async Task AUid_IsFreeOnceItsConnectionHasEnded()
    {
        await using RouterRoom room = await RouterRoom.Open(duplicates: DuplicateUid.Reject);
        RouterPeer first = await room.Enter("?uid=me");
        await first.Leave();
        await room.WaitForEnd(EndCause.PeerClosed);
        Assert.That(room.Router.UidCount, Is.Zero);
        RouterPeer second = await room.Enter("?uid=me");
        await second.Send("me:mine");
        Assert.That(await second.Receive(), Is.EqualTo("mine"));
    }

    [Test]
    public async Task AReceiverThatDoesNotRead_IsToldToItsSender_AndClosedTooSlowAfterAWhile()
    {
        FakeTimeProvider time = new();
        await using RouterRoom room = await RouterRoom.Open(time: time);
        RouterPeer slow = await room.Enter("?uid=slow"), sender = await room.Enter("?uid=sender");
        Task<string> told = sender.Receive();
        string message = "slow:" + new string('x', 200_000);
        while (!told.IsCompleted) await sender.Send(message);
        Assert.That(await told, Is.EqualTo("error:too-slow:slow"));
        // What finds no room is told each time; once the kernel has taken nothing for five seconds, it is the end.
        bool isOffline = false;
        while (!isOffline)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await sender.Send(message);
            await sender.Send("@");
            for (string answer = await sender.Receive(); answer != "error:no-colon:write uid:body"; answer = await sender.Receive())
            {
                Assert.That(answer, Is.EqualTo("error:too-slow:slow").Or.EqualTo("error:offline:slow"));
                isOffline |= answer == "error:offline:slow";
            }
        }

        // It reads at last, and finds whole messages and then the Close.
        Assert.That(await slow.ReceiveClose(), Is.EqualTo((WebSocketCloseStatus)4000));
        Assert.That(await room.WaitForEnd(EndCause.TooSlow), Is.EqualTo(4000));
    }

    [Test]
    public async Task PairsThatTalkAtOnce_LoseNothing_AndKeepTheirOrder()
    {
        const int Pairs = 8, Messages = 300;
        await using RouterRoom room = await RouterRoom.Open();
        RouterPeer[] senders = new RouterPeer[Pairs], receivers = new RouterPeer[Pairs];
        for (int i = 0; i < Pairs; i++) (senders[i], receivers[i]) = (await room.Enter($"?uid=s{i}"), await room.Enter($"?uid=r{i}"));
        await Task.WhenAll(Enumerable.Range(0, Pairs).Select(async pair =>
        {
            Task all = SendAll(pair);
            for (int i = 0; i < Messages; i++) Assert.That(await receivers[pair].Receive(), Is.EqualTo($"{pair}.{i}"));
            await all;
        }));

        async Task SendAll(int pair)
        {
            for (int i = 0; i < Messages; i++) await senders[pair].Send($"r{pair}:{pair}.{i}");
        }
    }
}
