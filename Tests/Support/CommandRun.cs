// A command line as the program reads it, without a process: words and variables in; what is decided, and what is written, out.

using RawWs.Server.Console.Settings;

namespace RawWs.Tests.Support;

/// <summary>What became of it.</summary>
internal sealed record CommandRun(int ExitCode, string Output, string Errors)
{
    public required CommandLineResult Result { get; init; }

    /// <summary>Reads the words, and does what they ask for, but for running the server.</summary>
    /// <param name="words">The command line's.</param>
    /// <param name="directory">The working directory; null for one that is gone.</param>
    /// <param name="variables">Those of the environment, without their prefix.</param>
    /// <param name="time">The clock; the system's if none is given.</param>
    /// <param name="input">The standard input; null if there is none.</param>
    public static CommandRun Of(string[] words, string? directory = null, (string Name, string Value)[]? variables = null,
        TimeProvider? time = null, byte[]? input = null)
    {
        using StringWriter output = new(), errors = new();
        Dictionary<string, string> environment =
            (variables ?? []).ToDictionary(static variable => variable.Name, static variable => variable.Value);
        RawWs.Server.Console.Settings.CommandLine commandLine = new(environment, directory, output, errors, time ?? TimeProvider.System,
            () => input is null ? null : new MemoryStream(input));
        CommandLineResult result = commandLine.Read(words);
        return new CommandRun(result.ExitCode, output.ToString(), errors.ToString()) { Result = result };
    }
}
