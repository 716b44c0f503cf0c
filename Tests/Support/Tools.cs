// What a test needs besides this project. Without it the test is skipped, but under CI=true, where everything has to run, it fails.

namespace RawWs.Tests.Support;

internal static class Tools
{
    /// <summary>Whether this is the run that decides: everything has to run.</summary>
    public static bool InCi => Environment.GetEnvironmentVariable("CI") == "true";

    /// <summary>Where a program lies that is on the PATH; without it the test ends.</summary>
    public static string Require(string tool)
    {
        foreach (string folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator))
            if (File.Exists(Path.Combine(folder, tool))) return Path.Combine(folder, tool);
        Missing(tool);
        return "";
    }

    /// <summary>Node's ws has to be installed in this folder of the repository; without it the test ends.</summary>
    public static void RequireWs(params IReadOnlyList<string> folder)
    {
        if (!Directory.Exists(Repository.At([.. folder, "node_modules", "ws"]))) Missing("node's ws (the test command installs it)");
    }

    /// <summary>Ends the test that needs it.</summary>
    public static void Missing(string tool)
    {
        if (InCi) Assert.Fail($"{tool} is missing");
        Assert.Ignore($"{tool} is missing");
    }
}
