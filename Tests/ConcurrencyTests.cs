// The models of what runs on several threads hold in each order that Coyote tries: docs/concurrency.md. The program is copied and
// rewritten, and then run in a process of its own.

using System.Diagnostics;
using RawWs.Tests.Support;

namespace RawWs.Tests;

[Parallelizable(ParallelScope.Self)]
public sealed class ConcurrencyTests
{
    // Where threads synchronise; and between any two accesses to fields, where what is not synchronised would show.
    [Test]
    public void TheModels_Hold([Values] bool fields)
    {
        string copy = Directory.CreateTempSubdirectory("rawws-").FullName;
        try
        {
            foreach (string file in Directory.GetFiles(Repository.At("Tests", "Concurrency", "bin", Repository.OutputFolder)))
                File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
            string program = Path.Combine(copy, "RawWs.Concurrency.dll");
            (int exitCode, string said) = Run("coyote", "rewrite", program);
            if (said.Contains("dotnet tool restore", StringComparison.Ordinal)) Tools.Missing("coyote (dotnet tool restore)");
            Assert.That(exitCode, Is.Zero, said);
            string[] models = [program, "--iterations", "100"];
            (exitCode, said) = Run(fields ? [.. models, "--fields"] : models);
            TestContext.Out.WriteLine(said);
            Assert.That(exitCode, Is.Zero, said);
        }
        finally
        {
            Directory.Delete(copy, recursive: true);
        }
    }

    private static (int ExitCode, string Said) Run(params string[] arguments)
    {
        ProcessStartInfo start = new("dotnet", arguments)
        {
            WorkingDirectory = Repository.At(),
            Environment = { ["COYOTE_CLI_TELEMETRY_OPTOUT"] = "1" },
        };
        (int exitCode, string output, string errors) = Tools.Run(start, TimeSpan.FromMinutes(4));
        return (exitCode, output + errors);
    }
}
