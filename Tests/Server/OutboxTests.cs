// The outbox against what went into it: random frames by every way in, random amounts taken, and at every moment the bytes that are left are
// those that have not been taken, in their order.

using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Memory;
using RawWs.Server.Native;

namespace RawWs.Tests.Server;

public sealed class OutboxTests
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
            (byte[] inline, byte[] source, Inset[] insets) = TakeSomePayloadsOut(frames, random);
            int taken = random.Next(batch.Length);
            byte[] later = Frame(random);

            Outbox outbox = New();
            if (random.Next(2) == 0) outbox.TryAppend(later);
            else later = [];
            Assert.That(outbox.TryPrepend(inline, source, insets, taken));

            byte[] expected = [.. Rest(frames, taken), .. later];
            bool inside = frames.Count > 0 && !Boundaries(frames).Contains(taken);
            Assert.That((outbox.QueuedBytes, outbox.InsideFrame), Is.EqualTo(((long)expected.Length, inside)), $"seed {seed}, round {round}");
            Assert.That(Drain(outbox, random), Is.EqualTo(expected), $"seed {seed}, round {round}");
            outbox.GiveBack();
        }

        Assert.That(_budget.HeldBytes, Is.Zero);
    }

    // §5.5.3: of the Pongs that were not begun the last stands for all.
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

    private Outbox New() => Outbox.Take(_budget, new Congestion(), now: 0);

    // Some frames' payloads lie elsewhere: then only their headers are in the batch.
    private static (byte[] Inline, byte[] Source, Inset[] Insets) TakeSomePayloadsOut(List<byte[]> frames, Random random)
    {
        List<byte> inline = [], source = [];
        List<Inset> insets = [];
        int oneIn = random.Next(1, 4);
        foreach (byte[] frame in frames)
        {
            int header = HeaderLength(frame);
            bool isInset = random.Next(oneIn) > 0;
            inline.AddRange(isInset ? frame[..header] : frame);
            if (!isInset) continue;
            source.AddRange(new byte[random.Next(3)]);
            insets.Add(new Inset(inline.Count, source.Count, frame.Length - header));
            source.AddRange(frame[header..]);
        }

        return ([.. inline], [.. source], [.. insets]);
    }

    [Test]
    public void ThePolicyForTheSlow_DropsWholeFrames_AndKeepsTheOneThatHasBegun()
    {
        Outbox outbox = New();
        foreach (string text in new[] { "first", "second", "third" }) outbox.TryAppend(Opcode.Text, System.Text.Encoding.ASCII.GetBytes(text));
        outbox.TryPeek(out _, out _);
        outbox.Taken(3, now: 0);
        outbox.DropUnsent();
        outbox.Append([0x88, 0x00], Outbox.EntryKind.Close);
        Assert.That(Drain(outbox, new Random(1)), Is.EqualTo(new byte[] { (byte)'i', (byte)'r', (byte)'s', (byte)'t', 0x88, 0x00 }));
        outbox.GiveBack();
        Assert.That(_budget.HeldBytes, Is.Zero);
    }

    [Test]
    public void ThePolicyForTheSlow_NeverDropsTheHttpAnswer()
    {
        Outbox outbox = New();
        outbox.Append("HTTP/1.1 101 "u8, Outbox.EntryKind.Http);
        outbox.TryAppend(Opcode.Text, "dropped"u8);
        outbox.DropUnsent();
        Assert.That(Drain(outbox, new Random(1)), Is.EqualTo("HTTP/1.1 101 "u8.ToArray()));
        outbox.GiveBack();
    }

    // A receiver is judged by the bytes that wait for it, and what they cost is hardly more: frames that lie side by side are one entry.
    [Test]
    public void TinyFrames_CostWhatTheirBytesCost()
    {
        Outbox outbox = New();
        for (int i = 0; i < 100_000; i++) outbox.TryAppend(Opcode.Text, default(ReadOnlySpan<byte>));
        Assert.That(outbox.QueuedBytes, Is.EqualTo(200_000));
        Assert.That(_budget.HeldBytes, Is.InRange(200_000, 300_000));
        outbox.GiveBack();
        Assert.That(_budget.HeldBytes, Is.Zero);
    }

    [Test]
    public void AtTheMemoryLimit_NothingIsQueued_AndNothingIsHeldForIt()
    {
        MemoryBudget budget = new(1 << 20);
        Congestion congestion = new();
        Outbox outbox = Outbox.TryTake(budget, congestion, now: 0)!;
        byte[] payload = new byte[1000];
        int queued = 0;
        while (outbox.TryAppend(Opcode.Binary, payload)) queued++;
        Assert.That(queued, Is.GreaterThan(500));
        Assert.That(budget.HeldBytes, Is.InRange((1 << 20) / 2, (1 << 20) * 7 / 8));
        Assert.That(outbox.TryPrepend(new byte[] { 0x82, 126, 0x80, 0 }, new byte[0x8000], [new Inset(4, 0, 0x8000)], 1), Is.False);
        long held = budget.HeldBytes;
        byte[] all = budget.Rent((1 << 20) * 7 / 8 - (int)held);
        Assert.That((Outbox.TryTake(budget, congestion, now: 0), outbox.TryAppend(Opcode.Binary, new byte[3000])), Is.EqualTo(((Outbox?)null, false)));
        budget.Return(all);
        Assert.That(budget.HeldBytes, Is.EqualTo(held));
        outbox.GiveBack();
        Assert.That(budget.HeldBytes, Is.Zero);
    }

    [Test]
    public void WhoIsBehind_AndWhoIsFull_IsCounted_AsLongAsItIs()
    {
        Congestion congestion = new() { FullBytes = 100_000 };
        Outbox outbox = Outbox.Take(_budget, congestion, now: 0);
        List<(bool, bool, bool)> seen = [];
        for (int i = 0; i < 4; i++)
        {
            outbox.TryAppend(Opcode.Binary, new byte[40_000]);
            seen.Add((congestion.IsAnyBehind, congestion.IsAnyFull, outbox.IsFull));
        }

        while (outbox.TryPeek(out _, out _))
        {
            outbox.Taken(40_000, now: 0);
            seen.Add((congestion.IsAnyBehind, congestion.IsAnyFull, outbox.IsFull));
        }

        (bool, bool, bool) none = default, behind = (true, false, false), full = (true, true, true);
        Assert.That(seen, Is.EqualTo([none, behind, full, full, full, behind, none, none, none]));
        outbox.TryAppend(Opcode.Binary, new byte[200_000]);
        outbox.DropUnsent();
        Assert.That(congestion.IsAnyBehind, Is.False, "dropped");
        outbox.TryAppend(Opcode.Binary, new byte[200_000]);
        outbox.GiveBack();
        Assert.That(congestion.IsAnyBehind, Is.False, "given back");
    }

    // Who was waited for in vain holds nobody up again, until he has caught up; another does.
    [Test]
    public void WhoIsWaitedForInVain_DoesNotCount_UntilHeHasCaughtUp()
    {
        Congestion congestion = new();
        Outbox deaf = Outbox.Take(_budget, congestion, now: 0), other = Outbox.Take(_budget, congestion, now: 0);
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
        deaf.GiveBack();
        other.GiveBack();
    }

    [Test]
    public void ThePolicyForTheSlow_CutsBetweenTinyFrames()
    {
        Outbox outbox = New();
        foreach (string text in new[] { "a", "b", "c" }) outbox.TryAppend(Opcode.Text, System.Text.Encoding.ASCII.GetBytes(text));
        outbox.TryPeek(out _, out _);
        outbox.Taken(4, now: 0);
        Assert.That(outbox.InsideFrame, "one byte of the second");
        outbox.DropUnsent();
        outbox.Append([0x88, 0x00], Outbox.EntryKind.Close);
        Assert.That(Drain(outbox, new Random(1)), Is.EqualTo(new byte[] { 1, (byte)'b', 0x88, 0x00 }));
        outbox.GiveBack();
    }

    [Test]
    public void OnlyTheLatestPongIsKept_WhileBytesWait()
    {
        Outbox outbox = New();
        outbox.TryAppend(Opcode.Text, "x"u8);
        outbox.TryPeek(out _, out _);
        outbox.Taken(1, now: 0);
        for (int i = 0; i < 100_000; i++) outbox.Append([0x8A, 2, (byte)i, (byte)(i >> 8)], Outbox.EntryKind.Pong, coalesce: true);
        Assert.That(outbox.QueuedBytes, Is.EqualTo(2 + 4));
        Assert.That(_budget.HeldBytes, Is.LessThan(4096));
        Assert.That(Drain(outbox, new Random(1)), Is.EqualTo(new byte[] { 1, (byte)'x', 0x8A, 2, 99_999 & 0xFF, (99_999 >> 8) & 0xFF }));
        outbox.GiveBack();
    }

    private static byte[] Drain(Outbox outbox, Random random)
    {
        List<byte> all = [];
        while (outbox.TryPeek(out ReadOnlySpan<byte> run, out _))
        {
            int taken = random.Next(1, run.Length + 1);
            all.AddRange(run[..taken]);
            outbox.Taken(taken, now: 0);
        }

        Assert.That((outbox.IsEmpty, outbox.QueuedBytes), Is.EqualTo((true, 0L)));
        return [.. all];
    }

    private static byte[] Frame(Random random)
    {
        byte[] payload = new byte[random.Next(5) switch { 0 => random.Next(3), 1 => random.Next(126, 200), 2 => random.Next(65_000, 67_000), _ => random.Next(126) }];
        random.NextBytes(payload);
        Opcode opcode = payload.Length > 125 ? Opcode.Binary : random.Next(3) switch { 0 => Opcode.Pong, 1 => Opcode.Text, _ => Opcode.Binary };
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
