// What the close report counts. Only the owner writes, but for the messages sent, which any thread counts.

namespace RawWs.Server.Connections;

internal struct Counts
{
    private long _begunAt; // in the loop's uptime
    private long _messagesIn;
    private long _messagesOut;
    private long _bytesOut;

    /// <summary>How many messages have been received whole.</summary>
    public readonly long MessagesIn => _messagesIn;

    /// <summary>How many messages have been accepted for sending. Any thread.</summary>
    public readonly long MessagesOut => Volatile.Read(in _messagesOut);

    /// <summary>How many bytes the kernel has taken, or will take with the batch.</summary>
    public readonly long BytesOut => _bytesOut;

    /// <summary>The connection begins, at this time in the loop's uptime.</summary>
    public void Begin(long uptime) => _begunAt = uptime;

    /// <summary>How long it has lasted.</summary>
    public readonly TimeSpan Duration(long uptime) => TimeSpan.FromMilliseconds(uptime - _begunAt);

    public void CountMessageIn() => _messagesIn++;

    /// <summary>Any thread.</summary>
    public void CountMessagesOut(long messages) => Interlocked.Add(ref _messagesOut, messages);

    /// <summary>The kernel has taken so many bytes. Less than none: of those that were counted when they joined the batch.</summary>
    public void CountBytesOut(long bytes) => _bytesOut += bytes;
}
