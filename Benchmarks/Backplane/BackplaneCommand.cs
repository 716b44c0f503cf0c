// The commands about clusters: what is wrong with their arguments, or missing, is one line, and the exit code 2; a program that does not
// run is one line too, and 1.

using System.ComponentModel;
using System.Globalization;
using System.Text;
using RawWs.Benchmarks.Load;

namespace RawWs.Benchmarks.Backplane;

internal static class BackplaneCommand
{
    public const string Claims = "claims";
    public const string Forward = "forward";
    public const string Interest = "interest";
    public const string Scale = "scale";

    private const string LinuxOnly = "it runs on Linux only";

    /// <summary>Some uid, another one for each number.</summary>
    public static byte[] UidOf(int number) => Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"user-{number}"));

    public static async Task<int> RunAsync(string name, string[] args, TextWriter output, TextWriter error)
    {
        try
        {
            if (name == Forward)
            {
                if (!OperatingSystem.IsLinux()) return Refuse(LinuxOnly);
                return args is [string program]
                    ? await ForwardCommand.RunAsync(program, output)
                    : Refuse("the program's command is needed, as 'dotnet PATH/rawws.dll'");
            }

            int[] counts = [.. args.Select(static arg => int.TryParse(arg, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
                ? number : 0)];
            int wrong = Array.IndexOf(counts, 0);
            if (wrong >= 0) return Refuse($"'{args[wrong]}' is no number above 0");
            if (name == Scale)
            {
                return counts.Length <= 2
                    ? await ScaleCommand.RunAsync(counts.ElementAtOrDefault(0), counts.ElementAtOrDefault(1), output)
                    : Refuse("at most two numbers: nodes and uids");
            }

            if (!OperatingSystem.IsLinux()) return Refuse(LinuxOnly);
            if (name == Claims) return await ClaimsCommand.RunAsync(counts is [] ? [1_000, 100_000] : counts, output);
            return await InterestCommand.RunAsync(counts is [] ? [1_000, 100_000, 1_000_000] : counts, output);
        }
        catch (LoadFailure failure)
        {
            error.WriteLine($"{name}: {failure.Message}");
            return 1;
        }
        catch (Win32Exception exception)
        {
            return Refuse($"nats-server is needed, and cannot be started ({exception.Message}); Debian has it in the package nats-server");
        }

        int Refuse(string why)
        {
            error.WriteLine($"{name}: {why}.");
            return 2;
        }
    }
}
