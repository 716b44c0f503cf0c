// The lines about frames, at the level Trace. A line has the fields of one frame's header (§5.2) and nothing else: no masking key, with
// which a recorded payload could be read, and no byte of the payload, of whatever opcode.

using Microsoft.Extensions.Logging;
using RawWs.Frame;

namespace RawWs.Server.Log;

internal static partial class FrameLines
{
    private static readonly string[] Bits = ["000", "001", "010", "011", "100", "101", "110", "111"];

    /// <summary>A frame has begun to arrive. Its header is whole.</summary>
    public static void Received(this ILogger log, long id, FrameHeader header) => log.FrameReceived(
        id, Bit(header.Fin), Reserved(header), Names.Of(header.Opcode), Bit(header.Masked), header.PayloadLength);

    /// <summary>A frame breaks a rule.</summary>
    /// <param name="log">The log.</param>
    /// <param name="id">The connection's number.</param>
    /// <param name="header">The header; zeros stand for what has not come.</param>
    /// <param name="bytesThere">How many bytes of the frame, from its first one on, were there when the rule was found broken.</param>
    /// <param name="rule">The rule's name.</param>
    public static void Broke(this ILogger log, long id, FrameHeader header, int bytesThere, string rule)
    {
        string seen = bytesThere < header.HeaderLength ? $", seen in the first {bytesThere} bytes of its header" : "";
        log.FrameBroke(
            id, Bit(header.Fin), Reserved(header), Names.Of(header.Opcode), Bit(header.Masked), header.PayloadLength, rule, seen);
    }

    /// <summary>The kernel has taken the last byte of a frame.</summary>
    public static void Sent(this ILogger log, long id, FrameHeader header) => log.FrameSent(
        id, Bit(header.Fin), Reserved(header), Names.Of(header.Opcode), Bit(header.Masked), header.PayloadLength);

    [LoggerMessage(200, LogLevel.Trace,
        "connection {id} received: fin {fin}, rsv {rsv}, opcode {opcode}, masked {masked}, length {length}")]
    private static partial void FrameReceived(this ILogger log, long id, int fin, string rsv, string opcode, int masked, ulong length);

    [LoggerMessage(201, LogLevel.Trace,
        "connection {id} received: fin {fin}, rsv {rsv}, opcode {opcode}, masked {masked}, length {length}; it breaks {rule}{seen}")]
    private static partial void FrameBroke(this ILogger log, long id, int fin, string rsv, string opcode, int masked, ulong length,
        string rule, string seen);

    [LoggerMessage(202, LogLevel.Trace,
        "connection {id} sent: fin {fin}, rsv {rsv}, opcode {opcode}, masked {masked}, length {length}")]
    private static partial void FrameSent(this ILogger log, long id, int fin, string rsv, string opcode, int masked, ulong length);

    private static int Bit(bool set) => set ? 1 : 0;

    private static string Reserved(FrameHeader header) => Bits[(int)header.Reserved >> 4];
}
