// Stands between two programs and passes on what they say, until it is paused: then nothing gets through, and neither side is told. Or its
// connections are cut.

using System.Net;
using System.Net.Sockets;

namespace RawWs.Tests.Support;

internal sealed class PausingProxy : IAsyncDisposable
{
    private const int BufferBytes = 64 * 1024;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private readonly List<Socket> _sockets = [];
    private readonly int _port;
    private TaskCompletionSource? _paused;

    /// <param name="port">To whom it passes on, on 127.0.0.1.</param>
    public PausingProxy(int port)
    {
        _port = port;
        _listener.Start();
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>From now on nothing gets through.</summary>
    public void Pause()
    {
        lock (_lock) _paused ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>What has been held up gets through, and what follows.</summary>
    public void Resume()
    {
        lock (_lock)
        {
            _paused?.TrySetResult();
            _paused = null;
        }
    }

    /// <summary>Both sides lose their connection.</summary>
    public void Cut()
    {
        lock (_lock)
        {
            foreach (Socket socket in _sockets) socket.Dispose();
            _sockets.Clear();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        Resume();
        Cut();
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Socket near = await _listener.AcceptSocketAsync(_stop.Token);
                _ = ServeAsync(near);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The end.
        }
    }

    private async Task ServeAsync(Socket near)
    {
        Socket far = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        near.NoDelay = far.NoDelay = true;
        near.ReceiveBufferSize = far.ReceiveBufferSize = BufferBytes; // what is paused is full soon
        lock (_lock) _sockets.AddRange([near, far]);
        try
        {
            await WhilePaused();
            await far.ConnectAsync(IPAddress.Loopback, _port, _stop.Token);
            await Task.WhenAll(PassAsync(near, far), PassAsync(far, near));
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // One side has gone: the other one learns it.
        }
        finally
        {
            near.Dispose();
            far.Dispose();
            lock (_lock) _sockets.RemoveAll(socket => socket == near || socket == far);
        }
    }

    private async Task PassAsync(Socket from, Socket to)
    {
        byte[] buffer = new byte[BufferBytes];
        int count;
        while ((count = await from.ReceiveAsync(buffer, _stop.Token)) > 0)
        {
            await WhilePaused();
            for (int sent = 0; sent < count;) sent += await to.SendAsync(buffer.AsMemory(sent, count - sent), _stop.Token);
        }

        throw new SocketException((int)SocketError.ConnectionReset);
    }

    private async Task WhilePaused()
    {
        while (true)
        {
            Task? paused;
            lock (_lock) paused = _paused?.Task;
            if (paused is null) return;
            await paused.WaitAsync(_stop.Token);
        }
    }
}
