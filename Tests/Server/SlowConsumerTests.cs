// What is dropped for a client that does not read, and that nothing is lost in the counts: sent = delivered + dropped + queued. A
// connection over memory step by step, and real sockets with every transport; messages of its own and to everybody. (SendQueueDropTests
// has the queue.)

using System.Buffers.Binary;
using System.Collections.Concurrent;
using Microsoft.Extensions.Time.Testing;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Connections;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

public sealed class SlowConsumerTests
{
    private const int Bound = 16 * 1024;

    // At each step: sent = delivered + dropped + queued, where delivered is what the peer has got, and nothing comes twice or out of order.
    [Test]
    public async Task AConnection_LosesNothingInItsCounts(
        [Values] SlowConsumer policy, [Values(1, 2, 3, 4, 5, 6, 7, 8)] int seed)
    {
        CloseReport? report = null;
        await using MemoryConnection peer = new(
            new ProtocolOverTcpTests.Handler { Closed = ended => report = ended },
            options => options with { SlowConsumer = policy, SendBufferBytesMax = Bound });
        Random random = new(seed);
        int next = 0, pings = 0;
        long refused = 0;
        for (int step = 0; step < 2000; step++)
        {
            switch (random.Next(7))
            {
                case 0 when peer.WantsBytes:
                    peer.Arrive(RawClient.Frame(Opcode.Ping, [(byte)pings++]));
                    break;
                case 1 when peer.WantsBytes:
                    peer.Arrive(RawClient.Frame(Opcode.Binary, Numbered(next++, random)));
                    break;
                case 2 or 3:
                    SendResult sent = peer.Connection.TrySend(MessageKind.Binary, Numbered(next++, random));
                    if (sent == SendResult.Full) refused++;
                    Assert.That(sent, Is.AnyOf(SendResult.Queued, policy == SlowConsumer.Close ? SendResult.Full : SendResult.Dropped));
                    if (random.Next(2) == 0) peer.Turn();
                    break;
                case 4:
                    SendToAll(peer, next++, random);
                    if (random.Next(2) == 0) peer.Turn();
                    break;
                case 5:
                    peer.Room = random.Next(2) == 0 ? 0 : random.Next(1000);
                    break;
                default:
                    peer.Room = Math.Max(peer.Room, random.Next(1000));
                    peer.BecomeWritable();
                    break;
            }

            SentMessages count = peer.Connection.Queue.Count(peer.Connection);
            long delivered = Received(peer.Taken, isWhole: false).Count;
            Assert.That(count.Sent, Is.EqualTo(delivered + count.Dropped + count.Queued), $"step {step}");
        }

        if (policy == SlowConsumer.Close) Assert.That(refused, Is.GreaterThan(0));
        peer.Room = int.MaxValue;
        peer.BecomeWritable();
        peer.Turn();
        List<int> received = Received(peer.Taken, isWhole: true);
        Assert.That(received, Is.Ordered.And.Unique);
        peer.Break();
        Assert.That(report!.MessagesDelivered, Is.EqualTo(received.Count));
        Assert.That((report.MessagesUnsent, report.MessagesDropped > 0), Is.EqualTo((0L, policy != SlowConsumer.Close)));
        if (policy == SlowConsumer.Close) Assert.That(report.MessagesOut, Is.LessThanOrEqualTo(next - refused));
        else Assert.That(report.MessagesOut, Is.EqualTo(next));
    }

    // What still waits when the connection ends is neither delivered nor dropped; what is cleared away for a Close 4000 is dropped.
    [Test]
    public async Task AtTheEnd_WhatWaitsIsUnsent_AndWhatMakesWayForACloseIsDropped([Values] bool closesTooSlow)
    {
        CloseReport? report = null;
        await using MemoryConnection peer = new(new ProtocolOverTcpTests.Handler { Closed = ended => report = ended });
        peer.Room = 150;
        for (int i = 0; i < 10; i++) peer.Connection.TrySend(MessageKind.Binary, new byte[98]);
        peer.Turn();
        if (closesTooSlow) peer.Turn(peer.Connection.CloseTooSlow);
        peer.Break();
        Assert.That((report!.MessagesOut, report.MessagesDelivered, report.MessagesDropped, report.MessagesUnsent),
            Is.EqualTo(closesTooSlow ? (10L, 1L, 8L, 1L) : (10L, 1L, 0L, 9L)));
        Assert.That(report.ToString(), Does.Contain(closesTooSlow ? ", dropped 8, unsent 1" : " bytes, unsent 9"));
    }

