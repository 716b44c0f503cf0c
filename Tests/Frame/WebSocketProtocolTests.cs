// Every vector, whole and in pieces: byte by byte, at each split, at random cuts, and as a sequence of segments. A broken rule must be
// reported at the very byte that proves it.

using RawWs.Frame;
using RawWs.Tests.Support;
using RawWs.Tests.Vectors;

namespace RawWs.Tests.Frame;

public sealed class WebSocketProtocolTests
{
    private const int Seed = 20260101;

    private static IReadOnlyList<FrameVector> Vectors => FrameVectors.All;

    [TestCaseSource(nameof(Vectors))]
    public void Vector_InAnyCut(FrameVector vector)
    {
        foreach (int[] cuts in CutsOf(vector.Bytes.Length))
        {
            ProtocolRun run = ProtocolRun.Of(NewProtocol(vector.Role), vector.Bytes, cuts);
            Check(run, vector, $"cuts {string.Join(',', cuts.Take(20))}");
        }
    }

    [TestCaseSource(nameof(Vectors))]
    public void Vector_InAnySegmentation(FrameVector vector)
    {
        foreach (int[] cuts in CutsOf(vector.Bytes.Length))
        {
            ProtocolRun run = ProtocolRun.OfSequence(NewProtocol(vector.Role), vector.Bytes, cuts);
            Check(run, vector, $"segments at {string.Join(',', cuts.Take(20))}");
        }
    }

    [TestCaseSource(nameof(Vectors))]
    public void Vector_FailsAtTheByteThatProvesIt(FrameVector vector)
    {
        if (vector.Rule is null) return;
        int[] everyByte = [.. Enumerable.Range(1, Math.Max(0, vector.Bytes.Length - 1))];
        ProtocolRun run = ProtocolRun.Of(NewProtocol(vector.Role), vector.Bytes, everyByte);
        Assert.That((run.Rule, run.FailedAt), Is.EqualTo((vector.Rule, vector.FailsAt)));
    }

    [Test]
    public void EveryRuleHasAVector()
    {
        // Two rules need a negotiated extension. The test below has the one; the server's compression tests have the other.
        IEnumerable<Rule> tested = Vectors.Select(static vector => vector.Rule).OfType<Rule>()
            .Append(FrameRules.ReservedBitsMisplaced).Append(FrameRules.CompressedDataMalformed);
        Assert.That(FrameRules.All.Except(tested), Is.Empty);
    }

    [TestCase("41 01 61 C0", 4, TestName = "Section_5_2_NegotiatedBitOnContinuation")]
    [TestCase("c9", 1, TestName = "Section_5_2_NegotiatedBitOnPing")]
    public void NegotiatedBit_OnlyOnTheFirstFrame(string hex, int failsAt)
    {
        byte[] bytes = Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
        WebSocketProtocol protocol = new(Role.Client, new ProtocolLimits(), ReservedBits.Rsv1);
        ProtocolRun run = ProtocolRun.Of(protocol, bytes, Enumerable.Range(1, bytes.Length - 1));
        Assert.That((run.Rule, run.FailedAt), Is.EqualTo((FrameRules.ReservedBitsMisplaced, failsAt)));
    }

    [Test]
    public void RandomMessages_ComeOutUnchanged([Values] Role reader)
    {
        Random random = new(Seed);
        for (int round = 0; round < 200; round++)
        {
            (byte[] bytes, string events) = RandomMessages(random, masked: reader == Role.Server);
            int[] cuts = RandomCuts(random, bytes.Length);
            ProtocolRun run = ProtocolRun.Of(new WebSocketProtocol(reader, new ProtocolLimits()), bytes, cuts);
            Assert.That((run.Rule, run.Events), Is.EqualTo(((Rule?)null, events)), $"seed {Seed}, round {round}");
            Assert.That(run.Protocol.Closing, Is.EqualTo(ClosingState.CloseReceived));
        }
    }

    [Test]
    public void Events_AllocateNothing()
    {
        byte[] frame = new byte[64];
        byte[] copy = new byte[64];
        int length = FrameWriter.WriteMasked(frame, Opcode.Text, "thirty-two bytes of text, exact."u8, 0x11223344);
        WebSocketProtocol protocol = new(Role.Server, new ProtocolLimits());
        long before = 0;
        for (int i = 0; i < 200_000; i++)
        {
            if (i == 100_000) before = GC.GetAllocatedBytesForCurrentThread();
            frame.CopyTo(copy, 0);
            if (protocol.Next(copy.AsSpan(0, length), out _).Kind != ProtocolEventKind.Message) Assert.Fail("no message");
        }

        // The runtime may allocate something once while it compiles anew; per frame it would be millions.
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(100_000));
    }

    private static WebSocketProtocol NewProtocol(Role role) =>
        new(role, new ProtocolLimits { MessageBytesMax = FrameVectors.MessageBytesMax, FragmentsMax = FrameVectors.FragmentsMax });

    private static void Check(ProtocolRun run, FrameVector vector, string how)
    {
        if (run.Rule == vector.Rule && run.Events == vector.Events.TrimEnd()) return;
        string expected = $"{vector.Rule?.Name} after '{Short(vector.Events)}'";
        Assert.Fail($"{how}: expected {expected}, was {run.Rule?.Name} after '{Short(run.Events)}'");
    }

    private static string Short(string text) => text.Length <= 200 ? text : text[..200];

    private static IEnumerable<int[]> CutsOf(int length)
    {
        yield return [];
        bool isShort = length <= 300;
        if (isShort) yield return [.. Enumerable.Range(1, Math.Max(0, length - 1))];
        Random random = new(Seed);
        IEnumerable<int> splits = isShort
            ? Enumerable.Range(1, Math.Max(0, length - 1))
            : [1, 2, 3, 4, 9, 10, 13, 14, 15, length / 2, length - 1];
        foreach (int split in splits) yield return [split];
        for (int i = 0; i < (isShort ? 20 : 3); i++) yield return RandomCuts(random, length);
    }

    private static int[] RandomCuts(Random random, int length) =>
        length < 2 ? [] : [.. Enumerable.Range(0, random.Next(1, 8)).Select(_ => random.Next(1, length)).Distinct().Order()];

    private static (byte[] Bytes, string Events) RandomMessages(Random random, bool masked)
    {
        List<byte> bytes = [];
        List<string> events = [];
        for (int i = random.Next(1, 10); i > 0; i--)
        {
            bool text = random.Next(2) == 0;
            byte[] message = new byte[random.Next(0, 3) switch
            {
                0 => random.Next(0, 10),
                1 => random.Next(120, 130),
                _ => random.Next(0, 70_000),
            }];
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
                events.Add("ping:" + Convert.ToHexString(ping));
            }

            events.Add((text ? "text:" : "binary:") + Convert.ToHexString(message));
        }

        bytes.AddRange(Encode(Opcode.Close, [0x0F, 0xA0, (byte)'x'], true));
        events.Add("close:4000:78");
        return ([.. bytes], string.Join(' ', events));

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
