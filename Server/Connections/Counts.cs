// What the close report counts. Only the owner writes, but for the messages sent, which any thread counts.

using RawWs.Frame;

namespace RawWs.Server.Connections;

internal struct Counts
{
    private long _begunAt; // in the loop's uptime
    private long _messagesIn;
    private long _messagesOut;
    private long _bytesOut;
    private FrameCounts? _frames; // null until there is a frame that is no whole text message

    /// <summary>How many messages have been received whole.</summary>
    public readonly long MessagesIn => _messagesIn;

    /// <summary>How many messages have been accepted for sending. Any thread.</summary>
    public readonly long MessagesOut => Volatile.Read(in _messagesOut);

    /// <summary>The frames received, but for those of a message that goes on.</summary>
    public readonly OpcodeCounts FramesIn => _frames?.In(_messagesIn) ?? new OpcodeCounts(_messagesIn, 0, 0, 0, 0, 0);

    /// <summary>The frames accepted for sending.</summary>
    public readonly OpcodeCounts FramesOut => _frames?.Out(in _messagesOut) ?? new OpcodeCounts(MessagesOut, 0, 0, 0, 0, 0);

    /// <summary>How many bytes the kernel has taken, or will take with the batch.</summary>
    public readonly long BytesOut => _bytesOut;

    /// <summary>The connection begins, at this time in the loop's uptime.</summary>
    public void Begin(long uptime) => _begunAt = uptime;

    /// <summary>How long it has lasted.</summary>
    public readonly TimeSpan Duration(long uptime) => TimeSpan.FromMilliseconds(uptime - _begunAt);

    public void CountMessageIn() => _messagesIn++;

    /// <summary>One of those messages was binary.</summary>
    public void CountBinaryIn() => Frames.CountBinaryIn();

    /// <summary>So many frames went on with messages (§5.4).</summary>
    public void CountContinuationsIn(long count) => Frames.CountContinuationsIn(count);

    public void CountControlIn(Opcode opcode) => Frames.CountControlIn(opcode);

    public void CountControlOut(Opcode opcode) => Frames.CountControlOut(opcode);

    /// <summary>Any thread.</summary>
    public void CountMessagesOut(long messages) => Interlocked.Add(ref _messagesOut, messages);

    /// <summary>So many of those messages were binary. Any thread.</summary>
    public void CountBinariesOut(int count) => Frames.CountBinariesOut(count);

    /// <summary>The kernel has taken so many bytes. Less than none: of those that were counted when they joined the batch.</summary>
    public void CountBytesOut(long bytes) => _bytesOut += bytes;

    private FrameCounts Frames => _frames ?? Interlocked.CompareExchange(ref _frames, new FrameCounts(), null) ?? _frames;
}
