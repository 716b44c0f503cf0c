// The table lookup at each width that this process has, masked and not, called directly: each must say the same of the same bytes.

using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using RawWs.Frame;

namespace RawWs.Fuzz;

internal static class Utf8Widths
{
    /// <summary>One width, with or without a mask.</summary>
    /// <param name="Name">What it is, for a failure's message.</param>
    /// <param name="BytesMin">The shortest text that it may be given.</param>
    /// <param name="Count">The bytes of a vector.</param>
    /// <param name="Masked">Whether the text it is given is masked, with the key that it is given.</param>
    /// <param name="Pass">The pass.</param>
    internal sealed record Width(string Name, int BytesMin, int Count, bool Masked, Pass Pass);

    internal delegate bool Pass(ref byte text, nuint length, uint key);

    internal static IReadOnlyList<Width> All { get; } =
    [
        .. Of<Vector128<byte>, Utf8Width128>(Utf8Width128.IsSupported, Utf8Width128.BytesMin, 16),
        .. Of<Vector256<byte>, Utf8Width256>(Utf8Width256.IsSupported, Utf8Width256.BytesMin, 32),
        .. Of<Vector512<byte>, Utf8Width512>(Utf8Width512.IsSupported, Utf8Width512.BytesMin, 64),
    ];

    /// <summary>Whether the text may be the beginning of valid UTF-8. A masked width gets a masked copy, and gives the text back.</summary>
    internal static bool MayFollow(Width width, ReadOnlySpan<byte> text, Span<byte> room, uint key)
    {
        Span<byte> bytes = room[..text.Length];
        if (width.Masked) Masking.Apply(text, bytes, key);
        else text.CopyTo(bytes);
        bool valid = width.Pass(ref MemoryMarshal.GetReference(bytes), (nuint)bytes.Length, key);
        Property.SameBytes(bytes, text);
        if (!valid) return false;
        foreach (byte value in text[^Utf8Lookup.OpenAtEnd(text)..])
            if (value is 0xC0 or 0xC1 or > 0xF4) return false; // nothing has followed it yet, so no pair shows it
        return true;
    }

    private static Width[] Of<TVector, TWidth>(bool supported, int bytesMin, int count)
        where TVector : struct
        where TWidth : struct, IUtf8Width<TVector>
        => !supported ? [] :
        [
            new($"{8 * count} bits", bytesMin, count, false, Utf8Lookup.Pass<TVector, TWidth, PlainText>),
            new($"{8 * count} bits, masked", bytesMin, count, true, Utf8Lookup.Pass<TVector, TWidth, MaskedText>),
        ];
}
