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

            Outbox outbox = Outbox.Take(_budget);
            if (random.Next(2) == 0) outbox.TryAppend(later);
            else later = [];
            outbox.Prepend(inline, source, insets, taken);

            byte[] expected = [.. batch[taken..], .. later];
            bool inside = frames.Count > 0 && !Boundaries(frames).Contains(taken);
            Assert.That((outbox.QueuedBytes, outbox.InsideFrame), Is.EqualTo(((long)expected.Length, inside)), $"seed {seed}, round {round}");
            Assert.That(Drain(outbox, random), Is.EqualTo(expected), $"seed {seed}, round {round}");
            outbox.GiveBack();
        }

        Assert.That(_budget.HeldBytes, Is.Zero);
    }

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
        Outbox outbox = Outbox.Take(_budget);
        foreach (string text in new[] { "first", "second", "third" }) outbox.TryAppend(Opcode.Text, System.Text.Encoding.ASCII.GetBytes(text));
        outbox.TryPeek(out _, out _);
        outbox.Taken(3);
        outbox.DropUnsent();
        outbox.Append([0x88, 0x00], Outbox.EntryKind.Close);
        Assert.That(Drain(outbox, new Random(1)), Is.EqualTo(new byte[] { (byte)'i', (byte)'r', (byte)'s', (byte)'t', 0x88, 0x00 }));
        outbox.GiveBack();
        Assert.That(_budget.HeldBytes, Is.Zero);
    }

    [Test]
    public void ThePolicyForTheSlow_NeverDropsTheHttpAnswer()
    {
        Outbox outbox = Outbox.Take(_budget);
        outbox.Append("HTTP/1.1 101 "u8, Outbox.EntryKind.Http);
        outbox.TryAppend(Opcode.Text, "dropped"u8);
        outbox.DropUnsent();
        Assert.That(Drain(outbox, new Random(1)), Is.EqualTo("HTTP/1.1 101 "u8.ToArray()));
        outbox.GiveBack();
    }

    [Test]
    public void TinyFrames_CountWithWhatKeepsThem()
    {
        Outbox outbox = Outbox.Take(_budget);
        for (int i = 0; i < 10_000; i++) outbox.TryAppend(Opcode.Text, default(ReadOnlySpan<byte>));
        Assert.That((outbox.QueuedBytes, outbox.ChargedBytes), Is.EqualTo((20_000L, 260_000L)));
        Assert.That(_budget.HeldBytes, Is.GreaterThan(260_000));
        outbox.GiveBack();
        Assert.That(_budget.HeldBytes, Is.Zero);
    }

    [Test]
    public void OnlyTheLatestPongIsKept_WhileBytesWait()
    {
        Outbox outbox = Outbox.Take(_budget);
        outbox.TryAppend(Opcode.Text, "x"u8);
        outbox.TryPeek(out _, out _);
        outbox.Taken(1);
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
            outbox.Taken(taken);
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
