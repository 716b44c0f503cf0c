// The send queue against what went into it: random frames, appended in every way, and random amounts sent. At every moment the bytes that
// are left are those that have not been sent, in their order.

using RawWs.Frame;
using RawWs.Server.Memory;
using RawWs.Server.Native;
using RawWs.Server.Sending;

namespace RawWs.Tests.Server;

public sealed class SendQueueTests
{
    private readonly MemoryBudget _budget = new(1 << 30);

    [Test]
    public void WhatTheKernelDidNotTakeOfABatch_GoesFirst_FrameByFrame([Range(1, 20)] int seed)
    {
        Random random = new(seed);
        for (int round = 0; round < 200; round++)
        {
            List<byte[]> frames = [.. Enumerable.Range(0, random.Next(1, round < 5 ? 300 : 12)).Select(_ => Frame(random))];
            byte[] batch = [.. frames.SelectMany(static frame => frame)];
            (byte[] inline, byte[] source, PayloadSegment[] segments) = TakeSomePayloadsOut(frames, random);
            int taken = random.Next(batch.Length);
            byte[] later = Frame(random);

            SendQueue queue = New();
            if (random.Next(2) == 0) queue.TryAppend(later);
            else later = [];
            Assert.That(queue.TryPrepend(inline, source, segments, taken, SendQueue.IsControl(inline, source, segments, taken)));

            byte[] expected = [.. Rest(frames, taken), .. later];
            bool inside = frames.Count > 0 && !Boundaries(frames).Contains(taken);
            Assert.That((queue.QueuedBytes, queue.InsideFrame), Is.EqualTo(((long)expected.Length, inside)), $"seed {seed}, round {round}");
            Assert.That(Drain(queue, random), Is.EqualTo(expected), $"seed {seed}, round {round}");
            queue.Return();
        }

        Assert.That(_budget.HeldBytes, Is.Zero);
    }

    // §5.5.3: of the Pongs that were not begun, the last one answers for all.
    private static byte[] Rest(List<byte[]> frames, int taken)
    {
        List<byte> rest = [];
        int at = 0, lastPong = frames.FindLastIndex(static frame => frame[0] == 0x8A);
        for (int i = 0; i < frames.Count; i++)
        {
            bool isReplaced = frames[i][0] == 0x8A && at >= taken && i != lastPong;
            if (!isReplaced && at + frames[i].Length > taken) rest.AddRange(frames[i][Math.Max(taken - at, 0)..]);
            at += frames[i].Length;
        }

        return [.. rest];
    }

    private SendQueue New(params string[] texts)
    {
        SendQueue queue = SendQueue.Rent(_budget, new Congestion(), now: 0);
        foreach (string text in texts) queue.TryAppend(Opcode.Text, System.Text.Encoding.ASCII.GetBytes(text));
        return queue;
    }

    // The payloads of some frames lie elsewhere: then the cork has only their headers.
    private static (byte[] Inline, byte[] Source, PayloadSegment[] Segments) TakeSomePayloadsOut(List<byte[]> frames, Random random)
    {
        List<byte> inline = [], source = [];
        List<PayloadSegment> segments = [];
        int oneIn = random.Next(1, 4);
        foreach (byte[] frame in frames)
        {
            int header = HeaderLength(frame);
            bool isSegment = random.Next(oneIn) > 0;
            inline.AddRange(isSegment ? frame[..header] : frame);
            if (!isSegment) continue;
            source.AddRange(new byte[random.Next(3)]);
            segments.Add(new PayloadSegment(inline.Count, source.Count, frame.Length - header));
            source.AddRange(frame[header..]);
        }

        return ([.. inline], [.. source], [.. segments]);
    }

    [Test]
    public void ThePolicyForTheSlow_DropsWholeFrames_AndKeepsTheOneThatHasBegun()
    {
        SendQueue queue = New("first", "second", "third");
        queue.TryPeek(out _, out _);
        queue.OnSent(3, now: 0);
        queue.DropUnsent();
        queue.Append([0x88, 0x00], SendQueue.EntryKind.Close);
        Assert.That(Drain(queue, new Random(1)), Is.EqualTo(new byte[] { (byte)'i', (byte)'r', (byte)'s', (byte)'t', 0x88, 0x00 }));
        queue.Return();
        Assert.That(_budget.HeldBytes, Is.Zero);
    }

