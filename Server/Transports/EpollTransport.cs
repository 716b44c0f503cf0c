// A connection on an epoll loop: a bare descriptor, and the events for which it is registered. The registration follows the need lazily: a
// socket whose bytes nobody wants stays registered until an event arrives, and only then leaves the interest set. A level-triggered
// EPOLLHUP cannot be masked, so a socket that hung up is removed from the interest set.

using System.Net;
using System.Runtime.Versioning;
using RawWs.Server.Loops;
using RawWs.Server.Native;

namespace RawWs.Server.Transports;

[SupportedOSPlatform("linux")]
internal sealed class EpollTransport(EpollLoop loop, int descriptor, ITransportOwner owner) : Transport(loop), IBatchedSender
{
    private const uint NotRegistered = uint.MaxValue;

    private readonly ITransportOwner _owner = owner;
    private int _descriptor = descriptor;
    private uint _registered = NotRegistered;
    private bool _wantsRoom;

    private EpollLoop Epoll => (EpollLoop)Loop;

    public override bool Gathers => true;

    public override bool IsWritable => _descriptor >= 0 && Linux.IsWritable(_descriptor);

    public override int BytesInKernel => _descriptor < 0 ? 0 : Linux.BytesToReceive(_descriptor);

    public override void OnReady(uint events)
    {
        bool wanted = WantsBytes;
        if ((events & (Linux.EpollErr | Linux.EpollHup)) != 0 && !wanted)
        {
            // Nobody reads, and the event would come again for ever. An error is final. A hang-up only means that both directions are
            // closed.
            bool silent = Epoll.TryUnregister(_descriptor);
            _registered = NotRegistered;
            if ((events & Linux.EpollErr) != 0 || _wantsRoom || !silent) Break(_owner);
            return;
        }

        if ((events & Linux.EpollOut) != 0 && _wantsRoom)
        {
            _wantsRoom = false;
            _owner.OnWritable();
            if (_descriptor < 0) return;
        }

        if ((events & (Linux.EpollIn | Linux.EpollHup | Linux.EpollErr)) != 0 && WantsBytes) ReceiveOnce(_owner);
        if (_descriptor >= 0) Settle(keepsIn: wanted);
    }

    public override int TryWrite(ReadOnlySpan<byte> bytes, bool more)
    {
        ThrowIfInBatch();
        nint sent;
        do sent = Linux.Send(_descriptor, bytes, more);
        while (sent < 0 && Linux.LastError == Linux.Eintr);
        return Written(sent, bytes.Length);
    }

    public override int TryWrite(ReadOnlySpan<byte> frames, ReadOnlySpan<byte> source, ReadOnlySpan<PayloadSegment> segments)
    {
        ThrowIfInBatch();
        nint sent;
        do sent = Linux.Send(_descriptor, frames, source, segments);
        while (sent < 0 && Linux.LastError == Linux.Eintr);
        return Written(sent, PayloadSegment.TotalBytes(frames, segments));
    }

    public override bool TryAddToBatch(ReadOnlySpan<byte> bytes)
    {
        ThrowIfInBatch();
        return IsInBatch = _descriptor >= 0 && Epoll.Batch.TryAdd(this, _descriptor, bytes);
    }

    void IBatchedSender.OnBatchSent(ReadOnlySpan<byte> bytes, int result)
    {
        IsInBatch = false;
        if (result == bytes.Length)
        {
            if (Epoll.WatchesFrames) _owner.OnBatchSent(bytes, result);
            return;
        }

        bool alive = (result >= 0 || MayBeTriedAgain(-result)) && TryWantRoom();
        _owner.OnBatchSent(bytes, alive ? Math.Max(result, 0) : -1);
    }

    public override void ShutdownWrite()
    {
        ThrowIfInBatch();
        if (_descriptor >= 0) Linux.ShutdownSend(_descriptor);
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

    protected override void WantBytes()
    {
        if (_descriptor >= 0 && (_registered == NotRegistered || (_registered & Linux.EpollIn) == 0))
            Register(Linux.EpollIn | (_wantsRoom ? Linux.EpollOut : 0u));
    }

    protected override int Receive(Span<byte> destination)
    {
        while (true)
        {
            nint received = Linux.Receive(_descriptor, destination);
            if (received >= 0) return (int)received;
            int error = Linux.LastError;
            if (error == Linux.Eintr) continue;
            if (error == Linux.Eagain) return -1;
            Break(_owner, "recv", error);
            return -2;
        }
    }

    protected override void CloseSocket(bool reset)
    {
        if (_descriptor < 0) return;
        SendBatched(); // the number will soon be another socket's
        if (reset) Linux.ResetOnClose(_descriptor);
        // A closed descriptor leaves the interest set. If close failed, its end would be reported for ever, so it is removed. If it did not
        // fail, nobody else can have registered the number yet.
        if (!Linux.Close(_descriptor)) Epoll.TryUnregister(_descriptor);
        _descriptor = -1;
    }

    // The result of a send: the bytes sent (fewer than given when the kernel is full), or -1 for a dead connection.
    private int Written(nint sent, int length)
    {
        if (sent == length) return length;
        if (sent < 0)
        {
            int error = Linux.LastError;
            if (_descriptor >= 0 && error != Linux.Eagain) Break(_owner, "send", error);
            if (_descriptor < 0 || error != Linux.Eagain) return -1;
            sent = 0;
        }

        if (!TryWantRoom()) Break(_owner, "epoll_ctl", Linux.LastError);
        return (int)sent;
    }

    private bool TryWantRoom()
    {
        if (_wantsRoom) return true;
        _wantsRoom = true;
        uint wanted = Linux.EpollOut | (_registered == NotRegistered ? 0 : _registered & Linux.EpollIn);
        return _registered == wanted || TryRegister(wanted);
    }

    // What waits in the batch is older than whatever comes now, and may not be sent whole. The caller must look at its result first.
    private void ThrowIfInBatch()
    {
        if (IsInBatch) throw new InvalidOperationException("Bytes wait in the batch that must be sent first.");
    }

    // Nothing was sent. The kernel is full, or the error is the ring's and perhaps not the connection's. What is queued is sent next by a
    // call of its own, and an error of that call ends the connection. After EIO nobody knows whether something was sent (SendRing).
    private static bool MayBeTriedAgain(int error) => error != Linux.Eio && !Errno.IsOfThePeer(error);

    // After an event, an event that woke us for nothing must not wake us again. This is done only now, because nearly every read is asked
    // for again soon, and then finds its registration unchanged.
    private void Settle(bool keepsIn)
    {
        if (_registered == NotRegistered) return;
        uint readable = WantsBytes ? Linux.EpollIn : keepsIn ? _registered & Linux.EpollIn : 0u;
        uint events = readable | (_wantsRoom ? Linux.EpollOut : 0u);
        if (events != _registered) Register(events);
    }

    private void Register(uint events)
    {
        if (!TryRegister(events)) Break(_owner, "epoll_ctl", Linux.LastError);
    }

    private bool TryRegister(uint events)
    {
        if (!Epoll.TryRegister(_descriptor, isNew: _registered == NotRegistered, events, Key)) return false;
        _registered = events;
        return true;
    }
}
