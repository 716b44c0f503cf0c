// A plain socket of System.Net.Sockets, for systems without epoll (and, on Linux, to run the same tests on both). A receive of zero bytes
// says when the socket is readable. The bytes are then received without blocking. There is no such call for writability. So a bounded piece
// of what the kernel does not send at once is copied into a buffer, which SendAsync owns until it is sent. Then there is room again.

using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using RawWs.Server.Loops;
using RawWs.Server.Native;

namespace RawWs.Server.Channels;

[SuppressMessage("Design", "CA1001", Justification = "Close gives everything back, once what is pending has come home.")]
internal sealed class SocketChannel : Channel, ILoopWork
{
    private const int StalledBytesMax = 16 * 1024;
    private const int StalledBytesMin = 1024; // without asking the budget, because otherwise nobody would tell us when the kernel has room

    private readonly Socket _socket;
    private readonly Operation _receive;
    private Transport _transport = null!;
    private Operation? _send;
    private byte[]? _stalled;
    private bool _receiving;
    private bool _sending;
    private bool _wantsRoom;
    private bool _closed;

    /// <summary>A channel over a connected socket, which it closes.</summary>
    public SocketChannel(Socket socket)
    {
        _socket = socket;
        _socket.Blocking = false;
        SetNoDelay(socket);
        _receive = new Operation(this);
        _receive.SetBuffer(Memory<byte>.Empty);
    }

    public override bool WantsWrite => _sending;

    public override int BytesThere
    {
        get
        {
            try
            {
                return _closed ? 0 : _socket.Available;
            }
            catch (SocketException)
            {
                return 0; // the connection is gone: the receive will report it
            }
        }
    }

    public override int BytesUnacknowledged
    {
        get
        {
            if (_closed || !OperatingSystem.IsLinux()) return -1;
            int unacknowledged = Linux.BytesUnacknowledged((int)_socket.Handle);
            // What SendAsync still has was given to the channel too.
            return unacknowledged < 0 || !_sending ? unacknowledged : unacknowledged + _send!.Count;
        }
    }

    public override int RoundTripMicroseconds =>
        _closed || !OperatingSystem.IsLinux() ? -1 : Linux.RoundTripMicroseconds((int)_socket.Handle);

    private EventLoop Loop => _transport.Loop;

    public override void Attach(Transport transport) => _transport = transport;

    // The events are its own: what OnPosted has found.
    public override Readiness OnReady(Transport transport, uint events) => (Readiness)events;

    // The socket was perhaps not readable after all.
    public override int Settle(Transport transport, bool wanted) => transport.WantsBytes ? WantReadable(transport) : 0;

    public override int Receive(Span<byte> destination)
    {
        int received = _socket.Receive(destination, SocketFlags.None, out SocketError error);
        if (error == SocketError.Success) return received;
        return error == SocketError.WouldBlock ? Nothing : ResultOf(error);
    }

    public override int Send(ReadOnlySpan<byte> bytes, bool more)
    {
        if (_closed) return ResultOf(SocketError.Shutdown);
        if (_sending) return 0;
        int sent = _socket.Send(bytes, SocketFlags.None, out SocketError error);
        if (error == SocketError.Success && sent == bytes.Length) return sent;
        if (error is not (SocketError.Success or SocketError.WouldBlock)) return ResultOf(error);
        sent = Math.Max(sent, 0);
        return sent + Stall(bytes[sent..]);
    }

    public override int WantReadable(Transport transport)
    {
        if (_receiving || _closed) return 0;
        _receiving = true;
        Loop.BeginOperation();
        // If the socket is readable already, that is posted like any other completion, so that nobody reads on and on while the others
        // wait.
        if (!_socket.ReceiveAsync(_receive)) _receive.CompletedAtOnce();
        return 0;
    }

    // What was not sent at once is on its way already, and its completion says so. If nothing is on its way there is room now.
    public override int WantWritable(Transport transport)
    {
        if (_sending || _closed || _wantsRoom) return 0;
        _wantsRoom = true;
        Loop.Post(this);
        return 0;
    }

    public override void ShutdownWrite()
    {
        if (_closed) return;
        try
        {
            _socket.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            // The peer has closed before: there is nothing left to end.
        }
    }

    public override void Close(Transport transport, bool reset)
    {
        if (_closed) return;
        _closed = true;
        reset |= _sending; // what the kernel has not sent of a frame will never be sent
        if (reset) ResetOnClose();
        else if (_receiving && TryShutdownBoth())
            return; // closed with a receive pending, the socket would send a reset, and the peer would lose what it has not read

        _socket.Dispose(); // ends the pending operations; each still completes, and its buffer is free only then
        if (!_receiving && !_sending) Dispose();
    }

