// The few SVG elements that the plots are made of. By hand, as the plotting library at hand draws its text in fonts of the machine that
// it runs on: where none is installed, there is no text, and where the reader lacks that font, letters overlap. Here the reader's own
// sans-serif is asked for. Colours have names, and each name has two values: one for a light page and one for a dark one, of which the
// reader's program takes its own.

using System.Globalization;
using System.Xml.Linq;

namespace RawWs.Benchmarks.Report;

/// <summary>
/// A picture in the making; coordinates are pixels from the upper left corner. Colours are names of <see cref="Palette"/>.
/// </summary>
internal sealed class Svg
{
    private static readonly XNamespace Namespace = "http://www.w3.org/2000/svg";

    private readonly XElement _root;

    public Svg(int width, int height, string title)
    {
        _root = new XElement(
            Namespace + "svg",
            new XAttribute("width", width),
            new XAttribute("height", height),
            new XAttribute("viewBox", $"0 0 {width} {height}"),
            new XAttribute("font-family", "system-ui, 'Segoe UI', Helvetica, Arial, 'DejaVu Sans', sans-serif"),
            new XAttribute("role", "img"),
            new XElement(Namespace + "title", title),
            new XElement(Namespace + "style", Palette.Style));
        Rectangle(0, 0, width, height, Palette.Paper);
        Text(16, 28, title, 17, weight: 600);
    }

    public void Rectangle(double x, double y, double width, double height, string fill) => Add(
        "rect", ("class", "f-" + fill), ("x", Number(x)), ("y", Number(y)), ("width", Number(width)), ("height", Number(height)));

    public void Line(double x1, double y1, double x2, double y2, string stroke, double width = 1) => Add(
        "line",
        ("class", "s-" + stroke),
        ("stroke-width", Number(width)),
        ("x1", Number(x1)),
        ("y1", Number(y1)),
        ("x2", Number(x2)),
        ("y2", Number(y2)));

    public void Path(IEnumerable<(double X, double Y)> points, Look look, double width) => Add(
        "polyline",
        ("class", "l-" + look.Colour),
        ("points", string.Join(' ', points.Select(static point => $"{Number(point.X)},{Number(point.Y)}"))),
        ("stroke-width", Number(width)),
        ("stroke-linejoin", "round"),
        ("stroke-dasharray", look.Dash));

    /// <summary>A mark of the contender's own form, that says what it stands for when it is pointed at.</summary>
    public void Mark(double x, double y, Look look, string says)
    {
        const double R = 5;
        (double X, double Y)[] corners = look.Form switch
        {
            MarkForm.Square => [(-R, -R), (R, -R), (R, R), (-R, R)],
            MarkForm.Triangle => [(0, -R - 1), (R + 1, R), (-R - 1, R)],
            MarkForm.Diamond => [(0, -R - 1.5), (R + 1.5, 0), (0, R + 1.5), (-R - 1.5, 0)],
            _ => [],
        };
        string points = string.Join(' ', corners.Select(corner => $"{Number(x + corner.X)},{Number(y + corner.Y)}"));
        XElement mark = points.Length == 0
            ? Add("circle", ("class", "m-" + look.Colour), ("cx", Number(x)), ("cy", Number(y)), ("r", Number(R)))
            : Add("polygon", ("class", "m-" + look.Colour), ("points", points));
        if (says.Length > 0) mark.Add(new XElement(Namespace + "title", says));
    }

    /// <summary>From one value to another, with a bar across each end. Nothing where it would be no longer than a dot.</summary>
    public void Whisker(double x1, double y1, double x2, double y2, string stroke)
    {
        if (Math.Abs(x2 - x1) + Math.Abs(y2 - y1) < 1.5) return;
        const double Half = 3.5;
        bool level = y1 == y2;
        Line(x1, y1, x2, y2, stroke, 1.3);
        foreach ((double x, double y) in ((double, double)[])[(x1, y1), (x2, y2)])
            Line(level ? x : x - Half, level ? y - Half : y, level ? x : x + Half, level ? y + Half : y, stroke, 1.3);
    }

    public void Text(double x, double y, string text, int size = 12, string fill = Palette.Ink, string anchor = "start",
        int weight = 400) => Add(
        "text",
        ("class", "f-" + fill),
        ("x", Number(x)),
        ("y", Number(y)),
        ("font-size", Number(size)),
        ("font-weight", Number(weight)),
        ("text-anchor", anchor)).Value = text;

    public override string ToString() => _root + "\n";

    private static string Number(double value) => value.ToString("0.#", CultureInfo.InvariantCulture);

    private XElement Add(string name, params ReadOnlySpan<(string Name, string Value)> attributes)
    {
        XElement element = new(Namespace + name);
        foreach ((string attribute, string value) in attributes) element.Add(new XAttribute(attribute, value));
        _root.Add(element);
        return element;
    }
}
