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

    /// <summary>The loop found this descriptor ready.</summary>
    public void OnEvents(uint events)
    {
        bool wanted = WantsBytes;
        if ((events & (Linux.EpollErr | Linux.EpollHup)) != 0 && !wanted)
        {
            // Nobody reads, and the event would come again for ever. An error is final; a hang-up is what our own end made of both.
            Epoll.Unregister(_descriptor);
            _registered = NotRegistered;
            if ((events & Linux.EpollErr) != 0 || _wantsRoom) Break(_owner);
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
        nint taken;
        do taken = Linux.Send(_descriptor, bytes, more);
        while (taken < 0 && Linux.LastError == Linux.Eintr);
        return Written(taken, bytes.Length);
    }

    public override int TryWrite(ReadOnlySpan<byte> frames, ReadOnlySpan<byte> source, ReadOnlySpan<Inset> insets)
    {
        nint taken;
        do taken = Linux.Send(_descriptor, frames, source, insets);
        while (taken < 0 && Linux.LastError == Linux.Eintr);
        return Written(taken, Inset.TotalBytes(frames, insets));
    }

    public override void ShutdownWrite()
    {
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
            if (error is Linux.Eagain or Linux.Enobufs or Linux.Enomem) return -1;
            Break(_owner);
            return -2;
        }
    }

    protected override void CloseSocket(bool reset)
    {
        if (_descriptor < 0) return;
        if (reset) Linux.ResetOnClose(_descriptor);
        Linux.Close(_descriptor); // and with that it leaves the interest set
        _descriptor = -1;
    }

    // What a send has come to: bytes taken, fewer than there were when the kernel is full, -1 for a dead connection.
    private int Written(nint taken, int length)
    {
        if (taken == length) return length;
        if (taken < 0)
        {
            if (_descriptor < 0 || Linux.LastError is not (Linux.Eagain or Linux.Enobufs or Linux.Enomem)) return -1;
            taken = 0;
        }

        WantRoom();
        return (int)taken;
    }

    private void WantRoom()
    {
        if (_wantsRoom) return;
        _wantsRoom = true;
        uint wanted = Linux.EpollOut | (_registered == NotRegistered ? 0 : _registered & Linux.EpollIn);
        if (_registered != wanted) Register(wanted);
    }

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
        if (Epoll.TryRegister(_descriptor, isNew: _registered == NotRegistered, events, Key)) _registered = events;
        else Break(_owner);
    }
}
