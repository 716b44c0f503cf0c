// One table for both directions: what a frame's bytes are, and what they mean or which rule they break, at which byte. The masked form
// that a client sends is made from the same vectors.

using RawWs.Frame;

namespace RawWs.Tests.Vectors;

/// <param name="Name">The vector's name in the tests.</param>
/// <param name="Role">Who reads the bytes.</param>
/// <param name="Hex">The bytes from the first of the connection on.</param>
/// <param name="Events">What comes out, as ProtocolRun writes it: kind and payload in hexadecimal.</param>
/// <param name="Rule">The rule that is broken, or null.</param>
/// <param name="FailsAt">How many bytes prove it.</param>
public sealed record FrameVector(string Name, Role Role, string Hex, string Events, Rule? Rule = null, int FailsAt = 0)
{
    public byte[] Bytes => Convert.FromHexString(Hex.Replace(" ", "", StringComparison.Ordinal));

    public override string ToString() => Name;
}

public static class FrameVectors
{
    public const int MessageBytesMax = 70_000;
    public const int FragmentsMax = 4;

    private const string Key = "37fa213d";

    public static IReadOnlyList<FrameVector> All { get; } =
    [
        // §5.7's examples.
        new("Section_5_7_UnmaskedText", Role.Client, "81 05 48656c6c6f", "text:48656C6C6F"),
        new("Section_5_7_MaskedText", Role.Server, "81 85 37fa213d 7f9f4d5158", "text:48656C6C6F"),
        new("Section_5_7_FragmentedUnmaskedText", Role.Client, "01 03 48656c 80 02 6c6f", "text:48656C6C6F"),
        new("Section_5_7_UnmaskedPing", Role.Client, "89 05 48656c6c6f", "ping:48656C6C6F"),
        new("Section_5_7_MaskedPong", Role.Server, "8a 85 37fa213d 7f9f4d5158", "pong:48656C6C6F"),
        new("Section_5_7_256BytesBinary", Role.Client, "82 7e 0100 " + Zeros(256), "binary:" + Zeros(256)),
        new("Section_5_7_64KiBBinary", Role.Client, "82 7f 0000000000010000 " + Zeros(65536), "binary:" + Zeros(65536)),

        new("Section_5_2_EmptyText", Role.Server, "81 80 " + Key, "text:"),
        new("Section_5_2_125Bytes", Role.Server, "82 fd 00000000 " + Zeros(125), "binary:" + Zeros(125)),
        new("Section_5_2_126Bytes", Role.Server, "82 fe 007e 00000000 " + Zeros(126), "binary:" + Zeros(126)),
        new("Section_5_2_65535Bytes", Role.Server, "82 fe ffff 00000000 " + Zeros(65535), "binary:" + Zeros(65535)),
        new("Section_5_2_65536Bytes", Role.Server, "82 ff 0000000000010000 00000000 " + Zeros(65536), "binary:" + Zeros(65536)),
        new("Section_5_4_PingBetweenFragments", Role.Client, "01 01 61 89 01 78 80 01 62", "ping:78 text:6162"),
        new("Section_5_4_PongBetweenFragments", Role.Client, "02 01 61 8a 01 78 80 01 62", "pong:78 binary:6162"),
        new("Section_5_4_CloseBetweenFragments", Role.Client, "01 01 61 88 02 03e8 80 01 62", "close:1000:"),
        new("Section_5_4_EmptyFragments", Role.Client, "02 00 00 00 80 00", "binary:"),
        new("Section_5_4_TwoMessages", Role.Client, "81 01 61 82 01 62", "text:61 binary:62"),
        new("Section_5_6_CharacterCutByFragments", Role.Client, "01 01 e2 00 01 82 80 01 ac", "text:E282AC"),
        new("Section_5_5_1_EmptyClose", Role.Server, "88 80 " + Key, "close:"),
        new("Section_5_5_1_CloseWithReason", Role.Client, "88 05 03e8 627965", "close:1000:627965"),
        new("Section_1_4_NothingIsParsedAfterClose", Role.Client, "88 02 03e8 ff ff ff", "close:1000:"),
        new("Section_1_4_NoMessageIsReadAfterClose", Role.Client, "88 02 03e8 81 01 61 89 00", "close:1000:"),
        .. CloseCodesOf(1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4999),

        Broken("Section_5_2_Rsv1", FrameRules.ReservedBitsNotNegotiated, "c1", 1),
        Broken("Section_5_2_Rsv2", FrameRules.ReservedBitsNotNegotiated, "a1", 1),
        Broken("Section_5_2_Rsv3", FrameRules.ReservedBitsNotNegotiated, "91", 1),
        Broken("Section_5_2_Rsv1OnPing", FrameRules.ReservedBitsNotNegotiated, "c9", 1),
        .. ReservedOpcodes(3, 4, 5, 6, 7, 11, 12, 13, 14, 15),
        Broken("Section_5_5_FragmentedPing", FrameRules.FragmentedControlFrame, "09", 1),
        Broken("Section_5_5_FragmentedClose", FrameRules.FragmentedControlFrame, "08", 1),
        Broken("Section_5_4_ContinuationFirst", FrameRules.ContinuationWithoutMessage, "80", 1),
        Broken("Section_5_4_ContinuationAfterEnd", FrameRules.ContinuationWithoutMessage, "81 01 61 00", 4, "text:61 "),
        Broken("Section_5_4_TextInsideMessage", FrameRules.DataFrameInsideMessage, "01 01 61 81", 4),
        Broken("Section_5_4_WholeTextInsideMessage", FrameRules.DataFrameInsideMessage, "01 01 61 81 01 62", 4),
        Broken("Section_7_1_7_NothingIsReadAfterAFailure", FrameRules.ReservedOpcode, "83 81 01 61 88 00", 1),
        Broken("Section_5_4_BinaryInsideMessage", FrameRules.DataFrameInsideMessage, "02 01 61 02", 4),
        new("Section_5_1_UnmaskedClientFrame", Role.Server, "81 05", "", FrameRules.UnmaskedClientFrame, 2),
        new("Section_5_1_UnmaskedClientPing", Role.Server, "89 00", "", FrameRules.UnmaskedClientFrame, 2),
        Broken("Section_5_1_MaskedServerFrame", FrameRules.MaskedServerFrame, "81 85", 2),
        new("Section_5_1_UnmaskedClientFrame_Whole", Role.Server, "81 05 48656c6c6f 82 01 00 00", "", FrameRules.UnmaskedClientFrame, 2),
        Broken("Section_5_1_MaskedServerFrame_Whole", FrameRules.MaskedServerFrame, "81 85 37fa213d 7f9f4d5158", 2),
        Broken("Section_5_1_MaskedServerFrame_Whole16Bit", FrameRules.MaskedServerFrame, "82 fe 007e 00000000 " + Zeros(126), 2),
        Broken("Section_5_5_PingOf126", FrameRules.ControlFrameTooLong, "89 7e", 2),
        Broken("Section_5_5_PongOf127", FrameRules.ControlFrameTooLong, "8a 7f", 2),
        Broken("Section_5_5_CloseOf126", FrameRules.ControlFrameTooLong, "88 7e", 2),
        Broken("Section_5_5_1_CloseOfOneByte", FrameRules.ClosePayloadOneByte, "88 01", 2),
        Broken("Section_5_2_LengthTopBitSet", FrameRules.LengthTopBitSet, "82 7f 80", 3),
        Broken("Section_5_2_125In16Bits", FrameRules.NonMinimalLength, "82 7e 007d", 4),
        Broken("Section_5_2_0In16Bits", FrameRules.NonMinimalLength, "82 7e 0000", 4),
        Broken("Section_5_2_125In16Bits_WithItsPayload", FrameRules.NonMinimalLength, "82 7e 007d " + Zeros(125), 4),
        Broken("Section_5_2_65535In64Bits_WithItsPayload", FrameRules.NonMinimalLength, "82 7f 000000000000ffff " + Zeros(65535), 8),
        Broken("Section_5_2_65535In64Bits", FrameRules.NonMinimalLength, "82 7f 000000000000ffff", 8),
        Broken("Section_10_4_FrameTooBig", FrameRules.MessageTooBig, "82 7f 0000000000011171", 10),
        Broken("Section_10_4_FragmentsTooBig", FrameRules.MessageTooBig, "02 7f 0000000000010000 " + Zeros(65536) + " 80 7e 1171", 65550),
        Broken("Section_10_4_TooManyFragments", FrameRules.TooManyFragments, "01 01 61 00 01 61 00 01 61 00 01 61 00", 13),
        Broken("Section_10_4_TooManyFragments_Whole", FrameRules.TooManyFragments,
            "01 01 61 00 01 61 00 01 61 00 01 61 80 01 61", 13),
        .. BadCloseCodes(0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535),
        Broken("Section_7_4_BadCodeBeforeAReason", FrameRules.CloseCodeInvalid, "88 05 03ed 627965", 4),
        Broken("Section_5_5_1_ReasonNotUtf8", FrameRules.CloseReasonNotUtf8, "88 05 03e8 61 ff 61", 6),
        Broken("Section_5_5_1_ReasonEndsInsideCharacter", FrameRules.CloseReasonNotUtf8, "88 04 03e8 e2 82", 6),
        Broken("Section_8_1_TextNotUtf8", FrameRules.TextNotUtf8, "81 04 61 ff 61 61", 4),
        Broken("Section_8_1_Overlong", FrameRules.TextNotUtf8, "81 02 c0 80", 3),
        Broken("Section_8_1_Surrogate", FrameRules.TextNotUtf8, "81 03 ed a0 80", 4),
        Broken("Section_8_1_PastUnicode", FrameRules.TextNotUtf8, "81 04 f4 90 80 80", 4),
        Broken("Section_8_1_BadByteInSecondFragment", FrameRules.TextNotUtf8, "01 01 e2 80 02 28 a1", 6),
        Broken("Section_5_6_TextEndsInsideCharacter", FrameRules.TextEndsInsideCharacter, "81 02 e2 82", 4),
        Broken("Section_8_1_LoneContinuation", FrameRules.TextNotUtf8, "81 05 61 61 80 61 61", 5),
        Broken("Section_8_1_NoContinuation", FrameRules.TextNotUtf8, "81 06 61 61 e2 28 61 61", 6),
        Broken("Section_5_6_LastFragmentEndsInsideCharacter", FrameRules.TextEndsInsideCharacter, "01 01 61 80 02 e2 82", 7),
        Broken("Section_5_6_EmptyLastFragmentInsideCharacter", FrameRules.TextEndsInsideCharacter, "01 01 e2 80 00", 5),
    ];

    private static string Zeros(int count) => new('0', count * 2);

    private static FrameVector Broken(string name, Rule rule, string hex, int failsAt, string events = "") =>
        new(name, Role.Client, hex, events, rule, failsAt);

    private static IEnumerable<FrameVector> CloseCodesOf(params int[] codes) =>
        codes.Select(code => new FrameVector($"Section_7_4_CloseCode{code}", Role.Client, $"88 02 {code:x4}", $"close:{code}:"));

    private static IEnumerable<FrameVector> BadCloseCodes(params int[] codes) =>
        codes.Select(code => Broken($"Section_7_4_CloseCode{code}Is1002", FrameRules.CloseCodeInvalid, $"88 02 {code:x4}", 4));

    private static IEnumerable<FrameVector> ReservedOpcodes(params int[] opcodes) =>
        opcodes.Select(opcode => Broken($"Section_5_2_ReservedOpcode{opcode}", FrameRules.ReservedOpcode, $"{0x80 | opcode:x2}", 1));
}
