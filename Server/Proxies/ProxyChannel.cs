// A layer that reads the PROXY header at a connection's beginning, before TLS and the request, and tells the transport who the client is.
// After that it passes everything through. The header's deadline is the handshake's. Of a header that comes in pieces, what has come waits
// here. The budget is asked for the first piece; the others are charged to it without asking, because a header has a bound. A peer that is
// no trusted proxy is not listened to.

using System.Net;
using RawWs.Server.Channels;
using RawWs.Server.Memory;
using RawWs.Server.Native;

namespace RawWs.Server.Proxies;

internal sealed class ProxyChannel : Channel
{
    private readonly Channel _below;
    private Transport _transport = null!;
    private WaitingBytes _begun; // a part of the header
    private ProxyRule? _broken;
    private bool _isRead;

    /// <param name="below">The channel over which it lies.</param>
    /// <param name="isTrusted">Whether the peer is a trusted proxy.</param>
    public ProxyChannel(Channel below, bool isTrusted) => (_below, _broken) = (below, isTrusted ? null : ProxyRules.Untrusted);

    public override OpeningLayer Opening => _isRead ? _below.Opening : OpeningLayer.ProxyHeader;

    public override string? Fault => _broken?.Text ?? _below.Fault;

    public override string? FaultRule => _broken?.Name ?? _below.FaultRule;

    // Of a peer that is not listened to, no byte is waited for.
    public override bool HasPending => _broken is not null || _below.HasPending;

    public override bool WantsWrite => _below.WantsWrite;

    public override bool Gathers => _below.Gathers;

    public override bool IsWritable => _below.IsWritable;

    public override int BytesThere => _below.BytesThere;

    public override int BytesUnacknowledged => _below.BytesUnacknowledged;

    public override int RoundTripMicroseconds => _below.RoundTripMicroseconds;

    public override long BytesOfItsOwn => _below.BytesOfItsOwn;

    public override void Attach(Transport transport)
    {
        _transport = transport;
        _below.Attach(transport);
    }

    public override Readiness OnReady(Transport transport, uint events) => _below.OnReady(transport, events);

    public override int Settle(Transport transport, bool wanted) => _below.Settle(transport, wanted);

    public override int Receive(Span<byte> destination)
    {
        if (_isRead) return _below.Receive(destination);
        if (_broken is not null) return 0;
        int received = _below.Receive(destination);
        if (received == 0 && _begun.Length > 0) return Break(ProxyRules.Cut);
        return received > 0 ? ReadHeader(destination, received) : received;
    }

    public override int Send(ReadOnlySpan<byte> bytes, bool more) => _below.Send(bytes, more);

    public override int Send(ReadOnlySpan<byte> frames, ReadOnlySpan<byte> source, ReadOnlySpan<PayloadSegment> segments) =>
        _below.Send(frames, source, segments);

    public override ArraySegment<byte> BatchRoom(Transport transport, int bytes) => _below.BatchRoom(transport, bytes);

    public override bool TryAddToBatch(Transport transport, ReadOnlySpan<byte> frames, ReadOnlySpan<byte> bytes) =>
        _below.TryAddToBatch(transport, frames, bytes);

    public override bool TryKeepBatched(ReadOnlySpan<byte> bytes) => _below.TryKeepBatched(bytes);

    public override int WantReadable(Transport transport) => _below.WantReadable(transport);

    public override int WantWritable(Transport transport) => _below.WantWritable(transport);

    public override void ShutdownWrite() => _below.ShutdownWrite();

    public override void Close(Transport transport, bool reset)
    {
        _begun.Remove(_begun.Length, transport.Loop.Budget);
        _below.Close(transport, reset);
    }

    public override IPEndPoint? FindLocalEndPoint() => _below.FindLocalEndPoint();

    public override void SetUserTimeout(TimeSpan timeout) => _below.SetUserTimeout(timeout);

    public override string Describe(string call, int error) => _below.Describe(call, error);

    // These bytes have come. Answers as Receive does: what follows the header is the caller's.
    private int ReadHeader(Span<byte> destination, int received)
    {
        MemoryBudget budget = _transport.Loop.Budget;
        int before = _begun.Length;
        ReadOnlySpan<byte> seen = destination[..received];
        if (before > 0)
        {
            _begun.Append(seen[..Math.Min(received, ProxyHeader.BytesMax - before)], budget);
            seen = _begun.Bytes;
        }

        ProxyHeader header = ProxyHeader.Read(seen);
        if (header.Rule is { } rule) return Break(rule);
        if (!header.IsWhole) return before > 0 || _begun.TryKeep(seen, budget) ? Nothing : Lost;
        _isRead = true;
        _begun.Remove(_begun.Length, budget);
        if (header.Client is { } client) _transport.NameClient(client);
        int own = header.Length - before;
        destination[own..received].CopyTo(destination);
        return received > own ? received - own : Nothing;
    }

    private int Break(ProxyRule rule)
    {
        _broken = rule;
        return 0;
    }
}
