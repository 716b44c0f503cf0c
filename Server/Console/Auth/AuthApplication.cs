// Stands before the program's application, and lets in only whom its authority knows. Who is let in has the uid of his grant, and no
// message can change that: the program's application gives no uids by itself then. A connection whose grant has an end or limits has a
// GrantedConnection in between. Any other is the program's from its upgrade on.

namespace RawWs.Server.Console.Auth;

/// <param name="program">The program's application.</param>
/// <param name="admit">Decides about the upgrade of a client whose uid is known, or who only asks.</param>
/// <param name="authority">Who decides.</param>
internal sealed class AuthApplication(
    IWebSocketApplication program, Func<ReadOnlyMemory<byte>, bool, ValueTask<UpgradeDecision>> admit, IAuthority authority)
    : IWebSocketApplication
{
    private TokenClock _clock = null!;

    public void OnStart(WebSocketServer server)
    {
        _clock = new TokenClock(server.Options.TimeProvider);
        program.OnStart(server);
    }

    public async ValueTask<UpgradeDecision> OnUpgrade(UpgradeContext context)
    {
        bool isQuestion = context.IsQuestion;
        AuthVerdict verdict = await authority.DecideAsync(context).ConfigureAwait(false);
        if (!verdict.IsGranted(out Grant? grant)) return verdict.Refusal!.ToDecision();
        UpgradeDecision decision = await admit(grant.Uid, isQuestion).ConfigureAwait(false);
        if (!decision.IsAccepted) return decision;
        bool isFree = grant is { Expires: null, Rights: null };
        return decision with { Application = isFree ? program : new GrantedConnection(program, grant, _clock) };
    }

    // Nobody's: each connection has the application that its upgrade was decided for.
    public ValueTask OnMessage(WebSocketConnection connection, WebSocketMessage message) => ValueTask.CompletedTask;

    public void OnStop(WebSocketServer server)
    {
        program.OnStop(server);
        _clock.Stop();
    }
}
