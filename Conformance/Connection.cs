// One connection to the server under test: bytes out, frames in, each wait with a deadline. One task may send while another receives.
// A write that fails is no finding of its own: what the server did is read from what it sent.

using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Text;

namespace RawWs.Conformance;

/// <summary>How the server's stream ended.</summary>
internal enum StreamEnd : byte
{
    /// <summary>It has not.</summary>
    None,

    /// <summary>By FIN.</summary>
    Finished,

    /// <summary>By RST.</summary>
    Reset,
}

internal sealed class Connection : IDisposable
{
    // A server that is started anew, or has too many connections to take for a moment, may refuse some without being gone.
    private const int RefusalsMax = 20;
    private static readonly TimeSpan BetweenRefusals = TimeSpan.FromMilliseconds(60);

    private readonly Socket _socket;
    private readonly Stream _stream;
    private readonly TimeSpan _timeout;
    private readonly Transcript? _transcript;
    private CancellationTokenSource _receiveDeadline = new();
    private CancellationTokenSource _sendDeadline = new();
    private byte[] _buffer = new byte[16 * 1024];
    private int _start;
    private int _end;

    private Connection(Socket socket, Stream stream, Target target)
    {
        (_socket, _stream, _timeout, _transcript) = (socket, stream, target.Timeout, target.Transcript);
        _transcript?.Begin();
    }

    public StreamEnd End { get; private set; }

    /// <summary>The reserved bits that were negotiated.</summary>
    public int PermittedReserved { get; set; }

    /// <summary>What inflates the server's messages, once compression is agreed.</summary>
    public Inflater? Inflater { get; set; }

    /// <exception cref="ServerGoneException">
    /// It was refused again and again, for more than a second; or no such host is known, or can be reached.
    /// </exception>
    /// <exception cref="NotAsExpectedException">There is no connection for another reason.</exception>
    public static async Task<Connection> ConnectAsync(Target target)
    {
        for (int refusals = 0; ;)
        {
            try
            {
                return await TryConnectAsync(target).ConfigureAwait(false);
            }
            catch (SocketException exception) when (exception.SocketErrorCode == SocketError.ConnectionRefused)
            {
                if (++refusals == RefusalsMax) throw new ServerGoneException($"no connection: {exception.Message}", refused: true);
                await Task.Delay(BetweenRefusals).ConfigureAwait(false);
            }
        }
    }

