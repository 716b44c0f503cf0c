// A plain socket on an epoll loop: a bare descriptor, and the events for which it is registered. The registration follows the need lazily:
// a socket whose bytes nobody wants stays registered until an event arrives, and only then leaves the interest set. A level-triggered
// EPOLLHUP cannot be masked, so a socket that hung up is removed from the interest set.

using System.Net;
using System.Runtime.Versioning;
using RawWs.Server.Loops;
using RawWs.Server.Native;

namespace RawWs.Server.Channels;

/// <param name="descriptor">A connected socket that does not block. The channel closes it.</param>
[SupportedOSPlatform("linux")]
internal sealed class EpollChannel(int descriptor) : Channel
{
    // A byte has room for every event that is asked for. One that is not registered has none of them.
    private const byte NotRegistered = byte.MaxValue;

    private int _descriptor = descriptor;
    private byte _registered = NotRegistered;
    private bool _wantsRoom;

    public override bool Gathers => true;

    public override bool IsWritable => _descriptor >= 0 && Linux.IsWritable(_descriptor);

    public override int BytesUnacknowledged => _descriptor < 0 ? -1 : Linux.BytesUnacknowledged(_descriptor);

    public override int RoundTripMicroseconds => _descriptor < 0 ? -1 : Linux.RoundTripMicroseconds(_descriptor);

    public override int BytesThere => _descriptor < 0 ? 0 : Linux.BytesToReceive(_descriptor);

    public override Readiness OnReady(Transport transport, uint events)
    {
        if (_descriptor < 0) return Readiness.None;
        if ((events & (Linux.EpollErr | Linux.EpollHup)) != 0 && !transport.WantsBytes)
        {
            // Nobody reads, and the event would come again for ever. An error is final. A hang-up only means that both directions are
            // closed.
            bool silent = LoopOf(transport).TryUnregister(_descriptor);
            _registered = NotRegistered;
            return (events & Linux.EpollErr) != 0 || _wantsRoom || !silent ? Readiness.Broken : Readiness.None;
        }

        Readiness ready = (events & (Linux.EpollIn | Linux.EpollHup | Linux.EpollErr)) != 0 ? Readiness.Readable : Readiness.None;
        if ((events & Linux.EpollOut) == 0 || !_wantsRoom) return ready;
        _wantsRoom = false;
        return ready | Readiness.Writable;
    }

    // An event that woke us for nothing must not wake us again. This is done only after it, because nearly every read is asked for again
    // soon, and then finds its registration unchanged.
    public override int Settle(Transport transport, bool wanted)
    {
        if (_registered == NotRegistered || _descriptor < 0) return 0;
        uint readable = transport.WantsBytes ? Linux.EpollIn : wanted ? (uint)(_registered & Linux.EpollIn) : 0u;
        uint events = readable | (_wantsRoom ? Linux.EpollOut : 0u);
        return events == _registered ? 0 : Register(transport, events);
    }

    public override int Receive(Span<byte> destination)
    {
        while (true)
        {
            nint received = Linux.Receive(_descriptor, destination);
            if (received >= 0) return (int)received;
            int error = Linux.LastError;
            if (error == Linux.Eagain) return Nothing;
            if (error != Linux.Eintr) return -error;
        }
    }

    public override int Send(ReadOnlySpan<byte> bytes, bool more)
    {
        nint sent;
        do sent = Linux.Send(_descriptor, bytes, more);
        while (sent < 0 && Linux.LastError == Linux.Eintr);
        return ResultOf(sent);
    }

    public override int Send(ReadOnlySpan<byte> frames, ReadOnlySpan<byte> source, ReadOnlySpan<PayloadSegment> segments)
    {
        nint sent;
        do sent = Linux.Send(_descriptor, frames, source, segments);
        while (sent < 0 && Linux.LastError == Linux.Eintr);
        return ResultOf(sent);
    }

    public override ArraySegment<byte> BatchRoom(Transport transport, int bytes) =>
        _descriptor >= 0 ? LoopOf(transport).Batch.Room(bytes) : default;

    public override bool TryAddToBatch(Transport transport, ReadOnlySpan<byte> frames, ReadOnlySpan<byte> bytes) =>
        _descriptor >= 0 && LoopOf(transport).Batch.TryAdd(transport, _descriptor, frames, bytes);

    public override int WantReadable(Transport transport) =>
        _descriptor < 0 || (_registered != NotRegistered && (_registered & Linux.EpollIn) != 0)
            ? 0
            : Register(transport, Linux.EpollIn | (_wantsRoom ? Linux.EpollOut : 0u));

    public override int WantWritable(Transport transport)
    {
        if (_wantsRoom || _descriptor < 0) return 0;
        _wantsRoom = true;
        uint wanted = Linux.EpollOut | (_registered == NotRegistered ? 0u : (uint)(_registered & Linux.EpollIn));
        return _registered == wanted ? 0 : Register(transport, wanted);
    }

    public override void ShutdownWrite()
    {
        if (_descriptor >= 0) Linux.ShutdownSend(_descriptor);
    }

    public override void Close(Transport transport, bool reset)
    {
        if (_descriptor < 0) return;
        if (reset) Linux.ResetOnClose(_descriptor);
        // A closed descriptor leaves the interest set. If close failed, its end would be reported for ever, so it is removed. If it did not
        // fail, nobody else can have registered the number yet.
        if (!Linux.Close(_descriptor)) LoopOf(transport).TryUnregister(_descriptor);
        _descriptor = -1;
    }

    public override IPEndPoint? FindLocalEndPoint()
    {
        Span<byte> address = stackalloc byte[128];
        return _descriptor >= 0 && Linux.TryGetName(_descriptor, address, out int length)
            ? PeerAddress.FromSockaddr(address[..length]).ToEndPoint()
            : null;
    }

    public override void SetUserTimeout(TimeSpan timeout)
    {
        if (_descriptor >= 0) Linux.SetUserTimeout(_descriptor, (int)Math.Clamp(timeout.TotalMilliseconds, 1, int.MaxValue));
    }

    private static EpollLoop LoopOf(Transport transport) => (EpollLoop)transport.Loop;

    // A full kernel takes nothing, which is no error.
    private static int ResultOf(nint sent)
    {
        if (sent >= 0) return (int)sent;
        int error = Linux.LastError;
        return error == Linux.Eagain ? 0 : -error;
    }

    private int Register(Transport transport, uint events)
    {
        bool isNew = _registered == NotRegistered;
        if (!LoopOf(transport).TryRegister(_descriptor, isNew, events, transport.Key)) return -Linux.LastError;
        _registered = (byte)events;
        return 0;
    }
}
