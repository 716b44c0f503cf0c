// What can be posted to a loop.

namespace RawWs.Server.Loops;

/// <summary>A piece of work for a loop, which runs it in a turn, on its thread.</summary>
internal interface ILoopWork
{
    void OnPosted();

    /// <summary>OnPosted has thrown, which is a bug. Called on the loop's thread.</summary>
    void OnFailed(Exception exception)
    {
    }
}
