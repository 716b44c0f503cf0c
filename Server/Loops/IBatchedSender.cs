// What the batch knows of those whose sends it has.

namespace RawWs.Server.Loops;

/// <summary>Has a send in the batch.</summary>
internal interface IBatchedSender
{
    /// <summary>The result of a send of the batch.</summary>
    /// <param name="frames">The frames that were to be sent.</param>
    /// <param name="bytes">What was sent for them: the frames themselves, or what a layer has made of them.</param>
    /// <param name="result">How many of these bytes were sent, or an errno below zero.</param>
    void OnBatchSent(ReadOnlySpan<byte> frames, ReadOnlySpan<byte> bytes, int result);
}