    // An answer has joined the batch when its connection is reset. The kernel is full: the answer comes back while the socket is closed.
    [Test]
    public async Task WhatComesBackWhileItIsClosed_IsUnsent()
    {
        CloseReport? report = null;
        ProtocolOverTcpTests.Handler answers = new((connection, _, _) =>
        {
            Assert.That(connection.TrySend("an answer"), Is.EqualTo(SendResult.Queued));
            connection.Abort();
            return ValueTask.CompletedTask;
        })
        {
            Closed = ended => report = ended,
        };
        await using MemoryConnection peer = new(answers);
        peer.Batch();
        peer.Room = 4;
        peer.Arrive(RawClient.Frame(Opcode.Text, "a question"u8));
        Assert.That((report!.MessagesOut, report.MessagesDelivered, report.MessagesUnsent), Is.EqualTo((1L, 0L, 1L)));
        Assert.That((peer.Taken.Length, peer.ClosedWithReset), Is.EqualTo((4, true)));
    }

    // With takeover a message refers to earlier ones, and so what is encoded is never dropped.
    [Test]
    public async Task WhatRefersToEarlierMessages_IsNotDroppedOnceItIsEncoded()
    {
        await using MemoryConnection peer = new(new ProtocolOverTcpTests.Handler(), options => options with
        {
            SlowConsumer = SlowConsumer.DropOldest,
            SendBufferBytesMax = 1000,
            Compression = true,
            CompressionTakeover = true,
        }, extensions: "permessage-deflate");
        peer.Room = 0;
        Random random = new(1);
        byte[] payload = new byte[400];
        List<SendResult> results = [];
        for (int i = 0; i < 6; i++)
        {
            random.NextBytes(payload);
            results.Add(peer.Connection.TrySend(MessageKind.Binary, payload));
            peer.Turn();
        }

        Assert.That(results, Is.EqualTo((SendResult[])
        [
            SendResult.Queued, SendResult.Queued, SendResult.Queued, SendResult.Dropped, SendResult.Dropped, SendResult.Dropped,
        ]));
    }

    [Test]
    public async Task WhoWaitsForRoom_LosesNothing_AndTakesNothingFromOthers(
        [Values(SlowConsumer.DropOldest, SlowConsumer.DropNewest)] SlowConsumer policy)
    {
        await using MemoryConnection peer = new(
            new ProtocolOverTcpTests.Handler(), options => options with { SlowConsumer = policy, SendBufferBytesMax = Bound });
        peer.Room = 0;
        while (!peer.Connection.Queue.IsFull(peer.Connection)) peer.Connection.TrySend(MessageKind.Binary, new byte[500]);
        peer.Turn();
        Task<SendResult> waiting = peer.Connection.SendAsync("I wait").AsTask();
        Assert.That((waiting.IsCompleted, peer.Connection.Queue.Count(peer.Connection).Dropped), Is.EqualTo((false, 0L)));
        peer.Room = int.MaxValue;
        peer.BecomeWritable();
        Assert.That(await waiting.WaitAsync(TestServer.Patience), Is.EqualTo(SendResult.Queued));
    }

