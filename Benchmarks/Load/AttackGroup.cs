// The connections of one thread: an epoll, a turn, a receive of up to 256 KiB for each that is ready. Whoever made the group calls it, and
// nobody else but for what is volatile.

using System.Buffers.Text;
using System.Diagnostics;
using System.Net;
using System.Runtime.Versioning;
using System.Security.Cryptography;
using System.Text;
using RawWs.Frame;
using RawWs.Handshake;
using RawWs.Server.Native;

namespace RawWs.Benchmarks.Load;

[SupportedOSPlatform("linux")]
internal sealed class AttackGroup : IDisposable
{
    public const long Millisecond = 1_000_000;

    private const int EventsPerTurn = 512;
    private const int OpeningMax = 128;
    private const int ReceiveBytes = 256 * 1024;

    private readonly IPEndPoint _to;
    private readonly SocketAddress _address;
    private readonly int _epoll = Linux.EpollCreate();
    private readonly byte[] _events = GC.AllocateArray<byte>(EventsPerTurn * 16, pinned: true);
    private readonly byte[] _receiving = new byte[ReceiveBytes];
    private readonly List<AttackClient> _clients = [];
    private long _received;

    public AttackGroup(IPEndPoint server)
    {
        (_to, _address) = (server, server.Serialize());
        if (_epoll < 0) throw new LoadFailure($"epoll_create1: {ClientCalls.Describe(Linux.LastError)}.");
    }

    // On Linux a tick of this clock is a nanosecond.
    public static long Now => Stopwatch.GetTimestamp();

    public IReadOnlyList<AttackClient> Clients => _clients;

    /// <summary>Bytes that have come; any thread may look.</summary>
    public long ReceivedBytes => Volatile.Read(ref _received);

    /// <summary>How those ended that did.</summary>
    public SortedDictionary<int, int> Codes =>
        new(_clients.Where(static client => client.Code != 0).CountBy(static client => client.Code).ToDictionary());

