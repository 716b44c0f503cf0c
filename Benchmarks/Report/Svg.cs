// The few SVG elements that the plots are made of. By hand, as the plotting library at hand draws its text in fonts of the machine that it runs
// on: where none is installed, there is no text, and where the reader lacks that font, letters overlap. Here the reader's own sans-serif is asked for.

using System.Globalization;
using System.Xml.Linq;

namespace RawWs.Benchmarks.Report;

/// <summary>A picture in the making; coordinates are pixels from the upper left corner.</summary>
internal sealed class Svg
{
    /// <summary>Text, and lines that matter.</summary>
    public const string Ink = "#1f2937";

    /// <summary>Text and lines that matter less.</summary>
    public const string Faint = "#6b7280";

    /// <summary>Lines to find one's way by.</summary>
    public const string Grid = "#e5e7eb";

    private static readonly XNamespace Namespace = "http://www.w3.org/2000/svg";
    private static readonly string[] Others = ["#047857", "#7c3aed", "#be185d", "#0e7490", "#a16207", "#4d7c0f"];

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
            new XElement(Namespace + "title", title));
        Rectangle(0, 0, width, height, "#ffffff");
        Text(16, 28, title, 17, weight: 600);
    }

    /// <summary>The colour of a contender or server: the same in every plot, for those that are in many. Ours come first.</summary>
    public static string ColourOf(string name, int index) => name switch
    {
        _ when index == 0 || name.StartsWith("RawWs", StringComparison.OrdinalIgnoreCase) => "#1d4ed8",
        _ when name.StartsWith("System.Net.WebSockets", StringComparison.Ordinal) => "#c2410c",
        _ when name.StartsWith("Kestrel", StringComparison.OrdinalIgnoreCase) => "#c2410c",
        _ when name.StartsWith("Naive", StringComparison.Ordinal) => "#9ca3af",
        _ when name.StartsWith("Limit", StringComparison.Ordinal) => Ink,
        _ => Others[index % Others.Length],
    };

    public void Rectangle(double x, double y, double width, double height, string fill) => Add(
        "rect", ("x", Number(x)), ("y", Number(y)), ("width", Number(width)), ("height", Number(height)), ("fill", fill));

    public void Line(double x1, double y1, double x2, double y2, string stroke) => Add(
        "line", ("x1", Number(x1)), ("y1", Number(y1)), ("x2", Number(x2)), ("y2", Number(y2)), ("stroke", stroke));

    public void Path(IEnumerable<(double X, double Y)> points, string stroke, double width, bool dashed) => Add(
        "polyline",
        ("points", string.Join(' ', points.Select(static point => $"{Number(point.X)},{Number(point.Y)}"))),
        ("fill", "none"),
        ("stroke", stroke),
        ("stroke-width", Number(width)),
        ("stroke-linejoin", "round"),
        ("stroke-dasharray", dashed ? "6 4" : "none"));

    /// <summary>A point that says what it stands for when it is pointed at.</summary>
    public void Dot(double x, double y, string fill, string says) =>
        Add("circle", ("cx", Number(x)), ("cy", Number(y)), ("r", "3.5"), ("fill", fill)).Add(new XElement(Namespace + "title", says));

    public void Text(double x, double y, string text, int size = 12, string fill = Ink, string anchor = "start", int weight = 400) => Add(
        "text",
        ("x", Number(x)),
        ("y", Number(y)),
        ("font-size", Number(size)),
        ("font-weight", Number(weight)),
        ("fill", fill),
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