    [Test]
    public void ThePolicyForTheSlow_NeverDropsTheHttpAnswer()
    {
        SendQueue queue = New();
        queue.Append("HTTP/1.1 101 "u8, SendQueue.EntryKind.Http);
        queue.TryAppend(Opcode.Text, "dropped"u8);
        queue.DropUnsent();
        Assert.That(Drain(queue, new Random(1)), Is.EqualTo("HTTP/1.1 101 "u8.ToArray()));
        queue.Return();
    }

    // A control frame is queued whatever the limit, and so it takes what it needs and not the usual chunk.
    [Test]
    public void AControlFrame_AtTheMemoryLimit_TakesNoMoreThanItNeeds([Values] bool isPong)
    {
        MemoryBudget budget = new(1 << 20);
        SendQueue queue = SendQueue.Rent(budget, new Congestion(), now: 0);
        int chunks = 1;
        for (long held = budget.HeldBytes; chunks < 4; held = budget.HeldBytes)
        {
            queue.TryAppend(Opcode.Binary, new byte[60]);
            if (budget.HeldBytes > held) chunks++;
        }

        while (queue.TryAppend(Opcode.Binary, new byte[2000])) budget.TryRent(1024);
        long before = budget.HeldBytes;
        queue.Append(new byte[127], isPong ? SendQueue.EntryKind.Pong : SendQueue.EntryKind.Close, coalesce: true);
        Assert.That(budget.HeldBytes - before, Is.LessThanOrEqualTo(1024));
    }

    // A receiver is limited by the bytes that wait for it. They cost hardly more than their size, because frames that lie side by side are
    // one entry.
    [Test]
    public void TinyFrames_CostWhatTheirBytesCost()
    {
        SendQueue queue = New();
        for (int i = 0; i < 100_000; i++) queue.TryAppend(Opcode.Text, default(ReadOnlySpan<byte>));
        Assert.That(queue.QueuedBytes, Is.EqualTo(200_000));
        Assert.That(_budget.HeldBytes, Is.InRange(200_000, 300_000));
        queue.Return();
        Assert.That(_budget.HeldBytes, Is.Zero);
    }

    [Test]
    public void AtTheMemoryLimit_NothingIsQueued_AndNothingIsHeldForIt()
    {
        MemoryBudget budget = new(1 << 20);
        Congestion congestion = new();
        SendQueue queue = SendQueue.TryRent(budget, congestion, now: 0)!;
        byte[] payload = new byte[1000];
        int queued = 0;
        while (queue.TryAppend(Opcode.Binary, payload)) queued++;
        Assert.That(queued, Is.GreaterThan(500));
        Assert.That(budget.HeldBytes, Is.InRange((1 << 20) / 2, (1 << 20) * 7 / 8));
        Assert.That(
            queue.TryPrepend(new byte[] { 0x82, 126, 0x80, 0 }, new byte[0x8000], [new PayloadSegment(4, 0, 0x8000)], 1,
                required: false), Is.False);
        long held = budget.HeldBytes;
        byte[] all = budget.Rent((1 << 20) * 7 / 8 - (int)held);
        Assert.That((SendQueue.TryRent(budget, congestion, now: 0), queue.TryAppend(Opcode.Binary, new byte[3000])),
            Is.EqualTo(((SendQueue?)null, false)));
        budget.Return(all);
        Assert.That(budget.HeldBytes, Is.EqualTo(held));
        queue.Return();
        Assert.That(budget.HeldBytes, Is.Zero);
    }

    [Test]
    public void WhoIsBehind_AndWhoIsFull_IsCounted_AsLongAsItIs()
    {
        Congestion congestion = new() { FullBytes = 100_000 };
        SendQueue queue = SendQueue.Rent(_budget, congestion, now: 0);
        List<(bool, bool, bool)> seen = [];
        for (int i = 0; i < 4; i++)
        {
            queue.TryAppend(Opcode.Binary, new byte[40_000]);
            seen.Add((congestion.IsAnyBehind, congestion.RefusesAny, queue.IsFull));
        }

        while (queue.TryPeek(out _, out _))
        {
            queue.OnSent(40_000, now: 0);
            seen.Add((congestion.IsAnyBehind, congestion.RefusesAny, queue.IsFull));
        }

        (bool, bool, bool) none = default, behind = (true, false, false), full = (true, true, true);
        Assert.That(seen, Is.EqualTo([none, behind, full, full, full, behind, none, none, none]));
        queue.TryAppend(Opcode.Binary, new byte[200_000]);
        queue.DropUnsent();
        Assert.That(congestion.IsAnyBehind, Is.False, "dropped");
        queue.TryAppend(Opcode.Binary, new byte[200_000]);
        queue.Return();
        Assert.That(congestion.IsAnyBehind, Is.False, "given back");
    }

