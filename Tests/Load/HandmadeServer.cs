// A server that does with messages what a test says, one thread a connection: it can answer wrongly, late, or in pieces.

using System.Net;
using System.Net.Sockets;
using System.Text;
using RawWs.Frame;
using RawWs.Handshake;
using RawWs.Tests.Support;

namespace RawWs.Tests.Load;

internal sealed class HandmadeServer : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly Action<HandmadePeer> _serve;

    /// <summary>A server on a free port.</summary>
    /// <param name="serve">
    /// What is done with each connection, after its handshake. When its peer has gone, it ends with an exception.
    /// </param>
    public HandmadeServer(Action<HandmadePeer> serve)
    {
        _serve = serve;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
        new Thread(AcceptAll) { IsBackground = true }.Start();
    }

    public string Url => $"ws://127.0.0.1:{((IPEndPoint)_listener.LocalEndPoint!).Port}/";

    public void Dispose() => _listener.Dispose();

    private void AcceptAll()
    {
        try
        {
            while (true)
            {
                Socket socket = _listener.Accept();
                new Thread(() => Serve(socket)) { IsBackground = true }.Start();
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
    }

    private void Serve(Socket socket)
    {
        try
        {
            using NetworkStream stream = new(socket, ownsSocket: true);
            socket.NoDelay = true;
            HandmadePeer peer = new(stream);
            peer.ShakeHands();
            _serve(peer);
        }
        catch (IOException)
        {
            // The client has gone.
        }
    }
}

internal sealed class HandmadePeer(NetworkStream stream)
{
    /// <summary>The next frame, unmasked; a Close, as the end of the stream, ends the connection.</summary>
    public (Opcode Opcode, byte[] Payload) Read()
    {
        byte[] bytes = new byte[FrameWriter.HeaderBytesMax];
        FrameHeader header;
        int length = 0;
        while (FrameReader.TryRead(bytes.AsSpan(0, length), out header) == ReadStatus.NeedMoreData) stream.ReadExactly(bytes, length++, 1);
        byte[] payload = new byte[(int)header.PayloadLength];
        stream.ReadExactly(payload);
        if (header.Opcode == Opcode.Close) throw new EndOfStreamException();
        Masking.Apply(payload, header.MaskingKey);
        return (header.Opcode, payload);
    }

    public void Write(Opcode opcode, ReadOnlySpan<byte> payload, bool fin = true) => Write(Frame(opcode, payload, fin));

    public void Write(byte[] bytes) => stream.Write(bytes);

    public static byte[] Frame(Opcode opcode, ReadOnlySpan<byte> payload, bool fin = true)
    {
        byte[] frame = new byte[FrameWriter.HeaderLength((ulong)payload.Length, masked: false) + payload.Length];
        FrameWriter.Write(frame, opcode, payload, fin);
        return frame;
    }

    public void ShakeHands()
    {
        StringBuilder head = new();
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            int next = stream.ReadByte();
            if (next < 0) throw new EndOfStreamException();
            head.Append((char)next);
        }

        string key = head.ToString().Split("Sec-WebSocket-Key: ")[1].Split("\r\n")[0];
        byte[] accept = new byte[AcceptKey.AcceptBytes];
        AcceptKey.Write(Encoding.ASCII.GetBytes(key), accept);
        Write(
            Encoding.ASCII.GetBytes(
                $"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + $"Sec-WebSocket-Accept: {Encoding.ASCII.GetString(accept)}\r\n\r\n"));
    }

    /// <summary>Waits for something that another connection brings about.</summary>
    public static void Wait(ManualResetEventSlim signal)
    {
        if (!signal.Wait(TestServer.Patience)) throw new IOException("It did not come about.");
    }
}
