// What a full send queue drops, against a naive list of frames, and what it holds of it: nothing.

using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Memory;
using RawWs.Server.Sending;

namespace RawWs.Tests.Server;

public sealed class SendQueueDropTests
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
