// What has become of the messages that a connection has accepted for its peer: sent = delivered + dropped + queued.

namespace RawWs.Server.Connections;

/// <param name="Sent">How many have been accepted.</param>
/// <param name="Dropped">How many of them have been dropped.</param>
/// <param name="Queued">How many wait, with the one that the kernel has begun to send.</param>
internal readonly record struct SentMessages(long Sent, long Dropped, int Queued);
