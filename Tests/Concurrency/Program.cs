// Runs the models under Coyote. Tests/Concurrency/run builds, rewrites and starts this; docs/concurrency.md says what it is good for.
//   dotnet RawWs.Concurrency.dll [--iterations N] [--seed N] [--fields] [MODEL ...]
// With --fields a task may also be stopped between any two accesses to a field, not only where threads synchronise.
// Exits with 0 when every model holds, 1 when one does not (its schedule is printed), 2 when it cannot run.

using System.Diagnostics;
using System.Globalization;
using Microsoft.Coyote;
using Microsoft.Coyote.SystematicTesting;
using RawWs.Concurrency;

uint iterations = 200, seed = 20261128;
bool fields = false;
List<string> names = [];
for (int i = 0; i < args.Length; i++)
{
    if (args[i] == "--iterations") iterations = uint.Parse(args[++i], CultureInfo.InvariantCulture);
    else if (args[i] == "--seed") seed = uint.Parse(args[++i], CultureInfo.InvariantCulture);
    else if (args[i] == "--fields") fields = true;
    else names.Add(args[i]);
}

if (names.Find(static name => !Models.Every.Any(model => model.Name == name)) is { } unknown)
{
    Console.Error.WriteLine($"there is no model {unknown}; there are {string.Join(' ', Models.Every.Select(static model => model.Name))}");
    return 2;
}

if (!typeof(Models).Assembly.GetCustomAttributesData().Any(static data => data.AttributeType.Name == "RewritingSignatureAttribute"))
{
    Console.Error.WriteLine("this assembly is not rewritten for Coyote: start it by Tests/Concurrency/run");
    return 2;
}

int broken = 0;
TextWriter console = Console.Out;
foreach ((string name, Func<Task> model) in Models.Every)
{
    if (names.Count > 0 && !names.Contains(name)) continue;
    Configuration configuration = Configuration.Create().WithTelemetryEnabled(false)
        .WithTestingIterations(iterations).WithRandomGeneratorSeed(seed).WithMemoryAccessRaceCheckingEnabled(fields);
    long start = Stopwatch.GetTimestamp();
    using TestingEngine engine = TestingEngine.Create(configuration, model);
    Console.SetOut(TextWriter.Null); // Coyote counts its schedules aloud
    engine.Run();
    Console.SetOut(console);
    TestReport report = engine.TestReport;
    double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
    string result = report.NumOfFoundBugs == 0 ? "holds" : "BROKEN";
    int schedules = report.CoverageInfo.ExploredPaths.Count;
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}: {result}, {schedules} schedules, {seconds:0.0} s"));
    foreach (string bug in report.BugReports) Console.WriteLine(bug);
    if (report.NumOfFoundBugs > 0) Console.WriteLine(engine.GetReport());
    // A call of the base library that Coyote does not control. To capture a context is no place where threads meet.
    foreach (string call in report.UncontrolledInvocations)
        if (!call.EndsWith("ExecutionContext.Capture", StringComparison.Ordinal)) Console.WriteLine($"  not controlled: {call}");
    broken += report.NumOfFoundBugs;
}

return broken > 0 ? 1 : 0;
