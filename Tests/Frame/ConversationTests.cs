// Every vector, whole and in pieces: byte by byte, at each split, at random cuts, and as a sequence of segments. A broken rule has to be
// told at the very byte that proves it.

using RawWs.Frame;
using RawWs.Tests.Support;
using RawWs.Tests.Vectors;

namespace RawWs.Tests.Frame;

public sealed class ConversationTests
{
    private const int Seed = 20260101;

    private static IReadOnlyList<FrameVector> Vectors => FrameVectors.All;

    [TestCaseSource(nameof(Vectors))]
    public void Vector_InAnyCut(FrameVector vector)
    {
        foreach (int[] cuts in CutsOf(vector.Bytes.Length))
        {
            ConversationRun run = ConversationRun.Of(NewConversation(vector.Role), vector.Bytes, cuts);
            Check(run, vector, $"cuts {string.Join(',', cuts.Take(20))}");
        }
    }

    [TestCaseSource(nameof(Vectors))]
    public void Vector_InAnySegmentation(FrameVector vector)
    {
        foreach (int[] cuts in CutsOf(vector.Bytes.Length))
        {
            ConversationRun run = ConversationRun.OfSequence(NewConversation(vector.Role), vector.Bytes, cuts);
            Check(run, vector, $"segments at {string.Join(',', cuts.Take(20))}");
        }
    }

    [TestCaseSource(nameof(Vectors))]
    public void Vector_FailsAtTheByteThatProvesIt(FrameVector vector)
    {
        if (vector.Rule is null) return;
        int[] everyByte = [.. Enumerable.Range(1, Math.Max(0, vector.Bytes.Length - 1))];
        ConversationRun run = ConversationRun.Of(NewConversation(vector.Role), vector.Bytes, everyByte);
        Assert.That((run.Rule, run.FailedAt), Is.EqualTo((vector.Rule, vector.FailsAt)));
    }

    [Test]
    public void EveryRuleHasAVector()
    {
        // These two need an extension to be negotiated: the test below has the one, CompressionTests the other.
        IEnumerable<Rule> tested = Vectors.Select(static vector => vector.Rule).OfType<Rule>().Append(FrameRules.ReservedBitsMisplaced).Append(FrameRules.CompressedDataMalformed);
        Assert.That(FrameRules.All.Except(tested), Is.Empty);
    }

    [TestCase("41 01 61 C0", 4, TestName = "Section_5_2_NegotiatedBitOnContinuation")]
    [TestCase("c9", 1, TestName = "Section_5_2_NegotiatedBitOnPing")]
    public void NegotiatedBit_OnlyOnTheFirstFrame(string hex, int failsAt)
    {
        byte[] bytes = Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
        Conversation conversation = new(Role.Client, new ConversationLimits(), ReservedBits.Rsv1);
        ConversationRun run = ConversationRun.Of(conversation, bytes, Enumerable.Range(1, bytes.Length - 1));
        Assert.That((run.Rule, run.FailedAt), Is.EqualTo((FrameRules.ReservedBitsMisplaced, failsAt)));
    }

    [Test]
    public void RandomConversations_ComeOutUnchanged([Values] Role reader)
    {
        Random random = new(Seed);
        for (int round = 0; round < 200; round++)
        {
            (byte[] bytes, string steps) = RandomConversation(random, masked: reader == Role.Server);
            int[] cuts = RandomCuts(random, bytes.Length);
            ConversationRun run = ConversationRun.Of(new Conversation(reader, new ConversationLimits()), bytes, cuts);
            Assert.That((run.Rule, run.Steps), Is.EqualTo(((Rule?)null, steps)), $"seed {Seed}, round {round}");
            Assert.That(run.Conversation.Closing, Is.EqualTo(ClosingState.CloseReceived));
        }
    }

