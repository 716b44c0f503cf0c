// No line of code is longer than .editorconfig allows. The formatter does not look at that.

using System.Globalization;
using System.Text.RegularExpressions;
using RawWs.Tests.Support;

namespace RawWs.Tests;

public sealed partial class LinesTests
{
    [Test]
    public void NoLine_IsLongerThanAllowed()
    {
        int most = int.Parse(Allowed().Match(Repository.Read(".editorconfig")).Groups[1].Value, CultureInfo.InvariantCulture);
        string[] folders = ["Frame", "Handshake", "Conformance", "Server", "Tests", "Benchmarks"];
        string[] files = [.. folders
            .SelectMany(folder => Directory.EnumerateFiles(Repository.At(folder), "*.cs", SearchOption.AllDirectories))
            .Where(file => !Built().IsMatch(file))];
        Assert.That(files, Has.Length.GreaterThan(100));
        Assert.That(
            files.SelectMany(file => File.ReadLines(file).Select((line, at) => (file, at, line.Length)))
                .Where(line => line.Length > most)
                .Select(line => $"{line.file}:{line.at + 1}: {line.Length} characters"),
            Is.Empty);
    }

    [GeneratedRegex(@"^max_line_length\s*=\s*(\d+)", RegexOptions.Multiline)]
    private static partial Regex Allowed();

    [GeneratedRegex(@"[\\/](obj|bin|node_modules)[\\/]")]
    private static partial Regex Built();
}
