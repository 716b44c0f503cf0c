// What a test needs besides this project. Without it the test is skipped, but under CI=true, where everything has to run, it fails.

namespace RawWs.Tests.Support;

internal static class Tools
{
    /// <summary>Whether this is the run that decides: everything has to run.</summary>
    public static bool InCi => Environment.GetEnvironmentVariable("CI") == "true";

    /// <summary>Ends the test that needs it.</summary>
    public static void Missing(string tool)
    {
        if (InCi) Assert.Fail($"{tool} is missing");
        Assert.Ignore($"{tool} is missing");
    }
}
