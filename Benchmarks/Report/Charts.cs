// Lines over payload sizes, with both axes logarithmic. Bars are in BarCharts.cs.

using System.Globalization;

namespace RawWs.Benchmarks.Report;

/// <summary>One point of a line.</summary>
/// <param name="Size">Where it is on the x axis: bytes.</param>
/// <param name="Value">Its value.</param>
/// <param name="Spread">The standard deviation of it; 0 where none is known.</param>
internal sealed record Point(double Size, double Value, double Spread);

/// <summary>One contender's line.</summary>
internal sealed record Series(string Name, IReadOnlyList<Point> Points);

/// <summary>Lines; each is named where it ends.</summary>
/// <param name="Title">Above it.</param>
/// <param name="Says">What is shown, and which way is better.</param>
/// <param name="Unit">Of the y axis.</param>
/// <param name="XLabel">What the sizes are of.</param>
/// <param name="Lines">The lines, the one that matters most first.</param>
internal sealed record LineChart(string Title, string Says, string Unit, string XLabel, IReadOnlyList<Series> Lines)
{
    private const int WidthMin = 940, Height = 500;
    private const int Left = 92, Right = 660, Top = 74, Bottom = 436;
    private const int LabelHeight = 17;
    private const int NameWidth = 46; // of a tick's name on the x axis
    private const int NamesAt = Right + 26; // of lines
    private const double CharacterWidth = 7.6; // of those, on average, in the widest of the usual fonts

    private static readonly double[] Steps = [1, 2, 5, 10];

    public string Draw()
    {
        int longest = Lines.Count == 0 ? 0 : Lines.Max(static line => line.Name.Length);
        Svg svg = new(Math.Max(WidthMin, (int)(NamesAt + 10 + (longest * CharacterWidth))), Height, Title);
        svg.Text(16, 50, $"{Says}. Both axes are logarithmic; a bar across a mark is the spread.", 12, Palette.Faint);
        Series[] lines =
        [
            .. Lines.Select(static line =>
                line with { Points = [.. line.Points.Where(static point => point is { Size: > 0, Value: > 0 })] })
                .Where(static line => line.Points.Count > 0),
        ];
        if (lines.Length == 0)
        {
            svg.Text((Left + Right) / 2, (Top + Bottom) / 2, "no figures", 14, Palette.Faint, "middle");
            return svg.ToString();
        }

        double[] sizes = [.. lines.SelectMany(static line => line.Points).Select(static point => point.Size).Distinct().Order()];
        double from = Math.Log(sizes[0]), to = Math.Max(Math.Log(sizes[^1]), from + 1);
        double X(double size) => Left + 22 + ((Math.Log(size) - from) / (to - from) * (Right - Left - 44));
        double[] values = [.. lines.SelectMany(static line => line.Points).Select(static point => point.Value)];
        double[] ticks = [.. Ticks(values.Min(), values.Max())];
        double low = Math.Log(ticks[0]), high = Math.Log(ticks[^1]);
        double Y(double value) => Bottom - ((Math.Log(value) - low) / (high - low) * (Bottom - Top));

        DrawAxes(svg, sizes, ticks, X, Y);
        List<(string Name, Look Look, double X, double Y)> ends = [];
        for (int i = lines.Length - 1; i >= 0; i--) // the first line is drawn last, above the others
        {
            Look look = Palette.Of(lines[i].Name, i);
            svg.Path(lines[i].Points.Select(point => (X(point.Size), Y(point.Value))), look, i == 0 ? 3.4 : 2.2);
            foreach ((double size, double value, double spread) in lines[i].Points)
            {
                if (spread > 0) svg.Whisker(X(size), Y(value + spread), X(size), Y(Math.Max(value - spread, ticks[0])), look.Colour);
                svg.Mark(X(size), Y(value), look, $"{lines[i].Name}: {Digits.WithSpread(value, spread)} {Unit}");
            }

            ends.Add((lines[i].Name, look, X(lines[i].Points[^1].Size), Y(lines[i].Points[^1].Value)));
        }

        DrawNames(svg, ends);
        return svg.ToString();
    }

    private void DrawAxes(Svg svg, double[] sizes, double[] ticks, Func<double, double> x, Func<double, double> y)
    {
        foreach (double tick in ticks)
        {
            bool isDecade = Math.Abs(Math.Log10(tick) - Math.Round(Math.Log10(tick))) < 1e-9;
            svg.Line(Left, y(tick), Right, y(tick), tick == ticks[0] ? Palette.Faint : Palette.Grid, isDecade ? 1.6 : 0.8);
            if (isDecade || ticks.Length <= 8)
            {
                string name = string.Create(CultureInfo.InvariantCulture, $"{tick:#,0.############} {Unit}");
                svg.Text(Left - 8, y(tick) + 4, name, 12, Palette.Faint, "end");
            }
        }

        double free = double.NegativeInfinity;
        foreach (double size in sizes)
        {
            svg.Line(x(size), Bottom, x(size), Bottom + 5, Palette.Faint);
            if (x(size) < free) continue; // 126 B stands beside 125 B
            svg.Text(x(size), Bottom + 20, new PayloadSize((int)size).ToString(), 12, Palette.Ink, "middle");
            free = x(size) + NameWidth;
        }

        svg.Text((Left + Right) / 2, Bottom + 44, XLabel, 12, Palette.Faint, "middle");
    }

    // From the step below the least value to the step above the greatest.
    private static IEnumerable<double> Ticks(double least, double greatest)
    {
        for (int decade = (int)Math.Floor(Math.Log10(least)); ; decade++)
        {
            for (int i = 0; i < Steps.Length - 1; i++)
            {
                double tick = Steps[i] * Math.Pow(10, decade), next = Steps[i + 1] * Math.Pow(10, decade);
                if (next <= least) continue;
                yield return tick;
                if (tick >= greatest) yield break;
            }
        }
    }

    // Names beside the ends, pushed apart where lines end at the same height.
    private static void DrawNames(Svg svg, List<(string Name, Look Look, double X, double Y)> ends)
    {
        double[] wanted = [.. ends.Select(static end => end.Y)];
        int[] order = [.. Enumerable.Range(0, ends.Count).OrderBy(i => wanted[i])];
        double above = double.NegativeInfinity;
        foreach (int i in order) above = wanted[i] = Math.Max(wanted[i], above + LabelHeight);
        double below = Bottom + 6;
        foreach (int i in order.Reverse()) below = (wanted[i] = Math.Min(wanted[i], below)) - LabelHeight;
        for (int i = 0; i < ends.Count; i++)
        {
            (string name, Look look, double x, double y) = ends[i];
            svg.Line(x + 7, y, Right + 6, wanted[i], look.Colour);
            svg.Mark(Right + 14, wanted[i], look, "");
            svg.Text(NamesAt, wanted[i] + 4, name, 13, look.Colour, weight: 600);
        }
    }
}
