// Target "masking": Masking at every width, in place and copying, against one XOR per byte.
//
//   bytes 0–3    the key
//   bytes 4–7    the offset, a signed number
//   byte 8       how far from an aligned address the bytes begin
//   bytes 9–16   the cuts
//   the rest     the payload
//
// Properties: each width that is long enough, and the public methods, give the oracle's bytes and the key to go on with; in place and
// copying give the same; the source and the bytes before and behind stay as they are; masked twice is not masked; pieces give what
// the whole gives.

using System.Buffers.Binary;
using System.Runtime.InteropServices;
using RawWs.Frame;

namespace RawWs.Fuzz;

internal static class MaskingTarget
{
    private const int OptionBytes = 17;
    private const byte Guard = 0xA5;

    // True when what comes out is ASCII throughout, or when nobody asks.
    private delegate bool Xor(ref byte source, ref byte destination, nuint length, uint key);

    // The shortest payload that each may be given; a runtime without such vectors computes the same in software.
    private static readonly (int BytesMin, Xor Apply, bool Asks)[] Widths =
    [
        (0, Masking.XorScalar, true),
        (16, Masking.Xor128<Masking.AsciiIsAsked>, true),
        (16, Masking.Xor128<Masking.AsciiIsNotAsked>, false),
        (32, Masking.Xor256<Masking.AsciiIsAsked>, true),
        (32, Masking.Xor256<Masking.AsciiIsNotAsked>, false),
        (64, Masking.Xor512<Masking.AsciiIsAsked>, true),
        (64, Masking.Xor512<Masking.AsciiIsNotAsked>, false),
    ];

    public static void Run(ReadOnlySpan<byte> input)
    {
        if (input.Length < OptionBytes) return;
        uint key = BinaryPrimitives.ReadUInt32LittleEndian(input);
        int offset = BinaryPrimitives.ReadInt32LittleEndian(input[4..]);
        int start = input[8] % 64;
        byte[] payload = input[OptionBytes..].ToArray();
        byte[] expected = new byte[payload.Length];
        for (int i = 0; i < payload.Length; i++) expected[i] = (byte)(payload[i] ^ KeyByte(key, i + (offset & 3)));
        uint turned = 0;
        for (int i = 0; i < 4; i++) turned |= (uint)KeyByte(key, payload.Length + (offset & 3) + i) << (8 * i);

        CheckInPlace(payload, expected, start, data => Property.Same(Masking.Apply(data, key, offset), turned));
        CheckCopy(payload, expected, start, (source, destination) =>
            Property.Same(Masking.Apply(source, destination, key, offset), turned));
        CheckInPlace(expected, payload, start, data => Masking.Apply(data, key, offset));
        foreach ((int bytesMin, Xor apply, bool asks) in Widths)
        {
            if (payload.Length < bytesMin) continue;
            byte[] fromZero = new byte[payload.Length];
            for (int i = 0; i < payload.Length; i++) fromZero[i] = (byte)(payload[i] ^ KeyByte(key, i));
            bool ascii = !asks || fromZero.All(static value => value < 0x80);
            CheckInPlace(payload, fromZero, start, data =>
                Property.Same(
                    apply(ref MemoryMarshal.GetReference(data), ref MemoryMarshal.GetReference(data), (uint)data.Length, key), ascii));
            CheckCopy(payload, fromZero, start, (source, destination) =>
                Property.Same(
                    apply(ref MemoryMarshal.GetReference(source), ref MemoryMarshal.GetReference(destination),
                        (uint)source.Length, key), ascii));
        }

        int[] ends = Cuts.Of(input.Slice(9, Cuts.PlanBytes), payload.Length);
        CheckInPlace(payload, expected, start, data =>
        {
            uint next = Masking.Apply([], key, offset);
            int from = 0;
            foreach (int end in ends)
            {
                next = Masking.Apply(data[from..end], next);
                from = end;
            }

            Property.Same(next, turned);
        });
    }

    private static byte KeyByte(uint key, int i) => (byte)(key >> (8 * (i % 4)));

    private static void CheckInPlace(byte[] payload, byte[] expected, int start, InPlace apply)
    {
        byte[] memory = Guarded(payload, start);
        apply(memory.AsSpan(start + 1, payload.Length));
        Property.SameBytes(memory, Guarded(expected, start));
    }

    private static void CheckCopy(byte[] payload, byte[] expected, int start, Copying apply)
    {
        byte[] memory = Guarded(payload, start);
        byte[] destination = Guarded(new byte[payload.Length], 63 - start);
        apply(memory.AsSpan(start + 1, payload.Length), destination.AsSpan(64 - start, payload.Length));
        Property.SameBytes(memory, Guarded(payload, start));
        Property.SameBytes(destination, Guarded(expected, 63 - start));
    }

    // The payload at an address of the fuzzer's choice, with a guard of a byte and more before it and of 64 behind it.
    private static byte[] Guarded(byte[] payload, int start)
    {
        byte[] memory = new byte[start + 1 + payload.Length + 64];
        Array.Fill(memory, Guard);
        payload.CopyTo(memory, start + 1);
        return memory;
    }

    private delegate void InPlace(Span<byte> data);

    private delegate void Copying(ReadOnlySpan<byte> source, Span<byte> destination);
}
