// The suite as a program: arguments, the run, the reports, the exit code. Only the reports go to standard output; why it could not run, or
// not to the end, is one line on standard error.

using System.Globalization;
using System.Runtime.InteropServices;
using RawWs.Conformance;

if (args.Contains("--help"))
{
    Console.WriteLine(Arguments.Usage);
    return 0;
}

if (Arguments.TryParse(args, out string error) is not { } arguments) return CouldNotRun(error);
if (arguments.List)
{
    foreach (Case item in arguments.Cases) Console.WriteLine($"{item.Id}\t{item.Section}\t{item.Kind}\t{item.Expected}");
    return 0;
}

foreach ((string option, string? path) in ((string, string?)[])[("--junit", arguments.JUnit), ("--html", arguments.Html)])
    if (path is not null && ReportFile.WhyUnwritable(path) is { } why) return CouldNotRun($"{option} {path} cannot be written: {why}");

using CancellationTokenSource stopping = new();
using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop), terminate =
    PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
DateTimeOffset begun = DateTimeOffset.Now;
IReadOnlyList<Result> results;
string? cutShort = null;
try
{
    await Suite.ProbeAsync(arguments.Target).WaitAsync(stopping.Token);
    results = await Suite.RunAsync(
        arguments.Target, arguments.Cases, result => TextReport.WriteLine(Console.Out, result, arguments.Verbose), stopping.Token);
}
catch (CutShortException exception)
{
    (results, cutShort) = (exception.Results, exception.Message);
}
catch (OperationCanceledException)
{
    return CouldNotRun("stopped before the first case");
}
catch (Exception exception) when (exception is NotAsExpectedException or ServerGoneException)
{
    return CouldNotRun($"{arguments.Target}: {exception.Message}");
}

Run run = new(arguments.Server, begun, DateTimeOffset.Now - begun, results, cutShort);
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

if (cutShort is not null) return CouldNotRun(cutShort);
if (!results.Any(static result => result.Outcome is Outcome.Passed or Outcome.Failed))
    return CouldNotRun("nothing was judged: all cases are informational, or of what the server does not negotiate");
return run.Failed == 0 ? 0 : 1;

// The first signal stops the run, a second one the program.
void Stop(PosixSignalContext context)
{
    context.Cancel = !stopping.IsCancellationRequested;
    stopping.Cancel();
}

static int CouldNotRun(string why)
{
    Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"conformance: {why}"));
    return 2;
}
