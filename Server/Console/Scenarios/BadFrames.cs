// What breaks each rule for frames in a client's eyes: bytes that a server sends behind a valid handshake. A test walks the table of rules.

using RawWs.Frame;

namespace RawWs.Server.Console.Scenarios;

/// <summary>Bytes that break one rule.</summary>
/// <param name="Rule">The rule.</param>
/// <param name="Bytes">The bytes; empty if no server can break it.</param>
/// <param name="NeedsDeflate">Whether the rule is one of permessage-deflate, which the client must have offered then.</param>
internal sealed record BadFrame(Rule Rule, ReadOnlyMemory<byte> Bytes, bool NeedsDeflate = false);

internal static class BadFrames
{
    private const int FragmentsMany = 10_000;

    /// <summary>A row for each rule.</summary>
    public static IReadOnlyList<BadFrame> All { get; } =
    [
        Of(FrameRules.ReservedBitsNotNegotiated, [0xC1, 5, .. "Hello"u8]),
        Of(FrameRules.ReservedBitsMisplaced, [0xC9, 0], needsDeflate: true), // a compressed Ping
        Of(FrameRules.ReservedOpcode, [0x83, 0]),
        Of(FrameRules.FragmentedControlFrame, [0x09, 0]),
        Of(FrameRules.ContinuationWithoutMessage, [0x80, 5, .. "Hello"u8]),
        Of(FrameRules.DataFrameInsideMessage, [0x01, 1, (byte)'a', 0x81, 1, (byte)'b']),
        Of(FrameRules.TooManyFragments, ManyFragments()),
        Of(FrameRules.UnmaskedClientFrame, []), // a server's frames are never masked
        Of(FrameRules.MaskedServerFrame, [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58]), // §5.7's masked "Hello"
        Of(FrameRules.ControlFrameTooLong, [0x89, 126, 0, 126, .. new byte[126]]),
        Of(FrameRules.ClosePayloadOneByte, [0x88, 1, 0x03]),
        Of(FrameRules.LengthTopBitSet, [0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0]),
        Of(FrameRules.NonMinimalLength, [0x81, 126, 0, 5, .. "Hello"u8]),
        Of(FrameRules.MessageTooBig, [0x82, 127, 0x40, 0, 0, 0, 0, 0, 0, 0, 0]), // 4 EiB, of which one byte comes
        Of(FrameRules.CloseCodeInvalid, [0x88, 2, 0x03, 0xED]), // 1005
        Of(FrameRules.CloseReasonNotUtf8, [0x88, 3, 0x03, 0xE8, 0xFF]),
        Of(FrameRules.TextNotUtf8, [0x81, 2, 0xC0, 0x80]),
        Of(FrameRules.TextEndsInsideCharacter, [0x81, 2, 0xE2, 0x82]),
        Of(FrameRules.CompressedDataMalformed, [0xC1, 4, 0xFF, 0xFF, 0xFF, 0x00], needsDeflate: true),
    ];

    private static BadFrame Of(Rule rule, byte[] bytes, bool needsDeflate = false) => new(rule, bytes, needsDeflate);

    private static byte[] ManyFragments()
    {
        byte[] between = [0x00, 1, (byte)'a'];
        return [0x01, 1, (byte)'a', .. Enumerable.Repeat(between, FragmentsMany).SelectMany(static frame => frame), 0x80, 0];
    }
}
