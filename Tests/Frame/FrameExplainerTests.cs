// FrameExplainer over every vector, whole and cut: its annotations cover each bit once and in order, what it found rebuilds the bytes, and
// its verdict is the protocol's, at the same byte. The fuzz target "protocol" holds the same over its corpus and random changes of it.

using RawWs.Frame;
using RawWs.Tests.Support;
using RawWs.Tests.Vectors;

namespace RawWs.Tests.Frame;

public sealed class FrameExplainerTests
{
    private const int Seed = 20261129;

    private static readonly ProtocolLimits Limits =
        new() { MessageBytesMax = FrameVectors.MessageBytesMax, FragmentsMax = FrameVectors.FragmentsMax };

    private static IReadOnlyList<FrameVector> Vectors => FrameVectors.All;

    [TestCaseSource(nameof(Vectors))]
    public void Annotations_CoverEveryBitOnce_AndTheVerdictIsTheProtocols(FrameVector vector)
    {
        Check(vector.Bytes, vector.Role);
        FrameExplanation explained = Explain(vector.Bytes, vector.Role);
        Assert.That((explained.Rule, explained.FailedAt), Is.EqualTo((vector.Rule, vector.FailsAt)));
        FrameAnnotation[] broken = [.. explained.Annotations.Where(static note => note.Rule is not null)];
        Assert.That(broken.Select(static note => note.Rule), Is.EqualTo(vector.Rule is null ? [] : (Rule[])[vector.Rule]));
        if (vector.Rule is null) return;

        // The bits that break it contain the byte that proves it, or end where the header of an empty frame does.
        Assert.That(broken[0].Offset, Is.LessThan(vector.FailsAt));
        Assert.That(broken[0].Offset + ((broken[0].FirstBit + broken[0].BitCount + 7) / 8), Is.EqualTo(vector.FailsAt));
    }

    [TestCaseSource(nameof(Vectors))]
    public void EveryPrefix_IsCovered_AndJudgedAsByTheProtocol(FrameVector vector)
    {
        Random random = new(Seed);
        byte[] bytes = vector.Bytes;
        IEnumerable<int> lengths = bytes.Length <= 300
            ? Enumerable.Range(0, bytes.Length)
            : Enumerable.Range(0, 20).Concat(Enumerable.Range(0, 6).Select(_ => random.Next(bytes.Length)));
        foreach (int length in lengths) Check(bytes[..length], vector.Role);
    }

    [TestCaseSource(nameof(Vectors))]
    public void Frames_RebuildTheBytes(FrameVector vector)
    {
        FrameExplanation explained = Explain(vector.Bytes, vector.Role);
        int at = 0;
        foreach (ExplainedFrame frame in explained.Frames)
        {
            Assert.That(frame.Offset, Is.EqualTo(at));
            Assert.That(frame.Decoded, Is.Null, "nobody decodes");
            at += frame.Length;
            if (!frame.IsWhole) continue;
            FrameHeader header = frame.Header;
            byte[] written = new byte[FrameWriter.HeaderBytesMax + frame.Payload.Length];
            int length = header.Masked
                ? FrameWriter.WriteMasked(written, header.Opcode, frame.Payload.Span, header.MaskingKey, header.Fin, header.Reserved)
                : FrameWriter.Write(written, header.Opcode, frame.Payload.Span, header.Fin, header.Reserved);
            Assert.That(written[..length], Is.EqualTo(vector.Bytes[frame.Offset..at]));
        }

        if (vector.Rule is null)
            Assert.That(explained.Frames, Has.All.Matches<ExplainedFrame>(static frame => frame!.IsWhole));
        else
            Assert.That(explained.Frames[^1].IsWhole, Is.False);
    }

