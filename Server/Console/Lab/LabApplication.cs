// The Lab: it stands before the program's application, and takes the upgrades of its own two paths. Every other connection is the program's
// from its upgrade on, so that the Lab has part in no message, and no connection has anything for it.
//
//   /lab/feed       what the page asks and is told (LabFeed), in JSON
//   /lab/try/{id}   a connection that one feed watches; messages come back. Only who has the feed knows the id
//        ?uid=...   the same, but as the program's connection: it decides, and the watcher is told the way of each message (LabRoom)

using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace RawWs.Server.Console.Lab;

/// <summary>Whose connections the Lab shows.</summary>
internal enum LabScope : byte
{
    /// <summary>There is no Lab.</summary>
    Off,

    /// <summary>Those that a watcher has opened for it.</summary>
    Own,

    /// <summary>All of the server, except the Lab's own.</summary>
    All,
}

/// <param name="program">The program's application.</param>
/// <param name="scope">Whose connections are shown.</param>
/// <param name="hasRouter">Whether the program delivers by uid. Others may stand before it: the application does not say it.</param>
internal sealed class LabApplication(IWebSocketApplication program, LabScope scope, bool hasRouter) : IWebSocketApplication
{
    public const string FeedPath = "/lab/feed";
    public const string TryPath = "/lab/try/";
    public const string Subprotocol = "rawws.lab.v1";

    /// <summary>The most feeds at once. Each has an observation, and one more while it tries bytes.</summary>
    public const int FeedsMax = 16;

    private readonly ConcurrentDictionary<string, LabFeed> _feeds = new(StringComparer.Ordinal);
    private WebSocketServer _server = null!;

    public void OnStart(WebSocketServer server)
    {
        _server = server;
        program.OnStart(server);
    }

    public ValueTask<UpgradeDecision> OnUpgrade(UpgradeContext context)
    {
        string path = context.Request.Path;
        if (path == FeedPath) return new(DecideFeed(context));
        if (path.StartsWith(TryPath, StringComparison.Ordinal)) return DecideTry(context, path);
        return AskProgram(context, feed: null);
    }

    // Nobody's: each connection has the application that its upgrade was decided for.
    public ValueTask OnMessage(WebSocketConnection connection, WebSocketMessage message) => ValueTask.CompletedTask;

    public void OnStop(WebSocketServer server) => program.OnStop(server);

    /// <summary>A feed is open, and watches. False if there are too many.</summary>
    public bool TryAdd(LabFeed feed) => _feeds.Count < FeedsMax && _feeds.TryAdd(feed.Id, feed);

    /// <summary>A feed has ended.</summary>
    public void Remove(LabFeed feed) => _feeds.TryRemove(feed.Id, out _);

    // Without a feed that watches the connection, the Lab has no part in it.
    private ValueTask<UpgradeDecision> AskProgram(UpgradeContext context, LabFeed? feed) =>
        program.OnUpgrade(context).Then((program, feed), static (decision, with) =>
        {
            decision = decision.For(with.program);
            return with.feed is null ? decision : decision with { Application = new LabRoom(decision.Application!, with.feed) };
        });

    private UpgradeDecision DecideFeed(UpgradeContext context)
    {
        // The server has let this origin in. But the Lab is for its own page alone: others may not use it for their visitors.
        if (context.FindHeader("Origin") is { } origin && !IsOfHost(origin, context.FindHeader("Host")))
            return UpgradeDecision.Refuse(403, "The Lab is for its own page.");
        if (!context.Request.Subprotocols.Contains(Subprotocol, StringComparer.Ordinal))
            return UpgradeDecision.Refuse(400, $"The subprotocol {Subprotocol} must be offered.");
        if (_feeds.Count >= FeedsMax) return UpgradeDecision.Refuse(503, $"The Lab has {FeedsMax} watchers already.");
        string id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        return UpgradeDecision.Accept(subprotocol: Subprotocol) with
        {
            Application = new LabFeed(this, _server, id, scope, hasRouter),
            IsApart = true, // what clients send to all is not for the page
        };
    }

    private ValueTask<UpgradeDecision> DecideTry(UpgradeContext context, string path)
    {
        if (!_feeds.TryGetValue(path[TryPath.Length..], out LabFeed? feed))
            return new(UpgradeDecision.Refuse(404, "Nobody watches this id."));
        if (!feed.Tries.HasRoom)
            return new(UpgradeDecision.Refuse(503, $"{LabTries.ConnectionsMax} connections of this id are open already."));
        return context.Request.TryGetQuery("uid"u8, out _, out _)
            ? AskProgram(context, feed)
            : new(UpgradeDecision.Accept() with { Application = feed.Tries, IsApart = true });
    }

    private static bool IsOfHost(string origin, string? host)
    {
        int authority = origin.IndexOf("://", StringComparison.Ordinal) + 3;
        return authority > 2 && origin[authority..].Equals(host, StringComparison.OrdinalIgnoreCase);
    }
}
