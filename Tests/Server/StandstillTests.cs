// The server does not run for a while: a loop stands still (somebody's handler), or the whole process does (Ctrl-Z, a frozen container, a
// debugger). Its peers go on meanwhile. What they have sent lies in the kernel, and what they could not send is not their fault: nobody is
// cut off for that time. Who is silent afterwards is, when his time is over.

using System.Text;
using Microsoft.Extensions.Time.Testing;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Server.Connections;
using RawWs.Server.Loops;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixtureSource(typeof(Setup), nameof(Setup.All))]
public sealed class StandstillTests(Setup setup)
{
    private readonly FakeTimeProvider _time = new();

    [Test]
    public async Task WhoSendsWhileTheServerStandsStill_IsNotSilent()
    {
        const int Clients = 600; // more than one epoll_wait tells of
        await using TestServer server = await Start(static options => options with { Heartbeat = TimeSpan.FromSeconds(10) });
        RawClient[] clients = [.. Enumerable.Range(0, Clients).Select(_ => RawClient.Open(server.Port))];
        StandStill(server, 60, () =>
        {
            foreach (RawClient client in clients) client.SendText("life");
        });
        foreach (RawClient client in clients)
        {
            Assert.That(client.ReadText(), Is.EqualTo("life"));
            client.SendText("more");
            Assert.That(client.ReadText(), Is.EqualTo("more"));
        }

        Assert.That(server.Server.Count, Is.EqualTo(Clients));
        foreach (RawClient client in clients) client.Dispose();
    }

    [Test]
    public async Task WhoIsSilentAfterIt_IsClosedWhenHisTimeIsOver()
    {
        await using TestServer server = await Start(static options => options with { Heartbeat = TimeSpan.FromSeconds(10) });
        using RawClient client = RawClient.Open(server.Port);
        Advance(server, 4);
        StandStill(server, 3600, static () => { });
        Advance(server, 5);
        Assert.That(client.Socket.Available, Is.Zero, "nine of his ten seconds have gone by");
        for (int i = 0; i < 3; i++) Advance(server, 1);
        Assert.That(client.ReadClose(answer: true).Code, Is.EqualTo(3008));
    }

    // Half of it was there before; the other half comes while nobody listens.
    [Test]
    public async Task AMessage_ARequest_AndAClose_ThatComeMeanwhile_AreInTime()
    {
        List<CloseReport> reports = [];
        await using TestServer server = await Start(
            static options =>
                options with
                {
                    MessageTimeout = TimeSpan.FromSeconds(5),
                    HandshakeTimeout = TimeSpan.FromSeconds(5),
                    CloseTimeout = TimeSpan.FromSeconds(5),
                },
            new ProtocolOverTcpTests.Handler(static (connection, kind, message) =>
            {
                if (Encoding.ASCII.GetString(message.Span) == "close") connection.Close();
                else connection.TrySend(kind, message.Span);
                return ValueTask.CompletedTask;
            })
            {
                Closed = report =>
                {
                    lock (reports) reports.Add(report);
                },
            });
        string request = $"GET / HTTP/1.1\r\n{RawClient.Upgrade}\r\n";
        byte[] message = RawClient.Frame(Opcode.Text, "a whole message"u8);
        using RawClient sender = RawClient.Open(server.Port), asker = RawClient.Connect(server.Port), closer = RawClient.Open(server.Port);
        sender.Send(message.AsSpan(0, 9));
        asker.Send(request[..30]);
        closer.SendText("close");
        Assert.That(closer.ReadFrame()!.Value.Opcode, Is.EqualTo(Opcode.Close));
        server.CatchUp();
        StandStill(server, 60, () =>
        {
            sender.Send(message.AsSpan(9));
            asker.Send(request[30..]);
            closer.Send(Opcode.Close, [0x03, 0xE8]);
        });
        Assert.That(sender.ReadText(), Is.EqualTo("a whole message"));
        Assert.That(asker.ReadHead(), Does.StartWith("HTTP/1.1 101 "));
        Assert.That(closer.ReadFrame(), Is.Null, "nothing follows a Close");
        closer.Dispose();
        TestServer.Eventually(() => reports.Count == 1, "one has ended");
        Assert.That((reports[0].Cause, reports[0].Clean), Is.EqualTo((EndCause.ApplicationClosed, true)));
    }

    // He had three of five seconds, and still has the other two: what he could not send while nobody took it, he sends now.
    [Test]
    public async Task WhatHasNotComeMeanwhile_HasTheTimeThatWasLeft()
    {
        await using TestServer server = await Start(static options => options with { MessageTimeout = TimeSpan.FromSeconds(5) });
        using RawClient client = RawClient.Open(server.Port);
        byte[] message = RawClient.Frame(Opcode.Text, "late"u8);
        client.Send(message.AsSpan(0, 7));
        client.Send([]);
        server.CatchUp();
        Advance(server, 3);
        StandStill(server, 60, static () => { });
        Advance(server, 1);
        client.Send(message.AsSpan(7));
        Assert.That(client.ReadText(), Is.EqualTo("late"));
    }

    // It is due, and in one turn more bytes have come than the loop is told of at once.
    [Test]
    public async Task AtTheDeadlineItself_WhatIsThereIsReadFirst()
    {
        const int Clients = 1500;
        await using TestServer server = await Start(static options => options with { Heartbeat = TimeSpan.FromSeconds(10) });
        RawClient[] clients = [.. Enumerable.Range(0, Clients).Select(_ => RawClient.Open(server.Port))];
        Advance(server, 9);
        using ManualResetEventSlim released = new();
        foreach (ConnectionLoop loop in server.Server.Loops) loop.Post(new Blocker(released));
        foreach (RawClient client in clients) client.SendText("in time");
        _time.Advance(TimeSpan.FromSeconds(1.05));
        released.Set();
        foreach (RawClient client in clients) Assert.That(client.ReadText(), Is.EqualTo("in time"));
        foreach (RawClient client in clients) client.Dispose();
    }

    private Task<TestServer> Start(Func<ServerOptions, ServerOptions> change, IWebSocketApplication? application = null) =>
        TestServer.Start(setup, application ?? new EchoApplication(), options => change(options) with { TimeProvider = _time });

    private void Advance(TestServer server, double seconds)
    {
        _time.Advance(TimeSpan.FromSeconds(seconds));
        server.CatchUp();
    }

    // The loops are in somebody's code while time goes by, and things happen.
    private void StandStill(TestServer server, double seconds, Action meanwhile)
    {
        using ManualResetEventSlim released = new();
        Blocker[] blockers = [.. server.Server.Loops.Select(_ => new Blocker(released))];
        for (int i = 0; i < blockers.Length; i++) server.Server.Loops[i].Post(blockers[i]);
        foreach (Blocker blocker in blockers) Assert.That(blocker.Stands.Wait(TestServer.Patience), "the loop stands still");
        meanwhile();
        _time.Advance(TimeSpan.FromSeconds(seconds));
        released.Set();
        server.CatchUp();
    }

    private sealed class Blocker(ManualResetEventSlim released) : ILoopWork
    {
        public ManualResetEventSlim Stands { get; } = new();

        public void OnPosted()
        {
            Stands.Set();
            released.Wait(TestServer.Patience);
        }
    }
}