    // What the protocol knows after these bytes: the message and how much of it has come, the frame and what is missing of its header and
    // payload.
    [TestCase("", null, 0, null, 0, 0)]
    [TestCase("81", MessageKind.Text, 0, Opcode.Text, null, null)]
    [TestCase("8185", MessageKind.Text, 0, Opcode.Text, 4, 5)]
    [TestCase("818537fa", MessageKind.Text, 0, Opcode.Text, 2, 5)]
    [TestCase("82fe", MessageKind.Binary, 0, Opcode.Binary, 6, null)]
    [TestCase("82fe00", MessageKind.Binary, 0, Opcode.Binary, 5, null)]
    [TestCase("82fe007e", MessageKind.Binary, 0, Opcode.Binary, 4, 126)]
    [TestCase("82ff", MessageKind.Binary, 0, Opcode.Binary, 12, null)]
    [TestCase("818537fa213d", MessageKind.Text, 0, Opcode.Text, 0, 5)]
    [TestCase("818537fa213d7f", MessageKind.Text, 1, Opcode.Text, 0, 4)]
    [TestCase("818537fa213d7f9f4d5158", null, 0, null, 0, 0)]
    [TestCase("018100000000" + "41", MessageKind.Text, 1, null, 0, 0)]
    [TestCase("028100000000" + "41" + "80", MessageKind.Binary, 1, Opcode.Continuation, null, null)]
    [TestCase("018100000000" + "41" + "808200000000", MessageKind.Text, 1, Opcode.Continuation, 0, 2)]
    [TestCase("018100000000" + "41" + "80820000000042", MessageKind.Text, 2, Opcode.Continuation, 0, 1)]
    [TestCase("018100000000" + "41" + "8982", MessageKind.Text, 1, Opcode.Ping, 4, 2)]
    [TestCase("018100000000" + "41" + "89820000000042", MessageKind.Text, 1, Opcode.Ping, 0, 1)]
    [TestCase("898200000000", null, 0, Opcode.Ping, 0, 2)]
    [TestCase("88820000000003", null, 0, Opcode.Close, 0, 1)]
    public void TheState_SaysWhatIsOpen_AndHowMuchIsMissing(
        string hex, MessageKind? message, long messageBytes, Opcode? frame, int? headerBytesLeft, int? payloadBytesLeft)
    {
        ExplainedState state = Explain(Convert.FromHexString(hex), Role.Server).State;
        Assert.That((state.Message, state.MessageBytes, state.Frame, state.HeaderBytesLeft, state.PayloadBytesLeft, state.Closing),
            Is.EqualTo((message, messageBytes, frame, headerBytesLeft, (ulong?)payloadBytesLeft, ClosingState.Open)));
    }

    // Nothing that follows is read, so nothing is missing.
    [TestCase("01810000000041" + "888200000000" + "03e8", ClosingState.CloseReceived)]
    [TestCase("01810000000041" + "81", ClosingState.Failed)]
    public void TheState_WhenNothingMoreIsRead(string hex, ClosingState closing)
    {
        ExplainedState state = Explain(Convert.FromHexString(hex), Role.Server).State;
        Assert.That((state.Message, state.MessageBytes, state.Frame, state.HeaderBytesLeft, state.PayloadBytesLeft, state.Closing),
            Is.EqualTo(((MessageKind?)null, 0L, (Opcode?)null, (int?)0, (ulong?)0, closing)));
    }

    [Test]
    public void TheState_AfterADecodersRule_IsThatOfAConnectionThatHasFailed()
    {
        FrameExplainerOptions options = new()
        {
            Limits = Limits,
            Permitted = ReservedBits.Rsv1,
            Decoder = static (ReadOnlySpan<byte> _, bool _, bool _, int _, out ReadOnlySpan<byte> decoded) =>
            {
                decoded = default;
                return false;
            },
        };
        FrameExplanation explained = FrameExplainer.Explain(Convert.FromHexString("418100000000ff"), options);
        Assert.That((explained.Rule, explained.State.Closing, explained.State.Message),
            Is.EqualTo((FrameRules.CompressedDataMalformed, ClosingState.Failed, (MessageKind?)null)));
    }

    // §5.3: the mask goes on from byte to byte of the payload: a reason begins with the third byte of the key.
    [TestCase("8885d865275cdb8d4525bd", "close reason", "\"bye\"")]
    [TestCase("8883d865275cdb8dce", "payload", "e9")]
    [TestCase("8183000102030041ff", "payload", "fd")]
    public void Section_5_3_APartOfAPayload_IsUnmaskedFromItsPlace(string hex, string field, string value)
    {
        FrameAnnotation last = Explain(Convert.FromHexString(hex), Role.Server).Annotations[^1];
        Assert.That((last.Field, last.Value), Is.EqualTo((field, value)));
    }

    [Test]
    public void Section_5_7_TheMaskedHello_FieldByField()
    {
        FrameExplanation explained = Explain(Convert.FromHexString("818537fa213d7f9f4d5158"), Role.Server);
        Assert.That(
            explained.Annotations.Select(static note => $"{note.Offset}.{note.FirstBit}+{note.BitCount} {note.Field}={note.Value}"),
            Is.EqualTo([
                "0.0+1 FIN=1", "0.1+1 RSV1=0", "0.2+1 RSV2=0", "0.3+1 RSV3=0", "0.4+4 opcode=1 (text)", "1.0+1 MASK=1",
                "1.1+7 payload length=5", "2.0+32 masking key=37 fa 21 3d", "6.0+40 payload=\"Hello\"",
            ]));
    }

