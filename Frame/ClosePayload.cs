// The body of a Close frame: nothing, or a two-byte code and a reason in UTF-8 (§5.5.1). Bytes in, code and reason out, and the other
// way. The reason is a view of the bytes that were given; nothing is copied or kept.

using System.Buffers.Binary;
using System.Text.Unicode;

namespace RawWs.Frame;

/// <summary>Reads and writes what a Close frame carries (§5.5.1, §7.4).</summary>
public static class ClosePayload
{
    /// <summary>The longest reason in bytes: a control frame's 125 less the code's two.</summary>
    public const int ReasonBytesMax = FrameWriter.ControlPayloadBytesMax - 2;

    /// <summary>Reads the whole, unmasked payload of a Close frame.</summary>
    /// <param name="payload">The payload, 0 to 125 bytes.</param>
    /// <param name="code">The status code, or null when the payload is empty.</param>
    /// <param name="reason">The part of <paramref name="payload"/> behind the code; empty when there is none.</param>
    /// <returns>Null, or the first rule that it breaks.</returns>
    public static Rule? TryRead(ReadOnlySpan<byte> payload, out ushort? code, out ReadOnlySpan<byte> reason)
    {
        code = payload.Length < 2 ? null : BinaryPrimitives.ReadUInt16BigEndian(payload);
        reason = payload.Length < 2 ? default : payload[2..];
        if (payload.Length == 1 && FrameRules.Broken(FrameRules.ClosePayloadOneByte) is { } oneByte)
        {
            return oneByte;
        }

        if (code is { } given && !CloseCodes.IsValidOnReceipt(given) && FrameRules.Broken(FrameRules.CloseCodeInvalid) is { } badCode)
        {
            return badCode;
        }

        return Utf8.IsValid(reason) ? null : FrameRules.Broken(FrameRules.CloseReasonNotUtf8);
    }

    /// <summary>Judges the unmasked beginning of a payload of which more is to come.</summary>
    /// <returns>Null, or the rule that it breaks whatever follows.</returns>
    internal static Rule? CheckPrefix(ReadOnlySpan<byte> prefix)
    {
        if (prefix.Length < 2)
        {
            return null;
        }

        if (!CloseCodes.IsValidOnReceipt(BinaryPrimitives.ReadUInt16BigEndian(prefix))
            && FrameRules.Broken(FrameRules.CloseCodeInvalid) is { } badCode)
        {
            return badCode;
        }

        Utf8Validator utf8 = default;
        return utf8.Append(prefix[2..]) ? null : FrameRules.Broken(FrameRules.CloseReasonNotUtf8);
    }

    /// <summary>Writes the payload of a Close frame.</summary>
    /// <param name="destination">Where it goes; 125 bytes are always enough.</param>
    /// <param name="role">Who sends it: a server may not say 1010.</param>
    /// <param name="code">The status code, or null for an empty payload.</param>
    /// <param name="reason">UTF-8, at most <see cref="ReasonBytesMax"/> bytes; empty where there is no code.</param>
    /// <returns>The bytes written, 0 to 125.</returns>
    /// <exception cref="ArgumentException">A code that this role may not send, a reason without code, too long, or not UTF-8.</exception>
    public static int Write(Span<byte> destination, Role role, ushort? code, ReadOnlySpan<byte> reason)
    {
        if (code is not { } given)
        {
            return reason.IsEmpty ? 0 : throw new ArgumentException("A reason can only follow a code (§5.5.1).", nameof(reason));
        }

        if (!CloseCodes.MaySend(role, given))
        {
            throw new ArgumentOutOfRangeException(nameof(code), given, "A Close frame may not carry this code (§7.4).");
        }

        if (reason.Length > ReasonBytesMax || !Utf8.IsValid(reason))
        {
            throw new ArgumentException("A reason is at most 123 bytes of UTF-8 (§5.5, §5.5.1).", nameof(reason));
        }

        BinaryPrimitives.WriteUInt16BigEndian(destination, given);
        reason.CopyTo(destination[2..]);
        return 2 + reason.Length;
    }
}
