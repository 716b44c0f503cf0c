// What is told of the connection to whoever looks on (LoopWatch): the logs of connections and of frames, and observations. Nothing here
// runs while nobody does. Each line is logged outside of the connection's lock, and where an application's code may run too: a log may
// send and close.

using System.Buffers;
using System.Text;
using RawWs.Frame;
using RawWs.Handshake;
using RawWs.Server.Channels;
using RawWs.Server.Extensions;
using RawWs.Server.Log;
using RawWs.Server.Loops;
using RawWs.Server.Native;
using RawWs.Server.Sending;

namespace RawWs.Server;

public sealed partial class WebSocketConnection
{
    private const int FieldCharactersMax = 100; // of a header field in a line

    /// <summary>How many bytes have been received, the handshake included. On the owner's thread.</summary>
    internal long BytesReceived => _transport.BytesReceived;

    /// <summary>How many bytes the kernel has taken, or will take with the batch. On the owner's thread.</summary>
    internal long BytesSent => _bytesOut;

    /// <summary>Whether the kernel is full. On the owner's thread.</summary>
    internal bool IsStalled => _stalled;

    // The phase changes here, and at last in Finish.
    private void MoveTo(Phase next)
    {
        Phase from = _phase;
        _phase = next;
        TellPhase(from, next);
    }

    private void TellPhase(Phase from, Phase next)
    {
        if (!_loop.WatchesConnections || next == from)
        {
            _loop.Watch.TellSentFrames();
            return;
        }

        _loop.Watch.PhaseChanged(
            this, (ConnectionPhase)from, (ConnectionPhase)next, _ending?.Cause ?? EndCause.None, _ending?.Code, _ending?.Rule);
    }

    // As it came: nothing has been unmasked.
    void ITransportOwner.OnReceived(ReadOnlySpan<byte> bytes) => _loop.Watch.Received(this, BytesReceived, bytes);

    // `all` is what has come so far: the head and what follows it, or a part of the head.
    private void TellRequest(UpgradeRequest request, in ReadOnlySequence<byte> all, long headBytes)
    {
        _loop.Watch.RequestCame(this, request.Path, all, headBytes);
        if (!_loop.Watch.LogsConnections) return;
        _loop.Details.Connections.RequestCame(
            Id, _peer, Shown(request.Method), LogText.Escape(request.Path), Shown(request.Host),
            LogText.Escape(request.Origin ?? "", FieldCharactersMax), ShownField(request, "Sec-WebSocket-Protocol"u8),
            ShownField(request, "Sec-WebSocket-Extensions"u8));
    }

    private void TellAnswer(int status, string text, string? rule)
    {
        _loop.Watch.Answered(this, status, rule);
        if (!_loop.Watch.LogsConnections || status < 400) return;
        _loop.Details.Connections.RequestRefused(
            Id, _peer, status, rule is null ? "" : $" by rule {rule}", LogText.Escape(text, OriginAdvice.CharactersMax));
    }

    private void TellDeclined(List<DeclinedOffer> declined)
    {
        foreach (DeclinedOffer offer in declined)
            _loop.Details.Connections.OfferDeclined(Id, LogText.Escape(offer.Name, FieldCharactersMax), offer.Reason);
    }

    void ISentFrames.OnFrameSent(long offset, in FrameHeader header) => _loop.Watch.FrameSent(this, offset, header);

    /// <summary>
    /// It has joined under a uid. While it is being opened, that is a part of the line of the opened connection. Any thread.
    /// </summary>
    internal void TellNamed()
    {
        if (!_loop.WatchesConnections) return;
        if (_loop.IsOwner) _loop.Watch.Named(this);
        else _loop.Post(new NamedLater(this));
        if (_loop.Watch.LogsConnections && _opened) _loop.Details.Connections.ConnectionNamed(Id, LogText.EscapeUtf8(_uid));
    }

    private void TellOpened()
    {
        _loop.Watch.Opened(this);
        if (!_loop.Watch.LogsConnections) return;
        _loop.Details.Connections.ConnectionOpened(
            Id, _peer, LogText.Escape(Endpoint), LogText.EscapeUtf8(_uid), Subprotocol ?? "", Extensions ?? "");
    }

    // The event was made from the last bytes that have been received, of which so many were there.
    private void TellReceived(in ProtocolEvent found, bool isInPayload, int bytesThere) =>
        _loop.Watch.FrameReceived(this, found, isInPayload, BytesReceived - bytesThere, bytesThere);

    // Of these frames, which begin at this place in the stream, the kernel has taken so many bytes.
    private void TellSent(
        long start, ReadOnlySpan<byte> frames, ReadOnlySpan<byte> source, ReadOnlySpan<PayloadSegment> segments, int sent) =>
        _loop.Watch.Sent(this, start, frames, source, segments, sent);

    private void TellArmed(long due) =>
        _loop.Watch.TimerArmed(this, DeadlineAt(due, due), TimeSpan.FromMilliseconds(due - _loop.Now));

    private void TellDue(long now) => _loop.Watch.TimerCame(this, DeadlineAt(now, long.MinValue));

    // Which deadline it is that the timer is armed for (`due` is its time), or came for: the first one that has passed.
    private ConnectionDeadline DeadlineAt(long time, long due)
    {
        if (_phase == Phase.Handshake) return ConnectionDeadline.Handshake;
        if (_phase != Phase.Open) return ConnectionDeadline.Close;
        if (Is(SendDeadline)) return ConnectionDeadline.Send;
        if (Is(MessageDeadline)) return ConnectionDeadline.Message;
        if (Is(_deadline)) return ConnectionDeadline.Probe;
        return Is(NextCheck) ? ConnectionDeadline.Delivery : ConnectionDeadline.Silence;

        bool Is(long deadline) => due == long.MinValue ? deadline <= time : deadline == due;
    }

    private static string ShownField(UpgradeRequest request, ReadOnlySpan<byte> name) =>
        request.TryGetHeader(name, out ReadOnlySpan<byte> value) ? Shown(value) : "";

    private static string Shown(ReadOnlySpan<byte> field) => LogText.Escape(Encoding.Latin1.GetString(field), FieldCharactersMax);

    /// <summary>It was named on another thread.</summary>
    private sealed class NamedLater(WebSocketConnection connection) : ILoopWork
    {
        public void OnPosted() => connection._loop.Watch.Named(connection);
    }
}
