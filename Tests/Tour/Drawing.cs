// A picture of the tour as SVG, drawn from its text (docs/tour/pictures/*.txt), with the colours of docs/pictures/style.css, which know
// light and dark. The text has the words in both languages: what stands behind " | " is Chinese. " / " begins a further line.
//
//   rows 22                       the kind: rows of cells, and how many pixels a unit of width has
//   row first byte | 第一个字节      begins a row under this label
//   cell 4 loop opcode / 0001     its width in units, its colour (a class of the style), its text
//   gap 4                         an empty place in the row
//
//   talk                          the kind: two ends, and what they say to each other
//   side client | 客户端            the left end, then the right one
//   > a Ping | 一个 Ping           from left to right; < goes from right to left
//   = nobody waits | 无人等待        a remark between the two
//
//   steps 260                     the kind: boxes, one under the other, at least so wide
//   step core Incoming            its colour, its text
//   beside low the wheel          a box beside the last one
//
//   note one sentence | 一句话      a line of its own, in every kind

using System.Globalization;
using System.Net;
using System.Text;
using RawWs.Server.Console.Explain;
using RawWs.Tests.Support;

namespace RawWs.Tests.Tour;

internal sealed class Drawing
{
    private const int LineHeight = 18, Margin = 12, Gap = 26, TalkWidth = 660;

    private readonly StringBuilder _svg = new();
    private readonly Language _language;
    private readonly int _unit;
    private int _x = Margin, _y = Margin, _width, _rowHeight, _sides;
    private (int X, int Y, int Width, int Height) _box;

    private Drawing(int unit, Language language) => (_unit, _language) = (unit, language);

    /// <summary>Draws a picture in one of the languages.</summary>
    public static string Draw(string text, Language language)
    {
        string[] lines = [.. text.Split('\n').Where(static line => line.Length > 0 && !line.StartsWith("//", StringComparison.Ordinal))];
        string[] kind = lines[0].Split(' ');
        Drawing drawing = new(kind.Length > 1 ? int.Parse(kind[1], CultureInfo.InvariantCulture) : 0, language);
        foreach (string line in lines[1..]) drawing.Add(line);
        return drawing.Finish();
    }

    private void Add(string line)
    {
        string[] words = line.Split(' ', 2);
        switch (words[0])
        {
            case "row":
                EndRow();
                Label(words[1]);
                _y += 2;
                break;
            case "cell":
                string[] cell = words[1].Split(' ', 3);
                Cell(int.Parse(cell[0], CultureInfo.InvariantCulture) * _unit, cell[1], Lines(cell[2]));
                break;
            case "gap":
                _x += int.Parse(words[1], CultureInfo.InvariantCulture) * _unit;
                break;
            case "side":
                Side(Lines(words[1]));
                break;
            case ">" or "<":
                Arrow(Lines(words[1]), toRight: words[0] == ">");
                break;
            case "=":
                Remark(Lines(words[1]));
                break;
            case "step" or "beside":
                string[] step = words[1].Split(' ', 2);
                Step(step[0], Lines(step[1]), words[0] == "beside");
                break;
            case "note":
                EndRow();
                Label(words[1]);
                break;
            default:
                throw new FormatException($"A picture has no such line: {line}");
        }
    }

    private void Label(string text)
    {
        foreach (string line in Lines(text))
        {
            Text(Margin, _y + 13, line, anchor: "start");
            _width = Math.Max(_width, Margin + WidthOf(line));
            _y += LineHeight;
        }
    }

    private void Cell(int width, string colour, string[] lines)
    {
        Box(_x, _y, width, (lines.Length * LineHeight) + 12, colour, lines);
        _x += width;
        _rowHeight = Math.Max(_rowHeight, (lines.Length * LineHeight) + 12);
        _width = Math.Max(_width, _x);
    }

    private void EndRow()
    {
        if (_rowHeight > 0) _y += _rowHeight + 10;
        (_x, _rowHeight) = (Margin, 0);
    }

