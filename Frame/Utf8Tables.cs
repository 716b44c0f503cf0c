// The three tables of Utf8Lookup, which explains them: steps 1 and 2 there. Each line of its list of forbidden pairs is a bit here.

using System.Runtime.Intrinsics;

namespace RawWs.Frame;

/// <summary>Which lines of the list have a byte with this digit at this place.</summary>
internal static class Utf8Tables
{
    /// <summary>A pair that may be right. The highest bit, because step 3 makes it by subtraction; the others may be any.</summary>
    internal const byte TwoContinuations = 0x80;

    private const byte TooShort = 0x01;
    private const byte TooLong = 0x02;
    private const byte Overlong2 = 0x04;
    private const byte Overlong3 = 0x08;
    private const byte Surrogate = 0x10;
    private const byte TooLarge = 0x20;
    private const byte Overlong4 = 0x40;
    private const byte TooLarge1000 = 0x40;

    // The high digits of a first byte that leads.
    private const byte HighC = TooShort | Overlong2;
    private const byte HighD = TooShort;
    private const byte HighE = TooShort | Overlong3 | Surrogate;
    private const byte HighF = TooShort | TooLarge | TooLarge1000 | Overlong4;

    // The low digits of a first byte. Three lines ask for none, so every low digit has them.
    private const byte AnyLow = TooShort | TooLong | TwoContinuations;
    private const byte Low0 = AnyLow | Overlong2 | Overlong3 | Overlong4;
    private const byte Low1 = AnyLow | Overlong2;
    private const byte Low4 = AnyLow | TooLarge;
    private const byte Low5 = AnyLow | TooLarge | TooLarge1000; // and all above
    private const byte LowD = Low5 | Surrogate;

    // The high digits of a second byte that continues.
    private const byte Continues = TooLong | TwoContinuations | Overlong2;
    private const byte Second8 = Continues | Overlong3 | TooLarge1000 | Overlong4;
    private const byte Second9 = Continues | Overlong3 | TooLarge;
    private const byte SecondA = Continues | Surrogate | TooLarge; // and B

    /// <summary>By the first byte's high digit: 0 to 7 is ASCII, 8 to B a continuation, C and D lead two bytes, E three, F four.</summary>
    internal static Vector128<byte> FirstHigh => Vector128.Create(
        TooLong, TooLong, TooLong, TooLong, TooLong, TooLong, TooLong, TooLong,
        TwoContinuations, TwoContinuations, TwoContinuations, TwoContinuations, HighC, HighD, HighE, HighF);

    /// <summary>By the first byte's low digit: C0, E0 and F0 have 0; C1 has 1; F4 has 4; ED has D; F5 to FF have 5 to F.</summary>
    internal static Vector128<byte> FirstLow => Vector128.Create(
        Low0, Low1, AnyLow, AnyLow, Low4, Low5, Low5, Low5, Low5, Low5, Low5, Low5, Low5, LowD, Low5, Low5);

    /// <summary>By the second byte's high digit: only 8 to B is a continuation.</summary>
    internal static Vector128<byte> SecondHigh => Vector128.Create(
        TooShort, TooShort, TooShort, TooShort, TooShort, TooShort, TooShort, TooShort,
        Second8, Second9, SecondA, SecondA, TooShort, TooShort, TooShort, TooShort);
}
