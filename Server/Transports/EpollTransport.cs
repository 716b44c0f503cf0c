// A connection on an epoll loop: a bare descriptor and the events that it is registered for. The
// registration follows need, lazily: a socket whose bytes nobody wants stays registered until the event that proves it, and only
// then leaves the interest set. A level-triggered EPOLLHUP cannot be masked, so a socket that hung up is taken out altogether.

using System.Runtime.Versioning;
using RawWs.Server.Loops;
using RawWs.Server.Native;

namespace RawWs.Server.Transports;

[SupportedOSPlatform("linux")]
internal sealed class EpollTransport(EpollLoop loop, int descriptor, ITransportOwner owner) : Transport(loop)
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

    /// <summary>The loop found this descriptor ready.</summary>
    public void OnEvents(uint events)
    {
        bool wanted = WantsBytes;
        if ((events & (Linux.EpollErr | Linux.EpollHup)) != 0 && !wanted)
        {
            // Nobody reads, and the event would come again for ever. An error is final; a hang-up is what our own end made of both.
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
        ThrowIfDeferred();
        nint taken;
        do taken = Linux.Send(_descriptor, bytes, more);
        while (taken < 0 && Linux.LastError == Linux.Eintr);
        return Written(taken, bytes.Length);
    }

    public override int TryWrite(ReadOnlySpan<byte> frames, ReadOnlySpan<byte> source, ReadOnlySpan<Inset> insets)
    {
        ThrowIfDeferred();
        nint taken;
        do taken = Linux.Send(_descriptor, frames, source, insets);
        while (taken < 0 && Linux.LastError == Linux.Eintr);
        return Written(taken, Inset.TotalBytes(frames, insets));
    }

    public override bool TryDefer(ReadOnlySpan<byte> bytes)
    {
        ThrowIfDeferred();
        return HasDeferred = _descriptor >= 0 && Epoll.Deferred.TryAdd(this, _descriptor, bytes);
    }

    /// <summary>What has become of the send that was put off: how many bytes were taken, or an errno below zero.</summary>
    public void OnDeferredSent(ReadOnlySpan<byte> bytes, int result)
    {
        HasDeferred = false;
        if (result == bytes.Length) return;
        bool alive = (result >= 0 || MayBeTriedAgain(-result)) && TryWantRoom();
        _owner.OnDeferredTaken(bytes, alive ? Math.Max(result, 0) : -1);
    }

    public override void ShutdownWrite()
    {
        ThrowIfDeferred();
        if (_descriptor >= 0) Linux.ShutdownSend(_descriptor);
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
        SendDeferred(); // the number will be another socket's
        if (reset) Linux.ResetOnClose(_descriptor);
        // Closed, it leaves the interest set. If it is not, its end would be told for ever; if it is, nobody else can have put the number
        // there yet.
        if (!Linux.Close(_descriptor)) Epoll.TryUnregister(_descriptor);
        _descriptor = -1;
    }

    // What a send has come to: bytes taken, fewer than there were when the kernel is full, -1 for a dead connection.
    private int Written(nint taken, int length)
    {
        if (taken == length) return length;
        if (taken < 0)
        {
            int error = Linux.LastError;
            if (_descriptor >= 0 && error != Linux.Eagain) Break(_owner, "send", error);
            if (_descriptor < 0 || error != Linux.Eagain) return -1;
            taken = 0;
        }

        if (!TryWantRoom()) Break(_owner, "epoll_ctl", Linux.LastError);
        return (int)taken;
    }

    private bool TryWantRoom()
    {
        if (_wantsRoom) return true;
        _wantsRoom = true;
        uint wanted = Linux.EpollOut | (_registered == NotRegistered ? 0 : _registered & Linux.EpollIn);
        return _registered == wanted || TryRegister(wanted);
    }

    // What was put off is older than whatever comes now, and perhaps was not taken in full: who sends has to look at that first.
    private void ThrowIfDeferred()
    {
        if (HasDeferred) throw new InvalidOperationException("Bytes are put off that have to go first.");
    }

    // Nothing was taken: the kernel is full, or it is the ring's error and perhaps not the connection's. What is queued is sent by a call
    // of its own next, and that one's error ends the connection. Of EIO it is not known whether something was taken (SendRing).
    private static bool MayBeTriedAgain(int error) => error != Linux.Eio && !Errno.IsOfThePeer(error);

    // After an event: what woke us for nothing must not wake us again. Only then: a read that is asked for anew soon, as nearly all
    // are, finds its registration as it was.
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
