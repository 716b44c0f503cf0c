// How many messages, and how many of them are binary; the others are text.

using RawWs.Frame;

namespace RawWs.Server.Sending;

internal readonly record struct MessageCount(int All, int Binary)
{
    /// <summary>One message, of this opcode.</summary>
    public static MessageCount One(Opcode opcode) => new(1, opcode == Opcode.Binary ? 1 : 0);

    /// <summary>One message, which is this whole frame.</summary>
    public static MessageCount One(ReadOnlySpan<byte> frame) => One((Opcode)(frame[0] & 0x0F));
}
