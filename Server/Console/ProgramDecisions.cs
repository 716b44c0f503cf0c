// What the applications that stand before another one do with its decisions.

namespace RawWs.Server.Console;

internal static class ProgramDecisions
{
    /// <summary>The decision of an application: who is let in is its own, unless it has named another application.</summary>
    public static UpgradeDecision For(this UpgradeDecision decision, IWebSocketApplication program) =>
        decision.Application is null ? decision with { Application = program } : decision;

    /// <summary>
    /// Changes a decision, at once if it is made already. Then nothing is allocated for it: each handshake goes through several of these.
    /// </summary>
    /// <param name="decision">The decision.</param>
    /// <param name="with">What the change goes by.</param>
    /// <param name="change">A static function.</param>
    public static ValueTask<UpgradeDecision> Then<T>(
        this ValueTask<UpgradeDecision> decision, T with, Func<UpgradeDecision, T, UpgradeDecision> change)
    {
        return decision.IsCompletedSuccessfully ? new(change(decision.Result, with)) : ChangeAsync(decision, with, change);

        static async ValueTask<UpgradeDecision> ChangeAsync(
            ValueTask<UpgradeDecision> decision, T with, Func<UpgradeDecision, T, UpgradeDecision> change) =>
            change(await decision.ConfigureAwait(false), with);
    }
}
