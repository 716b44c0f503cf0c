// A frame parser that shares no line with this project, for the example of Benchmarks/README.md, for the gate, and for the corpus's files.
// It keeps what has arrived and looks whether a frame is whole. It believes its peer.

using System.Buffers.Binary;

namespace Another;

/// <summary>A message, or a Ping.</summary>
internal sealed record Event(int Opcode, byte[] Payload)
{
    public bool IsPing => Opcode == 9;

    public bool IsMessage => Opcode is 1 or 2;

    public bool IsText => Opcode == 1;

    public byte[] PongFrame => [0x8A, (byte)Payload.Length, .. Payload];
}

internal sealed class Decoder
{
    private readonly List<byte> _message = [];
    private byte[] _held = new byte[1024];
    private int _count;
    private int _opcode;

    public List<Event> Feed(ReadOnlySpan<byte> arrived)
    {
        if (_held.Length - _count < arrived.Length) Array.Resize(ref _held, Math.Max(2 * _held.Length, _count + arrived.Length));
        arrived.CopyTo(_held.AsSpan(_count));
        _count += arrived.Length;
        List<Event> events = [];
        int at = 0;
        while (FrameLength(_held.AsSpan(at, _count - at), out int header) is var length && length > 0)
        {
            Take(_held.AsSpan(at, length), header, events);
            at += length;
        }

        if (at > 0) _held.AsSpan(at, _count - at).CopyTo(_held);
        _count -= at;
        return events;
    }

    // 0 if it is not whole.
    private static int FrameLength(ReadOnlySpan<byte> bytes, out int header)
    {
        header = 0;
        if (bytes.Length < 2) return 0;
        int length = bytes[1] & 127;
        header = length switch { 126 => 8, 127 => 14, _ => 6 };
        if (bytes.Length < header) return 0;
        if (length == 126) length = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
        else if (length == 127) length = (int)BinaryPrimitives.ReadUInt64BigEndian(bytes[2..]);
        return bytes.Length < header + length ? 0 : header + length;
    }

    private void Take(ReadOnlySpan<byte> frame, int header, List<Event> events)
    {
        byte[] payload = frame[header..].ToArray();
        for (int i = 0; i < payload.Length; i++) payload[i] ^= frame[header - 4 + (i & 3)];
        int opcode = frame[0] & 15;
        if (opcode >= 8)
        {
            events.Add(new Event(opcode, payload));
            return;
        }

        if (opcode > 0) _opcode = opcode;
        _message.AddRange(payload);
        if (frame[0] < 128) return;
        events.Add(new Event(_opcode, [.. _message]));
        _message.Clear();
    }
}
