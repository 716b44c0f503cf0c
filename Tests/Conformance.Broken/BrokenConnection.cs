// One connection: the handshake, then frames, each judged as early as its bytes allow, then the end. What a peer breaks is a thrown code.

using System.Buffers.Binary;
using System.IO.Compression;
using System.Net.Sockets;
using System.Text;

namespace RawWs.Conformance.Broken;

internal sealed class BrokenConnection(Socket socket, IReadOnlySet<string> broken, CancellationToken stopping) : IDisposable
{
    private const int MessageBytesMax = 1024 * 1024, DrainBytesMax = 16 * 1024 * 1024;

    private readonly List<byte> _output = [];
    private readonly List<byte> _message = [];
    private byte[] _buffer = new byte[64 * 1024];
    private int _start;
    private int _end;
    private int _opcode; // of the message under way, or 0
    private bool _compressed;
    private byte[] _cutCharacter = []; // the bytes at the end of the fragments so far that are not a character yet
    private Inflater? _inflater;
    private Deflater? _deflater;

    public async Task RunAsync()
    {
        try
        {
            bool open = await OpenAsync().ConfigureAwait(false);
            while (open && await FillAsync().ConfigureAwait(false))
            {
                open = TakeFrames();
                await FlushAsync().ConfigureAwait(false);
            }

            await EndAsync().ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException)
        {
            // The peer, or the server, is gone.
        }
    }

    public void Dispose()
    {
        socket.Dispose();
        _deflater?.Dispose();
    }

    private async Task<bool> OpenAsync()
    {
        while (true)
        {
            if (!await FillAsync().ConfigureAwait(false)) return false;
            int end = _buffer.AsSpan(_start, _end - _start).IndexOf("\r\n\r\n"u8);
            if (end < 0) continue;
            HandshakeAnswer answer = new BrokenHandshake(broken).Answer(Encoding.Latin1.GetString(_buffer, _start, end));
            _start += end + 4;
            if (answer.Deflate is { } agreed)
            {
                _inflater = new Inflater(15, !agreed.ClientNoContextTakeover && !Broken("inflater-forgets"));
                _deflater = new Deflater(Broken("window-ignored") ? 15 : agreed.ServerMaxWindowBits,
                    !agreed.ServerNoContextTakeover || Broken("deflater-remembers"));
            }

            await socket.SendAsync(Encoding.Latin1.GetBytes(answer.Text), stopping).ConfigureAwait(false);
            if (!answer.Accepted || !TakeFrames()) return false;
            await FlushAsync().ConfigureAwait(false);
            return true;
        }
    }

    // False when the connection is over.
    private bool TakeFrames()
    {
        try
        {
            while (true)
            {
                Span<byte> bytes = _buffer.AsSpan(_start, _end - _start);
                if (!Broken("judged-when-whole")) Judge(bytes);
                if (!TryMeasure(bytes, out int header, out ulong length) || (ulong)(bytes.Length - header) < length)
                {
                    if (!Broken("judged-when-whole")) JudgePart(bytes);
                    return true;
                }

                Judge(bytes);
                byte[] payload = Payload(bytes, header, (int)length);
                _start += header + (int)length;
                if (!Take(bytes[0], payload)) return false;
            }
        }
        catch (Failure failure)
        {
            Write(Wire.Close, Wire.CloseBody(
                Broken("failure-code-wrong") || (failure.Code == 1009 && Broken("too-big-is-1011")) ? 1011 : failure.Code));
            return false;
        }
    }