    /// <summary>A request for an upgrade.</summary>
    /// <param name="path">With the query.</param>
    /// <param name="fields">More header fields, each with its line end.</param>
    public byte[] MakeRequest(string path, string fields = "")
    {
        Span<byte> random = stackalloc byte[16];
        RandomNumberGenerator.Fill(random);
        byte[] key = new byte[AcceptKey.KeyBytes];
        Base64.EncodeToUtf8(random, key, out _, out _);
        return Encoding.UTF8.GetBytes($"GET {path} HTTP/1.1\r\nHost: {_to}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + $"Sec-WebSocket-Key: {Encoding.ASCII.GetString(key)}\r\nSec-WebSocket-Version: 13\r\n{fields}\r\n");
    }

    /// <summary>Opens connections, so many at a time, until all are there or have been refused.</summary>
    /// <exception cref="LoadFailure">They are not, in time.</exception>
    public void Open(int count, Func<int, AttackClient> make, TimeSpan time, CancellationToken cancellation)
    {
        long deadline = Now + (long)time.TotalNanoseconds;
        int first = _clients.Count, settled = first;
        while (settled < first + count)
        {
            while (_clients.Count < first + count && _clients.Count - settled < OpeningMax) Begin(make(_clients.Count - first));
            cancellation.ThrowIfCancellationRequested();
            Turn(10 * Millisecond);
            while (settled < _clients.Count && _clients[settled].State is ConnectionState.Open or ConnectionState.Closed) settled++;
            if (Now > deadline)
                throw new LoadFailure($"{_to} has opened {settled - first} of {count} connections in {time.TotalSeconds:0.#} s.");
        }
    }

    /// <summary>Begins to connect, and waits for nothing.</summary>
    public void Begin(AttackClient client)
    {
        client.Descriptor = ClientCalls.Connect(_address, client.From, client.KernelBytes.Sends, client.KernelBytes.Receives);
        if (client.Descriptor < 0) throw new LoadFailure($"cannot connect to {_to}: {ClientCalls.Describe(Linux.LastError)}.");
        client.Index = _clients.Count;
        _clients.Add(client);
        client.WaitsToSend = true;
        if (Linux.EpollControl(_epoll, Linux.EpollCtlAdd, client.Descriptor, Events(client), (ulong)client.Index) != 0)
            throw new LoadFailure($"epoll_ctl: {ClientCalls.Describe(Linux.LastError)}.");
    }

    /// <summary>Takes what is there; waits for it for so many nanoseconds at most.</summary>
    public void Turn(long nanoseconds)
    {
        int count = Wait();
        if (count == 0 && nanoseconds > 0)
        {
            ClientCalls.WaitReadable(_epoll, nanoseconds);
            count = Wait();
        }

        for (int i = 0; i < count; i++) OnEvent(i);
    }

    /// <summary>Sends until there is no more or the kernel takes no more; with steps, one.</summary>
    public void Send(AttackClient client)
    {
        while (client.HasToSend)
        {
            ReadOnlySpan<byte> bytes = client.Next;
            nint sent = Linux.Send(client.Descriptor, bytes, more: false);
            if (sent < 0)
            {
                int error = Linux.LastError;
                if (error == Linux.Eintr) continue;
                if (error is Linux.Eagain or ClientCalls.Enotconn) break;
                // What the server has said before it ended the connection is read first.
                if (!client.Reads) Close(client, AttackClient.NoClose);
                return;
            }

            client.Advance((int)sent);
            if (client.StepBytes > 0) return;
            if (sent < bytes.Length) break;
        }

        Watch(client, client.HasToSend);
    }

    /// <summary>Adds a small frame to each connection that is open, and sends it.</summary>
    public void SendAll(Opcode opcode, byte[] payload)
    {
        foreach (AttackClient client in _clients)
        {
            if (client.State != ConnectionState.Open) continue;
            client.Add(opcode, payload);
            Send(client);
        }
    }

    /// <summary>Ends a connection with a reset, which leaves no port behind.</summary>
    public void Close(AttackClient client, int code = 0)
    {
        if (client.State == ConnectionState.Closed) return;
        Linux.ResetOnClose(client.Descriptor);
        Linux.Close(client.Descriptor);
        client.End(code);
    }

    /// <summary>Those that read nothing read again: how they were closed is behind what they were sent.</summary>
    public void ReadAgain()
    {
        foreach (AttackClient client in _clients)
        {
            if (client.Reads || client.State == ConnectionState.Closed) continue;
            client.StopBlocks();
            client.Reads = true;
            Watch(client);
        }
    }

    public void CloseAll()
    {
        foreach (AttackClient client in _clients) Close(client);
    }

    public void Dispose()
    {
        CloseAll();
        Linux.Close(_epoll);
    }

    private static uint Events(AttackClient client) =>
        (client.Reads ? (uint)Linux.EpollIn : 0) | (client.WaitsToSend ? (uint)Linux.EpollOut : 0);

    private void Watch(AttackClient client, bool waitsToSend)
    {
        if (client.WaitsToSend == waitsToSend) return;
        client.WaitsToSend = waitsToSend;
        Watch(client);
    }

    private void Watch(AttackClient client) =>
        Linux.EpollControl(_epoll, Linux.EpollCtlMod, client.Descriptor, Events(client), (ulong)client.Index);

    private unsafe int Wait()
    {
        fixed (byte* events = _events) return Linux.EpollWait(_epoll, events, EventsPerTurn, 0);
    }

    private unsafe void OnEvent(int index)
    {
        uint events;
        AttackClient client;
        fixed (byte* pointer = _events)
        {
            events = Linux.EventMask(pointer, index);
            client = _clients[(int)Linux.EventData(pointer, index)];
        }

        if (client.State == ConnectionState.Closed) return;
        if (client.State == ConnectionState.Connecting)
        {
            if (ClientCalls.PendingError(client.Descriptor) != 0)
            {
                Close(client, AttackClient.NoClose);
                return;
            }

            client.State = ConnectionState.Requested;
        }

        if ((events & Linux.EpollOut) != 0) Send(client);
        if (client.State == ConnectionState.Closed) return;
        if (client.Reads && (events & (Linux.EpollIn | Linux.EpollErr | Linux.EpollHup)) != 0) Receive(client);
        else if ((events & (Linux.EpollErr | Linux.EpollHup)) != 0) Close(client, AttackClient.NoClose);
    }

    private void Receive(AttackClient client)
    {
        nint received = Linux.Receive(client.Descriptor, _receiving);
        if (received <= 0)
        {
            if (received == 0 || Linux.LastError is not (Linux.Eagain or Linux.Eintr)) Close(client, AttackClient.NoClose);
            return;
        }

        Volatile.Write(ref _received, _received + received);
        if (!client.Take(_receiving.AsSpan(0, (int)received)))
        {
            if (client.Code < 1000) Close(client); // an HTTP answer
            else EndWithClose(client);
            return;
        }

        if (client.StopsReading && client.Reads && client.State == ConnectionState.Open)
        {
            client.Reads = false;
            Watch(client);
        }

        if (client.HasToSend && !client.WaitsToSend && client.StepBytes == 0) Send(client);
    }

    // §5.5.1: a Close is answered.
    private void EndWithClose(AttackClient client)
    {
        int code = client.Code == CloseCodes.NoStatusReceived ? CloseCodes.NormalClosure : client.Code;
        client.StopBlocks();
        client.Add(Opcode.Close, [(byte)(code >> 8), (byte)code]);
        Send(client);
        if (client.State != ConnectionState.Closed) Linux.Close(client.Descriptor);
        client.End(code);
    }
}