    // A receiver for which a sender has waited in vain holds up no further sender, until it has caught up. Another receiver does.
    [Test]
    public void WhoIsWaitedForInVain_DoesNotCount_UntilHeHasCaughtUp()
    {
        Congestion congestion = new();
        SendQueue deaf = SendQueue.Rent(_budget, congestion, now: 0), other = SendQueue.Rent(_budget, congestion, now: 0);
        deaf.TryAppend(Opcode.Binary, new byte[200_000]);
        congestion.WaitedInVain();
        List<bool> seen = [congestion.IsAnyBehind];
        other.TryAppend(Opcode.Binary, new byte[200_000]);
        seen.Add(congestion.IsAnyBehind);
        other.DropUnsent();
        seen.Add(congestion.IsAnyBehind);
        deaf.DropUnsent();
        deaf.TryAppend(Opcode.Binary, new byte[200_000]);
        seen.Add(congestion.IsAnyBehind);
        Assert.That(seen, Is.EqualTo([false, true, false, true]));
        deaf.Return();
        other.Return();
    }

    [Test]
    public void ThePolicyForTheSlow_CutsBetweenTinyFrames()
    {
        SendQueue queue = New("a", "b", "c");
        queue.TryPeek(out _, out _);
        queue.OnSent(4, now: 0);
        Assert.That(queue.InsideFrame, "one byte of the second");
        queue.DropUnsent();
        queue.Append([0x88, 0x00], SendQueue.EntryKind.Close);
        Assert.That(Drain(queue, new Random(1)), Is.EqualTo(new byte[] { 1, (byte)'b', 0x88, 0x00 }));
        queue.Return();
    }

    [Test]
    public void OnlyTheLatestPongIsKept_WhileBytesWait()
    {
        SendQueue queue = New();
        queue.TryAppend(Opcode.Text, "x"u8);
        queue.TryPeek(out _, out _);
        queue.OnSent(1, now: 0);
        for (int i = 0; i < 100_000; i++) queue.Append([0x8A, 2, (byte)i, (byte)(i >> 8)], SendQueue.EntryKind.Pong, coalesce: true);
        Assert.That(queue.QueuedBytes, Is.EqualTo(2 + 4));
        Assert.That(_budget.HeldBytes, Is.LessThan(4096));
        Assert.That(Drain(queue, new Random(1)), Is.EqualTo(new byte[] { 1, (byte)'x', 0x8A, 2, 99_999 & 0xFF, (99_999 >> 8) & 0xFF }));
        queue.Return();
    }

    private static byte[] Drain(SendQueue queue, Random random)
    {
        List<byte> all = [];
        while (queue.TryPeek(out ReadOnlySpan<byte> run, out _))
        {
            int taken = random.Next(1, run.Length + 1);
            all.AddRange(run[..taken]);
            queue.OnSent(taken, now: 0);
        }

        Assert.That((queue.IsEmpty, queue.QueuedBytes), Is.EqualTo((true, 0L)));
        return [.. all];
    }

    private static byte[] Frame(Random random)
    {
        int length = random.Next(5) switch
        {
            0 => random.Next(3),
            1 => random.Next(126, 200),
            2 => random.Next(65_000, 67_000),
            _ => random.Next(126),
        };
        byte[] payload = new byte[length];
        random.NextBytes(payload);
        Opcode opcode = payload.Length > 125
            ? Opcode.Binary
            : random.Next(3) switch { 0 => Opcode.Pong, 1 => Opcode.Text, _ => Opcode.Binary };
        byte[] frame = new byte[FrameWriter.HeaderBytesMax + payload.Length];
        return frame[..FrameWriter.Write(frame, opcode, payload)];
    }

    private static int HeaderLength(byte[] frame)
    {
        FrameReader.TryRead(frame, out FrameHeader header);
        return header.HeaderLength;
    }

    private static HashSet<int> Boundaries(List<byte[]> frames)
    {
        HashSet<int> boundaries = [0];
        int at = 0;
        foreach (byte[] frame in frames) boundaries.Add(at += frame.Length);
        return boundaries;
    }
}
