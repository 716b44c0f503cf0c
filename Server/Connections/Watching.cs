// What is told of a connection to whoever looks on (LoopWatch): the logs of connections and of frames, and observations. Nothing here runs
// while nobody does. Each line is logged outside of the connection's lock, and where an application's code may run too: a log may send and
// close.

using System.Buffers;
using System.Text;
using RawWs.Handshake;
using RawWs.Server.Extensions;
using RawWs.Server.Log;
using RawWs.Server.Loops;
using RawWs.Server.Native;

namespace RawWs.Server.Connections;

/// <summary>On the owner's thread, unless a member says otherwise.</summary>
internal static class Watching
{
    private const int FieldCharactersMax = 100; // of a header field in a line

    /// <summary>A step of <see cref="PhaseTable"/> has been made.</summary>
    public static void TellPhase(WebSocketConnection connection, Phase before, Phase now, ConnectionEnd? end)
    {
        ConnectionPhase from = PhaseTable.Shown(before), next = PhaseTable.Shown(now);
        LoopWatch watch = connection.Loop.Watch;
        if (!connection.Loop.WatchesConnections || next == from) watch.TellSentFrames();
        else watch.PhaseChanged(connection, from, next, end?.Cause ?? EndCause.None, end?.Code, end?.Rule);
    }

    /// <summary>The request has come.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="request">The request.</param>
    /// <param name="all">What has come so far: the head and what follows it.</param>
    /// <param name="headBytes">How long the head is, or its last part.</param>
    public static void TellRequest(WebSocketConnection connection, UpgradeRequest request, in ReadOnlySequence<byte> all, long headBytes)
    {
        ConnectionLoop loop = connection.Loop;
        loop.Watch.RequestCame(connection, request.Path, all, headBytes);
        if (!loop.Watch.LogsConnections) return;
        loop.Details.Connections.RequestCame(
            connection.Id, connection.Peer, Shown(request.Method), LogText.Escape(request.Path), Shown(request.Host),
            LogText.Escape(request.Origin ?? "", FieldCharactersMax), ShownOffers(request),
            ShownField(request, "Sec-WebSocket-Extensions"u8));
    }

    /// <summary>A proxy has told who the client is: whoever looks for that address sees the connection from now on.</summary>
    public static void TellClient(WebSocketConnection connection, PeerAddress proxy)
    {
        ConnectionLoop loop = connection.Loop;
        loop.Watch.Begun(connection);
        if (loop.Watch.LogsConnections) loop.Details.Connections.ClientNamed(connection.Id, proxy, connection.Peer);
    }

    /// <summary>The request is answered, and that is all.</summary>
    public static void TellAnswer(WebSocketConnection connection, int status, string text, string? rule)
    {
        ConnectionLoop loop = connection.Loop;
        loop.Watch.Answered(connection, status, rule);
        if (!loop.Watch.LogsConnections || status < 400) return;
        loop.Details.Connections.RequestRefused(connection.Id, connection.Peer, status, rule is null ? "" : $" by rule {rule}",
            LogText.Escape(text, OriginAdvice.CharactersMax));
    }

    /// <summary>These offers of extensions were declined.</summary>
    public static void TellDeclined(WebSocketConnection connection, List<DeclinedOffer> declined)
    {
        foreach (DeclinedOffer offer in declined)
            connection.Loop.Details.Connections.OfferDeclined(connection.Id, LogText.Escape(offer.Name, FieldCharactersMax), offer.Reason);
    }

    /// <summary>The upgrade is through.</summary>
    public static void TellOpened(WebSocketConnection connection)
    {
        ConnectionLoop loop = connection.Loop;
        loop.Watch.Opened(connection);
        if (!loop.Watch.LogsConnections) return;
        loop.Details.Connections.ConnectionOpened(connection.Id, connection.Peer, LogText.Escape(connection.Endpoint),
            LogText.EscapeUtf8(connection.Uid.Span), connection.Subprotocol ?? "", connection.Extensions ?? "");
    }

    /// <summary>
    /// It has joined under a uid. While it is being opened, that is a part of the line of the opened connection. Any thread.
    /// </summary>
    public static void TellNamed(WebSocketConnection connection)
    {
        ConnectionLoop loop = connection.Loop;
        if (!loop.WatchesConnections) return;
        if (loop.IsOwner) loop.Watch.Named(connection);
        else loop.Post(new NamedLater(connection));
        if (loop.Watch.LogsConnections && connection.Life.WasOpened)
            loop.Details.Connections.ConnectionNamed(connection.Id, LogText.EscapeUtf8(connection.Uid.Span));
    }

    private static string ShownOffers(UpgradeRequest request)
    {
        if (!request.TryGetHeader("Sec-WebSocket-Protocol"u8, out ReadOnlySpan<byte> value)) return "";
        byte[] offers = value.ToArray();
        CredentialMask.HideOffers(offers);
        return Shown(offers);
    }

    private static string ShownField(UpgradeRequest request, ReadOnlySpan<byte> name) =>
        request.TryGetHeader(name, out ReadOnlySpan<byte> value) ? Shown(value) : "";

    private static string Shown(ReadOnlySpan<byte> field) => LogText.Escape(Encoding.Latin1.GetString(field), FieldCharactersMax);

    /// <summary>It was named on another thread.</summary>
    private sealed class NamedLater(WebSocketConnection connection) : ILoopWork
    {
        public void OnPosted() => connection.Loop.Watch.Named(connection);
    }
}
