// Clients that come, are upgraded, send a word, and go, again and again, over plain TCP and TLS: who is refused, and whose connection
// breaks before he is served, is counted. Served is who hears his word again, or a Close after his upgrade.

using System.Net.Sockets;
using RawWs.Frame;

namespace RawWs.Tests.Support;

internal sealed class ConnectLoad : IDisposable
{
    private readonly Thread[] _threads;
    private int _served;
    private int _refused;
    private volatile bool _stop;
    private volatile string? _broken;

    /// <summary>Begins.</summary>
    /// <param name="plainPort">Where to connect without TLS.</param>
    /// <param name="tlsPort">Where to connect with it.</param>
    public ConnectLoad(int plainPort, int tlsPort)
    {
        _threads = [.. Enumerable.Range(0, 6).Select(i => new Thread(() => Run(i < 4 ? () => Plain(plainPort) : () => Tls(tlsPort))))];
        foreach (Thread thread in _threads) thread.Start();
    }

    public int Served => Volatile.Read(ref _served);

    /// <summary>Why the last connection that broke did.</summary>
    public string? Broken => _broken;

    /// <summary>Returns when so many more have been served.</summary>
    public void WaitForMore(int count)
    {
        int from = Served;
        TestServer.Eventually(() => Served >= from + count || _broken is not null || _refused > 0, $"{count} more are served");
    }

    /// <summary>Ends it. Returns how many were refused.</summary>
    public int Stop()
    {
        _stop = true;
        foreach (Thread thread in _threads) thread.Join();
        return _refused;
    }

    public void Dispose() => Stop();

    private static void Plain(int port)
    {
        using RawClient client = RawClient.Open(port);
        client.SendText("here");
        if (client.ReadFrame()!.Value.Opcode == Opcode.Close) client.Send(Opcode.Close, [0x03, 0xE9]);
        else client.Reset(); // thousands of ports would wait for a while otherwise
    }

    private static void Tls(int port)
    {
        using TlsClient client = TlsClient.Connect(port);
        client.Open();
        client.Tls.Write(RawClient.Frame(Opcode.Text, "here"u8));
        if ((client.Read(1)[0] & 0xF) == (int)Opcode.Close) client.Tls.Write(RawClient.Frame(Opcode.Close, [0x03, 0xE9]));
        else client.Socket.LingerState = new LingerOption(true, 0);
    }

    private void Run(Action connect)
    {
        while (!_stop)
        {
            try
            {
                connect();
                Interlocked.Increment(ref _served);
            }
            catch (SocketException exception) when (exception.SocketErrorCode == SocketError.ConnectionRefused)
            {
                Interlocked.Increment(ref _refused);
            }
            catch (Exception exception)
            {
                _broken = exception.ToString();
            }
        }
    }
}
