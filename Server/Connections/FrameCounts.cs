// The frames that the counts of messages do not tell of. A connection that has only text, each message in one frame, needs none of it: it
// is made for the first frame of another kind. Only the owner counts, but for the binary messages sent, which any thread does.

using RawWs.Frame;

namespace RawWs.Server.Connections;

internal sealed class FrameCounts
{
    private long _binaryIn;
    private long _continuationIn;
    private long _pingIn;
    private long _pongIn;
    private long _binaryOut;
    private long _pongOut;
    private uint _pingOut;
    private bool _closeIn;
    private bool _closeOut;

    public void CountBinaryIn() => _binaryIn++;

    public void CountContinuationsIn(long count) => _continuationIn += count;

    public void CountControlIn(Opcode opcode)
    {
        if (opcode == Opcode.Ping) _pingIn++;
        else if (opcode == Opcode.Pong) _pongIn++;
        else _closeIn = true;
    }

    /// <summary>So many more; below zero: they have not been sent after all. Any thread.</summary>
    public void CountBinariesOut(int count) => Interlocked.Add(ref _binaryOut, count);

    public void CountControlOut(Opcode opcode)
    {
        if (opcode == Opcode.Ping) _pingOut++;
        else if (opcode == Opcode.Pong) _pongOut++;
        else _closeOut = true;
    }

    /// <summary>The frames received, when so many messages were received whole.</summary>
    public OpcodeCounts In(long messages) =>
        new(messages - _binaryIn, _binaryIn, _continuationIn, _pingIn, _pongIn, _closeIn ? 1 : 0);

    /// <summary>The frames accepted for sending.</summary>
    /// <param name="messages">All messages. They are counted before the binary ones, and read after them: text is never below zero.</param>
    public OpcodeCounts Out(ref readonly long messages)
    {
        long binary = Volatile.Read(ref _binaryOut);
        return new(Volatile.Read(in messages) - binary, binary, 0, _pingOut, _pongOut, _closeOut ? 1 : 0);
    }
}