    // A decoder that doubles every byte stands for an extension: what comes out is judged by the protocol's limit and validator.
    [TestCase("c1 01 61", null, 0, "6161")]
    [TestCase("c1 01 ff", "TextNotUtf8", 3, "ffff")]
    [TestCase("41 01 61 80 01 62", null, 0, "6161")]
    [TestCase("c1 06 616161616161", "MessageTooBig", 8, "6161616161616161616161")]
    [TestCase("c1 01 00", "CompressedDataMalformed", 3, "")]
    public void AMarkedMessage_IsDecoded_AndJudged(string hex, string? rule, int failedAt, string decoded)
    {
        byte[] bytes = Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
        FrameExplanation explained = FrameExplainer.Explain(bytes, new FrameExplainerOptions
        {
            Role = Role.Client,
            Limits = new ProtocolLimits { MessageBytesMax = 10 },
            Permitted = ReservedBits.Rsv1,
            Decoder = Double,
        });
        Assert.That((explained.Rule?.Name, explained.FailedAt), Is.EqualTo((rule, failedAt)));
        Assert.That(Convert.ToHexStringLower(explained.Frames[0].Decoded!.Value.Span), Is.EqualTo(decoded));
        Assert.That(explained.Annotations.Count(static note => note.Rule is not null), Is.EqualTo(rule is null ? 0 : 1));
        AssertCovered(explained, bytes.Length);
    }

    [TestCaseSource(nameof(Vectors))]
    public void FramesPastTheMost_AreJudged_AndCovered(FrameVector vector)
    {
        for (int most = 0; most < 3; most++)
        {
            FrameExplanation all = Explain(vector.Bytes, vector.Role);
            FrameExplanation some = FrameExplainer.Explain(vector.Bytes, new FrameExplainerOptions
            {
                Role = vector.Role,
                Limits = Limits,
                FramesMax = most,
            });
            AssertCovered(some, vector.Bytes.Length);
            Assert.That((some.Rule, some.FailedAt), Is.EqualTo((vector.Rule, vector.FailsAt)));
            Assert.That(some.Frames.Count + some.FramesLeftOut, Is.EqualTo(all.Frames.Count));
            Assert.That(some.Frames, Has.Count.LessThanOrEqualTo(vector.Rule is null ? most : most + 1));
            Assert.That(some.Annotations.Count(static note => note.Rule is not null), Is.EqualTo(vector.Rule is null ? 0 : 1));
        }
    }

    [Test]
    public void EveryTextId_IsUsed_AndNoOther()
    {
        HashSet<string> used = [];
        foreach (FrameVector vector in Vectors)
        {
            for (int length = 1; length <= Math.Min(vector.Bytes.Length, 20); length++) Add(vector.Bytes[..length], vector.Role);
            Add(vector.Bytes, vector.Role);
        }

        foreach (FrameAnnotation note in FrameExplainer.Explain([0xC1, 0x01, 0x61], new FrameExplainerOptions
        {
            Role = Role.Client,
            Permitted = ReservedBits.Rsv1,
        }).Annotations) used.Add(note.TextId);
        used.UnionWith(FrameExplainer.Explain([0x81, 0x00], new FrameExplainerOptions { Role = Role.Client, FramesMax = 0 }).Annotations
            .Select(static note => note.TextId));
        Assert.That(used, Is.EquivalentTo(FrameExplainer.TextIds));

        void Add(byte[] bytes, Role role) => used.UnionWith(Explain(bytes, role).Annotations.Select(static note => note.TextId));
    }

    private static bool Double(
        ReadOnlySpan<byte> payload, bool startOfMessage, bool endOfMessage, int bytesMax, out ReadOnlySpan<byte> decoded)
    {
        byte[] doubled = [.. payload.ToArray().SelectMany(static value => (byte[])[value, value])];
        decoded = payload.Contains((byte)0) ? default : doubled.AsSpan(0, Math.Min(bytesMax, doubled.Length));
        return !payload.Contains((byte)0);
    }

    private static FrameExplanation Explain(byte[] bytes, Role role) =>
        FrameExplainer.Explain(bytes, new FrameExplainerOptions { Role = role, Limits = Limits });

    private static void Check(byte[] bytes, Role role)
    {
        FrameExplanation explained = Explain(bytes, role);
        AssertCovered(explained, bytes.Length);
        int[] everyByte = bytes.Length == 0 ? [] : [.. Enumerable.Range(1, bytes.Length - 1)];
        ProtocolRun run = ProtocolRun.Of(new WebSocketProtocol(role, Limits), bytes, everyByte);
        Assert.That((explained.Rule, explained.FailedAt), Is.EqualTo((run.Rule, run.FailedAt)));
    }

    private static void AssertCovered(FrameExplanation explained, int bytes)
    {
        long bit = 0;
        foreach (FrameAnnotation note in explained.Annotations)
        {
            Assert.That((note.Offset * 8L) + note.FirstBit, Is.EqualTo(bit), note.Field);
            Assert.That(note.BitCount, Is.Positive);
            bit += note.BitCount;
        }

        Assert.That(bit, Is.EqualTo(bytes * 8L));
    }
}
