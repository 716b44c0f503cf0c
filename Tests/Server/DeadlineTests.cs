// Every deadline, with a clock that the test turns: nothing sleeps.

using System.Net.Sockets;
using Microsoft.Extensions.Time.Testing;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixtureSource(typeof(Setup), nameof(Setup.All))]
public sealed class DeadlineTests(Setup setup)
{
    private readonly FakeTimeProvider _time = new();
    private TestServer _server = null!;

    [Test]
    public async Task ASilentClient_IsToldInTheSeedsWords_AndClosedWith3008()
    {
        await using TestServer server = await Start(static options => options with { Heartbeat = TimeSpan.FromSeconds(10) });
        using RawClient client = RawClient.Open(server.Port);
        client.SendText("100:haha");
        Assert.That(client.ReadText(), Is.EqualTo("haha"));
        Advance(9.9);
        client.SendText("100:still here");
        Assert.That(client.ReadText(), Is.EqualTo("still here"));
        Advance(9.9);
        client.SendText("100:and here");
        Assert.That(client.ReadText(), Is.EqualTo("and here"));
        AdvanceUntilReadable(client);
        Assert.That(client.ReadText(), Is.EqualTo("Network connection timeout!"));
        Assert.That(client.ReadClose(answer: true), Is.EqualTo(((ushort?)3008, "Network connection timeout!")));
    }

    [Test]
    public async Task WithoutHeartbeat_PingsAreSent_AndTwoUnansweredOnesEndIt()
    {
        await using TestServer server = await Start(static options => options with { PingInterval = TimeSpan.FromSeconds(25) });
        using RawClient client = RawClient.Open(server.Port);
        for (int i = 0; i < 3; i++)
        {
            AdvanceUntilReadable(client);
            Assert.That(client.ReadFrame()!.Value.Opcode, Is.EqualTo(Opcode.Ping));
            client.Send(Opcode.Pong, []);
            client.SendText("1:read"); // comes back once the Pong before it has been read
            Assert.That(client.ReadText(), Is.EqualTo("read"));
        }

        for (int i = 0; i < 2; i++)
        {
            AdvanceUntilReadable(client);
            Assert.That(client.ReadFrame()!.Value.Opcode, Is.EqualTo(Opcode.Ping));
        }

        AdvanceUntilReadable(client);
        Assert.That(client.ReadClose(answer: true).Code, Is.EqualTo(1011));
    }

    [Test]
    public async Task PingText_IsSentInstead_AndExpectsNoAnswer()
    {
        await using TestServer server = await Start(static options => options with { PingText = "ping" });
        using RawClient client = RawClient.Open(server.Port);
        for (int i = 0; i < 5; i++)
        {
            AdvanceUntilReadable(client);
            Assert.That(client.ReadText(), Is.EqualTo("ping"));
        }
    }

    [Test]
    public async Task ARequestThatDoesNotCome_IsAnsweredWith408()
    {
        await using TestServer server = await Start();
        using RawClient client = RawClient.Connect(server.Port);
        client.Send("GET / HTTP/1.1\r\nHost: a\r\n");
        AdvanceUntilReadable(client);
        Assert.That(client.ReadToEnd(), Does.StartWith("HTTP/1.1 408 "));
    }

    [TestCase("81", TestName = "MessageTimeout_FromTheFirstByteOfAHeader")]
    [TestCase("01810000000061", TestName = "MessageTimeout_BetweenFragments")]
    public async Task AMessageThatDoesNotEnd_IsClosedWith4001(string hex)
    {
        await using TestServer server = await Start();
        using RawClient client = RawClient.Open(server.Port);
        client.Send(Convert.FromHexString(hex));
        bool inAFrame = hex.Length == 2; // then a ping cannot go between; else it shows that life alone does not save the message
        for (int second = 0; second < 100; second++)
        {
            if (!inAFrame) client.Send(Opcode.Ping, []);
            while (!inAFrame || client.Socket.Poll(0, SelectMode.SelectRead))
            {
                (Opcode opcode, byte[] payload) = client.ReadFrame()!.Value;
                if (opcode == Opcode.Pong) break;
                if (opcode == Opcode.Ping) continue;
                Assert.That((opcode, payload), Is.EqualTo((Opcode.Close, (byte[])[0x0F, 0xA1, .. "message timeout"u8])));
                Assert.That(second, Is.GreaterThanOrEqualTo(28));
                return;
            }

            Advance(1);
        }

        Assert.Fail("no Close came");
    }