    private static async Task<Connection> TryConnectAsync(Target target)
    {
        using CancellationTokenSource deadline = new(target.Timeout);
        IPAddress[] addresses = await FindAsync(target.Host, deadline.Token).ConfigureAwait(false);
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, target.Port, deadline.Token).ConfigureAwait(false);
            Stream stream = target.Tls is { } trust
                ? await trust.OpenAsync(socket, target.Host, deadline.Token).ConfigureAwait(false)
                : new NetworkStream(socket);
            return new Connection(socket, stream, target);
        }
        catch (Exception exception) when (exception is AuthenticationException or IOException)
        {
            socket.Dispose();
            throw new NotAsExpectedException($"no TLS: {exception.Message}");
        }
        catch (SocketException exception)
        {
            socket.Dispose();
            if (exception.SocketErrorCode == SocketError.ConnectionRefused) throw;
            if (exception.SocketErrorCode is SocketError.HostUnreachable or SocketError.NetworkUnreachable or SocketError.NetworkDown)
                throw new ServerGoneException($"no connection: {exception.Message}", refused: false);
            throw new NotAsExpectedException($"no connection: {exception.Message}");
        }
        catch (OperationCanceledException)
        {
            socket.Dispose();
            throw new NotAsExpectedException("no connection before the deadline");
        }
    }

    // A name that nobody knows, or that nobody can be asked about, is no fault of the server.
    private static async Task<IPAddress[]> FindAsync(string host, CancellationToken deadline)
    {
        if (IPAddress.TryParse(host, out IPAddress? address)) return [address];
        try
        {
            return await Dns.GetHostAddressesAsync(host, deadline).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is SocketException or ArgumentException or OperationCanceledException)
        {
            throw new ServerGoneException($"no connection: the host \"{host}\" cannot be found", refused: false);
        }
    }

    /// <summary>Connects and goes through the opening handshake, which has to succeed.</summary>
    public static async Task<Connection> OpenAsync(Target target)
    {
        Connection connection = await ConnectAsync(target).ConfigureAwait(false);
        try
        {
            await connection.UpgradeAsync(target, null).ConfigureAwait(false);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>The opening handshake of a plain client, perhaps with an offer of extensions.</summary>
    public async Task<ResponseHead> UpgradeAsync(Target target, string? extensions)
    {
        string key = await RequestUpgradeAsync(target, extensions).ConfigureAwait(false);
        ResponseHead head = await ReadHeadAsync().ConfigureAwait(false);
        head.CheckUpgrade(key, offeredExtensions: extensions is not null, offeredSubprotocols: []);
        return head;
    }

    /// <summary>Asks for the opening handshake, as a plain client does, and leaves the answer unread.</summary>
    /// <returns>The key.</returns>
    public async Task<string> RequestUpgradeAsync(Target target, string? extensions)
    {
        string key = Convert.ToBase64String(RandomNumberGenerator.GetBytes(16));
        string offer = extensions is null ? "" : $"Sec-WebSocket-Extensions: {extensions}\r\n";
        await SendAsync(Encoding.Latin1.GetBytes(
            $"GET {target.Resource} HTTP/1.1\r\nHost: {target.Authority}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + $"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{offer}\r\n")).ConfigureAwait(false);
        return key;
    }

    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        _transcript?.Add(ofClient: true, bytes.Span);
        try
        {
            await _stream.WriteAsync(bytes, Rearm(ref _sendDeadline)).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            throw new NotAsExpectedException("the server took nothing before the deadline");
        }
        catch (IOException)
        {
            // The stream is broken; the reader finds out how.
        }
    }

    /// <summary>In pieces of so many bytes, each a write of its own.</summary>
    public async Task SendInPiecesAsync(ReadOnlyMemory<byte> bytes, int pieceBytes)
    {
        for (int at = 0; at < bytes.Length; at += pieceBytes)
            await SendAsync(bytes.Slice(at, Math.Min(pieceBytes, bytes.Length - at))).ConfigureAwait(false);
    }

    /// <summary>Ends our side of the stream.</summary>
    public void FinishSending()
    {
        try
        {
            if (_stream is SslStream tls) tls.ShutdownAsync().GetAwaiter().GetResult(); // some bytes, for which there is room
            _socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception exception) when (exception is SocketException or IOException)
        {
            // The stream is broken; the reader finds out how.
        }
    }

    /// <summary>The head of the HTTP answer.</summary>
    public async Task<ResponseHead> ReadHeadAsync() => ResponseHead.Parse(await ReadHeadTextAsync().ConfigureAwait(false));

    /// <summary>The same, before anything is looked for in it; without its empty line.</summary>
    public async Task<string> ReadHeadTextAsync()
    {
        while (true)
        {
            int end = _buffer.AsSpan(_start, _end - _start).IndexOf("\r\n\r\n"u8);
            if (end >= 0)
            {
                string head = Encoding.Latin1.GetString(_buffer, _start, end);
                _start += end + 4;
                return head;
            }

            if (_end - _start > 64 * 1024) throw new NotAsExpectedException("the answer's head has no end");
            if (!await FillAsync("the answer to the request").ConfigureAwait(false))
                throw new NotAsExpectedException("the connection ended without an HTTP answer");
        }
    }

    /// <summary>The next frame; null at the end of the stream.</summary>
    /// <param name="awaited">What is waited for, to say so when the deadline passes.</param>
    public async ValueTask<Frame?> ReadFrameAsync(string awaited)
    {
        while (true)
        {
            if (Wire.TryTake(_buffer.AsSpan(_start, _end - _start), PermittedReserved, out int length) is { } frame)
            {
                _start += length;
                return frame;
            }

            if (await FillAsync(awaited).ConfigureAwait(false)) continue;
            if (_end > _start && End == StreamEnd.Finished) throw new NotAsExpectedException("the server's stream ended inside a frame");
            return null;
        }
    }

    /// <summary>Ends the connection as any program does that exits.</summary>
    public void Dispose()
    {
        _socket.Dispose();
        _stream.Dispose();
        _receiveDeadline.Dispose();
        _sendDeadline.Dispose();
    }

    private async ValueTask<bool> FillAsync(string awaited)
    {
        if (End != StreamEnd.None) return false;
        if (_start == _end) _start = _end = 0;
        if (_end == _buffer.Length)
        {
            if (_start > 0) _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            else Array.Resize(ref _buffer, _buffer.Length * 2);
            (_start, _end) = (0, _end - _start);
        }

        try
        {
            int received = await _stream.ReadAsync(_buffer.AsMemory(_end), Rearm(ref _receiveDeadline)).ConfigureAwait(false);
            if (received == 0) End = StreamEnd.Finished;
            _transcript?.Add(ofClient: false, _buffer.AsSpan(_end, received));
            _end += received;
            return received > 0;
        }
        catch (OperationCanceledException)
        {
            throw new NotAsExpectedException($"{awaited} did not come within {_timeout.TotalSeconds:0.#} s");
        }
        catch (IOException)
        {
            End = StreamEnd.Reset;
            return false;
        }
    }

    private CancellationToken Rearm(ref CancellationTokenSource deadline)
    {
        if (!deadline.TryReset())
        {
            deadline.Dispose();
            deadline = new CancellationTokenSource();
        }

        deadline.CancelAfter(_timeout);
        return deadline.Token;
    }
}
