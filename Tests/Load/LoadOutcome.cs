// The load command as a user has it: arguments in, exit code and text out.

using System.Text.Json;
using RawWs.Benchmarks.Load;

namespace RawWs.Tests.Load;

internal sealed record LoadOutcome(int ExitCode, string Output, string Error)
{
    public static LoadOutcome Of(params string[] arguments)
    {
        using StringWriter output = new(), error = new();
        int exitCode = LoadCommand.Run(arguments, output, error);
        return new LoadOutcome(exitCode, output.ToString(), error.ToString());
    }

    /// <summary>A figure of --json.</summary>
    public double Figure(string name)
    {
        using JsonDocument document = JsonDocument.Parse(Output);
        return document.RootElement.TryGetProperty(name, out JsonElement figure) ? figure.GetDouble() : double.NaN;
    }
}