    [Test]
    public async Task APeerThatDoesNotAnswerAClose_IsCutOff()
    {
        CloseReport? report = null;
        await using TestServer server = await Start(application: new ProtocolOverTcpTests.Handler(static (connection, _, _) =>
        {
            connection.Close(4000, "go");
            return ValueTask.CompletedTask;
        })
        { Closed = ended => report = ended });
        using RawClient client = RawClient.Open(server.Port);
        client.SendText("x");
        Assert.That(client.ReadFrame()!.Value.Opcode, Is.EqualTo(Opcode.Close));
        TestServer.Eventually(() => report is not null || AdvanceALittle(), "ended");
        Assert.That((report!.Cause, report.Code, report.Clean), Is.EqualTo((EndCause.CloseDeadline, (int?)4000, false)));
    }

    [Test]
    public async Task AnUnansweredClose_IsThereToBeReadLate()
    {
        CloseReport? report = null;
        await using TestServer server = await Start(application: new ProtocolOverTcpTests.Handler(static (connection, _, _) =>
        {
            connection.TrySend(MessageKind.Text, "last word"u8);
            connection.Close(4000, "go");
            return ValueTask.CompletedTask;
        })
        { Closed = ended => report = ended });
        using RawClient client = RawClient.Open(server.Port);
        client.SendText("x");
        TestServer.Eventually(() => report is not null || AdvanceALittle(), "ended");
        // The server has closed its socket, and nothing has been read yet: a reset would take it all away.
        Assert.That(client.ReadText(), Is.EqualTo("last word"));
        Assert.That(client.ReadClose(), Is.EqualTo(((ushort?)4000, "go")));
    }

    [Test]
    public async Task APeerThatNeverReads_IsResetAfterTheSendTimeout()
    {
        CloseReport? report = null;
        WebSocketConnection? opened = null;
        await using TestServer server =
            await Start(
                // While its system acknowledges what is on the way, the time begins again; only then a Ping might be missed first.
                static options => options with { PingInterval = TimeSpan.FromHours(1) },
                new ProtocolOverTcpTests.Handler(static (_, _, _) => ValueTask.CompletedTask)
                {
                    Opened = connection => opened = connection,
                    Closed = ended => report = ended,
                });
        using RawClient client = RawClient.Open(server.Port, receiveBuffer: 4096);
        TestServer.Eventually(() => opened is not null, "open");
        byte[] payload = new byte[1 << 20];
        for (int i = 0; i < 32; i++) opened!.TrySend(MessageKind.Binary, payload);
        TestServer.Eventually(() => report is not null || AdvanceALittle(), "stalled");
        Assert.That(report!.Cause, Is.EqualTo(EndCause.StalledSend));
    }

    private async Task<TestServer> Start(Func<ServerOptions, ServerOptions>? change = null, IWebSocketApplication? application = null) =>
        _server = await TestServer.Start(
        setup,
        application ?? new RouterApplication(Introduce.FirstMessage, DuplicateUid.Share),
        options => (change is null ? options : change(options)) with { TimeProvider = _time, SendBufferBytesMax = 32 << 20 });

    private bool AdvanceALittle()
    {
        Advance(1);
        return false;
    }

    // Second by second, never past what it waits for: the server catches up with each, and what it has sent is given a moment to arrive.
    private void AdvanceUntilReadable(RawClient client)
    {
        for (int i = 0; i < 1000; i++)
        {
            if (client.Socket.Poll(1_000, SelectMode.SelectRead)) return;
            Advance(1);
        }

        Assert.Fail("A thousand seconds have passed, and nothing has come.");
    }

    // The loops have done all that was due by then when it returns: on a slow machine no time passes behind their backs.
    private void Advance(double seconds)
    {
        _time.Advance(TimeSpan.FromSeconds(seconds));
        _server.CatchUp();
    }
}
