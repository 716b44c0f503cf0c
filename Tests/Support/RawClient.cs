// A client that can send what no library would: bytes. It reads frames with the project's own reader. Blocking, with a deadline.

using System.Net;
using System.Net.Sockets;
using System.Text;
using RawWs.Frame;

namespace RawWs.Tests.Support;

internal sealed class RawClient : IDisposable
{
    public const string Upgrade =
        "Host: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        + "Sec-WebSocket-Version: 13\r\n";

    private byte[] _buffer = new byte[4096]; // there may be thousands of clients; it grows
    private int _start;
    private int _end;

    private RawClient(Socket socket) => Socket = socket;

    public Socket Socket { get; }

    public static RawClient Connect(int port, int receiveBuffer = 0, string? from = null)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
        {
            NoDelay = true,
            ReceiveTimeout = 30_000,
            SendTimeout = 30_000,
        };
        if (receiveBuffer > 0) socket.ReceiveBufferSize = receiveBuffer;
        if (from is not null) socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
        socket.Connect(IPAddress.Loopback, port);
        return new RawClient(socket);
    }

    /// <summary>Over a socket file.</summary>
    public static RawClient Connect(string path)
    {
        Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
        {
            ReceiveTimeout = 30_000,
            SendTimeout = 30_000,
        };
        socket.Connect(new UnixDomainSocketEndPoint(path));
        return new RawClient(socket);
    }

    public static RawClient Open(int port, string target = "/", int receiveBuffer = 0, string? from = null)
    {
        RawClient client = Connect(port, receiveBuffer, from);
        client.Open(target);
        return client;
    }

    /// <summary>Sends the request, with further header fields, each with its line end, and reads the answer.</summary>
    public void Open(string target = "/", string fields = "")
    {
        Send($"GET {target} HTTP/1.1\r\n{Upgrade}{fields}\r\n");
        Assert.That(ReadHead(), Does.StartWith("HTTP/1.1 101 "));
    }

    public void Send(string ascii) => Send(Encoding.ASCII.GetBytes(ascii));

    public void Send(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty) bytes = bytes[Socket.Send(bytes)..];
    }

    public void Send(Opcode opcode, ReadOnlySpan<byte> payload, bool fin = true) => Send(Frame(opcode, payload, fin));

    public void SendText(string text) => Send(Opcode.Text, Encoding.UTF8.GetBytes(text));

    public static byte[] Frame(Opcode opcode, ReadOnlySpan<byte> payload, bool fin = true)
    {
        byte[] frame = new byte[FrameWriter.HeaderBytesMax + payload.Length];
        return frame[..FrameWriter.WriteMasked(frame, opcode, payload, 0x9ACB13F7, fin)];
    }

    public string ReadHead()
    {
        while (true)
        {
            int end = _buffer.AsSpan(_start, _end - _start).IndexOf("\r\n\r\n"u8);
            if (end >= 0)
            {
                string head = Encoding.ASCII.GetString(_buffer, _start, end + 4);
                _start += end + 4;
                return head;
            }

            if (!Fill()) throw new AssertionException("The stream ended inside the head.");
        }
    }

    /// <summary>The next frame, or null at the end of the stream, which must not lie inside a frame.</summary>
    public (Opcode Opcode, byte[] Payload)? ReadFrame() =>
        ReadFrame(ReservedBits.None, out FrameHeader header) is { } payload ? (header.Opcode, payload) : null;

    /// <summary>The payload of the next frame, as it came; an extension may have marked the frame.</summary>
    public byte[] ReadRawFrame(out FrameHeader header, ReservedBits permitted = ReservedBits.Rsv1) =>
        ReadFrame(permitted, out header) ?? throw new AssertionException("The stream ended.");

    private byte[]? ReadFrame(ReservedBits permitted, out FrameHeader header)
    {
        while (true)
        {
            Span<byte> there = _buffer.AsSpan(_start, _end - _start);
            ReadStatus status = FrameReader.TryRead(there, out header);
            Assert.That(status, Is.Not.EqualTo(ReadStatus.Violation));
            int length = header.HeaderLength + (int)header.PayloadLength;
            if (status == ReadStatus.Done && there.Length >= length)
            {
                Assert.That((header.Fin, header.Masked, header.Reserved & ~permitted), Is.EqualTo((true, false, ReservedBits.None)));
                byte[] payload = there[header.HeaderLength..length].ToArray();
                _start += length;
                return payload;
            }

            if (Fill()) continue;
            Assert.That(there.Length, Is.Zero, "The stream ended inside a frame.");
            return null;
        }
    }

    public string ReadText()
    {
        (Opcode opcode, byte[] payload) = ReadFrame() ?? throw new AssertionException("The stream ended.");
        Assert.That(opcode, Is.EqualTo(Opcode.Text));
        return Encoding.UTF8.GetString(payload);
    }

    /// <summary>Reads up to a Close and then to the end of the stream, as a client does that has seen a Close.</summary>
    public (ushort? Code, string Reason) ReadClose(bool answer = false)
    {
        while (true)
        {
            (Opcode opcode, byte[] payload) = ReadFrame() ?? throw new AssertionException("The stream ended without a Close.");
            if (opcode != Opcode.Close) continue;
            if (answer) Send(Opcode.Close, payload);
            Assert.That(ReadFrame(), Is.Null, "Nothing follows a Close.");
            if (answer) Socket.Shutdown(SocketShutdown.Send); // as a client does (§7.1.1): else the server waits for it
            return payload.Length == 0 ? (null, "")
                : ((ushort)((payload[0] << 8) | payload[1]), Encoding.UTF8.GetString(payload, 2, payload.Length - 2));
        }
    }

    public string ReadToEnd()
    {
        while (Fill())
        {
        }

        return Encoding.UTF8.GetString(_buffer, _start, _end - _start);
    }

    /// <summary>Ends the connection by RST.</summary>
    public void Reset()
    {
        Socket.LingerState = new LingerOption(true, 0);
        Socket.Dispose();
    }

    public void Dispose() => Socket.Dispose();

    private bool Fill()
    {
        if (_start == _end) _start = _end = 0;
        if (_end == _buffer.Length)
        {
            if (_start > 0) _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            else Array.Resize(ref _buffer, _buffer.Length * 2);
            _end -= _start;
            _start = 0;
        }

        int received = Socket.Receive(_buffer.AsSpan(_end));
        _end += received;
        return received > 0;
    }
}
