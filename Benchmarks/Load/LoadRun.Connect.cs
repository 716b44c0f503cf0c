// Opens connections, a number of them at a time, asks for the upgrade and checks the answer. A connection that cannot be opened ends the
// run: what would be measured is another load.

using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using RawWs.Handshake;
using RawWs.Server.Native;

namespace RawWs.Benchmarks.Load;

internal sealed partial class LoadRun
{
    private const int OpeningMax = 128;
    private const int ConnectionsPerAddress = 8000; // the search for a free port gets slow when half of them are taken
    private const int TailBytesMax = 16 * 1024;

    private int _opening;
    private int _alive;

    private LoadConnection[] MakeConnections()
    {
        // A name with the connection's number in it is one per connection; else all share one array.
        byte[]? prefix = IsNumbered(_options.Prefix) ? null : LoadTraffic.Expand(_options.Prefix, 0);
        byte[]? expected = _options.Expect is not { } text ? prefix : IsNumbered(text) ? null : LoadTraffic.Expand(text, 0);
        LoadConnection[] connections = new LoadConnection[_options.Sockets];
        for (int i = 0; i < connections.Length; i++)
        {
            bool sends = _broadcasts ? i == 0 : _options.Mode == LoadMode.Echo;
            int source = _broadcasts ? 0 : _options.Pairs ? i ^ 1 : i;
            connections[i] = new LoadConnection
            {
                Index = i,
                Prefix = prefix ?? LoadTraffic.Expand(_options.Prefix, i),
                // Left to itself, what comes is what was sent, and so it names whom its sender named.
                ExpectedPrefix = expected ?? (
                    _options.Expect is { } own ? LoadTraffic.Expand(own, i) : LoadTraffic.Expand(_options.Prefix, source)),
                PayloadBytes = _options.SizeBytes,
                DueAt = sends && !_isOpenLoop ? new long[RingSize] : [],
            };
        }

        foreach (LoadConnection connection in connections)
        {
            connection.Source = connections[_broadcasts ? 0 : _options.Pairs ? connection.Index ^ 1 : connection.Index];
            connection.ExpectedBytes = connection.ExpectedPrefix.Length + _options.SizeBytes - connection.Source.Prefix.Length;
        }

        return connections;
    }

    private static bool IsNumbered(string template) =>
        template.Contains("%d", StringComparison.Ordinal) || template.Contains("%p", StringComparison.Ordinal);

    private void OpenAll()
    {
        SocketAddress server = _options.EndPoint.Serialize();
        SocketAddress second = _options.SecondEndPoint?.Serialize() ?? server;
        _progress = Now;
        for (int next = 0; _alive < _connections.Length;)
        {
            while (next < _connections.Length && _opening < OpeningMax)
                Begin(_connections[next], next++ % 2 == 0 ? server : second);
            Turn(TurnMilliseconds);
            if (Now - _progress > _options.ConnectTimeout.TotalSeconds * Second)
                throw new LoadFailure(
                    $"{_options.EndPoint} has opened {_alive} of {_connections.Length} connections and none in the last "
                    + $"{_options.ConnectTimeout.TotalSeconds:0.#} s.");
        }
    }

    private void Begin(LoadConnection connection, SocketAddress server)
    {
        connection.Descriptor = ClientCalls.Connect(server, OwnAddress(connection.Index));
        if (connection.Descriptor < 0) throw CannotConnect(connection, Linux.LastError);
        _opening++;
        // On loopback it is connected already, mostly.
        uint events = TrySendRequest(connection) ? (uint)Linux.EpollIn : Linux.EpollOut;
        if (Linux.EpollControl(_epoll, Linux.EpollCtlAdd, connection.Descriptor, events, (ulong)connection.Index) != 0)
            throw new LoadFailure($"epoll_ctl: {ClientCalls.Describe(Linux.LastError)}.");
    }

    // An address has 28,000 ports to connect from; loopback has more addresses.
    private SocketAddress? OwnAddress(int index)
    {
        IPEndPoint to = _options.EndPoint;
        if (_connections.Length <= ConnectionsPerAddress || to.AddressFamily != AddressFamily.InterNetwork || !IPAddress.IsLoopback(
            to.Address)) return null;
        return new IPEndPoint(new IPAddress([127, 0, 0, (byte)(2 + (index / ConnectionsPerAddress))]), 0).Serialize();
    }

