// A client that sends the same message again and again and never reads a byte.

using System.Net.Sockets;

namespace RawWs.Tests.Support;

internal sealed class Flooder : IDisposable
{
    private readonly RawClient _client;
    private readonly byte[] _message;
    private int _sent; // of the message that is under way

    public Flooder(int port, string target, byte[] message)
    {
        _message = message;
        _client = RawClient.Open(port, target, receiveBuffer: 8192);
        _client.Socket.SendBufferSize = 64 * 1024;
        _client.Socket.Blocking = false;
    }

    /// <summary>Sends until nothing more is taken, and at most a few MiB. A connection that is over takes nothing.</summary>
    public void Push()
    {
        for (int i = 0; i < 100; i++)
        {
            int taken = _client.Socket.Send(_message.AsSpan(_sent), SocketFlags.None, out SocketError error);
            if (error != SocketError.Success) return;
            _sent = (_sent + taken) % _message.Length;
        }
    }

    public void Dispose() => _client.Dispose();
}
