// What a figure is worth nothing without: the machine, the versions, the commit. What cannot be found out is left out.

using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace RawWs.Benchmarks.Report;

/// <summary>Where and of what a run is.</summary>
internal static class Surroundings
{
    /// <summary>The directory of the solution that this program was built from, or the working directory.</summary>
    public static string Root { get; } = FindRoot() ?? Environment.CurrentDirectory;

    /// <summary>What is known before anything is measured.</summary>
    public static RunInfo Look(DateTimeOffset date, string command, bool brief) =>
        new(date, command, brief, Commit(), Machine(), Versions(), []);

    /// <summary>What a program writes first, trimmed; null where it is not installed or fails.</summary>
    public static string? FirstLineOf(string program, params string[] arguments)
    {
        ProcessStartInfo start =
            new(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Root };
        try
        {
            using Process process = Process.Start(start)!;
            process.ErrorDataReceived += static (_, _) => { }; // read, so that it never waits for us
            process.BeginErrorReadLine();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? output.Split('\n')[0].Trim() : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }

    // The widest that code by hand takes; Vector<byte>, of the base library's loops, may be shorter.
    private static int VectorBytes => Vector512.IsHardwareAccelerated ? 64 : Vector256.IsHardwareAccelerated ? 32 : 16;

    private static string? FindRoot()
    {
        DirectoryInfo? at = new(AppContext.BaseDirectory);
        while (at is not null && !File.Exists(Path.Combine(at.FullName, "RawWs.sln"))) at = at.Parent;
        return at?.FullName;
    }

    private static string? Commit()
    {
        if (FirstLineOf("git", "rev-parse", "HEAD") is not { Length: > 0 } commit) return null;
        // The results themselves are no change of what is measured.
        string? changes = FirstLineOf("git", "status", "--porcelain", "--untracked-files=no", "--", ".", ":!Benchmarks/results");
        return string.IsNullOrEmpty(changes) ? commit : commit + ", with changes";
    }

    private static Dictionary<string, string> Machine()
    {
        Dictionary<string, string?> found = new()
        {
            ["Processor"] = ValueIn("/proc/cpuinfo", "model name"),
            ["Logical processors"] = Environment.ProcessorCount.ToString(CultureInfo.InvariantCulture),
            ["Architecture"] = $"{RuntimeInformation.ProcessArchitecture}, vectors of {VectorBytes} bytes",
            ["Memory"] = $"{GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (double)(1 << 30):F1} GiB",
            ["System"] = ValueIn("/etc/os-release", "PRETTY_NAME")?.Trim('"') ?? RuntimeInformation.OSDescription,
            ["Kernel"] = OperatingSystem.IsLinux() ? $"Linux {Environment.OSVersion.Version}" : Environment.OSVersion.VersionString,
            ["Collector"] = (GCSettings.IsServerGC ? "server" : "workstation")
                + (GCSettings.LatencyMode == GCLatencyMode.Batch ? "" : ", concurrent"),
        };
        return found.Where(static pair => pair.Value is not null).ToDictionary(static pair => pair.Key, static pair => pair.Value!);
    }

    private static Dictionary<string, string> Versions() => new()
    {
        ["RawWs"] = VersionOf(typeof(Frame.Opcode).Assembly),
        [".NET"] = RuntimeInformation.FrameworkDescription.Replace(".NET ", "", StringComparison.Ordinal),
        ["BenchmarkDotNet"] = VersionOf(typeof(BenchmarkDotNet.Attributes.BenchmarkAttribute).Assembly),
        ["System.Net.WebSockets"] = VersionOf(typeof(System.Net.WebSockets.WebSocket).Assembly),
    };

    private static string VersionOf(Assembly assembly) =>
        (assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion
            ?? assembly.GetName().Version!.ToString()).Split('+')[0];

    // "name : value" or "name=value", the first of that name.
    private static string? ValueIn(string path, string name)
    {
        if (!File.Exists(path)) return null;
        string? line = File.ReadLines(path).FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal));
        return line?[(line.AsSpan().IndexOfAny(":=") + 1)..].Trim();
    }
}