    public override IPEndPoint? FindLocalEndPoint()
    {
        try
        {
            return _socket.LocalEndPoint is IPEndPoint local ? new PeerAddress(local).ToEndPoint() : null;
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            return null;
        }
    }

    public override void SetUserTimeout(TimeSpan timeout)
    {
        if (!OperatingSystem.IsLinux()) return;
        const int IpProtoTcp = 6, TcpUserTimeout = 18;
        Span<byte> value = stackalloc byte[4];
        BitConverter.TryWriteBytes(value, (int)Math.Clamp(timeout.TotalMilliseconds, 1, int.MaxValue));
        try
        {
            _socket.SetRawSocketOption(IpProtoTcp, TcpUserTimeout, value);
        }
        catch (SocketException)
        {
            // Then TCP's own timeout finds a peer that is gone.
        }
    }

    public override string Describe(string call, int error) => (SocketError)(-error)
        is SocketError.ConnectionReset or SocketError.ConnectionAborted or SocketError.Shutdown or SocketError.TimedOut
            or SocketError.NotConnected or SocketError.HostUnreachable or SocketError.NetworkUnreachable or SocketError.NetworkDown
            or SocketError.HostDown or SocketError.OperationAborted
            ? ""
            : $"{call} failed with {(SocketError)(-error)}";

    /// <summary>One or both of the operations have completed, and have posted this.</summary>
    void ILoopWork.OnPosted()
    {
        Readiness ready = _wantsRoom && !_closed ? Readiness.Writable : Readiness.None;
        _wantsRoom = false;
        if (_sending && _send!.TryGetResult(out SocketError sent) && EndSend(sent)) ready |= Readiness.Writable;
        if (_receiving && _receive.TryGetResult(out SocketError received) && EndReceive(received)) ready |= Readiness.Readable;
        if (ready != Readiness.None) _transport.OnReady((uint)ready);
        if (_closed && !_receiving && !_sending) Dispose();
    }

    // True when the owner is to be told.
    private bool EndSend(SocketError error)
    {
        _sending = false;
        Loop.EndOperation();
        Loop.Budget.Return(_stalled!);
        _stalled = null;
        return IsToBeTold("send", error);
    }

    private bool EndReceive(SocketError error)
    {
        _receiving = false;
        Loop.EndOperation();
        return IsToBeTold("recv", error);
    }

    private bool IsToBeTold(string call, SocketError error)
    {
        if (_closed) return false;
        if (error == SocketError.Success) return true;
        _transport.Break(Describe(call, ResultOf(error)));
        return false;
    }

    // The errors of sockets are numbers above zero, but for the one that says nothing (-1).
    private static int ResultOf(SocketError error) => -Math.Abs((int)error);

    private int Stall(ReadOnlySpan<byte> rest)
    {
        int length = Math.Min(rest.Length, Loop.Budget.HasRoomToWait(StalledBytesMax) ? StalledBytesMax : StalledBytesMin);
        _stalled = Loop.Budget.Rent(length);
        rest[..length].CopyTo(_stalled);
        _send ??= new Operation(this);
        _send.SetBuffer(_stalled, 0, length);
        _sending = true;
        Loop.BeginOperation();
        if (!_socket.SendAsync(_send)) _send.CompletedAtOnce();
        return length;
    }

    private void ResetOnClose()
    {
        try
        {
            _socket.LingerState = new LingerOption(true, 0);
        }
        catch (SocketException)
        {
            // It ends without a reset.
        }
    }

    // Ends the pending receive, whose completion disposes of the socket.
    private bool TryShutdownBoth()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Both);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    // On most systems the listener's option is inherited.
    private static void SetNoDelay(Socket socket)
    {
        try
        {
            socket.NoDelay = true;
        }
        catch (SocketException)
        {
            // Then small messages may wait for an acknowledgement.
        }
    }

    private void Dispose()
    {
        _socket.Dispose();
        _receive.Dispose();
        _send?.Dispose();
    }

    /// <summary>An asynchronous operation that posts its channel to the loop when it has completed.</summary>
    private sealed class Operation(SocketChannel channel) : SocketAsyncEventArgs(true)
    {
        private int _done;

        /// <summary>Whether the operation has completed since it was started, and with which error. True once.</summary>
        public bool TryGetResult(out SocketError error)
        {
            bool done = Interlocked.Exchange(ref _done, 0) == 1;
            error = done ? SocketError : SocketError.Success;
            return done;
        }

        public void CompletedAtOnce()
        {
            Volatile.Write(ref _done, 1);
            channel.Loop.Post(channel);
        }

        protected override void OnCompleted(SocketAsyncEventArgs e)
        {
            Volatile.Write(ref _done, 1);
            channel.Loop.PostCompletion(channel);
        }
    }
}
