// Scenarios for people who test clients (--scenarios on): endpoints at which this server does on purpose what servers do seldom, or must
// not do. It stands before the program's application and takes the upgrades of its own paths. Its connections it takes over
// (UpgradeDecision.TakeOver), so that the server itself breaks no rule, and the log has them as answered requests.

using Microsoft.Extensions.Logging;
using RawWs.Handshake;
using RawWs.Server.Console.Log;
using static System.FormattableString;

namespace RawWs.Server.Console.Scenarios;

/// <param name="program">The program's application.</param>
/// <param name="log">Is told, at the level Debug, how clients ended a scenario.</param>
internal sealed class ScenarioApplication(IWebSocketApplication program, ILogger log) : IWebSocketApplication
{
    /// <summary>The most connections at once.</summary>
    public const int ConnectionsMax = 64;

    /// <summary>The path of the burst, which needs no connection taken over.</summary>
    public const string BurstPath = "/burst";

    private const int BurstMessagesUsual = 1000, BurstMessagesMax = 100_000;
    private const int BurstMessageBytesUsual = 100, BurstMessageBytesMax = 1024 * 1024;
    private const int BurstBytesMax = 64 * 1024 * 1024;

    /// <summary>The burst, as the page shows it.</summary>
    public static (string Shown, string What) Burst { get; } = (
        Invariant($"{BurstPath}?n={BurstMessagesUsual}&size={BurstMessageBytesUsual}"),
        "Sends n texts of size bytes as fast as the client takes them, and then a Close with 1000. "
            + Invariant($"n is 1 to {BurstMessagesMax}, size 0 to {BurstMessageBytesMax}, ")
            + Invariant($"both together at most {BurstBytesMax >> 20} MiB."));

    private TimeProvider _time = TimeProvider.System;
    private int _count;

    private bool IsFull => Volatile.Read(ref _count) >= ConnectionsMax;

    public void OnStart(WebSocketServer server)
    {
        _time = server.Options.TimeProvider;
        program.OnStart(server);
    }

    public ValueTask<UpgradeDecision> OnUpgrade(UpgradeContext context)
    {
        string path = context.Request.Path;
        if (path == BurstPath) return new(DecideBurst(context));
        foreach (Scenario scenario in ScenarioTable.All)
        {
            bool hasWord = scenario.Path[^1] == '/';
            if (hasWord ? path.StartsWith(scenario.Path, StringComparison.Ordinal) : path == scenario.Path)
                return new(Decide(context, scenario, hasWord ? path[scenario.Path.Length..] : ""));
        }

        return program.OnUpgrade(context).Then(program, static (decision, program) => decision.For(program));
    }

    // Nobody's: each connection has the application that its upgrade was decided for, or is taken over.
    public ValueTask OnMessage(WebSocketConnection connection, WebSocketMessage message) => ValueTask.CompletedTask;

    public void OnStop(WebSocketServer server) => program.OnStop(server);

    /// <summary>A connection of a scenario has ended.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="name">The scenario's path.</param>
    /// <param name="clientCode">The code of the client's Close; null if there was none.</param>
    public void OnEnded(RawConnection connection, string name, int? clientCode)
    {
        Release();
        if (clientCode is { } code) log.ScenarioClosed(connection.Id, name, code);
        else log.ScenarioNotClosed(connection.Id, name);
    }

    /// <summary>
    /// A connection of a scenario has begun. A decision alone counts nothing, because nothing need follow it; so past the bound there may
    /// be one more for each loop.
    /// </summary>
    public void Acquire() => Interlocked.Increment(ref _count);

    /// <summary>There is room for another one.</summary>
    public void Release() => Interlocked.Decrement(ref _count);

    private UpgradeDecision Decide(UpgradeContext context, Scenario scenario, string word)
    {
        UpgradeRequest request = context.Request;
        string? subprotocol = context.Subprotocol;
        ScenarioQuery query = new(request);
        bool offersDeflate = request.Extensions.Any(static offer => offer.Name == "permessage-deflate");
        ScenarioPart? part = scenario.Make(
            new ScenarioRequest(word, offersDeflate, extensions => HandshakeFaults.Valid(request, subprotocol, extensions)), query);
        if (query.FindProblem() is { } problem) return UpgradeDecision.Refuse(400, problem);
        return IsFull
            ? Full()
            : UpgradeDecision.TakeOver(new ScenarioConnection(this, scenario.Path + word, part!, _time), ScenarioConnection.ResetAfter);
    }

    private UpgradeDecision DecideBurst(UpgradeContext context)
    {
        ScenarioQuery query = new(context.Request);
        int count = query.Number("n", BurstMessagesUsual, 1, BurstMessagesMax);
        int size = query.Number("size", BurstMessageBytesUsual, 0, BurstMessageBytesMax);
        if ((long)count * size > BurstBytesMax) query.Fail($"n times size must be at most {BurstBytesMax}.");
        if (query.FindProblem() is { } problem) return UpgradeDecision.Refuse(400, problem);
        return IsFull ? Full() : UpgradeDecision.Accept() with { Application = new BurstApplication(this, count, size), IsApart = true };
    }

    private static UpgradeDecision Full() => UpgradeDecision.Refuse(503, $"{ConnectionsMax} scenarios are open already.");
}
