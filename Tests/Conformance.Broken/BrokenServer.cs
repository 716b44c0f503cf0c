// An echo server that keeps every rule of the suite but those that it is told to break: the suite's own test. It is no example of a server:
// it holds whole frames in memory and judges a frame anew whenever a byte of it has come.

using System.Net;
using System.Net.Sockets;

namespace RawWs.Conformance.Broken;

internal sealed class BrokenServer : IAsyncDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _accepting;

    /// <param name="port">Where to listen on 127.0.0.1; 0 takes a free port.</param>
    /// <param name="broken">The names of the rules to break.</param>
    public BrokenServer(int port, IReadOnlySet<string> broken)
    {
        Broken = broken;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, port));
        _listener.Listen(512);
        _accepting = AcceptAsync();
    }

    /// <summary>The names of the rules to break, for the connections that come from now on.</summary>
    public IReadOnlySet<string> Broken { get; set; }

    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _accepting.ConfigureAwait(false);
        _listener.Dispose();
        _stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        List<Task> connections = [];
        try
        {
            while (true)
            {
                Socket socket = await _listener.AcceptAsync(_stopping.Token).ConfigureAwait(false);
                socket.NoDelay = true;
                connections.RemoveAll(static task => task.IsCompleted);
                connections.Add(Task.Run(() => ServeAsync(socket)));
            }
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(connections).ConfigureAwait(false);
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        using BrokenConnection connection = new(socket, Broken, _stopping.Token);
        await connection.RunAsync().ConfigureAwait(false);
    }
}
