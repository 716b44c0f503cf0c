// Frames by opcode (§5.2), for a connection's report.

namespace RawWs.Server;

/// <summary>
/// How many frames there were of each opcode, in one direction. A received data frame counts when its header has come, a control frame
/// when it is whole.
/// </summary>
/// <param name="Text">The first frames of text messages.</param>
/// <param name="Binary">The first frames of binary messages.</param>
/// <param name="Continuation">The further frames of messages (§5.4). This server sends each message in one frame.</param>
/// <param name="Ping">Pings (§5.5.2).</param>
/// <param name="Pong">Pongs (§5.5.3).</param>
/// <param name="Close">Close frames (§5.5.1): one at most.</param>
public readonly record struct OpcodeCounts(long Text, long Binary, long Continuation, long Ping, long Pong, long Close);
