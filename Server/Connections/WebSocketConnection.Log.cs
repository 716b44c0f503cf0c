// What the logs of connections and of frames are told (DetailLog). Nothing here runs while they are off. Each line is logged outside of the
// connection's lock, and where an application's code may run too: a log may send and close.

using System.Text;
using RawWs.Frame;
using RawWs.Handshake;
using RawWs.Server.Extensions;
using RawWs.Server.Log;
using RawWs.Server.Native;
using RawWs.Server.Sending;

namespace RawWs.Server;

public sealed partial class WebSocketConnection
{
    private const int FieldCharactersMax = 100; // of a header field in a line

    private static string NameOf(Phase phase) => phase switch
    {
        Phase.Handshake => "handshake",
        Phase.Open => "open",
        Phase.Closing => "closing",
        Phase.Ending => "draining",
        _ => "ended",
    };

    // The phase changes here, and at last in Finish. The line of the opened connection is TellOpened's.
    private void MoveTo(Phase next)
    {
        Phase from = _phase;
        _phase = next;
        _loop.TellSentFrames();
        if (_loop.LogsConnections && next != from && next != Phase.Open) TellPhase(from, next);
    }

    private void TellPhase(Phase from, Phase next)
    {
        EndCause cause = _ending?.Cause ?? EndCause.None;
        string code = _ending?.Code is { } number ? $", code {number}" : "", rule = _ending?.Rule is { } broken ? $", rule {broken}" : "";
        _loop.Details.Connections.PhaseChanged(
            Id, NameOf(from), NameOf(next), Names.Of(CloseReport.WhoCloses(cause)), Names.Of(cause), code, rule);
    }

    private void TellRequest(UpgradeRequest request) => _loop.Details.Connections.RequestCame(
        Id, _peer, Shown(request.Method), LogText.Escape(request.Path), Shown(request.Host),
        LogText.Escape(request.Origin ?? "", FieldCharactersMax), ShownField(request, "Sec-WebSocket-Protocol"u8),
        ShownField(request, "Sec-WebSocket-Extensions"u8));

    private void TellRefusal(int status, string text, string? rule) => _loop.Details.Connections.RequestRefused(
        Id, _peer, status, rule is null ? "" : $" by rule {rule}", LogText.Escape(text, OriginAdvice.CharactersMax));

    private void TellDeclined(List<DeclinedOffer> declined)
    {
        foreach (DeclinedOffer offer in declined)
            _loop.Details.Connections.OfferDeclined(Id, LogText.Escape(offer.Name, FieldCharactersMax), offer.Reason);
    }

    /// <summary>It has joined under a uid. While it is being opened, that is a part of the line of the opened connection.</summary>
    internal void TellNamed()
    {
        if (_loop.LogsConnections && _opened) _loop.Details.Connections.ConnectionNamed(Id, LogText.EscapeUtf8(_uid));
    }

    private void TellOpened() => _loop.Details.Connections.ConnectionOpened(
        Id, _peer, LogText.Escape(Endpoint), LogText.EscapeUtf8(_uid), Subprotocol ?? "", Extensions ?? "");

    private void TellReceived(in ProtocolEvent found, int bytesThere)
    {
        _loop.TellSentFrames();
        if (found.Kind == ProtocolEventKind.Fail) _loop.Details.Frames.Broke(Id, found.Header, bytesThere, found.Rule!.Name);
        else _loop.Details.Frames.Received(Id, found.Header);
    }

    // Of these frames the kernel has taken so many bytes. What it has not taken is noted when it leaves the send queue.
    private void NoteSent(ReadOnlySpan<byte> frames, ReadOnlySpan<byte> source, ReadOnlySpan<PayloadSegment> segments, int sent)
    {
        SendQueue.CorkReader all = new(frames, source, segments);
        while (all.TryRead() && all.End <= sent) _loop.SentFrames.Add(Id, all.Header);
    }

    private static string ShownField(UpgradeRequest request, ReadOnlySpan<byte> name) =>
        request.TryGetHeader(name, out ReadOnlySpan<byte> value) ? Shown(value) : "";

    private static string Shown(ReadOnlySpan<byte> field) => LogText.Escape(Encoding.Latin1.GetString(field), FieldCharactersMax);
}
