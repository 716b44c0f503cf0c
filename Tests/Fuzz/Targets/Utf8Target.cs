// Target "utf8": Utf8Validator, cut at places that the fuzzer chooses, against the runtime's check and an oracle.
//
//   bytes 0–7    the cuts
//   the rest     the text
//
// Properties: the text is accepted when the runtime accepts it whole; the first byte that cannot follow is refused in the piece in which
// it arrives, as the oracle has it, and everything after it too until Reset; IsComplete says whether a character is open. Each width of the
// table lookup says the same, and the whole text's first wrong byte is the oracle's.

using System.Text.Unicode;
using RawWs.Frame;

namespace RawWs.Fuzz;

internal static class Utf8Target
{
    public static void Run(ReadOnlySpan<byte> input)
    {
        if (input.Length < Cuts.PlanBytes) return;
        ReadOnlySpan<byte> text = input[Cuts.PlanBytes..];
        int validPrefix = Utf8Oracle.ValidPrefix(text, out bool complete);
        Property.Same(validPrefix == text.Length && complete, Utf8.IsValid(text));
        byte[] room = new byte[text.Length];
        foreach (Utf8Widths.Width width in Utf8Widths.All)
        {
            if (text.Length < width.BytesMin) continue;
            Property.Same(Utf8Widths.MayFollow(width, text, room, 0x1D5C9B37), validPrefix == text.Length);
        }

        Utf8Validator whole = default;
        Property.Same(whole.Append(text, out int prefix), validPrefix == text.Length);
        Property.Same(prefix, validPrefix);
        Utf8Validator validator = default;
        foreach (int[] ends in (int[][])[[text.Length], Cuts.EveryByte(text.Length), Cuts.Of(input, text.Length)])
        {
            int from = 0;
            foreach (int end in ends)
            {
                // What is refused stays refused: an empty piece says nothing, and any byte is refused again.
                bool accepted = validator.Append(text[from..end]);
                if (end > from) Property.Same(accepted, end <= validPrefix);
                if (end <= validPrefix)
                {
                    _ = Utf8Oracle.ValidPrefix(text[..end], out bool completeSoFar);
                    Property.Same(validator.IsComplete, completeSoFar);
                }
                else
                {
                    Property.Holds(!validator.IsComplete);
                }

                from = end;
            }

            validator.Reset();
            Property.Holds(validator.IsComplete);
        }
    }
}
