// A run and its text and JUnit reports.

using System.Globalization;
using System.Text;
using System.Xml;
using System.Xml.Linq;

namespace RawWs.Conformance;

/// <summary>What came of a run.</summary>
/// <param name="Server">What the server is called.</param>
/// <param name="Begun">When.</param>
/// <param name="Elapsed">How long it took.</param>
/// <param name="Results">A result for each case that was played, in their order.</param>
/// <param name="CutShort">Why not every case was played, or null.</param>
internal sealed record Run(string Server, DateTimeOffset Begun, TimeSpan Elapsed, IReadOnlyList<Result> Results, string? CutShort)
{
    /// <summary>How many required or strict cases failed.</summary>
    public int Failed => Count(Results, Outcome.Failed);

    /// <summary>The chapters that were run, in order, with their results.</summary>
    public IEnumerable<(string Chapter, IReadOnlyList<Result> Results)> ByChapter =>
        Results.GroupBy(static result => result.Case.Chapter).Select(static group => (group.Key, (IReadOnlyList<Result>)[.. group]));

    public static int Count(IEnumerable<Result> results, Outcome outcome, Kind? kind = null) =>
        results.Count(result => result.Outcome == outcome && (kind is null || result.Case.Kind == kind));
}

/// <summary>A report's file.</summary>
internal static class ReportFile
{
    /// <summary>Finds out whether it can be written, and leaves things as they were.</summary>
    /// <returns>Null, or why it can't.</returns>
    public static string? WhyUnwritable(string path)
    {
        try
        {
            bool isNew = !Path.Exists(path);
            File.Open(path, FileMode.OpenOrCreate, FileAccess.Write).Dispose();
            if (isNew) File.Delete(path);
            return null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return exception.Message;
        }
    }
}

/// <summary>The report that is read in a terminal.</summary>
internal static class TextReport
{
    /// <summary>A line for a case, if it is one to be shown: a failure always, any other when asked for.</summary>
    public static void WriteLine(TextWriter output, Result result, bool verbose)
    {
        if (!verbose && result.Outcome != Outcome.Failed) return;
        output.WriteLine(
            string.Create(CultureInfo.InvariantCulture,
                $"{Word(result.Outcome),-14} {result.Case.Kind,-13} {result.Case.Section,-14} "
                + $"{result.Case.Id}{(result.Detail.Length > 0 ? ": " + result.Detail : "")}"));
        if (result.Outcome == Outcome.Failed) output.WriteLine($"{"",-14} expected: {result.Case.Expected}");
    }

    /// <summary>A line for each chapter, and one for all.</summary>
    public static void WriteSummary(TextWriter output, Run run)
    {
        output.WriteLine($"{"chapter",-16}{"passed",8}{"failed: MUST",14}{"strict",8}{"not negotiated",16}{"noted",7}");
        foreach ((string chapter, IReadOnlyList<Result> results) in run.ByChapter) WriteRow(output, chapter, results);
        WriteRow(output, "all", run.Results);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{run.Server}: {run.Results.Count} cases in {run.Elapsed.TotalSeconds:0.0} s, {run.Failed} failed"));
    }

    public static string Word(Outcome outcome) => outcome switch
    {
        Outcome.Passed => "passed",
        Outcome.Failed => "FAILED",
        Outcome.NotNegotiated => "not negotiated",
        _ => "noted",
    };

    private static void WriteRow(TextWriter output, string name, IReadOnlyList<Result> results) =>
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"{name,-16}{Run.Count(results, Outcome.Passed),8}{Run.Count(results, Outcome.Failed, Kind.Required),14}"
            + $"{Run.Count(results, Outcome.Failed, Kind.Strict),8}{Run.Count(results, Outcome.NotNegotiated),16}"
            + $"{Run.Count(results, Outcome.Noted),7}"));
}

/// <summary>The report that build servers read: a test suite for each chapter, and one in error for a run that was cut short.</summary>
internal static class JUnitReport
{
    public static void Write(string path, Run run)
    {
        int errors = run.CutShort is null ? 0 : 1;
        XElement root = new("testsuites", new XAttribute("name", run.Server), Counts(run.Results, errors), run.ByChapter.Select(chapter =>
            new XElement("testsuite", new XAttribute("name", chapter.Chapter), Counts(chapter.Results, 0),
                new XAttribute("timestamp", run.Begun.ToString("yyyy-MM-ddTHH:mm:ss", CultureInfo.InvariantCulture)),
                    chapter.Results.Select(CaseOf))));
        if (run.CutShort is not null)
            root.Add(
                new XElement("testsuite", new XAttribute("name", "run"), Counts([], errors),
                    new XElement("testcase", new XAttribute("classname", "run"),
                new XAttribute("name", "every case is played"), new XElement("error", new XAttribute("message", run.CutShort)))));
        using XmlWriter file = XmlWriter.Create(
            path, new XmlWriterSettings { Indent = true, Encoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false) });
        root.Save(file);
    }

    private static XElement CaseOf(Result result)
    {
        XElement element = new("testcase", new XAttribute("classname", $"{result.Case.Chapter}.{result.Case.Kind}"),
            new XAttribute("name", Printable($"{result.Case.Name} ({result.Case.Section})")),
            new XAttribute("time", Seconds(result.Elapsed)));
        string detail = Printable(result.Detail);
        if (result.Outcome == Outcome.Failed)
            element.Add(new XElement("failure", new XAttribute("message", detail), $"expected: {Printable(result.Case.Expected)}"));
        else if (result.Outcome == Outcome.NotNegotiated) element.Add(new XElement("skipped", new XAttribute("message", detail)));
        else if (detail.Length > 0) element.Add(new XElement("system-out", detail));
        return element;
    }

    private static XAttribute[] Counts(IReadOnlyList<Result> results, int errors) =>
    [
        new("tests", results.Count + errors), new("failures", Run.Count(results, Outcome.Failed)),
        new("skipped", Run.Count(results, Outcome.NotNegotiated)),
            new("errors", errors),
        new("time", Seconds(results.Aggregate(TimeSpan.Zero, static (sum, result) => sum + result.Elapsed))),
    ];

    private static string Seconds(TimeSpan time) => time.TotalSeconds.ToString("0.000", CultureInfo.InvariantCulture);

    // XML has no way to write most control characters.
    private static string Printable(string text) => new([.. text.Select(static c => c < ' ' ? ' ' : c)]);
}
