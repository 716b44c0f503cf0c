// What a full send queue drops, and that nothing is lost in the counts: sent = delivered + dropped + queued. The queue against a naive
// list, a connection over memory step by step, and real sockets with every transport; messages of its own and to everybody.

using System.Buffers.Binary;
using System.Collections.Concurrent;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Connections;
using RawWs.Server.Memory;
using RawWs.Server.Sending;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

public sealed class SlowConsumerTests
{
    private const int Bound = 16 * 1024;

    [Test]
    public void TheQueue_DropsTheOldest_AsANaiveListDoes([Range(1, 25)] int seed)
    {
        MemoryBudget budget = new(1 << 30);
        Random random = new(seed);
        for (int round = 0; round < 20; round++)
        {
            SendQueue queue = SendQueue.Rent(budget, new Congestion { FullBytes = Bound }, now: 0);
            NaiveQueue naive = new(queue, budget, random);
            if (random.Next(3) == 0) naive.Append(SendQueue.EntryKind.Http);
            for (int step = 0; step < 200; step++)
            {
                naive.Step();
                Assert.That((queue.QueuedBytes, queue.QueuedMessages, queue.InsideFrame),
                    Is.EqualTo((naive.Bytes, naive.Messages, naive.IsInside)), $"seed {seed}, round {round}, step {step}");
            }

            naive.Drain();
            Assert.That((queue.IsEmpty, queue.QueuedBytes, queue.QueuedMessages), Is.EqualTo((true, 0L, 0)));
            queue.Return();
        }

        Assert.That(budget.HeldBytes, Is.Zero);
    }

    // A peer that reads nothing for ever is sent to for ever: what is held has a bound.
    [Test]
    public void WhatIsDropped_HoldsNoMemory([Values(20, 5000)] int bytes)
    {
        MemoryBudget budget = new(1 << 30);
        SendQueue queue = SendQueue.Rent(budget, new Congestion { FullBytes = Bound }, now: 0);
        byte[] payload = new byte[bytes];
        queue.TryAppend(Opcode.Binary, payload);
        queue.TryPeek(out _, out _);
        queue.OnSent(1, now: 0);
        for (int i = 0; i < 100_000; i++)
        {
            if (i % 50_000 == 0) queue.Append([0x89, 0x00], SendQueue.EntryKind.Ping);
            queue.DropOldest();
            queue.TryAppend(Opcode.Binary, payload);
        }

        Assert.That(budget.HeldBytes, Is.LessThan(8 * Bound + 100_000));
        queue.Return();
        Assert.That(budget.HeldBytes, Is.Zero);
    }

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
                options => options with { SlowConsumer = policy, SendBufferBytesMax = 256 * 1024 });
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

    /// <summary>A list of frames, on which the same is done as on the queue.</summary>
    private sealed class NaiveQueue(SendQueue queue, MemoryBudget budget, Random random)
    {
        private readonly List<(byte[] Frame, bool IsMessage)> _frames = [];
        private int _sent; // of the first frame
        private int _given; // frames that the kernel is being given

        public long Bytes => _frames.Sum(static one => (long)one.Frame.Length) - _sent;

        public int Messages => _frames.Count(static one => one.IsMessage);

        public bool IsInside => _sent > 0;

        public void Append(SendQueue.EntryKind kind)
        {
            byte[] frame = kind == SendQueue.EntryKind.Http ? new byte[100] : [(byte)(kind == SendQueue.EntryKind.Ping ? 0x89 : 0x8A), 0];
            queue.Append(frame, kind);
            _frames.Add((frame, false));
        }

        public void Step()
        {
            switch (random.Next(10))
            {
                case 0:
                    Append(random.Next(2) == 0 ? SendQueue.EntryKind.Ping : SendQueue.EntryKind.Pong);
                    break;
                case < 6:
                    Append(random.Next(8) == 0 ? 3000 + random.Next(9000) : random.Next(600));
                    break;
                case 6:
                    Append3();
                    break;
                case 7:
                    Drop();
                    break;
                case 8:
                    PutInFront();
                    break;
                default:
                    Send();
                    break;
            }
        }

        public void Drain()
        {
            while (_frames.Count > 0) Send(all: true);
        }

        private void Append(int bytes)
        {
            byte[] payload = new byte[bytes];
            random.NextBytes(payload);
            if (random.Next(4) > 0)
            {
                Assert.That(queue.TryAppend(Opcode.Binary, payload));
            }
            else
            {
                using SharedMessage shared = SharedMessage.TryCreate(budget, MessageKind.Binary, payload)!;
                Assert.That(queue.TryAppend(shared.Plain));
            }

            _frames.Add((Frame(payload), true));
        }

        // Several frames at once, as from the log of broadcasts. (While entries are given away they would be one with the last of these.)
        private void Append3()
        {
            if (_given > 0) return;
            byte[][] frames = [.. Enumerable.Range(0, 3).Select(_ => Frame(new byte[random.Next(100)]))];
            Assert.That(queue.TryAppend(frames.SelectMany(static one => one).ToArray(), messages: 3));
            foreach (byte[] frame in frames) _frames.Add((frame, true));
        }

        private void Drop()
        {
            int dropped = 0;
            for (int i = Math.Max(_given, IsInside ? 1 : 0); Bytes >= Bound && i < _frames.Count;)
            {
                if (!_frames[i].IsMessage)
                {
                    i++;
                    continue;
                }

                _frames.RemoveAt(i);
                dropped++;
            }

            Assert.That(queue.DropOldest(), Is.EqualTo(dropped));
        }

        // The rest of a cork: nothing is inside of a frame then.
        private void PutInFront()
        {
            if (IsInside || _given > 0 || _frames.Exists(static one => one.Frame.Length == 100)) return;
            List<(byte[] Frame, bool IsMessage)> cork = [];
            for (int i = random.Next(1, 5); i > 0; i--)
                cork.Add(random.Next(3) == 0 ? ([0x89, 0], false) : (Frame(new byte[random.Next(300)]), true));
            byte[] bytes = [.. cork.SelectMany(static one => one.Frame)];
            int sent = random.Next(bytes.Length);
            Assert.That(queue.TryPrepend(bytes, default, default, sent, required: false));
            while (sent >= cork[0].Frame.Length)
            {
                sent -= cork[0].Frame.Length;
                cork.RemoveAt(0);
            }

            _frames.InsertRange(0, cork);
            _sent = sent;
        }

        // What comes and is dropped between the two does not change what the kernel is being given.
        private void Send(bool all = false)
        {
            if (!queue.TryPeek(out ReadOnlySpan<byte> run, out _)) return;
            byte[] given = run.ToArray();
            for (int left = given.Length + _sent; left > 0; _given++) left -= _frames[_given].Frame.Length;
            if (!all && random.Next(3) == 0)
            {
                Append(5000);
                Drop();
                Assert.That(run.SequenceEqual(given), "it lies where it lay");
            }

            _given = 0;
            Assert.That(given, Is.EqualTo(_frames.SelectMany(static one => one.Frame).Skip(_sent).Take(given.Length)));
            int sent = all ? given.Length : random.Next(given.Length + 1);
            queue.OnSent(sent, now: 0);
            for (_sent += sent; _frames.Count > 0 && _sent >= _frames[0].Frame.Length; _frames.RemoveAt(0))
                _sent -= _frames[0].Frame.Length;
        }

        private static byte[] Frame(byte[] payload)
        {
            byte[] frame = new byte[payload.Length + FrameWriter.HeaderBytesMax];
            return frame[..FrameWriter.Write(frame, Opcode.Binary, payload)];
        }
    }
}
