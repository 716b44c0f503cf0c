// Draws a frame as the RFC's picture (§5.2), with the bits that this frame has: 32 bits a row, bit 0 first, a column of two characters for
// each bit. A field of one bit has its name from top to bottom. Under the bits stand the values: bytes in hexadecimal, of masked payload
// also what it becomes, and printable characters.

using System.Globalization;
using System.Text;
using RawWs.Frame;

namespace RawWs.Server.Console.Explain;

internal static class Diagram
{
    private const int RowBits = 32;
    private const int PayloadRowsMax = 3;

    /// <summary>The lines of a frame's picture.</summary>
    /// <param name="unit">The frame.</param>
    /// <param name="bytes">The bytes of its direction.</param>
    /// <param name="left">How many bytes of the frame are not drawn.</param>
    public static List<string> Draw(Unit unit, ReadOnlySpan<byte> bytes, out int left)
    {
        ReadOnlySpan<byte> frame = bytes.Slice(unit.Offset, unit.Length);
        int header = unit.Frame!.Header.HeaderLength;
        int rowsMax = ((header * 8) + RowBits - 1) / RowBits + PayloadRowsMax;
        int rows = Math.Min(rowsMax, ((frame.Length * 8) + RowBits - 1) / RowBits);
        left = Math.Max(0, frame.Length - (rows * RowBits / 8));
        List<string> lines = ["  0                   1                   2                   3", "  " + Digits()];
        bool[] above = new bool[RowBits + 1];
        byte[] drawn = [.. frame[..Math.Min(frame.Length, rows * RowBits / 8)]];
        for (int row = 0; row < rows; row++)
        {
            List<Cell> cells = CellsOf(unit, frame.Length, row);
            bool[] edges = new bool[RowBits + 1];
            foreach (Cell cell in cells) edges[cell.Bit] = edges[cell.Bit + cell.Bits] = true;
            int width = cells[^1].Bit + cells[^1].Bits;
            lines.Add(Border(above, edges, Math.Max(width, Array.LastIndexOf(above, true))));
            int labels = cells.Max(static cell => cell.Bits == 1 ? cell.Label.Length : 1);
            for (int line = 0; line < labels; line++) lines.Add(Line(cells, cell => cell.LabelAt(line)));
            lines.Add(Line(cells, cell => cell.BitsOf(drawn, row)));
            lines.Add(Line(cells, cell => cell.ValueOf(drawn, row, unit.Frame)));
            above = edges;
        }

        lines.Add(Border(above, above, Array.LastIndexOf(above, true)));
        return lines;
    }

    private static string Digits() =>
        string.Join(' ', Enumerable.Range(0, RowBits).Select(static bit => (bit % 10).ToString(CultureInfo.InvariantCulture)));

    private static string Border(bool[] above, bool[] below, int bits)
    {
        StringBuilder line = new(" ");
        for (int bit = 0; bit <= bits; bit++)
        {
            line.Append(above[bit] || below[bit] ? '+' : '-');
            if (bit < bits) line.Append('-');
        }

        return line.ToString();
    }

    private static string Line(List<Cell> cells, Func<Cell, string> content)
    {
        StringBuilder line = new(" |");
        foreach (Cell cell in cells) line.Append(cell.Centre(content(cell))).Append('|');
        return line.ToString();
    }

    private static List<Cell> CellsOf(Unit unit, int frameBytes, int row)
    {
        long from = row * (long)RowBits, to = Math.Min(from + RowBits, frameBytes * 8L), start = unit.Offset * 8L;
        List<Cell> cells = [];
        foreach (Note note in unit.Notes)
        {
            long begin = Math.Max(from, note.Bit - start), end = Math.Min(to, note.Bit - start + note.BitCount);
            if (begin < end) cells.Add(new Cell((int)(begin - from), (int)(end - begin), note));
        }

        return cells;
    }

    /// <summary>The part of a field that lies in a row.</summary>
    private readonly record struct Cell(int Bit, int Bits, Note Note)
    {
        private int Width => (Bits * 2) - 1;

        // As short as in the RFC's picture, where the whole name has no room.
        public string Label => Note.Field switch
        {
            "payload length" => "payload len",
            "extended payload length" when Bits < 16 => "length",
            _ => Note.Field,
        };

        public string LabelAt(int line) => Bits == 1 ? line < Label.Length ? Label[line].ToString() : "" : line == 0 ? Label : "";

        public string BitsOf(byte[] frame, int row)
        {
            int first = (row * RowBits) + Bit;
            return string.Join(' ', Enumerable.Range(first, Bits).Select(at => (frame[at / 8] >> (7 - (at % 8))) & 1));
        }

        public string ValueOf(byte[] frame, int row, ExplainedFrame explained)
        {
            if (Bits == 1) return "";
            if (Note.BitCount % 8 != 0) return Note.Value.Split(' ')[0];
            StringBuilder values = new();
            int first = ((row * RowBits) + Bit) / 8;
            for (int at = first; at < first + (Bits / 8); at++)
            {
                if (at > first) values.Append(' ');
                values.Append(Byte(frame[at], at - explained.Header.HeaderLength, explained));
            }

            return values.ToString();
        }

        private static string Byte(byte value, int payloadAt, ExplainedFrame explained)
        {
            string hex = value.ToString("x2", CultureInfo.InvariantCulture);
            if (payloadAt >= 0)
            {
                byte plain = explained.Payload.Span[payloadAt];
                if (explained.Header.Masked) hex += string.Create(CultureInfo.InvariantCulture, $" > {plain:x2}");
                if (plain is > (byte)' ' and < 0x7F) hex += $" '{(char)plain}'";
            }

            // A byte has eight columns of two.
            int before = (15 - hex.Length) / 2;
            return new string(' ', before) + hex + new string(' ', 15 - hex.Length - before);
        }

        public string Centre(string text)
        {
            if (text.Length > Width) text = text[..Width];
            int before = (Width - text.Length) / 2;
            return new string(' ', before) + text + new string(' ', Width - text.Length - before);
        }
    }
}
