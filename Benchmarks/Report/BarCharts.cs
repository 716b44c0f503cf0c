// Horizontal bars in groups: of one unit, or of several side by side. Each group has a scale of its own for each unit, from nothing to
// its longest.

namespace RawWs.Benchmarks.Report;

/// <summary>One bar. Where there is no figure, <see cref="Value"/> is NaN and <see cref="Says"/> tells why.</summary>
/// <param name="Value">Its length.</param>
/// <param name="Low">Where its spread begins.</param>
/// <param name="High">Where its spread ends.</param>
/// <param name="Says">What stands behind it.</param>
internal sealed record Bar(double Value, double Low, double High, string Says)
{
    public static Bar Of(double value, double spread, string says) => new(value, value - spread, value + spread, says);
}

/// <summary>One contender or server: a bar for each of the chart's columns.</summary>
internal sealed record BarRow(string Name, IReadOnlyList<Bar> Bars);

/// <summary>What can be compared: rows under one heading.</summary>
internal sealed record BarGroup(string Title, IReadOnlyList<BarRow> Rows);

/// <summary>Groups of bars.</summary>
/// <param name="Title">Above it.</param>
/// <param name="Says">What is shown.</param>
/// <param name="Columns">What each column is, and beneath it, which way is better; without words where the groups say it.</param>
/// <param name="Groups">The groups.</param>
internal sealed record BarChart(
    string Title, string Says, IReadOnlyList<(string What, string Better)> Columns, IReadOnlyList<BarGroup> Groups)
{
    private const int Left = 205;
    private const int Top = 76, ColumnsHeight = 38, BarHeight = 19, TitleHeight = 28, Gap = 14;
    private const int SaysAt = 16;
    private const double SaysCharacterWidth = 6.8; // on average, in the widest of the usual fonts

    public string Draw()
    {
        (int column, int longest) = Columns.Count == 1 ? (690, 520) : (290, 160);
        int head = Columns[0].What.Length > 0 ? ColumnsHeight : 0;
        int height = Top + head + Groups.Sum(static group => TitleHeight + (group.Rows.Count * BarHeight) + Gap);
        int width = Math.Max(Left + (column * Columns.Count), (2 * SaysAt) + (int)(Says.Length * SaysCharacterWidth));
        Svg svg = new(width, height, Title);
        svg.Text(SaysAt, 50, Says, 12, Palette.Faint);
        for (int i = 0; i < Columns.Count && Columns[i].What.Length > 0; i++)
        {
            svg.Text(Left + (i * column), Top + 8, Columns[i].What, 13, Palette.Ink, weight: 600);
            svg.Text(Left + (i * column), Top + 25, Columns[i].Better, 12, Palette.Faint);
        }

        string[] names = [.. Groups.SelectMany(static group => group.Rows).Select(static row => row.Name).Distinct()];
        int y = Top + head;
        foreach (BarGroup group in Groups)
        {
            svg.Text(16, y + 17, group.Title, 14, weight: 600);
            y += TitleHeight;
            double MostOf(int i) => group.Rows.Select(row => row.Bars[i].High).Where(double.IsFinite).DefaultIfEmpty(0).Max();
            double[] scales = [.. Enumerable.Range(0, Columns.Count).Select(i => longest / Math.Max(MostOf(i), double.Epsilon))];
            foreach (BarRow row in group.Rows)
            {
                string colour = Palette.Of(row.Name, Array.IndexOf(names, row.Name)).Colour;
                svg.Text(Left - 8, y + 13, row.Name, 13, colour, "end", 600);
                for (int i = 0; i < Columns.Count; i++) DrawBar(svg, row.Bars[i], Left + (i * column), y, scales[i], colour);
                y += BarHeight;
            }

            y += Gap;
        }

        return svg.ToString();
    }

    private static void DrawBar(Svg svg, Bar bar, double left, double y, double scale, string colour)
    {
        double length = double.IsFinite(bar.Value) ? Math.Max(bar.Value, 0) * scale : 0;
        svg.Rectangle(left, y + 2, length, BarHeight - 5, colour);
        double end = length;
        if (double.IsFinite(bar.Low) && double.IsFinite(bar.High) && bar.High > bar.Low)
        {
            end = Math.Max(length, bar.High * scale);
            svg.Whisker(left + (Math.Max(bar.Low, 0) * scale), y + (BarHeight / 2.0), left + end, y + (BarHeight / 2.0), Palette.Ink);
        }

        svg.Text(left + end + 7, y + 13, bar.Says, 12, Palette.Ink);
    }
}