    private void SendRequest(LoadConnection connection)
    {
        int error = ClientCalls.PendingError(connection.Descriptor);
        if (error != 0) throw CannotConnect(connection, error);
        if (TrySendRequest(connection))
            Linux.EpollControl(_epoll, Linux.EpollCtlMod, connection.Descriptor, Linux.EpollIn, (ulong)connection.Index);
    }

    private bool TrySendRequest(LoadConnection connection)
    {
        Span<byte> random = stackalloc byte[16];
        RandomNumberGenerator.Fill(random);
        byte[] key = new byte[AcceptKey.KeyBytes];
        Base64.EncodeToUtf8(random, key, out _, out _);
        byte[] request = Encoding.UTF8.GetBytes(
            $"GET {_options.Path} HTTP/1.1\r\nHost: {_options.Host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + $"Sec-WebSocket-Key: {Encoding.ASCII.GetString(key)}\r\nSec-WebSocket-Version: 13\r\n\r\n");
        nint sent = Linux.Send(connection.Descriptor, request, more: false);
        if (sent < 0 && Linux.LastError is Linux.Eagain or ClientCalls.Enotconn) return false;
        if (sent != request.Length) throw CannotConnect(connection, Linux.LastError);
        connection.Key = key;
        connection.State = ConnectionState.Requested;
        return true;
    }

    /// <summary>Takes the answer, and what is behind it is left in <paramref name="bytes"/>. False while the answer is not whole.</summary>
    private bool TakeAnswer(LoadConnection connection, ref ReadOnlySpan<byte> bytes)
    {
        int end = bytes.IndexOf("\r\n\r\n"u8);
        if (end < 0)
        {
            if (bytes.Length > TailBytesMax)
                throw new LoadFailure($"{_options.EndPoint} answers with more than {TailBytesMax} bytes of header.");
            connection.Tail = bytes.ToArray();
            return false;
        }

        ReadOnlySpan<byte> head = bytes[..(end + 2)];
        bytes = bytes[(end + 4)..];
        Span<byte> accept = stackalloc byte[AcceptKey.AcceptBytes];
        AcceptKey.Write(connection.Key, accept);
        ReadOnlySpan<byte> status = head[..head.IndexOf("\r\n"u8)];
        if (!status.StartsWith("HTTP/1.1 101"u8)) throw new LoadFailure($"{_options.EndPoint} answers {Printable(status)}, not 101.");
        if (!FieldIs(head, "sec-websocket-accept"u8, accept))
            throw new LoadFailure($"{_options.EndPoint} answers 101 without the right Sec-WebSocket-Accept.");
        connection.Key = null;
        connection.State = ConnectionState.Open;
        _opening--;
        _alive++;
        _progress = Now;
        return true;
    }

    private static bool FieldIs(ReadOnlySpan<byte> head, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        foreach (Range line in head.Split("\r\n"u8))
        {
            ReadOnlySpan<byte> field = head[line];
            int colon = field.IndexOf((byte)':');
            if (colon > 0 && Ascii.EqualsIgnoreCase(field[..colon], name)) return field[(colon + 1)..].Trim(" \t"u8).SequenceEqual(value);
        }

        return false;
    }

    private static string Printable(ReadOnlySpan<byte> text) =>
        new([.. Encoding.Latin1.GetString(text[..Math.Min(text.Length, 60)]).Where(static c => !char.IsControl(c))]);

    private LoadFailure CannotConnect(LoadConnection connection, int error) =>
        new($"cannot connect to {_options.EndPoint} ({connection.Index + 1} of {_connections.Length}): {ClientCalls.Describe(error)}.");

    // Those that have nothing under way say Close; the others, and whoever only held connections, end with a reset and leave no port
    // behind.
    private void EndAll()
    {
        bool reset = _options.Mode is LoadMode.Idle or LoadMode.Connect;
        foreach (LoadConnection connection in _connections)
        {
            if (connection.State != ConnectionState.Open) continue;
            if (!reset && !connection.HasToSend)
            {
                connection.AddExtra(Frame.Opcode.Close, [0x03, 0xE8]); // 1000
                Linux.Send(connection.Descriptor, connection.Extra, more: false);
            }

            CloseDescriptor(connection, reset);
        }
    }

    private static void CloseDescriptor(LoadConnection connection, bool reset)
    {
        if (reset) Linux.ResetOnClose(connection.Descriptor);
        Linux.Close(connection.Descriptor);
        connection.Descriptor = -1;
        connection.State = ConnectionState.Closed;
    }
}
