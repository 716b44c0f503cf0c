// The models of what runs on several threads hold in each order that Coyote tries: docs/concurrency.md. The program is copied and
// rewritten, and then run in a process of its own.

using System.Diagnostics;
using RawWs.Tests.Support;

namespace RawWs.Tests;

public sealed class ConcurrencyTests
{
    // Where threads synchronise; and between any two accesses to fields, where what is not synchronised would show.
    [Test]
    public async Task TheModels_Hold([Values] bool fields)
    {
        string copy = Directory.CreateTempSubdirectory("rawws-").FullName;
        try
        {
            foreach (string file in Directory.GetFiles(Repository.At("Tests", "Concurrency", "bin", Repository.OutputFolder)))
                File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
            string program = Path.Combine(copy, "RawWs.Concurrency.dll");
            (int exitCode, string said) = await Run("coyote", "rewrite", program);
            if (said.Contains("dotnet tool restore", StringComparison.Ordinal)) Tools.Missing("coyote (dotnet tool restore)");
            Assert.That(exitCode, Is.Zero, said);
            string[] models = [program, "--iterations", "100"];
            (exitCode, said) = await Run(fields ? [.. models, "--fields"] : models);
            TestContext.Out.WriteLine(said);
            Assert.That(exitCode, Is.Zero, said);
        }
        finally
        {
            Directory.Delete(copy, recursive: true);
        }
    }

    private static async Task<(int ExitCode, string Said)> Run(params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo("dotnet", arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Repository.At(),
            Environment = { ["COYOTE_CLI_TELEMETRY_OPTOUT"] = "1" },
        })!;
        using CancellationTokenSource deadline = new(TimeSpan.FromMinutes(4));
        try
        {
            Task<string> errors = process.StandardError.ReadToEndAsync(deadline.Token);
            string output = await process.StandardOutput.ReadToEndAsync(deadline.Token);
            await process.WaitForExitAsync(deadline.Token);
            return (process.ExitCode, output + await errors);
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }
}
