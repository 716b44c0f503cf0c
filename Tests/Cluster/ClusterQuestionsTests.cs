// What nodes ask each other in JSON: whatever comes, it is a question of that form, or nothing.

using System.Collections.Concurrent;
using System.Net;
using System.Text;
using NATS.Client.Core;
using RawWs.Benchmarks.Backplane;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Server.Nats;
using RawWs.Tests.Support;

namespace RawWs.Tests.Cluster;

[Parallelizable(ParallelScope.Self)]
public sealed class ClusterQuestionsTests
{
    private const string Find = """{"v":1,"from":"two","kind":"find","uid":"bob"}""";

    private static IEnumerable<string> Nonsense =>
    [
        "", "x", "[]", "null", "{}", "\"\"", "1e999",
        Find.Replace("\"v\":1", "\"v\":2"),
        Find.Replace("find", "drop"),
        Find.Replace("two", "t w o"),
        Find.Replace("two", ""),
        Find.Replace("\"bob\"", "\"\""),
        Find.Replace("\"bob\"", "null"),
        Find.Replace("\"bob\"", "7"),
        Find.Replace("bob", "\\ud800"),
        Find.Replace("bob", "\\ufffd\\ud800"),
        Find.Replace("bob", new string('b', 257)),
        Find.Replace("bob", new string('b', 5_000)),
        Find.Replace("{", "{\"x\":[[[[[[]]]]]],"),
        Find.Replace("find", "kick"), // 0 is no code
        Kick(1005, ""), Kick(999, ""), Kick(70_000, ""), Kick(-1, ""), Kick(4100, new string('x', 124)),
        Find + Find,
    ];

    [TestCaseSource(nameof(Nonsense))]
    public void WhatIsNoQuestion_IsNothing(string text) =>
        Assert.That(ClusterQuestions.Read(Encoding.UTF8.GetBytes(text)), Is.Null);

    [Test]
    public void BytesThatAreNotUtf8_AreNothing()
    {
        byte[] bytes = Encoding.UTF8.GetBytes(Find);
        for (int i = 0; i < bytes.Length; i++)
        {
            byte[] broken = [.. bytes];
            broken[i] = 0xFF;
            Assert.That(ClusterQuestions.Read(broken), Is.Null);
            Assert.That(ClusterQuestions.Read(bytes.AsSpan(0, i)), Is.Null);
        }
    }

    [Test]
    public void AQuestion_IsOne()
    {
        Assert.That(ClusterQuestions.Read(Encoding.UTF8.GetBytes(Find)), Is.EqualTo(new ClusterQuestion(1, "two", "find", "bob")));
        Assert.That(ClusterQuestions.Read(Encoding.UTF8.GetBytes(Kick(4100, "go"))),
            Is.EqualTo(new ClusterQuestion(1, "two", "kick", "bob", 4100, "go")));
    }

    [TestCase("""{"v":1,"node":"two","count":2}""", 2)]
    [TestCase("""{"v":1,"node":"two","count":-2}""", null)]
    [TestCase("""{"v":1,"node":"*","count":2}""", null)]
    [TestCase("""{"v":1,"count":2}""", null)]
    [TestCase("""{"v":0,"node":"two","count":2}""", null)]
    [TestCase("", null)]
    public void AReply_IsOne_OrNothing(string text, int? count) =>
        Assert.That(ClusterQuestions.ReadReply(Encoding.UTF8.GetBytes(text))?.Count, Is.EqualTo(count));

    // Strangers who may publish in NATS: the node counts what they say, and goes on.
    [Test]
    public async Task WhateverIsPublished_TheNodeGoesOn()
    {
        Tools.Require("nats-server");
        using NatsServer nats = new();
        await using NatsBackplane backplane = new(
            new NatsBackplaneOptions { Nats = NatsOpts.Default with { Url = nats.Url }, NodeId = "one" });
        await using WebSocketServer server = new(new ServerOptions { ListenEndPoints = [new IPEndPoint(IPAddress.Loopback, 0)] },
            new RouterApplication(Introduce.Query, DuplicateUid.Share) { Delivery = backplane });
        await backplane.StartAsync(server);
        await server.StartAsync();
        await using NatsConnection stranger = new(NatsOpts.Default with { Url = nats.Url });
        int sent = 0;
        foreach (string subject in (string[])["rawws.all", "rawws.node.one", "rawws.ask"])
        {
            foreach (byte[] bytes in (byte[][])[[], [1], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], new byte[100_000], new byte[300_000]])
            {
                await stranger.PublishAsync(subject, bytes, replyTo: "_INBOX.x.y");
                sent++;
            }
        }

