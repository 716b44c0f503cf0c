// Colours, line patterns and marks. A contender or server has the same in every plot; no two in one plot differ by colour alone, so that
// they can be told apart in print, and by those who do not see the colours.

using System.Text;

namespace RawWs.Benchmarks.Report;

/// <summary>The form of a mark.</summary>
internal enum MarkForm
{
    Circle,
    Square,
    Triangle,
    Diamond,
}

/// <summary>How a contender is drawn.</summary>
/// <param name="Colour">One of <see cref="Palette"/>'s names.</param>
/// <param name="Form">Its mark.</param>
/// <param name="Dash">Its line, as SVG says it.</param>
internal sealed record Look(string Colour, MarkForm Form, string Dash);

/// <summary>The names of colours, and their values on a light and on a dark page.</summary>
internal static class Palette
{
    /// <summary>Text, and lines that matter.</summary>
    public const string Ink = "ink";

    /// <summary>Text and lines that matter less.</summary>
    public const string Faint = "faint";

    /// <summary>Lines to find one's way by.</summary>
    public const string Grid = "grid";

    /// <summary>The page.</summary>
    public const string Paper = "paper";

    private const string Solid = "none", Dashed = "9 5", Dotted = "2 4", DashDot = "10 4 2 4";

    private static readonly (string Name, string Light, string Dark)[] Values =
    [
        (Ink, "#111827", "#f3f4f6"),
        (Faint, "#4b5563", "#9ca3af"),
        (Grid, "#e5e7eb", "#30363d"),
        (Paper, "#ffffff", "#0d1117"),
        ("blue", "#1d4ed8", "#58a6ff"),
        ("orange", "#d9480f", "#ff9248"),
        ("green", "#2b8a3e", "#56d364"),
        ("purple", "#7e22ce", "#d2a8ff"),
        ("pink", "#c2255c", "#ff8fc0"),
        ("teal", "#0b7285", "#39c5cf"),
        ("brown", "#8d5a00", "#e3b341"),
        ("olive", "#5c7c10", "#a5c740"),
    ];

    private static readonly Look[] Others =
    [
        new("purple", MarkForm.Diamond, DashDot),
        new("teal", MarkForm.Square, Dashed),
        new("pink", MarkForm.Triangle, Dotted),
        new("brown", MarkForm.Circle, DashDot),
        new("olive", MarkForm.Diamond, Dashed),
    ];

    /// <summary>By the beginning of the name.</summary>
    private static readonly (string Begins, Look Look)[] Known =
    [
        ("RawWs", new("blue", MarkForm.Circle, Solid)),
        ("System.Net.WebSockets", new("orange", MarkForm.Square, Solid)),
        ("Utf8.IsValid", new("orange", MarkForm.Square, Solid)),
        ("Kestrel", new("orange", MarkForm.Square, Solid)),
        ("Naive", new("green", MarkForm.Triangle, Solid)),
        ("Limit", new(Ink, MarkForm.Diamond, Dashed)),
        ("Harness", new(Faint, MarkForm.Circle, Dotted)),
        ("wslay", new("pink", MarkForm.Square, Solid)),
        ("wsproto", new("brown", MarkForm.Triangle, Dotted)),
        ("websocketpp", new("purple", MarkForm.Diamond, Solid)),
        ("Beast", new("purple", MarkForm.Circle, Dashed)),
        ("Netty", new("olive", MarkForm.Diamond, Solid)),
        ("websockets, no C", new("brown", MarkForm.Square, Dashed)),
        ("ws", new("green", MarkForm.Triangle, Solid)),
        ("bun", new("purple", MarkForm.Diamond, DashDot)),
        ("gorilla", new("teal", MarkForm.Square, Dashed)),
        ("nhooyr", new("olive", MarkForm.Square, Dotted)),
        ("libwebsockets", new("pink", MarkForm.Triangle, Dotted)),
        ("websockets", new("brown", MarkForm.Circle, DashDot)),
        ("deno", new("olive", MarkForm.Diamond, Dashed)),
    ];

    /// <summary>The rules for both pages. f- fills, s- draws lines, l- draws lines that go through points, m- is for marks.</summary>
    public static string Style { get; } = MakeStyle();

    /// <summary>
    /// How a contender is drawn; <paramref name="place"/> is where it stands among those of its plot. The first one is ours where no name
    /// says so.
    /// </summary>
    public static Look Of(string name, int place)
    {
        foreach ((string begins, Look look) in Known)
            if (name.StartsWith(begins, StringComparison.OrdinalIgnoreCase)) return look;
        return place == 0 ? Known[0].Look : Others[place % Others.Length];
    }

    private static string MakeStyle()
    {
        StringBuilder style = new();
        Append(style, static value => value.Light);
        style.Append("@media (prefers-color-scheme: dark) {\n");
        Append(style, static value => value.Dark);
        return style.Append('}').ToString();
    }

    private static void Append(StringBuilder style, Func<(string Name, string Light, string Dark), string> colour)
    {
        string paper = colour(Values.Single(static value => value.Name == Paper));
        foreach ((string Name, string Light, string Dark) value in Values)
        {
            string of = colour(value);
            style.Append($".f-{value.Name} {{ fill: {of} }} .s-{value.Name} {{ stroke: {of} }} ");
            style.Append($".l-{value.Name} {{ stroke: {of}; fill: none }} ");
            style.Append($".m-{value.Name} {{ fill: {of}; stroke: {paper}; stroke-width: 1.2 }}\n");
        }
    }
}
