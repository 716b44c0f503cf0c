// A browser does not tell a page why its upgrade was refused: all refusals are 1006 there. So whoever wants to know asks again, and offers
// the subprotocol rawws.why.v1. The program's application decides as ever. Then the connection opens, is told in a Close what the answer
// would have been (1008 and the refusal's sentence, or 1000), and that was all: it has no uid, and its messages go nowhere.
// What is refused without the application (an origin, a limit) or by a rule of its own (--auth: 401, 403, 503) stays an answer of HTTP.

using System.Text;
using RawWs.Frame;

namespace RawWs.Server.Console.Pages;

/// <param name="program">The program's application. What is not asked so is its alone, from the upgrade on.</param>
internal sealed class ReadableRefusals(IWebSocketApplication program) : IWebSocketApplication
{
    public const string Subprotocol = "rawws.why.v1";

    public void OnStart(WebSocketServer server) => program.OnStart(server);

    public ValueTask<UpgradeDecision> OnUpgrade(UpgradeContext context)
    {
        bool asks = context.Request.Subprotocols.Contains(Subprotocol, StringComparer.Ordinal);
        context.IsQuestion = asks;
        return program.OnUpgrade(context).Then((Self: this, asks), static (decision, with) => with.Self.Answer(decision, with.asks));
    }

    // Nobody's: each connection has the application that its upgrade was decided for.
    public ValueTask OnMessage(WebSocketConnection connection, WebSocketMessage message) => ValueTask.CompletedTask;

    public void OnStop(WebSocketServer server) => program.OnStop(server);

    private UpgradeDecision Answer(UpgradeDecision decision, bool asks)
    {
        // What has a rule of its own is refused as ever: the log and the metrics have to have it.
        if (!asks || decision.Rule is not null) return decision.For(program);
        return UpgradeDecision.Accept(subprotocol: Subprotocol) with { Application = new Reason(decision.Text), IsApart = true };
    }

    /// <param name="refusal">What the refusal says; null if there is none.</param>
    private sealed class Reason(string? refusal) : IWebSocketApplication
    {
        public ValueTask<UpgradeDecision> OnUpgrade(UpgradeContext context) => new(UpgradeDecision.Refuse(500, "Nobody asks here."));

        public void OnOpen(WebSocketConnection connection) =>
            connection.Close(refusal is null ? CloseCodes.NormalClosure : CloseCodes.PolicyViolation, Cut(refusal ?? ""));

        public ValueTask OnMessage(WebSocketConnection connection, WebSocketMessage message) => ValueTask.CompletedTask;

        private static string Cut(string text)
        {
            while (Encoding.UTF8.GetByteCount(text) > ClosePayload.ReasonBytesMax) text = text[..^1];
            return text;
        }
    }
}
