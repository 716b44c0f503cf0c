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
