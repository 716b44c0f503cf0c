// What the connections of one loop share for their sending: the cork, the log of broadcasts, the counts of those that are behind, and the
// share of the turn that the connection whose bytes are handled has used. The loop below knows none of it.

using System.Runtime.CompilerServices;
using RawWs.Server.Loops;
using RawWs.Server.Memory;
using RawWs.Server.Time;

namespace RawWs.Server.Sending;

internal class SendingLoop : ITurnPart
{
    private readonly EventLoop _loop;

    /// <summary>What the connection whose bytes are handled has done in this turn. Owner only.</summary>
    public TurnShare Share;

    /// <summary>For the next handler, in an application whose handlers await. Null: it is made then. Owner only.</summary>
    public HandlerShare? HandlerShare;

    // Of the messages received, and of those accepted for sending, how many were binary.
    private long _binariesReceived;
    private long _binariesSent;

    public SendingLoop(EventLoop loop)
    {
        _loop = loop;
        Broadcasts = new BroadcastLog(this);
        loop.Above = this;
    }

    /// <summary>The one whose turn runs on this thread, or null.</summary>
    public static SendingLoop? Current => Unsafe.As<SendingLoop?>(EventLoop.Current?.Above); // there is no other kind

    /// <summary>The loop that runs the turns.</summary>
    public EventLoop Loop => _loop;

    /// <summary>Collects the answers to the bytes that are handled now.</summary>
    public Cork Cork { get; } = new();

    /// <summary>The broadcasts that some of this loop's connections do not have yet.</summary>
    public BroadcastLog Broadcasts { get; }

    /// <summary>How many of the loop's connections are behind with their sending.</summary>
    public Congestion Congestion { get; } = new();

    /// <inheritdoc cref="EventLoop.Now"/>
    public long Now => _loop.Now;

    /// <inheritdoc cref="EventLoop.Uptime"/>
    public long Uptime => _loop.Uptime;

    /// <inheritdoc cref="EventLoop.IsOwner"/>
    public bool IsOwner => _loop.IsOwner;

    /// <inheritdoc cref="EventLoop.IsMemoryTight"/>
    public bool IsMemoryTight => _loop.IsMemoryTight;

    /// <inheritdoc cref="EventLoop.IsBatchEmpty"/>
    public bool IsBatchEmpty => _loop.IsBatchEmpty;

    /// <summary>How many binary messages have been received.</summary>
    public long BinariesReceived => Volatile.Read(ref _binariesReceived);

    /// <summary>How many binary messages have been accepted for sending.</summary>
    public long BinariesSent => Volatile.Read(ref _binariesSent);

    public MemoryBudget Budget => _loop.Budget;

    public TimerWheel Wheel => _loop.Wheel;

    public MemberTable Members => _loop.Members;

    bool ITurnPart.MayGather => Broadcasts.IsWorthGathering;

    long ITurnPart.Gathered => Broadcasts.End;

    /// <summary>A binary message has been received whole. Owner only.</summary>
    public void CountBinaryReceived() => _binariesReceived++;

    /// <summary>So many binary messages have been accepted for sending; below zero: they have not been after all. Any thread.</summary>
    public void CountBinariesSent(int count) => Interlocked.Add(ref _binariesSent, count);

    /// <inheritdoc cref="EventLoop.Post"/>
    public void Post(ILoopWork work) => _loop.Post(work);

    /// <inheritdoc cref="EventLoop.MarkDirty"/>
    public void MarkDirty(ILoopMember member) => _loop.MarkDirty(member);

    /// <inheritdoc cref="EventLoop.Postpone"/>
    public void Postpone(ILoopMember member) => _loop.Postpone(member);

    /// <inheritdoc cref="EventLoop.RestoreContext"/>
    public void RestoreContext() => _loop.RestoreContext();

    /// <inheritdoc cref="EventLoop.BeginPhase"/>
    public void BeginPhase() => _loop.BeginPhase();

    /// <inheritdoc cref="EventLoop.HasLasted"/>
    public bool HasLasted(double milliseconds) => _loop.HasLasted(milliseconds);

    /// <inheritdoc cref="EventLoop.SubmitBatch"/>
    public void SubmitBatch() => _loop.SubmitBatch();

    /// <inheritdoc/>
    public virtual void BeginRound(long now)
    {
    }

    /// <inheritdoc/>
    public virtual void EndTurn()
    {
        if (Broadcasts.IsAwaited) Broadcasts.TellWhoAwaits();
    }
}
