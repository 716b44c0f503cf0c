// What came out of a connection's bytes, as bytes that can be compared: messages whole, however they arrived, and control frames.

using System.Buffers.Binary;

namespace RawWs.Fuzz;

internal sealed class Transcript
{
    private readonly List<byte> _bytes = [];

    /// <summary>The entries: what it is (opcode and reserved bits), the payload's length, the payload.</summary>
    public byte[] Bytes => [.. _bytes];

    public List<(int Opcode, int Reserved, byte[] Payload)> Entries { get; } = [];

    public void Message(int opcode, int reserved, ReadOnlySpan<byte> payload) => Add(opcode, reserved, payload);

    public void Control(int opcode, ReadOnlySpan<byte> payload) => Add(opcode, 0, payload);

    private void Add(int opcode, int reserved, ReadOnlySpan<byte> payload)
    {
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, payload.Length);
        _bytes.Add((byte)(opcode | reserved));
        _bytes.AddRange(length);
        _bytes.AddRange(payload);
        Entries.Add((opcode, reserved, payload.ToArray()));
    }
}
