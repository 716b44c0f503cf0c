// The two sorts of plots: lines over payload sizes with both axes logarithmic, and bars by cell.

using System.Globalization;

namespace RawWs.Benchmarks.Report;

/// <summary>One contender's line: a value for each place on the x axis, or none there.</summary>
internal sealed record Series(string Name, IReadOnlyList<double?> Values);

/// <summary>Lines over places that are evenly spaced; the y axis is logarithmic. Each line is named where it ends.</summary>
/// <param name="Title">Above it.</param>
/// <param name="YLabel">What is shown, with its unit.</param>
/// <param name="XLabel">What the places are.</param>
/// <param name="Places">The places' names.</param>
/// <param name="Lines">The lines.</param>
internal sealed record LineChart(string Title, string YLabel, string XLabel, IReadOnlyList<string> Places, IReadOnlyList<Series> Lines)
{
    private const int Width = 900, Height = 470;
    private const int Left = 76, Right = 640, Top = 70, Bottom = 410;
    private const int LabelHeight = 16;

    public string Draw()
    {
        Svg svg = new(Width, Height, Title);
        svg.Text(16, 50, $"{YLabel}, logarithmic; more is better", 12, Svg.Faint);
        double[] values = [.. Lines.SelectMany(static line => line.Values).OfType<double>().Where(static value => value > 0)];
        if (values.Length == 0)
        {
            svg.Text((Left + Right) / 2, (Top + Bottom) / 2, "no figures", 14, Svg.Faint, "middle");
            return svg.ToString();
        }

        double low = Math.Floor(Math.Log10(values.Min())), high = Math.Max(Math.Ceiling(Math.Log10(values.Max())), low + 1);
        double Y(double value) => Bottom - ((Math.Log10(value) - low) / (high - low) * (Bottom - Top));
        double X(int place) => Left + 24 + (place * (Right - Left - 48.0) / Math.Max(Places.Count - 1, 1));

        for (double decade = low; decade <= high; decade++)
        {
            double y = Y(Math.Pow(10, decade));
            svg.Line(Left, y, Right, y, decade == low ? Svg.Faint : "#d1d5db");
            svg.Text(Left - 8, y + 4, Math.Pow(10, decade).ToString("0.############", CultureInfo.InvariantCulture), 12, Svg.Faint, "end");
            if (decade == high) break;
            foreach (int step in (int[])[2, 5]) svg.Line(Left, Y(step * Math.Pow(10, decade)), Right, Y(step * Math.Pow(10, decade)), Svg.Grid);
        }

        for (int place = 0; place < Places.Count; place++) svg.Text(X(place), Bottom + 20, Places[place], 12, Svg.Ink, "middle");
        svg.Text((Left + Right) / 2, Bottom + 44, XLabel, 12, Svg.Faint, "middle");

        List<(string Name, string Colour, double X, double Y)> ends = [];
        for (int i = Lines.Count - 1; i >= 0; i--) // the first line is drawn last, above the others
        {
            Series line = Lines[i];
            (double X, double Y, double Value)[] points =
            [
                .. from place in Enumerable.Range(0, line.Values.Count)
                   let value = line.Values[place] ?? 0
                   where value > 0
                   select (X(place), Y(value), value),
            ];
            if (points.Length == 0) continue;
            string colour = Svg.ColourOf(line.Name, i);
            svg.Path(points.Select(static point => (point.X, point.Y)), colour, i == 0 ? 3 : 2, line.Name.StartsWith("Limit", StringComparison.Ordinal));
            foreach ((double x, double y, double value) in points) svg.Dot(x, y, colour, $"{line.Name}: {Digits.Three(value)}");
            ends.Add((line.Name, colour, points[^1].X, points[^1].Y));
        }

        // Names beside the ends, pushed apart where lines end at the same height.
        double above = double.NegativeInfinity;
        foreach ((string name, string colour, double x, double y) in ends.OrderBy(static end => end.Y))
        {
            double at = Math.Max(y, above + LabelHeight);
            above = at;
            svg.Line(x + 5, y, Right + 6, at, colour);
            svg.Text(Right + 10, at + 4, name, 12, colour, weight: 600);
        }

        return svg.ToString();
    }
}

/// <summary>One bar.</summary>
internal sealed record Bar(string Name, double Value, string Says);

/// <summary>Bars side by side, of one unit.</summary>
internal sealed record BarGroup(string Title, IReadOnlyList<Bar> Bars);

/// <summary>Groups of horizontal bars; each group has a scale of its own, from nothing to its longest.</summary>
internal sealed record BarChart(string Title, string Subtitle, IReadOnlyList<BarGroup> Groups)
{
    private const int Width = 860;
    private const int Left = 170, Longest = 480;
    private const int Top = 72, BarHeight = 18, TitleHeight = 26, Gap = 14;

    public string Draw()
    {
        int height = Top + Groups.Sum(static group => TitleHeight + (group.Bars.Count * BarHeight) + Gap);
        Svg svg = new(Width, height, Title);
        svg.Text(16, 50, Subtitle, 12, Svg.Faint);
        string[] names = [.. Groups.SelectMany(static group => group.Bars).Select(static bar => bar.Name).Distinct()];
        int y = Top;
        foreach (BarGroup group in Groups)
        {
            svg.Text(16, y + 14, group.Title, 13, weight: 600);
            y += TitleHeight;
            double longest = group.Bars.Select(static bar => bar.Value).Where(double.IsFinite).DefaultIfEmpty(0).Max();
            foreach (Bar bar in group.Bars)
            {
                double length = longest > 0 && double.IsFinite(bar.Value) ? Math.Max(bar.Value, 0) / longest * Longest : 0;
                svg.Text(Left - 8, y + 12, bar.Name, 12, Svg.Ink, "end");
                svg.Rectangle(Left, y + 1, length, BarHeight - 4, Svg.ColourOf(bar.Name, Array.IndexOf(names, bar.Name)));
                svg.Text(Left + length + 6, y + 12, bar.Says, 12, Svg.Faint);
                y += BarHeight;
            }

            y += Gap;
        }

        return svg.ToString();
    }
}
