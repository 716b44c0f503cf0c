// Target "protocol": WebSocketProtocol as server and as client, over bytes cut at places that the fuzzer chooses.
//
//   byte 0       bit 0: which end reads; bit 1: we have sent a Close before; bits 4 to 6: the reserved bits negotiated
//   byte 1       bits 0 to 2: the limit of a message, bits 3 and 4: of its fragments, one of those in the tables below
//   bytes 2–9    the cuts
//   the rest     the connection's bytes
//
// Properties: the bytes are played whole, byte by byte, in the fuzzer's pieces and in segments, by Next alone and by TryReadData where it
// can. Each time the events, the rule that is broken, and the byte at which it is reported are those of an oracle that reads one byte at a
// time. Every event keeps WebSocketProtocol's contract, and the limits are kept. What came out is written by FrameWriter and read again,
// and is the same. FrameExplainer finds the same rule at the same byte, and covers every bit once.

using RawWs.Frame;

namespace RawWs.Fuzz;

internal static class ProtocolTarget
{
    private const int OptionBytes = 10;

    private static readonly int[] MessageBytesMax = [1 << 20, 0, 1, 125, 126, 300, 65_535, 65_536];
    private static readonly int[] FragmentsMax = [1024, 1, 2, 4];

    public static void Run(ReadOnlySpan<byte> input)
    {
        if (input.Length < OptionBytes) return;
        Setting setting = SettingOf(input);
        ReadOnlySpan<byte> bytes = input[OptionBytes..];
        ProtocolOracle oracle = new(setting.Role, (int)setting.Permitted, setting.Limits);
        oracle.Take(bytes);

        int[] pieces = Cuts.Of(input.Slice(2, Cuts.PlanBytes), bytes.Length);
        foreach (int[] ends in (int[][])[[bytes.Length], Cuts.EveryByte(bytes.Length), pieces])
        {
            ProtocolRun inPieces = setting.NewRun();
            inPieces.Play(bytes, ends);
            Check(inPieces, oracle, setting);
            Property.Same(inPieces.FailedAt, oracle.Rule is null ? 0 : ends.First(end => end >= oracle.FailedAt));

            ProtocolRun quickly = setting.NewRun();
            quickly.Play(bytes, ends, quickly: true);
            Check(quickly, oracle, setting);
            Property.Same(quickly.FailedAt, inPieces.FailedAt);

            ProtocolRun inSegments = setting.NewRun();
            inSegments.PlaySegments(bytes, ends);
            Check(inSegments, oracle, setting);
        }

        CheckRoundTrip(oracle, setting);
        CheckExplanation(bytes, oracle, setting);
    }

    /// <summary>The rule that the product says this input breaks, or null.</summary>
    public static Rule? RuleOf(ReadOnlySpan<byte> input)
    {
        if (input.Length < OptionBytes) return null;
        ProtocolRun run = SettingOf(input).NewRun();
        run.Play(input[OptionBytes..], [input.Length - OptionBytes]);
        return run.Rule;
    }

    private static Setting SettingOf(ReadOnlySpan<byte> input) => new(
        (input[0] & 1) == 0 ? Role.Server : Role.Client,
        (input[0] & 2) != 0,
        (ReservedBits)(input[0] & 0x70),
        new ProtocolLimits { MessageBytesMax = MessageBytesMax[input[1] & 7], FragmentsMax = FragmentsMax[(input[1] >> 3) & 3] });

    private static void Check(ProtocolRun run, ProtocolOracle oracle, Setting setting)
    {
        Property.Same(run.Rule, oracle.Rule);
        Property.SameBytes(run.Transcript.Bytes, oracle.Transcript.Bytes);
        Property.Same(run.Protocol.InMessage, oracle.InMessage);
        Property.Same(run.Protocol.LastOpcode, oracle.LastOpcode);
        Property.Same(run.Protocol.Closing, (oracle.Over, oracle.CloseCame, setting.CloseSent) switch
        {
            (false, _, false) => ClosingState.Open,
            (false, _, true) => ClosingState.CloseSent,
            (true, false, _) => ClosingState.Failed,
            (true, true, false) => ClosingState.CloseReceived,
            (true, true, true) => ClosingState.Closed,
        });

        // Of a message that fails, a whole run has handed out less than one in pieces; of any other the same.
        if (oracle.Over) return;
        Property.SameBytes(run.Unfinished, oracle.Unfinished);
        Property.Same(run.Protocol.MessageBytes, oracle.Unfinished.Length);
    }

    private static void CheckRoundTrip(ProtocolOracle oracle, Setting setting)
    {
        List<byte> wire = [];
        foreach ((int opcode, int reserved, byte[] payload) in oracle.Transcript.Entries)
        {
            byte[] frame = new byte[FrameWriter.HeaderBytesMax + payload.Length];
            int length = setting.Role == Role.Server
                ? FrameWriter.WriteMasked(frame, (Opcode)opcode, payload, 0x5A17F00Du + (uint)wire.Count, reserved: (ReservedBits)reserved)
                : FrameWriter.Write(frame, (Opcode)opcode, payload, reserved: (ReservedBits)reserved);
            wire.AddRange(frame[..length]);
        }

        byte[] bytes = [.. wire];
        ProtocolRun again = setting.NewRun();
        again.Play(bytes, [bytes.Length]);
        Property.Same(again.Rule, null);
        Property.SameBytes(again.Transcript.Bytes, oracle.Transcript.Bytes);
    }

    private static void CheckExplanation(ReadOnlySpan<byte> bytes, ProtocolOracle oracle, Setting setting)
    {
        FrameExplanation explained = FrameExplainer.Explain(bytes, new FrameExplainerOptions
        {
            Role = setting.Role,
            Limits = setting.Limits,
            Permitted = setting.Permitted,
            CloseSent = setting.CloseSent,
        });
        Property.Same((explained.Rule, explained.FailedAt), (oracle.Rule, oracle.Rule is null ? 0 : oracle.FailedAt));
        long bit = 0;
        foreach (FrameAnnotation note in explained.Annotations)
        {
            Property.Same((note.Offset * 8L) + note.FirstBit, bit);
            Property.Holds(note.BitCount > 0 && (note.Rule is null || note.Rule == oracle.Rule));
            bit += note.BitCount;
        }

        Property.Same(bit, bytes.Length * 8L);
        Property.Same(explained.Annotations.Count(static note => note.Rule is not null), oracle.Rule is null ? 0 : 1);
    }

    private sealed record Setting(Role Role, bool CloseSent, ReservedBits Permitted, ProtocolLimits Limits)
    {
        public ProtocolRun NewRun()
        {
            WebSocketProtocol protocol = new(Role, Limits, Permitted);
            if (CloseSent) protocol.OnCloseSent();
            return new ProtocolRun(protocol, Limits);
        }
    }
}
