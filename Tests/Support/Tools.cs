// What a test needs besides this project. Without it the test is skipped, but under CI=true, where everything has to run, it fails.

namespace RawWs.Tests.Support;

internal static class Tools
{
    /// <summary>Ends the test that needs it.</summary>
    public static void Missing(string tool)
    {
        if (Environment.GetEnvironmentVariable("CI") == "true") Assert.Fail($"{tool} is missing");
        Assert.Ignore($"{tool} is missing");
    }
}
