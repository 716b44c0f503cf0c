// The suite as a program: arguments, the run, the reports, the exit code. Only the reports go to standard output; why it could not run is one
// line on standard error.

using System.Globalization;
using RawWs.Conformance;

if (args.Contains("--help"))
{
    Console.WriteLine(Arguments.Usage);
    return 0;
}

if (args.Contains("--list"))
{
    foreach (Case row in Suite.All) Console.WriteLine($"{row.Id}\t{row.Section}\t{row.Kind}\t{row.Expected}");
    return 0;
}

if (Arguments.TryParse(args, out string error) is not { } arguments) return CouldNotRun(error);
try
{
    await Suite.ProbeAsync(arguments.Target);
}
catch (NotAsExpectedException exception)
{
    return CouldNotRun($"{arguments.Target}: {exception.Message}");
}

DateTimeOffset begun = DateTimeOffset.Now;
IReadOnlyList<Result> results = await Suite.RunAsync(arguments.Target, arguments.Rows, result => TextReport.WriteLine(Console.Out, result, arguments.Verbose));
Run run = new(arguments.Server, begun, DateTimeOffset.Now - begun, results);
TextReport.WriteSummary(Console.Out, run);
try
{
    if (arguments.JUnit is not null) JUnitReport.Write(arguments.JUnit, run);
    if (arguments.Html is not null) await File.WriteAllTextAsync(arguments.Html, HtmlReport.Of(run));
}
catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
{
    return CouldNotRun($"the report could not be written: {exception.Message}");
}

return run.Failed == 0 ? 0 : 1;

static int CouldNotRun(string why)
{
    Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"conformance: {why}"));
    return 2;
}
