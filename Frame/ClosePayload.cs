// The payload of a Close frame: nothing, or a two-byte code and a reason in UTF-8 (§5.5.1). Bytes in, code and reason out; and the other
// way round. A reason that was read is a view of the caller's bytes; nothing is copied or kept.

using System.Buffers.Binary;
using System.Text.Unicode;

namespace RawWs.Frame;

/// <summary>Reads and writes the payload of a Close frame (§5.5.1, §7.4).</summary>
public static class ClosePayload
{
    /// <summary>The longest reason in bytes: 123. A control frame has 125, and the code takes two (§5.5).</summary>
    public const int ReasonBytesMax = FrameWriter.ControlPayloadBytesMax - 2;

    /// <summary>Reads the whole payload of a Close frame (§5.5.1).</summary>
    /// <param name="payload">The unmasked payload, 0 to 125 bytes.</param>
    /// <param name="code">The status code, or null when the payload is empty.</param>
    /// <param name="reason">The part of <paramref name="payload"/> after the code, UTF-8; empty when there is none.</param>
    /// <returns>The first rule that the payload breaks, or null.</returns>
    public static Rule? Read(ReadOnlySpan<byte> payload, out ushort? code, out ReadOnlySpan<byte> reason)
    {
        code = payload.Length < 2 ? null : BinaryPrimitives.ReadUInt16BigEndian(payload);
        reason = code is null ? default : payload[2..];
        if (payload.Length == 1) return FrameRules.ClosePayloadOneByte;
        if (code is { } given && !CloseCodes.IsValidOnReceipt(given)) return FrameRules.CloseCodeInvalid;
        return Utf8.IsValid(reason) ? null : FrameRules.CloseReasonNotUtf8;
    }

    /// <summary>Checks the unmasked beginning of a payload of which more is to come.</summary>
    /// <returns>The rule that the payload breaks whatever follows, or null.</returns>
    internal static Rule? CheckPrefix(ReadOnlySpan<byte> prefix)
    {
        if (prefix.Length < 2) return null;
        if (!CloseCodes.IsValidOnReceipt(BinaryPrimitives.ReadUInt16BigEndian(prefix))) return FrameRules.CloseCodeInvalid;
        Utf8Validator utf8 = default;
        return utf8.Append(prefix[2..]) ? null : FrameRules.CloseReasonNotUtf8;
    }

    /// <summary>Writes the payload of a Close frame (§5.5.1).</summary>
    /// <param name="destination">The caller's memory; 125 bytes are always enough.</param>
    /// <param name="role">The end that sends it: a server may not send 1010.</param>
    /// <param name="code">The status code, or null for an empty payload.</param>
    /// <param name="reason">UTF-8, at most <see cref="ReasonBytesMax"/> bytes; empty if there is no code.</param>
    /// <returns>How many bytes were written, 0 to 125.</returns>
    /// <exception cref="ArgumentException">
    /// The role may not send this code, or the reason has no code, is too long, or is not UTF-8.
    /// </exception>
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