    private void Side(string[] lines)
    {
        int width = 130, x = _sides++ == 0 ? Margin : TalkWidth - Margin - width;
        Box(x, _y, width, (lines.Length * LineHeight) + 12, _sides == 1 ? "user" : "core", lines);
        _width = TalkWidth - Margin;
        if (_sides == 2) _y += (lines.Length * LineHeight) + 12 + 8;
    }

    private void Arrow(string[] lines, bool toRight)
    {
        int left = Margin + 65, right = TalkWidth - Margin - 65;
        foreach (string line in lines) Text(TalkWidth / 2, (_y += LineHeight) - 4, line);
        Edge(toRight ? left : right, _y + 3, toRight ? right : left, _y + 3);
        _y += 14;
    }

    private void Remark(string[] lines)
    {
        int width = lines.Max(WidthOf) + 28;
        Box((TalkWidth - width) / 2, _y + 4, width, (lines.Length * LineHeight) + 8, "side", lines);
        _y += (lines.Length * LineHeight) + 16;
    }

    private void Step(string colour, string[] lines, bool beside)
    {
        int width = lines.Max(WidthOf) + 28, height = (lines.Length * LineHeight) + 12;
        if (beside)
        {
            Edge(_box.X + _box.Width, _box.Y + (_box.Height / 2), _box.X + _box.Width + 40, _box.Y + (_box.Height / 2));
            Box(_box.X + _box.Width + 40, _box.Y + ((_box.Height - height) / 2), width, height, colour, lines);
            _width = Math.Max(_width, _box.X + _box.Width + 40 + width);
            return;
        }

        width = Math.Max(width, _unit);
        if (_box.Height > 0)
        {
            Edge(Margin + (_unit / 2), _y, Margin + (_unit / 2), _y + Gap);
            _y += Gap;
        }

        _box = (Margin, _y, width, height);
        Box(_box.X, _box.Y, width, height, colour, lines);
        _y += height;
        _width = Math.Max(_width, Margin + width);
    }

    private void Box(int x, int y, int width, int height, string colour, string[] lines)
    {
        _svg.Append(CultureInfo.InvariantCulture, $"<g class=\"node {colour}\">\n<path d=\"M{x},{y}h{width}v{height}h-{width}z\"/>\n");
        int at = y + ((height - (lines.Length * LineHeight)) / 2) + 13;
        for (int i = 0; i < lines.Length; i++) Text(x + (width / 2), at + (LineHeight * i), lines[i]);
        _svg.Append("</g>\n");
    }

    private void Edge(int x, int y, int toX, int toY)
    {
        int backX = Math.Sign(toX - x) * 9, backY = Math.Sign(toY - y) * 9;
        (int asideX, int asideY) = (backY / 2, backX / 2);
        _svg.Append(CultureInfo.InvariantCulture, $"<g class=\"edge\">\n<path d=\"M{x},{y}L{toX - backX},{toY - backY}\"/>\n");
        _svg.Append(CultureInfo.InvariantCulture, $"<polygon points=\"{toX},{toY} {toX - backX + asideX},{toY - backY + asideY} ");
        _svg.Append(CultureInfo.InvariantCulture, $"{toX - backX - asideX},{toY - backY - asideY}\"/>\n</g>\n");
    }

    private void Text(int x, int y, string text, string anchor = "middle") => _svg.Append(
        CultureInfo.InvariantCulture, $"<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">{WebUtility.HtmlEncode(text)}</text>\n");

    private string Finish()
    {
        EndRow();
        int width = _width + Margin, height = _y + Margin;
        return string.Create(CultureInfo.InvariantCulture,
            $"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n")
            + $"<style>\n{Repository.Read("docs", "pictures", "style.css")}</style>\n{_svg}</svg>\n";
    }

    private string[] Lines(string text)
    {
        string[] languages = text.Split(" | ");
        return (_language == Language.Chinese ? languages[^1] : languages[0]).Split(" / ");
    }

    private static int WidthOf(string text) => TextWidth.Of(text) * 73 / 10;
}