        await stranger.PublishAsync("rawws.ask", Encoding.UTF8.GetBytes(Find), replyTo: "rawws.node.one");
        await stranger.PublishAsync("rawws.ask", Encoding.UTF8.GetBytes(Find));
        sent += 2;
        TestServer.Eventually(() => backplane.Nonsense == sent, "all of it is counted");
        using RawClient bob = RawClient.Open(server.EndPoints[0].Port, "/?uid=bob");
        string inbox = stranger.NewInbox();
        await using INatsSub<string> answers = await stranger.SubscribeCoreAsync<string>(inbox);
        await stranger.PublishAsync("rawws.ask", Encoding.UTF8.GetBytes(Find), replyTo: inbox);
        NatsMsg<string> answer = await answers.Msgs.ReadAsync().AsTask().WaitAsync(TestServer.Patience);
        Assert.That(answer.Data, Is.EqualTo("""{"v":1,"node":"one","count":1}"""));
        Assert.That((await backplane.FindAsync("bob")).Connections, Is.EqualTo(1));
        Assert.That((await backplane.KickAsync("bob", 4100, "go")).Nodes, Is.EqualTo([new NodeConnections("one", 1)]));
        Assert.That(bob.ReadClose(answer: true), Is.EqualTo(((ushort?)4100, "go")));
        TestServer.Eventually(() => backplane.IsReady, "it is ready again, should the machine have stood still for a moment");
    }

    // Before a node knows that no other one has its id, it says nothing in that name.
    [Test]
    public async Task WhoMayNotAnswerYet_IsSilent()
    {
        Tools.Require("nats-server");
        using NatsServer nats = new();
        await using WebSocketServer server = new(
            new ServerOptions { ListenEndPoints = [new IPEndPoint(IPAddress.Loopback, 0)] }, new EchoApplication());
        await using NatsConnection connection = new(NatsOpts.Default with { Url = nats.Url });
        bool may = false;
        await using ClusterQuestions questions =
            new(connection, "rawws", "one", server.Directory, static _ => { }, TimeProvider.System) { MayAnswer = () => may };
        await questions.StartAsync();
        string[] inboxes = [connection.NewInbox(), connection.NewInbox()];
        await using INatsSub<string> first = await connection.SubscribeCoreAsync<string>(inboxes[0]),
            second = await connection.SubscribeCoreAsync<string>(inboxes[1]);
        await connection.PublishAsync("rawws.ask", Encoding.UTF8.GetBytes(Find), replyTo: inboxes[0]);
        await connection.PublishAsync("rawws.ask", "nonsense"u8.ToArray(), replyTo: inboxes[0]);
        await TestServer.EventuallyAsync(() => questions.Nonsense == 1, "both were dealt with, one after the other");
        may = true;
        await connection.PublishAsync("rawws.ask", Encoding.UTF8.GetBytes(Find), replyTo: inboxes[1]);
        await second.Msgs.ReadAsync().AsTask().WaitAsync(TestServer.Patience);
        Assert.That(first.Msgs.TryRead(out _), Is.False);
    }

    [Test]
    public async Task AQuestionThatFails_IsToldOf_AndTheNextOneIsAnswered()
    {
        Tools.Require("nats-server");
        using NatsServer nats = new();
        await using WebSocketServer server = new(
            new ServerOptions { ListenEndPoints = [new IPEndPoint(IPAddress.Loopback, 0)] }, new EchoApplication());
        await using NatsConnection connection = new(NatsOpts.Default with { Url = nats.Url });
        ConcurrentQueue<Exception> failures = [];
        await using ClusterQuestions questions = new(connection, "rawws", "one", server.Directory, failures.Enqueue, new FailsOnce());
        await questions.StartAsync();
        string[] inboxes = [connection.NewInbox(), connection.NewInbox()];
        await using INatsSub<string> first = await connection.SubscribeCoreAsync<string>(inboxes[0]),
            second = await connection.SubscribeCoreAsync<string>(inboxes[1]);
        foreach (string inbox in inboxes) await connection.PublishAsync("rawws.ask", Encoding.UTF8.GetBytes(Find), replyTo: inbox);
        NatsMsg<string> answer = await second.Msgs.ReadAsync().AsTask().WaitAsync(TestServer.Patience);
        Assert.That(answer.Data, Is.EqualTo("""{"v":1,"node":"one","count":0}"""));
        Assert.That(failures.Select(static failure => failure.Message), Is.EqualTo(["no sense"]));
        Assert.That(first.Msgs.TryRead(out _), Is.False);
    }

    [Test]
    public async Task WhatCannotBeAsked_IsAnArgument_AndBeforeTheStartNothingCanBe()
    {
        await using NatsBackplane backplane = new(new NatsBackplaneOptions { NodeId = "one" });
        Assert.That(() => backplane.FindAsync(""), Throws.ArgumentException);
        Assert.That(() => backplane.FindAsync("\ud800"), Throws.ArgumentException);
        Assert.That(() => backplane.FindAsync("\ufffd\ud800"), Throws.ArgumentException);
        Assert.That(() => backplane.KickAsync("bob", 1005), Throws.ArgumentException);
        Assert.That(() => backplane.KickAsync("bob", 1000, new string('x', 124)), Throws.ArgumentException);
        Assert.That(() => backplane.FindAsync("bob"), Throws.InvalidOperationException);
        Assert.That(
            () => backplane.PublishElsewhere(MessageTarget.Everybody, WebSocketMessage.Text("x")), Throws.InvalidOperationException);
        Assert.That(backplane.Nodes, Is.EqualTo([new ClusterMember("one", true)]));
        Assert.That((backplane.IsConnected, backplane.IsReady), Is.EqualTo((false, false)));
    }

    private static string Kick(int code, string reason) =>
        $$"""{"v":1,"from":"two","kind":"kick","uid":"bob","code":{{code}},"reason":"{{reason}}"}""";

    /// <summary>Its first timer cannot be had.</summary>
    private sealed class FailsOnce : TimeProvider
    {
        private int _timers;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            Interlocked.Increment(ref _timers) == 1
                ? throw new NotSupportedException("no sense")
                : base.CreateTimer(callback, state, dueTime, period);
    }
}
