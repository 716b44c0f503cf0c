// What a test needs besides this project, and how it is run. Without it the test is skipped, but under CI=true, where everything has to
// run, it fails.

using System.Diagnostics;

namespace RawWs.Tests.Support;

internal static class Tools
{
    /// <summary>Whether this is the run that decides: everything has to run.</summary>
    public static bool InCi => Environment.GetEnvironmentVariable("CI") == "true";

    /// <summary>
    /// What stands before a command that is to heed signals. What a shell has put into the background ignores SIGINT and SIGQUIT, what was
    /// started by nohup ignores SIGHUP, and so do their children: the tests may be run like that.
    /// </summary>
    public static string[] HeedsSignals { get; } = OperatingSystem.IsLinux() ? ["env", "--default-signal=HUP,INT,QUIT"] : [];

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

    /// <summary>Runs a program to its end; what it wrote is complete.</summary>
    public static (int ExitCode, string Output, string Errors) Run(string program, params string[] arguments) =>
        Run(new ProcessStartInfo(program, arguments), 4 * TestServer.Patience);

    /// <summary>The same, in a folder or with variables of its own. Whoever has not ended by then is killed, and the test fails. It fails
    /// too if somebody whom the program has started writes on.</summary>
    public static (int ExitCode, string Output, string Errors) Run(ProcessStartInfo start, TimeSpan patience)
    {
        const string HeldOpen = "somebody else holds open what it wrote to";
        string named = $"{start.FileName} {string.Join(' ', start.ArgumentList)}";
        start.RedirectStandardOutput = start.RedirectStandardError = true;
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(patience))
        {
            process.Kill(entireProcessTree: true);
            bool isComplete = Task.WaitAll([output, errors], patience);
            Assert.Fail($"{named} does not end: {(isComplete ? output.Result + errors.Result : HeldOpen)}");
        }

        if (!Task.WaitAll([output, errors], patience)) Assert.Fail($"{named} has ended: {HeldOpen}");
        return (process.ExitCode, output.Result, errors.Result);
    }

    /// <summary>Ends the test that needs it.</summary>
    public static void Missing(string tool)
    {
        if (InCi) Assert.Fail($"{tool} is missing");
        Assert.Ignore($"{tool} is missing");
    }
}
