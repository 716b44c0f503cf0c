// A command of dotnet's, run to its end.

using System.Diagnostics;

namespace RawWs.Tests.Support;

internal static class Dotnet
{
    /// <summary>Runs it in the folder of the solution; what it wrote is complete.</summary>
    public static (int ExitCode, string Output, string Errors) Run(params string[] arguments) =>
        Tools.Run(new ProcessStartInfo("dotnet", arguments) { WorkingDirectory = Repository.At() }, TimeSpan.FromMinutes(15));

    /// <summary>The path of a program that was built with the tests.</summary>
    public static string PathOf(string assembly) => Path.Combine(AppContext.BaseDirectory, assembly + ".dll");
}
