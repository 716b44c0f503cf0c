// A client that speaks TLS by the runtime's SslStream, and is in control of its segments. Blocking, with a deadline.

using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace RawWs.Tests.Support;

internal sealed class TlsClient : IDisposable
{
    private readonly Wire _wire;

    private TlsClient(Socket socket, Wire wire)
    {
        (Socket, _wire) = (socket, wire);
        Tls = new SslStream(wire);
    }

    public Socket Socket { get; }

    public SslStream Tls { get; }

    /// <summary>The certificate that the server has shown.</summary>
    public X509Certificate2? Shown { get; private set; }

    /// <summary>Whether the server's good-bye has come, and not only the end of TCP's stream.</summary>
    public bool HeardGoodbye { get; private set; }

    public static Socket ConnectSocket(int port)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
        {
            NoDelay = true,
            ReceiveTimeout = 30_000,
            SendTimeout = 30_000,
        };
        socket.Connect(IPAddress.Loopback, port);
        return socket;
    }

    /// <summary>Connects, and makes the handshake.</summary>
    /// <param name="port">The server's port.</param>
    /// <param name="protocols">What the client speaks.</param>
    /// <param name="name">Whom it asks for.</param>
    /// <param name="bytesPerSegment">The most bytes that it sends in one call.</param>
    /// <param name="change">Changes what it offers.</param>
    /// <param name="before">What it sends before TLS.</param>
    public static TlsClient Connect(int port, SslProtocols protocols = SslProtocols.None, string name = "localhost",
        int bytesPerSegment = int.MaxValue, Action<SslClientAuthenticationOptions>? change = null,
        string before = "")
    {
        Socket socket = ConnectSocket(port);
        if (before.Length > 0) socket.Send(Encoding.ASCII.GetBytes(before));
        TlsClient client = new(socket, new Wire(socket, bytesPerSegment));
        SslClientAuthenticationOptions options = new()
        {
            TargetHost = name,
            EnabledSslProtocols = protocols,
            ApplicationProtocols = [SslApplicationProtocol.Http11],
            RemoteCertificateValidationCallback = (_, certificate, _, _) =>
                (client.Shown = (X509Certificate2?)certificate) is not null,
        };
        change?.Invoke(options);
        try
        {
            client.Tls.AuthenticateAsClient(options);
        }
        catch
        {
            client.Dispose();
            throw;
        }

        return client;
    }

    /// <summary>Upgrades.</summary>
    public void Open()
    {
        Tls.Write(Encoding.ASCII.GetBytes($"GET / HTTP/1.1\r\n{RawClient.Upgrade}\r\n"));
        List<byte> head = [];
        while (!Encoding.ASCII.GetString([.. head]).EndsWith("\r\n\r\n", StringComparison.Ordinal)) head.AddRange(Read(1));
        Assert.That(Encoding.ASCII.GetString([.. head]), Does.StartWith("HTTP/1.1 101 "));
    }

    public byte[] Read(int length)
    {
        byte[] bytes = new byte[length];
        Tls.ReadExactly(bytes);
        return bytes;
    }

    public byte[] ReadToTheEnd()
    {
        using MemoryStream all = new();
        Tls.CopyTo(all);
        HeardGoodbye = !_wire.HasEnded;
        Socket.Shutdown(SocketShutdown.Send); // for which the server waits
        return all.ToArray();
    }

    /// <summary>From now on what TLS writes is kept.</summary>
    public void Hold() => _wire.IsHeld = true;

    /// <summary>What was kept. From now on it is sent again.</summary>
    public byte[] Held()
    {
        _wire.IsHeld = false;
        return _wire.TakeHeld();
    }

    public void Dispose()
    {
        Tls.Dispose();
        Socket.Dispose();
    }

    /// <summary>The socket as a stream that cuts, or keeps what is written.</summary>
    private sealed class Wire(Socket socket, int bytesPerSegment) : Stream
    {
        private readonly List<byte> _held = [];

        public bool IsHeld { get; set; }

        public bool HasEnded { get; private set; }

        public override bool CanRead => true;

        public override bool CanWrite => true;

        public override bool CanSeek => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public byte[] TakeHeld()
        {
            byte[] held = [.. _held];
            _held.Clear();
            return held;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            if (buffer.IsEmpty) return 0;
            int received = socket.Receive(buffer);
            if (received == 0) HasEnded = true;
            return received;
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            if (IsHeld) _held.AddRange(buffer);
            else for (; !buffer.IsEmpty; buffer = buffer[socket.Send(buffer[..Math.Min(buffer.Length, bytesPerSegment)])..])
            {
            }
        }

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        {
            Write(buffer, offset, count);
            return Task.CompletedTask;
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Write(buffer.Span);
            return ValueTask.CompletedTask;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