    [Test]
    public void Steps_AllocateNothing()
    {
        byte[] frame = new byte[64];
        byte[] copy = new byte[64];
        int length = FrameWriter.WriteMasked(frame, Opcode.Text, "thirty-two bytes of text, exact."u8, 0x11223344);
        Conversation conversation = new(Role.Server, new ConversationLimits());
        long before = 0;
        for (int i = 0; i < 200_000; i++)
        {
            if (i == 100_000) before = GC.GetAllocatedBytesForCurrentThread();
            frame.CopyTo(copy, 0);
            if (conversation.Next(copy.AsSpan(0, length), out _).Kind != StepKind.Message) Assert.Fail("no message");
        }

        // The runtime may allocate something once while it compiles anew; per frame it would be millions.
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(100_000));
    }

    private static Conversation NewConversation(Role role) =>
        new(role, new ConversationLimits { MessageBytesMax = FrameVectors.MessageBytesMax, FragmentsMax = FrameVectors.FragmentsMax });

    private static void Check(ConversationRun run, FrameVector vector, string how)
    {
        if (run.Rule == vector.Rule && run.Steps == vector.Steps.TrimEnd()) return;
        Assert.Fail($"{how}: expected {vector.Rule?.Name} after '{Short(vector.Steps)}', was {run.Rule?.Name} after '{Short(run.Steps)}'");
    }

    private static string Short(string text) => text.Length <= 200 ? text : text[..200];

    private static IEnumerable<int[]> CutsOf(int length)
    {
        yield return [];
        bool isShort = length <= 300;
        if (isShort) yield return [.. Enumerable.Range(1, Math.Max(0, length - 1))];
        Random random = new(Seed);
        IEnumerable<int> splits = isShort ? Enumerable.Range(1, Math.Max(0, length - 1)) : [1, 2, 3, 4, 9, 10, 13, 14, 15, length / 2, length - 1];
        foreach (int split in splits) yield return [split];
        for (int i = 0; i < (isShort ? 20 : 3); i++) yield return RandomCuts(random, length);
    }

    private static int[] RandomCuts(Random random, int length) =>
        length < 2 ? [] : [.. Enumerable.Range(0, random.Next(1, 8)).Select(_ => random.Next(1, length)).Distinct().Order()];

    private static (byte[] Bytes, string Steps) RandomConversation(Random random, bool masked)
    {
        List<byte> bytes = [];
        List<string> steps = [];
        for (int i = random.Next(1, 10); i > 0; i--)
        {
            bool text = random.Next(2) == 0;
            byte[] message = new byte[random.Next(0, 3) switch { 0 => random.Next(0, 10), 1 => random.Next(120, 130), _ => random.Next(0, 70_000) }];
            random.NextBytes(message);
            if (text) message = [.. message.Select(static b => (byte)(b & 0x7F))];
            int fragments = random.Next(1, 4);
            for (int f = 0; f < fragments; f++)
            {
                byte[] part = message[(message.Length * f / fragments)..(message.Length * (f + 1) / fragments)];
                Opcode opcode = f > 0 ? Opcode.Continuation : text ? Opcode.Text : Opcode.Binary;
                bytes.AddRange(Encode(opcode, part, f == fragments - 1));
                if (random.Next(3) != 0 || f == fragments - 1) continue;
                byte[] ping = new byte[random.Next(0, 126)];
                random.NextBytes(ping);
                bytes.AddRange(Encode(Opcode.Ping, ping, true));
                steps.Add("ping:" + Convert.ToHexString(ping));
            }

            steps.Add((text ? "text:" : "binary:") + Convert.ToHexString(message));
        }

        bytes.AddRange(Encode(Opcode.Close, [0x0F, 0xA0, (byte)'x'], true));
        steps.Add("close:4000:78");
        return ([.. bytes], string.Join(' ', steps));

        byte[] Encode(Opcode opcode, byte[] payload, bool fin)
        {
            byte[] frame = new byte[FrameWriter.HeaderBytesMax + payload.Length];
            int length = masked
                ? FrameWriter.WriteMasked(frame, opcode, payload, (uint)random.Next(), fin)
                : FrameWriter.Write(frame, opcode, payload, fin);
            return frame[..length];
        }
    }
}
