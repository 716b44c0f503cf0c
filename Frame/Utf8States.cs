// UTF-8 one byte after another: a state says what may come next, and a table gives the next state. This is RFC 3629 §4 word for word:
//
//       state       what may come             and then
//       Complete    00..7F                    Complete
//                   C2..DF                    One
//                   E0                        AfterE0     below A0 it would be overlong
//                   E1..EC, EE, EF            Two
//                   ED                        AfterED     above 9F it would be a surrogate, D800..DFFF
//                   F0                        AfterF0     below 90 it would be overlong
//                   F1..F3                    Three
//                   F4                        AfterF4     above 8F it would be beyond U+10FFFF
//       One         80..BF                    Complete
//       Two         80..BF                    One
//       Three       80..BF                    Two
//       AfterE0     A0..BF                    One
//       AfterED     80..9F                    One
//       AfterF0     90..BF                    Two
//       AfterF4     80..8F                    Two
//       Refused     nothing
//
// Whatever is not in the table leads to Refused, and nothing leads out of it.
//
// A byte has one word in the table, with the next state for each state: nine of them, six bits each. A state is the number of the bit at
// which its six begin. So one load and one shift find the next state, and no branch is guessed wrong, whatever the script.

using System.Runtime.CompilerServices;

namespace RawWs.Frame;

/// <summary>The states of <see cref="Utf8Validator"/>.</summary>
internal static class Utf8States
{
    internal const byte Complete = 0;
    internal const byte Refused = 8 * Bits;

    private const byte Bits = 6;
    private const byte One = 1 * Bits;
    private const byte Two = 2 * Bits;
    private const byte Three = 3 * Bits;
    private const byte AfterE0 = 4 * Bits;
    private const byte AfterED = 5 * Bits;
    private const byte AfterF0 = 6 * Bits;
    private const byte AfterF4 = 7 * Bits;

    private static readonly ulong[] Words = MakeWords();

    /// <summary>The state after this byte.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static byte After(byte state, byte value) => (byte)((Words[value] >> state) & ((1 << Bits) - 1));

    /// <summary>How many bytes the character lacks; 1 if it cannot be finished.</summary>
    internal static int Missing(byte state) => state switch
    {
        Complete => 0,
        One or Refused => 1,
        Two or AfterE0 or AfterED => 2,
        _ => 3,
    };

    private static ulong[] MakeWords()
    {
        ulong[] words = new ulong[256];
        Array.Fill(words, Enumerable.Range(0, 9).Aggregate(0UL, static (word, state) => word | ((ulong)Refused << (state * Bits))));
        // tour: utf8-cells
        Put(Complete, 0x00, 0x7F, Complete);
        Put(Complete, 0xC2, 0xDF, One);
        Put(Complete, 0xE0, 0xE0, AfterE0);
        Put(Complete, 0xE1, 0xEF, Two);
        Put(Complete, 0xED, 0xED, AfterED);
        Put(Complete, 0xF0, 0xF0, AfterF0);
        Put(Complete, 0xF1, 0xF3, Three);
        Put(Complete, 0xF4, 0xF4, AfterF4);
        Put(One, 0x80, 0xBF, Complete);
        Put(Two, 0x80, 0xBF, One);
        Put(Three, 0x80, 0xBF, Two);
        Put(AfterE0, 0xA0, 0xBF, One);
        Put(AfterED, 0x80, 0x9F, One);
        Put(AfterF0, 0x90, 0xBF, Two);
        Put(AfterF4, 0x80, 0x8F, Two);
        // tour: end
        return words;

        void Put(byte state, int first, int last, byte next)
        {
            for (int value = first; value <= last; value++) words[value] = (words[value] & ~(63UL << state)) | ((ulong)next << state);
        }
    }
}
