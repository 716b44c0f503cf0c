// An operator's back-end that answers as a test says: HTTP/1.1 by hand, so that it can answer wrongly, slowly, without an end, or not at
// all.

using System.Net;
using System.Net.Sockets;
using System.Text;

namespace RawWs.Tests.Support;

internal sealed class TestBackend : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly List<Socket> _sockets = [];
    private readonly List<string> _heads = [];
    private readonly Func<string, byte[]?> _answer;

    /// <summary>Begins to listen.</summary>
    /// <param name="answer">Makes an answer to a request's head; null for none.</param>
    public TestBackend(Func<string, byte[]?> answer)
    {
        _answer = answer;
        _listener.Start();
        new Thread(Accept) { IsBackground = true }.Start();
    }

    public Uri Url => new($"http://{_listener.LocalEndpoint}/auth");

    /// <summary>The heads of the requests that have come.</summary>
    public IReadOnlyList<string> Heads
    {
        get
        {
            lock (_heads) return [.. _heads];
        }
    }

    /// <summary>An answer that is closed by its length.</summary>
    public static byte[] Answer(string status, string body, string fields = "") => Encoding.UTF8.GetBytes(
        $"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n{fields}\r\n{body}");

    /// <summary>Listens no more, and ends all connections.</summary>
    public void Dispose()
    {
        _listener.Dispose();
        lock (_sockets) _sockets.ForEach(static socket => socket.Dispose());
    }

    private void Accept()
    {
        try
        {
            while (true)
            {
                Socket socket = _listener.AcceptSocket();
                lock (_sockets) _sockets.Add(socket);
                new Thread(() => Serve(socket)) { IsBackground = true }.Start();
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // It has been disposed.
        }
    }

    private void Serve(Socket socket)
    {
        StringBuilder received = new();
        byte[] buffer = new byte[64 * 1024];
        try
        {
            while (socket.Receive(buffer) is var length and > 0)
            {
                received.Append(Encoding.Latin1.GetString(buffer, 0, length));
                if (!received.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal)) continue;
                string head = received.ToString();
                received.Clear();
                lock (_heads) _heads.Add(head);
                if (_answer(head) is { } answer) socket.Send(answer);
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // The other end, or the test, has gone.
        }
    }
}