    // The header, as far as it is there.
    private void Judge(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 1) return;
        int reserved = (bytes[0] >> 4) & 7, opcode = bytes[0] & 15;
        bool fin = (bytes[0] & 0x80) != 0, isData = opcode is Wire.Text or Wire.Binary;
        int permitted = _inflater is not null && (isData || Broken("rsv1-anywhere")) ? Wire.Rsv1 : 0;
        Check((reserved & ~permitted) == 0 || Broken("reserved-bits-ignored"), 1002);
        Check(opcode is <= Wire.Binary or (>= Wire.Close and <= Wire.Pong) || Broken("opcodes-ignored"), 1002);
        Check(opcode < Wire.Close || fin || Broken("control-fragments-accepted"), 1002);
        Check(opcode != Wire.Continuation || _opcode != 0 || Broken("continuation-unchecked"), 1002);
        Check(!isData || _opcode == 0 || Broken("interleaving-accepted"), 1002);
        if (bytes.Length < 2) return;
        int length7 = bytes[1] & 0x7F;
        Check((bytes[1] & 0x80) != 0 || Broken("unmasked-accepted"), 1002);
        Check(opcode < Wire.Close || length7 <= 125 || Broken("control-length-unchecked"), 1002);
        Check(opcode != Wire.Close || length7 != 1 || Broken("close-of-one-byte-accepted"), 1002);
        if (length7 == 127 && bytes.Length > 2) Check((bytes[2] & 0x80) == 0 || Broken("top-bit-ignored"), 1002);
        if (length7 == 126 && bytes.Length >= 4)
            Check(BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]) > 125 || Broken("lengths-not-minimal-accepted"), 1002);
        if (length7 == 127 && bytes.Length >= 8)
            Check(bytes[2..8].ContainsAnyExcept((byte)0) || Broken("lengths-not-minimal-accepted"), 1002);
        if (TryMeasure(bytes, out _, out ulong length) && opcode < Wire.Close)
            Check(length + (ulong)_message.Count <= MessageBytesMax || Broken("limit-missing"), 1009);
    }

    // The payload of a frame that is not whole.
    private void JudgePart(ReadOnlySpan<byte> bytes)
    {
        if (!TryMeasure(bytes, out int header, out _) || bytes.Length <= header) return;
        byte[] part = Payload(bytes, header, bytes.Length - header);
        int opcode = bytes[0] & 15;
        if (opcode == Wire.Close && part.Length >= 2) JudgeClose(part, whole: false);
        bool compressed = opcode == Wire.Continuation ? _compressed : (bytes[0] & 0x40) != 0;
        bool isText = opcode == Wire.Text || (opcode == Wire.Continuation && _opcode == Wire.Text);
        if (isText && !compressed && !Broken("utf8-at-the-end-only") && !Broken("utf8-unchecked"))
            CheckUtf8([.. _cutCharacter, .. part], end: false);
    }

    private bool TryMeasure(ReadOnlySpan<byte> bytes, out int header, out ulong length)
    {
        (header, length) = (0, 0);
        if (bytes.Length < 2) return false;
        int length7 = bytes[1] & 0x7F, extended = length7 switch { 126 => 2, 127 => 8, _ => 0 };
        header = 2 + extended + ((bytes[1] & 0x80) != 0 ? 4 : 0);
        if (bytes.Length < header) return false;
        length = (ulong)length7;
        if (extended == 2) length = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
        if (extended == 8) length = BinaryPrimitives.ReadUInt64BigEndian(bytes[2..]);
        if (Broken("top-bit-ignored")) length &= long.MaxValue;
        if (Broken("length-bytes-swapped") && extended == 2) length = BinaryPrimitives.ReverseEndianness((ushort)length);
        if (Broken("length-of-64-bits-cut") && extended == 8) length = (ushort)length;
        return true;
    }

    private byte[] Payload(ReadOnlySpan<byte> bytes, int header, int length)
    {
        byte[] payload = bytes.Slice(header, length).ToArray();
        if ((bytes[1] & 0x80) == 0) return payload;
        int shift = Broken("mask-off-by-one") ? 1 : 0;
        for (int i = 0; i < payload.Length; i++) payload[i] ^= bytes[header - 4 + ((i + shift) & 3)];
        return payload;
    }

    // A whole frame. False when the connection is over.
    private bool Take(byte first, byte[] payload)
    {
        int opcode = first & 15;
        switch (opcode)
        {
            case Wire.Ping when Broken("pings-unanswered"):
            case Wire.Pong when !Broken("pongs-answered"):
                return true;
            case Wire.Ping:
            case Wire.Pong:
                Write(Wire.Pong, Broken("pong-without-payload") ? [] : payload);
                return true;
            case Wire.Close:
                if (payload.Length > 0) JudgeClose(payload, whole: true);
                if (Broken("close-unanswered")) return true;
                Write(Wire.Close, Broken("close-code-of-its-own") ? Wire.CloseBody(1001) : payload.Length >= 2 ? payload[..2] : []);
                return Broken("close-keeps-the-stream") || Broken("reads-on-after-close");
            case Wire.Text or Wire.Binary or Wire.Continuation:
                if (_opcode == 0 || opcode != Wire.Continuation)
                    (_opcode, _compressed, _cutCharacter) =
                        (opcode == Wire.Continuation ? Wire.Binary : opcode, _inflater is not null && (first & 0x40) != 0, []);
                TakeData(payload, fin: (first & 0x80) != 0);
                return true;
            default:
                return true; // a reserved opcode, ignored
        }
    }

    private void TakeData(byte[] payload, bool fin)
    {
        _message.AddRange(payload);
        Check(_message.Count <= MessageBytesMax, 1009);
        if (_opcode == Wire.Text && !_compressed)
        {
            byte[] text = [.. _cutCharacter, .. payload];
            if (Broken("utf8-at-the-end-only")) text = fin ? [.. _message] : [];
            JudgeText(text, end: fin || Broken("utf8-whole-in-each-fragment"));
        }
        else if (_opcode == Wire.Binary && Broken("utf8-asked-of-binary"))
        {
            JudgeText(payload, end: true);
        }

        if (_opcode == Wire.Text && _compressed && !fin && !Broken("utf8-at-the-end-only")) JudgeText(InflatedSoFar(), end: false);
        if (!fin) return;
        byte[] message = [.. _message];
        if (_compressed) message = Inflate(message);
        if (_compressed && _opcode == Wire.Text) JudgeText(message, end: true);
        Echo(message);
        _message.Clear();
        _opcode = 0;
    }

    private void Echo(byte[] message)
    {
        if (message.Length == 0 && Broken("empty-messages-swallowed")) return;
        if (message.Length > 0 && Broken("last-byte-lost")) message = message[..^1];
        if (message.Length > 65536 && Broken("cut-past-64-kib")) message = message[..65536];
        int opcode = Broken("type-lost") ? 3 - _opcode : _opcode;
        if (_deflater is null) Write(opcode, message);
        else Write(opcode, _deflater.Deflate(message), Wire.Rsv1);
    }

    private byte[] Inflate(byte[] payload)
    {
        try
        {
            ReadOnlyMemory<byte> message = _inflater!.Inflate(payload, MessageBytesMax);
            Check(message.Length <= MessageBytesMax, 1009);
            return message.ToArray();
        }
        catch (NotAsExpectedException) when (Broken("inflate-errors-ignored"))
        {
            return "whatever"u8.ToArray();
        }
        catch (NotAsExpectedException)
        {
            throw new Failure(1007);
        }
    }

    // What the fragments so far inflate to, as a first message.
    private byte[] InflatedSoFar()
    {
        using DeflateStream stream = new(new MemoryStream([.. _message]), CompressionMode.Decompress);
        List<byte> inflated = [];
        try
        {
            for (int value = stream.ReadByte(); value >= 0; value = stream.ReadByte()) inflated.Add((byte)value);
        }
        catch (InvalidDataException)
        {
            // The rest has not come, or it refers to another message.
        }

        return [.. inflated];
    }

    private void JudgeClose(byte[] payload, bool whole)
    {
        int code = BinaryPrimitives.ReadUInt16BigEndian(payload.Length >= 2 ? payload : [0, 0]);
        bool mayBeSent = code is (>= 1000 and <= 1003) or (>= 1007 and <= 1014) or (>= 3000 and <= 4999);
        Check(mayBeSent || Broken("close-codes-unchecked") || payload.Length < 2, 1002);
        if (!Broken("reasons-unchecked") && payload.Length > 2) CheckUtf8(payload.AsSpan(2), whole);
    }

    private void JudgeText(byte[] text, bool end)
    {
        if (!Broken("utf8-unchecked")) _cutCharacter = CheckUtf8(text, end);
    }

    // In: bytes. Out: those at the end that may still become a character. A Rune is refused at the byte that proves it.
    private static byte[] CheckUtf8(ReadOnlySpan<byte> bytes, bool end)
    {
        if (System.Text.Unicode.Utf8.IsValid(bytes)) return [];
        while (!bytes.IsEmpty)
        {
            System.Buffers.OperationStatus status = Rune.DecodeFromUtf8(bytes, out _, out int consumed);
            if (status == System.Buffers.OperationStatus.NeedMoreData && !end) return bytes.ToArray();
            Check(status == System.Buffers.OperationStatus.Done, 1007);
            bytes = bytes[consumed..];
        }

        return [];
    }

    private void Write(int opcode, byte[] payload, int reserved = 0)
    {
        bool isData = opcode < Wire.Close;
        _output.AddRange(Wire.FrameOf(opcode, payload, reserved: reserved | (Broken("answers-with-rsv2") ? Wire.Rsv2 : 0),
            key: Broken("answers-masked") ? Wire.UsualKey : null,
            form: isData && Broken("answers-not-minimal") ? Wire.LengthForm.In64Bits : Wire.LengthForm.Shortest));
    }

    private async Task FlushAsync()
    {
        ReadOnlyMemory<byte> output = _output.ToArray();
        _output.Clear();
        while (!output.IsEmpty) output = output[await socket.SendAsync(output, stopping).ConfigureAwait(false)..];
    }

    private async Task<bool> FillAsync()
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }

        if (_end == _buffer.Length) Array.Resize(ref _buffer, _buffer.Length * 2);
        int received = await socket.ReceiveAsync(_buffer.AsMemory(_end), stopping).ConfigureAwait(false);
        _end += received;
        return received > 0;
    }

    // §7.1.1: send what there is, end our side, discard what comes.
    private async Task EndAsync()
    {
        await FlushAsync().ConfigureAwait(false);
        socket.Shutdown(SocketShutdown.Send);
        for (int drained = 0; drained < DrainBytesMax;)
        {
            int received = await socket.ReceiveAsync(_buffer.AsMemory(), stopping).ConfigureAwait(false);
            if (received == 0) return;
            drained += received;
        }
    }

    private bool Broken(string rule) => broken.Contains(rule);

    private static void Check(bool kept, int code)
    {
        if (!kept) throw new Failure(code);
    }

    private sealed class Failure(int code) : Exception
    {
        public int Code { get; } = code;
    }
}