    [TestCaseSource(typeof(Setup), nameof(Setup.All))]
    public async Task OverSockets_SentIsDeliveredAndDropped(Setup setup)
    {
        foreach (SlowConsumer policy in (SlowConsumer[])[SlowConsumer.DropOldest, SlowConsumer.DropNewest, SlowConsumer.Close])
        {
            ConcurrentQueue<WebSocketConnection> opened = new();
            ConcurrentQueue<CloseReport> reports = new();
            await using TestServer server = await TestServer.Start(
                setup, new ProtocolOverTcpTests.Handler { Opened = opened.Enqueue, Closed = reports.Enqueue },
                options => options with
                {
                    SlowConsumer = policy,
                    SendBufferBytesMax = 256 * 1024,
                    TimeProvider = new FakeTimeProvider(), // nobody is too slow for too long
                });
            using RawClient slow = RawClient.Open(server.Port, receiveBuffer: 4096);
            TestServer.Eventually(() => opened.Count == 1, "open");
            WebSocketConnection connection = opened.Single();
            Random random = new(7);
            int next = 0, refused = 0, most = 0;
            SentMessages count = default;
            // Until much has been dropped; or, where nothing is, refused.
            while (refused + count.Dropped < 300)
            {
                bool toAll = random.Next(2) == 0;
                byte[] message = Numbered(next++, random, random.Next(20) == 0 ? 40_000 : 1500);
                if (toAll) server.Server.TryBroadcast(MessageKind.Binary, message, _ => Interlocked.Increment(ref most));
                else if (connection.TrySend(MessageKind.Binary, message) == SendResult.Full) refused++;
                count = connection.Queue.Count(connection);
                Assert.That(count.Sent - count.Dropped - count.Queued, Is.GreaterThanOrEqualTo(0));
                Assert.That(connection.QueuedBytes, Is.LessThan(1024 * 1024));
            }

            server.CatchUp();
            slow.Socket.ReceiveBufferSize = 256 * 1024; // it has been slow for long enough
            List<int> received = [];
            slow.Send(Opcode.Ping, "last"u8); // never dropped
            bool ponged = false;
            while (!ponged || connection.Queue.Count(connection).Queued > 0 || received.Count < Delivered(connection))
            {
                (Opcode opcode, byte[] payload) = slow.ReadFrame()!.Value;
                if (opcode == Opcode.Pong) ponged = true;
                else received.Add(BinaryPrimitives.ReadInt32BigEndian(payload));
            }

            Assert.That(received, Is.Ordered.And.Unique);
            slow.Dispose();
            TestServer.Eventually(() => !reports.IsEmpty, "ended");
            CloseReport report = reports.Single();
            Assert.That((report.MessagesDelivered, report.MessagesUnsent), Is.EqualTo(((long)received.Count, 0L)));
            Assert.That(report.MessagesOut, Is.EqualTo(policy == SlowConsumer.Close ? received.Count : next));
            if (policy == SlowConsumer.DropOldest) Assert.That(received[^1], Is.EqualTo(next - 1), "the newest is there");
            if (policy == SlowConsumer.DropNewest) Assert.That(received[100], Is.EqualTo(100), "the oldest are there");
            Assert.That(most > 0, Is.EqualTo(policy == SlowConsumer.Close), "somebody was told of one that is refused");
        }
    }

    private static long Delivered(WebSocketConnection connection)
    {
        SentMessages count = connection.Queue.Count(connection);
        return count.Sent - count.Dropped - count.Queued;
    }

    private static byte[] Numbered(int number, Random random, int most = 1000)
    {
        byte[] message = new byte[4 + random.Next(most)];
        BinaryPrimitives.WriteInt32BigEndian(message, number);
        return message;
    }

    private static void SendToAll(MemoryConnection peer, int number, Random random)
    {
        byte[] message = Numbered(number, random), frame = new byte[message.Length + FrameWriter.HeaderBytesMax];
        int length = FrameWriter.Write(frame, Opcode.Binary, message);
        Assert.That(peer.Loop.Broadcasts.TryAppend(frame.AsSpan(0, length), refused: null, out _));
    }

    // The numbers of the messages that have come whole.
    private static List<int> Received(byte[] taken, bool isWhole)
    {
        List<int> numbers = [];
        int at = 0;
        while (FrameReader.TryRead(taken.AsSpan(at), out FrameHeader header) == ReadStatus.Done)
        {
            int payload = at + header.HeaderLength, end = payload + (int)header.PayloadLength;
            if (end > taken.Length) break;
            if (!header.IsControl) numbers.Add(BinaryPrimitives.ReadInt32BigEndian(taken.AsSpan(payload)));
            at = end;
        }

        Assert.That(at == taken.Length || !isWhole);
        return numbers;
    }
}
