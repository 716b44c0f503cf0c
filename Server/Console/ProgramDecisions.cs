// What the applications that stand before another one do with its decisions.

namespace RawWs.Server.Console;

internal static class ProgramDecisions
{
    /// <summary>The decision of an application: who is let in is its own, unless it has named another application.</summary>
    public static UpgradeDecision For(this UpgradeDecision decision, IWebSocketApplication program) =>
        decision.Application is null ? decision with { Application = program } : decision;

    /// <summary>Changes a decision, at once if it is made already.</summary>
    public static ValueTask<UpgradeDecision> Then(
        this ValueTask<UpgradeDecision> decision, Func<UpgradeDecision, UpgradeDecision> change)
    {
        return decision.IsCompletedSuccessfully ? new(change(decision.Result)) : ChangeAsync(decision, change);

        static async ValueTask<UpgradeDecision> ChangeAsync(
            ValueTask<UpgradeDecision> decision, Func<UpgradeDecision, UpgradeDecision> change) =>
            change(await decision.ConfigureAwait(false));
    }
}
