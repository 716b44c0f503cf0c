// UTF-8 on lesser processors: the fuzz program runs in a process whose runtime is told that there are no wider vectors, or none at all.

using System.Diagnostics;
using RawWs.Tests.Support;

namespace RawWs.Tests;

public sealed class Utf8WidthsTests
{
    [TestCase("DOTNET_EnableAVX512", "512 bits")]
    [TestCase("DOTNET_EnableAVX2", "256 bits")]
    [TestCase("DOTNET_EnableHWIntrinsic", "128 bits")]
    public async Task RandomText_IsCheckedAlike_Without(string setting, string width)
    {
        string program = Repository.At("Tests", "Fuzz", "bin", Repository.OutputFolder, "RawWs.Fuzz.dll");
        ProcessStartInfo start = new("dotnet", [program, "utf8", "--bytes", "3000000"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { [setting] = "0" },
        };
        using Process process = Process.Start(start)!;
        using CancellationTokenSource deadline = new(TimeSpan.FromMinutes(2));
        Task<string> errors = process.StandardError.ReadToEndAsync(deadline.Token);
        try
        {
            string said = await process.StandardOutput.ReadToEndAsync(deadline.Token);
            await process.WaitForExitAsync(deadline.Token);
            Assert.That(process.ExitCode, Is.Zero, await errors);
            Assert.That(said, Does.Contain("no difference").And.Not.Contain(width));
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }
}
