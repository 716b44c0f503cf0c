// What a loop knows of those that live on it. It knows nothing else: not what they are, nor what their bytes mean.

namespace RawWs.Server.Loops;

/// <summary>A member of a loop, with a slot in its table. Every call is made in a turn, on the loop's thread.</summary>
internal interface ILoopMember : ILoopWork
{
    /// <summary>Its descriptor is ready for something: the events of epoll (<see cref="Native.Linux"/>).</summary>
    void OnReady(uint events);

    /// <summary>It has asked for this (<see cref="EventLoop.MarkDirty"/>): it sends what it has to send.</summary>
    void Flush();

    /// <summary>It was postponed (<see cref="EventLoop.Postpone"/>), and its turn has come again.</summary>
    void Continue();
}

/// <summary>The layer above a loop: what the loop's members share, and have to do in each turn.</summary>
internal interface ITurnPart
{
    /// <summary>A turn, or a further round of it, begins. The loop's clock has been read.</summary>
    void BeginRound(long now);

    /// <summary>Whether something is about to be sent to many, so that it is worth listening a moment longer for more of it.</summary>
    bool MayGather { get; }

    /// <summary>A number that grows with each thing that is to be sent to many.</summary>
    long Gathered { get; }

    /// <summary>Everything of the turn is done. Somebody else's code may run here.</summary>
    void EndTurn();
}
