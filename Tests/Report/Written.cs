// What a report's directory must hold: a text whose plots are there, and plots that are SVG with text in them.

using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace RawWs.Tests.Report;

internal static partial class Written
{
    /// <summary>The report's text, with all files beside it looked at.</summary>
    public static string Check(string directory)
    {
        string text = File.ReadAllText(Path.Combine(directory, "report.md"));
        string[] named = [.. Plot().Matches(text).Select(static match => match.Groups[1].Value)];
        Assert.That(named, Is.Not.Empty.And.EquivalentTo(Directory.GetFiles(directory, "*.svg").Select(Path.GetFileName)));
        foreach (string name in named)
        {
            XElement svg = XDocument.Load(Path.Combine(directory, name)).Root!;
            Assert.That(svg.Name.LocalName, Is.EqualTo("svg"));
            string[] texts = [.. svg.Elements(svg.Name.Namespace + "text").Select(static element => element.Value)];
            Assert.That(texts, Has.Length.GreaterThan(3), name);
            Assert.That(texts, Has.All.Not.Empty, name);
        }

        Assert.That(Directory.GetFiles(directory, "*.new"), Is.Empty);
        return text;
    }

    [GeneratedRegex(@"^!\[[^\]]+\]\(([^)]+)\)$", RegexOptions.Multiline)]
    private static partial Regex Plot();
}
