// One connection of an attack, honest or not: what it sends (first a request, then small things and a block as often as is said), and what
// it counts of that which comes. It makes no system call on its own; its group does, on the group's thread.

using System.Net;
using System.Text;
using RawWs.Frame;

namespace RawWs.Benchmarks.Load;

internal sealed class AttackClient
{
    /// <summary>The code that a connection gets which ended without a Close (§7.1.5), as browsers show it.</summary>
    public const int NoClose = CloseCodes.Abnormal;

    private byte[] _small = [];
    private int _smallBytes;
    private int _blockAt;
    private byte[] _tail = [];
    private ulong _skip; // of a large frame's payload
    private bool _skipEndsMessage;

    /// <summary>What it sends first: a whole request, or as much of one as an attack likes.</summary>
    public required byte[] Request
    {
        init
        {
            _small = value;
            _smallBytes = value.Length;
        }
    }

    /// <summary>Its own address; null for whichever the system takes.</summary>
    public SocketAddress? From { get; init; }

    /// <summary>False: what comes stays with the kernel.</summary>
    public bool Reads { get; set; } = true;

    /// <summary>It reads no more once it is open.</summary>
    public bool StopsReading { get; init; }

    /// <summary>What the kernel may hold that it sends, and that it does not read; 0: what the kernel likes.</summary>
    public (int Sends, int Receives) KernelBytes { get; init; }

    /// <summary>Bytes that one send takes at most; 0: all that there are. With it a turn makes one send.</summary>
    public int StepBytes { get; init; }

    /// <summary>Sees each small message that has come whole.</summary>
    public Action<AttackClient, ReadOnlySpan<byte>>? OnMessage { get; init; }

    /// <summary>Whole frames that go out <see cref="Blocks"/> times.</summary>
    public byte[] Block { get; set; } = [];

    public int MessagesPerBlock { get; set; }

    /// <summary>How often the block is still to go, that which is under way included.</summary>
    public long Blocks { get; set; }

    /// <summary>Messages of blocks that the kernel has taken wholly.</summary>
    public long Sent { get; private set; }

    /// <summary>Its place in its group.</summary>
    public int Index { get; set; }

    public int Descriptor { get; set; } = -1;

    public ConnectionState State { get; set; }

    public bool WaitsToSend { get; set; }

    /// <summary>Messages that have come.</summary>
    public long Received { get; private set; }

    public long Pongs { get; private set; }

    /// <summary>
    /// How it ended: a Close's code, <see cref="NoClose"/>, or the status of an HTTP answer other than 101. 0 while it has not.
    /// </summary>
    public int Code { get; private set; }

    public bool HasToSend => _smallBytes > 0 || (Blocks > 0 && State == ConnectionState.Open);

    /// <summary>What goes next: small things between two blocks, never within.</summary>
    public ReadOnlySpan<byte> Next
    {
        get
        {
            ReadOnlySpan<byte> next = IsBetweenBlocks && _smallBytes > 0 ? _small.AsSpan(0, _smallBytes) : Block.AsSpan(_blockAt);
            return StepBytes > 0 && next.Length > StepBytes ? next[..StepBytes] : next;
        }
    }

    private bool IsBetweenBlocks => _blockAt == 0;

    /// <summary>The kernel has taken so much of <see cref="Next"/>.</summary>
    public void Advance(int bytes)
    {
        if (IsBetweenBlocks && _smallBytes > 0)
        {
            _smallBytes -= bytes;
            _small.AsSpan(bytes, _smallBytes).CopyTo(_small);
            return;
        }

        _blockAt += bytes;
        if (_blockAt < Block.Length) return;
        _blockAt = 0;
        Blocks--;
        Sent += MessagesPerBlock;
    }

    /// <summary>What has begun is the last.</summary>
    public void StopBlocks() => Blocks = _blockAt > 0 ? 1 : 0;

    /// <summary>Adds a small frame to what is to be sent.</summary>
    public void Add(Opcode opcode, ReadOnlySpan<byte> payload)
    {
        int frame = FrameWriter.HeaderLength((ulong)payload.Length, masked: true) + payload.Length;
        if (_small.Length < _smallBytes + frame) Array.Resize(ref _small, Math.Max(64, (_smallBytes + frame) * 2));
        _smallBytes += FrameWriter.WriteMasked(_small.AsSpan(_smallBytes), opcode, payload, (uint)Random.Shared.NextInt64(1L << 32));
    }

    public void End(int code)
    {
        if (Code == 0) Code = code;
        State = ConnectionState.Closed;
        _small = _tail = [];
        _smallBytes = 0;
        Blocks = 0;
    }

    /// <summary>Bytes have come. False: this was the end, and <see cref="Code"/> says which.</summary>
    public bool Take(ReadOnlySpan<byte> bytes)
    {
        if (_tail.Length > 0)
        {
            bytes = (byte[])[.. _tail, .. bytes];
            _tail = [];
        }

        if (State != ConnectionState.Open && !TakeAnswer(ref bytes)) return Code == 0;
        while (bytes.Length > 0)
        {
            if (_skip > 0)
            {
                int skipped = (int)Math.Min(_skip, (ulong)bytes.Length);
                _skip -= (ulong)skipped;
                bytes = bytes[skipped..];
                if (_skip == 0 && _skipEndsMessage) Received++;
                continue;
            }

            int taken = TakeFrame(bytes);
            if (taken == 0) break;
            if (Code != 0) return false;
            bytes = bytes[taken..];
        }

        if (bytes.Length > 0) _tail = bytes.ToArray();
        return true;
    }

    // A small frame is taken whole, of a larger one the header. 0: there is not enough yet.
    private int TakeFrame(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 2) return 0;
        if (bytes[1] < 126) // not masked, the length in one byte
        {
            int end = 2 + bytes[1];
            if (end > bytes.Length) return 0;
            if ((bytes[0] & 0x08) != 0)
            {
                TakeControl((Opcode)(bytes[0] & 0x0F), bytes[2..end]);
                return end;
            }

            if ((bytes[0] & 0x80) != 0) Received++;
            OnMessage?.Invoke(this, bytes[2..end]);
            return end;
        }

        switch (FrameReader.TryRead(bytes, out FrameHeader header))
        {
            case ReadStatus.NeedMoreData: return 0;
            case ReadStatus.Violation: Code = CloseCodes.ProtocolError; return bytes.Length;
        }

        _skip = header.PayloadLength;
        _skipEndsMessage = header.Fin;
        return header.HeaderLength;
    }

    private void TakeControl(Opcode opcode, ReadOnlySpan<byte> payload)
    {
        switch (opcode)
        {
            case Opcode.Pong: Pongs++; break;
            case Opcode.Ping: Add(Opcode.Pong, payload); break;
            case Opcode.Close: Code = payload.Length < 2 ? CloseCodes.NoStatusReceived : (payload[0] << 8) | payload[1]; break;
        }
    }

    private bool TakeAnswer(ref ReadOnlySpan<byte> bytes)
    {
        int end = bytes.IndexOf("\r\n\r\n"u8);
        if (end < 0)
        {
            _tail = bytes.ToArray();
            return false;
        }

        // "HTTP/1.1 101 ..."
        string status = Encoding.Latin1.GetString(bytes[Math.Min(9, end)..Math.Min(12, end)]);
        bytes = bytes[(end + 4)..];
        if (status != "101")
        {
            Code = int.TryParse(status, out int code) ? code : NoClose;
            return false;
        }

        State = ConnectionState.Open;
        return true;
    }
}
