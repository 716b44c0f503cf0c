// The commands about clusters: what is wrong with their arguments, or missing, is one line, and the exit code 2.

using System.ComponentModel;
using System.Globalization;

namespace RawWs.Benchmarks.Backplane;

internal static class BackplaneCommand
{
    public const string Claims = "claims";
    public const string Forward = "forward";
    public const string Interest = "interest";
    public const string Scale = "scale";

    public static async Task<int> RunAsync(string name, string[] args, TextWriter output, TextWriter error)
    {
        if (!OperatingSystem.IsLinux()) return Refuse("it runs on Linux only");
        try
        {
            if (name == Forward)
            {
                return args is [string program]
                    ? ForwardCommand.Run(program, output)
                    : Refuse("the program's command is needed, as 'dotnet PATH/rawws.dll'");
            }

            int[] counts = [.. args.Select(static arg => int.TryParse(arg, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
                ? number : 0)];
            int wrong = Array.IndexOf(counts, 0);
            if (wrong >= 0) return Refuse($"'{args[wrong]}' is no number above 0");
            if (name == Claims) return await ClaimsCommand.RunAsync(counts is [] ? [1_000, 100_000] : counts, output);
            if (name == Interest) return await InterestCommand.RunAsync(counts is [] ? [1_000, 100_000, 1_000_000] : counts, output);
            return counts.Length <= 2
                ? await ScaleCommand.RunAsync(counts.ElementAtOrDefault(0), counts.ElementAtOrDefault(1), output)
                : Refuse("at most two numbers: nodes and uids");
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
