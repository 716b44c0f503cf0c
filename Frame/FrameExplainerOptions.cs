// What FrameExplainer reads bytes with, and who decodes marked messages for it.

namespace RawWs.Frame;

/// <summary>
/// Gives back what an extension has made of a message, as the connection's extension would (§5.8). It is called with the payload of a
/// marked message as it comes.
/// </summary>
/// <param name="payload">The next part of the message's payload, unmasked.</param>
/// <param name="startOfMessage">Whether the message begins with it.</param>
/// <param name="endOfMessage">Whether the message ends with it.</param>
/// <param name="bytesMax">How many bytes may come out. That is one more than the message may have, so that too many can be seen.</param>
/// <param name="decoded">What has come out. It is valid until the next call.</param>
/// <returns>False when the payload cannot be decoded.</returns>
public delegate bool PayloadDecoder(
    ReadOnlySpan<byte> payload, bool startOfMessage, bool endOfMessage, int bytesMax, out ReadOnlySpan<byte> decoded);

/// <summary>What the bytes are read with: the same as for a <see cref="WebSocketProtocol"/>.</summary>
public sealed class FrameExplainerOptions
{
    /// <summary>Which end reads the bytes. A server reads what a client has sent.</summary>
    public Role Role { get; init; }

    /// <summary>How large a message may be.</summary>
    public ProtocolLimits Limits { get; init; } = new();

    /// <summary>The reserved bits that were negotiated.</summary>
    public ReservedBits Permitted { get; init; }

    /// <summary>Whether the end that reads has sent a Close before.</summary>
    public bool CloseSent { get; init; }

    /// <summary>
    /// The most frames that are explained one by one. Those behind them are read and judged too; one annotation stands for all of them,
    /// but a frame that breaks a rule has its own.
    /// </summary>
    public int FramesMax { get; init; } = int.MaxValue;

    /// <summary>Decodes marked messages; null when nobody does, and then they are not judged.</summary>
    public PayloadDecoder? Decoder { get; init; }
}
