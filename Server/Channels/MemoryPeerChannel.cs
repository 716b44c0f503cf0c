// A connection without a socket: the peer is a program in this process (MemoryClient). What it sends comes in the pieces in which it was
// sent, so that cuts are as the peer wants them. What is sent to it waits until it is taken, up to a bound, as in a kernel's buffer.
//
// The peer's calls come from any thread, and the channel's own come on the loop; the lock is between them. The peer wakes the loop by a
// post. Nothing is missed: a transport that begins to wait looks at HasPending, which knows all that was given before.

using System.Threading.Channels;
using RawWs.Server.Loops;

namespace RawWs.Server.Channels;

internal sealed class MemoryPeerChannel : Channel, ILoopWork
{
    /// <summary>The most bytes that wait for the connection.</summary>
    public const int ArrivingBytesMax = 1 << 20;

    /// <summary>The most bytes that wait for the peer. What is more stays with the connection.</summary>
    public const int LeavingBytesMax = 64 * 1024;

    private const int ConnectionReset = -104;

    private readonly Lock _lock = new();
    private readonly Queue<ReadOnlyMemory<byte>> _arriving = new();
    private readonly Channel<byte[]> _leaving = System.Threading.Channels.Channel.CreateUnbounded<byte[]>();
    private Transport _transport = null!;
    private int _arrivingBytes;
    private int _takenOfFirst; // of the first piece that arrives
    private int _leavingBytes;
    private bool _hasEnded; // the peer's direction
    private bool _isReset; // by the peer
    private bool _isClosed; // by the connection
    private bool _wantsRoom;
    private bool _isPosted;

    /// <summary>What the connection has sent, piece by piece, to its end. <see cref="OnTaken"/> says that a piece was taken.</summary>
    public ChannelReader<byte[]> Leaving => _leaving.Reader;

    /// <summary>Whether the connection was closed with a reset. Known when <see cref="Leaving"/> has ended.</summary>
    public bool WasReset { get; private set; }

    public override bool HasPending
    {
        get
        {
            lock (_lock) return _arriving.Count > 0 || _hasEnded;
        }
    }

    public override bool IsWritable
    {
        get
        {
            lock (_lock) return _leavingBytes < LeavingBytesMax;
        }
    }

    public override int BytesThere
    {
        get
        {
            lock (_lock) return _arrivingBytes;
        }
    }

    public override void Attach(Transport transport) => _transport = transport;

    // The events are its own: what OnPosted has found.
    public override Readiness OnReady(Transport transport, uint events) => (Readiness)events;

    public override int Receive(Span<byte> destination)
    {
        lock (_lock)
        {
            if (_isReset) return ConnectionReset;
            if (!_arriving.TryPeek(out ReadOnlyMemory<byte> piece)) return _hasEnded ? 0 : Nothing;
            int taken = Math.Min(piece.Length - _takenOfFirst, destination.Length);
            piece.Span.Slice(_takenOfFirst, taken).CopyTo(destination);
            _takenOfFirst += taken;
            _arrivingBytes -= taken;
            if (_takenOfFirst < piece.Length) return taken;
            _arriving.Dequeue();
            _takenOfFirst = 0;
            return taken;
        }
    }

    public override int Send(ReadOnlySpan<byte> bytes, bool more)
    {
        lock (_lock)
        {
            if (_isReset) return ConnectionReset;
            int taken = Math.Clamp(LeavingBytesMax - _leavingBytes, 0, bytes.Length);
            if (taken > 0 && _leaving.Writer.TryWrite(bytes[..taken].ToArray())) _leavingBytes += taken;
            return taken;
        }
    }

    // The peer posts whatever it does.
    public override int WantReadable(Transport transport) => 0;

    public override int WantWritable(Transport transport)
    {
        lock (_lock)
        {
            _wantsRoom = true;
            if (_leavingBytes < LeavingBytesMax) PostOnce();
        }

        return 0;
    }

    public override void ShutdownWrite() => _leaving.Writer.TryComplete();

    // As a system does it: bytes that nobody has read are answered with a reset.
    public override void Close(Transport transport, bool reset)
    {
        lock (_lock)
        {
            if (_isClosed) return;
            _isClosed = true;
            WasReset = reset || _arriving.Count > 0;
            _arriving.Clear();
            _arrivingBytes = 0;
        }

        _leaving.Writer.TryComplete();
    }

    /// <summary>The peer sends bytes, which are its own no more. False: too much waits, or nobody reads it. Any thread.</summary>
    public bool TryArrive(ReadOnlyMemory<byte> bytes)
    {
        lock (_lock)
        {
            if (_isClosed || _isReset || _hasEnded || _arrivingBytes + (long)bytes.Length > ArrivingBytesMax) return false;
            if (bytes.IsEmpty) return true;
            _arriving.Enqueue(bytes);
            _arrivingBytes += bytes.Length;
            PostOnce();
            return true;
        }
    }

    /// <summary>The peer ends its direction, or with a reset the connection. Any thread.</summary>
    public void EndArriving(bool reset)
    {
        lock (_lock)
        {
            if (_isClosed) return;
            _hasEnded = true;
            _isReset |= reset;
            PostOnce();
        }

        if (reset) _leaving.Writer.TryComplete();
    }

    /// <summary>The peer has taken bytes: there is room again. Any thread.</summary>
    public void OnTaken(int bytes)
    {
        lock (_lock)
        {
            _leavingBytes -= bytes;
            if (_wantsRoom) PostOnce();
        }
    }

    void ILoopWork.OnPosted()
    {
        Readiness ready = Readiness.Readable;
        lock (_lock)
        {
            _isPosted = false;
            if (_isClosed) return;
            if (_isReset) ready = Readiness.Broken;
            if (_wantsRoom && _leavingBytes < LeavingBytesMax)
            {
                _wantsRoom = false;
                ready |= Readiness.Writable;
            }
        }

        _transport.OnReady((uint)ready);
    }

    void ILoopWork.OnFailed(Exception exception) => ((ILoopWork)_transport).OnFailed(exception);

    // Under the lock.
    private void PostOnce()
    {
        if (_isPosted) return;
        _isPosted = true;
        _transport.Loop.Post(this);
    }
}
