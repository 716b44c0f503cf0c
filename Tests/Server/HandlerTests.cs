// Handlers that go on after an await, and applications that misuse their face: nobody else is hurt, and nobody sees another's bytes.

using System.Collections.Concurrent;
using System.Text;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixtureSource(typeof(Setup), nameof(Setup.All))]
public sealed class HandlerTests(Setup setup)
{
    [Test]
    public async Task AMessage_StaysWhatItIs_ForAsLongAsItsHandlerRuns()
    {
        const int Clients = 8, Messages = 200;
        await using TestServer server =
            await TestServer.Start(setup, new ProtocolOverTcpTests.Handler(static async (connection, _, message) =>
        {
            await Task.Yield();
            for (int i = 0; i < 3; i++)
            {
                int first = message.Span[0];
                Assert.That(message.Span.IndexOfAnyExcept((byte)first), Is.EqualTo(-1));
                await Task.Yield();
            }

            connection.TrySend(MessageKind.Binary, message.Span[..1]);
        }));
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(id => Task.Factory.StartNew(
            () =>
            {
                using RawClient client = RawClient.Open(server.Port);
                byte[] message = RawClient.Frame(Opcode.Binary, Enumerable.Repeat((byte)('a' + id), 30_000).ToArray());
                for (int i = 0; i < Messages; i++)
                {
                    client.Send(message);
                    Assert.That(client.ReadFrame()!.Value.Payload, Is.EqualTo(new[] { (byte)('a' + id) }));
                }
            },
            TaskCreationOptions.LongRunning)));
    }

    [Test]
    public async Task AHandlerThatEndsAnothersWait_DoesNotRunItInTheMidstOfItsOwnBytes()
    {
        ConcurrentDictionary<long, TaskCompletionSource> waiting = new();
        await using TestServer server = await TestServer.Start(setup, new ProtocolOverTcpTests.Handler(async (connection, kind, message) =>
        {
            string text = Encoding.ASCII.GetString(message.Span);
            if (text == "wait")
            {
                TaskCompletionSource mine = waiting[connection.Id] = new TaskCompletionSource(); // whoever completes it runs what follows
                await mine.Task;
                connection.TrySend(kind, "waited"u8);
                return;
            }

            connection.TrySend(kind, "before"u8);
            foreach (TaskCompletionSource other in waiting.Values) other.TrySetResult();
            connection.TrySend(kind, "after"u8);
        }));
        for (int round = 0; round < 20; round++)
        {
            waiting.Clear();
            List<RawClient> waiters = [.. Enumerable.Range(0, 8).Select(_ => RawClient.Open(server.Port))];
            foreach (RawClient waiter in waiters)
            {
                waiter.SendText("wait");
                waiter.SendText("wait"); // there is more to take as soon as the first is over
            }

            TestServer.Eventually(() => waiting.Count == waiters.Count, "all wait");
            using RawClient waker = RawClient.Open(server.Port);
            waker.SendText("wake");
            Assert.That((waker.ReadText(), waker.ReadText()), Is.EqualTo(("before", "after")));
            foreach (RawClient waiter in waiters) Assert.That(waiter.ReadText(), Is.EqualTo("waited"));
            waiters.ForEach(static waiter => waiter.Reset());
            TestServer.Eventually(() =>
            {
                foreach (TaskCompletionSource left in waiting.Values) left.TrySetResult();
                return server.Server.Count == 1;
            }, "gone");
        }
    }

    [Test]
    public async Task WhatAHandlerLeavesInTheExecutionContext_IsNotTheNextConnections([Values] bool othersAwait)
    {
        AsyncLocal<string?> left = new();
        ConcurrentQueue<string?> seen = new();
        await using TestServer server = await TestServer.Start(setup, new ProtocolOverTcpTests.Handler((connection, kind, message) =>
        {
            if (message.Span[0] == 'w') return Answer(connection, kind, message);
            seen.Enqueue(left.Value);
            left.Value = "somebody's";
            connection.TrySend(kind, message.Span);
            return ValueTask.CompletedTask;
        })
        {
            Opened = _ =>
            {
                seen.Enqueue(left.Value);
                left.Value = "an opener's";
            },
        });
        RawClient[] clients = [.. Enumerable.Range(0, 8).Select(_ => RawClient.Open(server.Port))];
        foreach (RawClient client in clients)
        {
            foreach (string text in (string[])(othersAwait ? ["wait", "hello", "wait", "hello"] : ["hello"]))
            {
                client.SendText(text);
                Assert.That(client.ReadText(), Is.EqualTo(text));
            }

            client.Dispose();
        }

        Assert.That(seen, Has.Count.EqualTo(othersAwait ? 24 : 16).And.All.Null);

        static async ValueTask Answer(WebSocketConnection connection, MessageKind kind, ReadOnlyMemory<byte> message)
        {
            await Task.Yield();
            connection.TrySend(kind, message.Span);
        }
    }

    [Test]
    public async Task ADisposedSharedMessage_IsRefusedToItsSender()
    {
        ConcurrentQueue<WebSocketConnection> opened = new();
        await using TestServer server = await TestServer.Start(setup, new ProtocolOverTcpTests.Handler { Opened = opened.Enqueue });
        using RawClient client = RawClient.Open(server.Port);
        TestServer.Eventually(() => !opened.IsEmpty, "open");
        foreach (int length in new[] { 10, 5000 })
        {
            SharedMessage message = server.Server.TryShare(MessageKind.Binary, new byte[length])!;
            message.Dispose();
            message.Dispose();
            Assert.That(() => opened.Single().TrySend(message), Throws.InstanceOf<ObjectDisposedException>());
        }

        client.SendText("still here");
        Assert.That(client.ReadText(), Is.EqualTo("still here"));
    }

    [Test]
    public async Task AnUpgradeThatTheApplicationFails_IsAnsweredWith500([Values] bool later)
    {
        await using TestServer server = await TestServer.Start(setup, new Failing(later));
        using RawClient client = RawClient.Connect(server.Port);
        client.Send($"GET / HTTP/1.1\r\n{RawClient.Upgrade}\r\n");
        Assert.That(client.ReadToEnd(), Does.StartWith("HTTP/1.1 500 "));
    }

    [Test]
    public async Task ASubprotocolThatWasNotOffered_IsNotSent()
    {
        await using TestServer server = await TestServer.Start(setup, new Naming());
        using RawClient client = RawClient.Connect(server.Port);
        client.Send($"GET / HTTP/1.1\r\n{RawClient.Upgrade}Sec-WebSocket-Protocol: other\r\n\r\n");
        Assert.That(client.ReadToEnd(), Does.StartWith("HTTP/1.1 500 "));
        using RawClient offering = RawClient.Connect(server.Port);
        offering.Send($"GET / HTTP/1.1\r\n{RawClient.Upgrade}Sec-WebSocket-Protocol: other, named\r\n\r\n");
        Assert.That(offering.ReadHead(), Does.Contain("\r\nSec-WebSocket-Protocol: named\r\n"));
    }

    [Test]
    public async Task AtTheMemoryLimit_AReceiverIsNotClosed_AndTheSenderIsTold([Values("1:hello", "all:hello")] string message)
    {
        setup.PassOverLayers("pieces need memory");
        await using TestServer server = await TestServer.Start(
            setup, new RouterApplication(Introduce.Query, DuplicateUid.Share), static options => options with { MemoryBytesMax = 1 << 20 });
        using RawClient receiver = RawClient.Open(server.Port, "/?uid=1");
        using RawClient sender = RawClient.Open(server.Port, "/?uid=2");
        // what is left of one would do for a message
        TestServer.Eventually(() => server.Server.Budget.HeldBytes == 0, "the queues of both answers are given back");
        byte[] taken = server.Server.Budget.Rent(1 << 20);
        sender.SendText(message);
        sender.Send(Opcode.Ping, []);
        Assert.That(sender.ReadFrame()!.Value.Opcode, Is.EqualTo(Opcode.Text).Or.EqualTo(Opcode.Pong)); // its error, where that finds room
        // What goes to everybody lies in one place, and whoever has nothing queued is sent it from there.
        if (message == "all:hello") Assert.That(receiver.ReadText(), Is.EqualTo("hello"));
        server.Server.Budget.Return(taken);
        sender.SendText("1:and now");
        Assert.That(receiver.ReadText(), Is.EqualTo("and now"));
    }

    [Test]
    public async Task StopWithoutDrain_TellsEverybody1001AllTheSame()
    {
        setup.PassOverLayers("what they hold back is not waited for");
        TestServer server = await TestServer.Start(setup, new EchoApplication());
        using RawClient client = RawClient.Open(server.Port);
        Task stopped = server.Server.StopAsync(TimeSpan.Zero);
        Assert.That(client.ReadFrame()!.Value.Payload[..2], Is.EqualTo(new byte[] { 1001 >> 8, 1001 & 0xFF }));
        await stopped;
        await server.DisposeAsync();
    }

    [Test]
    public async Task APortInUseByAServerOfOurs_IsRefused()
    {
        await using TestServer server = await TestServer.Start(setup, new EchoApplication());
        await using WebSocketServer second =
            new(new ServerOptions { ListenEndPoints = [server.Server.EndPoints[0]], Transport = setup.Transport }, new EchoApplication());
        Assert.That(second.StartAsync, Throws.InstanceOf<RawWs.Server.Listening.ListenException>());
    }

    private sealed class Failing(bool later) : IWebSocketApplication
    {
        private static async ValueTask<UpgradeDecision> OnUpgradeLater()
        {
            await Task.Yield();
            throw new InvalidOperationException("decided to fail");
        }

        public ValueTask<UpgradeDecision> OnUpgrade(UpgradeContext context) =>
            later ? OnUpgradeLater() : throw new InvalidOperationException("decided to fail");

        public ValueTask OnMessage(WebSocketConnection connection, WebSocketMessage message) => ValueTask.CompletedTask;
    }

    private sealed class Naming : IWebSocketApplication
    {
        public ValueTask<UpgradeDecision> OnUpgrade(UpgradeContext context) => new(UpgradeDecision.Accept(subprotocol: "named"));

        public ValueTask OnMessage(WebSocketConnection connection, WebSocketMessage message) => ValueTask.CompletedTask;
    }
}
