// UTF-8 on lesser processors: the fuzz program runs in a process whose runtime is told that there are no wider vectors, or none at all.

using System.Diagnostics;
using RawWs.Tests.Support;

namespace RawWs.Tests;

public sealed class Utf8WidthsTests
{
    [TestCase("DOTNET_EnableAVX512", "512 bits")]
    [TestCase("DOTNET_EnableAVX2", "256 bits")]
    [TestCase("DOTNET_EnableHWIntrinsic", "128 bits")]
    public void RandomText_IsCheckedAlike_Without(string setting, string width)
    {
        string program = Repository.At("Tests", "Fuzz", "bin", Repository.OutputFolder, "RawWs.Fuzz.dll");
        ProcessStartInfo start = new("dotnet", [program, "utf8", "--bytes", "3000000"]) { Environment = { [setting] = "0" } };
        (int exitCode, string said, string errors) = Tools.Run(start, TimeSpan.FromMinutes(2));
        Assert.That(exitCode, Is.Zero, errors);
        Assert.That(said, Does.Contain("no difference").And.Not.Contain(width));
    }
}
