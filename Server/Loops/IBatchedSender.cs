// What the batch knows of those whose sends it has.

namespace RawWs.Server.Loops;

/// <summary>Has a send in the batch.</summary>
internal interface IBatchedSender
{
    /// <summary>The result of the batched send: how many bytes were sent, or an errno below zero.</summary>
    void OnBatchSent(ReadOnlySpan<byte> bytes, int result);
}
