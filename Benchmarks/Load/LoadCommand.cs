// "load URL" puts one load on a server that runs; "load compare" starts servers and compares them; "load attack" starts one and attacks it.
// Exit codes: 0 all was well; 1 something came back wrong, or the load could not be put on; 2 the arguments are not understood.

using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;

namespace RawWs.Benchmarks.Load;

/// <summary>The command line of the load harness.</summary>
public static class LoadCommand
{
    internal const int ExitCodeUsage = 2;

    private const string Usage = """
        load URL [options]       puts a load on the WebSocket server at URL (ws://HOST[:PORT][/PATH]) and says what came of it
        load compare [options]   starts servers in turns and compares them; load compare --help
        load attack NAME         starts a server, attacks it, and says what its honest clients felt; load attack --help

        Frames are masked, each with a key of its own; what comes back is compared with what was sent. One thread over epoll. Messages per
        second of processor time only mean something when server and generator have a processor each (load compare
        sees to it, else taskset).
        """;

    private static readonly OptionTable<LoadOptions> Table = new(Usage,
    [
        new(
            "--mode", "MODE",
            "echo: each connection gets its messages back. broadcast: one more connection sends, all others receive. idle: connections "
            + "are held "
            + "open. connect: they are only opened. Default: echo.", "echo, broadcast, idle, connect",
            static (options, value) => value.All(char.IsAsciiLetterLower) && Enum.TryParse(value, ignoreCase: true, out LoadMode mode)
                ? options with { Mode = mode }
                : null),
        Whole("--conns", "Connections, at most 19500. Default: 100.", 1, LoadOptions.ConnectionsMax, static (options, value) =>
            options with { Connections = (int)value }),
        Whole("--pipeline", "Closed loop: messages in flight, on each connection or of the one that broadcasts. Default: 1.", 1,
            LoadOptions.PipelineMax,
            static (options, value) => options with { Pipeline = (int)value }),
        new(
            "--rate", "N",
            "Open loop: so many messages a second are due, of all connections together, and latency counts from when each was due.",
            "a number from 0.001 to 10000000", static (options, value) =>
                TryNumber(value, 0.001, 1e7, out double rate) ? options with { Rate = rate } : null),
        Whole("--size", "A message's payload in bytes, prefix included. Default: 32.", 0, LoadOptions.SizeBytesMax,
            static (options, value) => options with { SizeBytes = (int)value }),
        OptionRow<LoadOptions>.Flag("--binary", "Binary messages. Default: text.", static options => options with { Binary = true }),
        Seconds("--seconds", "How long it is measured, or idle connections are held. Default: 4.", static (options, value) =>
            options with { Seconds = value }),
        Seconds("--warmup", "How long the same load runs before. Default: 2.", static (options, value) => options with { WarmUp = value }),
        Whole("--messages", "Send so many messages in all instead of for a time, without warm-up.", 1, long.MaxValue,
            static (options, value) => options with { Messages = value }),
        OptionRow<LoadOptions>.Flag("--pairs", "Connections 2k and 2k+1 send to each other, not to themselves: for a server that routes.",
            static options => options with { Pairs = true }),
        Text("--prefix", "What each message begins with; %d is the connection's number, %p that of its partner.", static (options, value) =>
            options with { Prefix = value }),
        Text("--expect", "What stands in the prefix's place in what comes back (\"\": nothing). Default: the prefix.",
            static (options, value) => options with { Expect = value }),
        Text("--hello", "A first text message of each connection (%d, %p too), whose answer is ignored.", static (options, value) =>
            options with { Hello = value }),
        Whole("--pid", "The server's process: its processor time and resident memory are read (its children's too).", 1, int.MaxValue,
            static (options, value) => options with { ProcessId = (int)value }),
        Seconds("--connect-timeout", "Give up when no connection was opened for so long. Default: 10.", static (options, value) =>
            options with { ConnectTimeout = value }),
        Seconds("--timeout", "Give up when all is not over after so long. Default: 60 more than warm-up and seconds.",
            static (options, value) => options with { Timeout = value }),
        OptionRow<LoadOptions>.Flag("--json", "The figures as one line of JSON.", static options => options with { Json = true }),
    ]);

    /// <summary>Runs the command.</summary>
    /// <param name="arguments">What comes after "load".</param>
    /// <param name="output">For figures and help.</param>
    /// <param name="error">For the one line about what is wrong.</param>
    /// <returns>The exit code.</returns>
    public static int Run(IReadOnlyList<string> arguments, TextWriter output, TextWriter error)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(error);
        if (!OperatingSystem.IsLinux()) return Say(error, "load: runs on Linux only.", ExitCodeUsage);
        return arguments switch
        {
            ["compare", ..] => CompareCommand.Run([.. arguments.Skip(1)], output, error),
            ["attack", ..] => AttackCommand.Run([.. arguments.Skip(1)], output, error),
            _ => RunOne(arguments, output, error),
        };
    }

    internal static int Say(TextWriter error, string line, int exitCode)
    {
        error.WriteLine(line);
        return exitCode;
    }

    internal static bool TryNumber(string text, double least, double most, out double number) =>
        double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out number) && number >= least
            && number <= most;

    [SupportedOSPlatform("linux")]
    private static int RunOne(IReadOnlyList<string> arguments, TextWriter output, TextWriter error)
    {
        if (arguments.Contains("--help"))
        {
            Table.WriteHelp(output);
            return 0;
        }

        LoadOptions options = new();
        List<string> words = [];
        string? problem = Table.Read(arguments, ref options, words);
        problem ??= words is [var url] ? ReadUrl(url, ref options) : "one URL is needed, as ws://127.0.0.1:2000/; --help says more.";
        problem ??= options.FindProblem();
        if (problem is null && options.ProcessId != 0 && !ServerProcess.Exists(options.ProcessId))
            problem = $"--pid {options.ProcessId}: there is no such process.";
        if (problem is not null) return Say(error, $"load: {problem}", ExitCodeUsage);
        try
        {
            LoadResult result = LoadRun.Run(options);
            if (options.Json) result.WriteJson(output);
            else result.Write(output);
            return result.Errors == 0 ? 0 : 1;
        }
        catch (LoadFailure failure)
        {
            return Say(error, $"load: {failure.Message}", 1);
        }
    }

    private static string? ReadUrl(string text, ref LoadOptions options)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out Uri? url) || url.Scheme != Uri.UriSchemeWs || url.UserInfo.Length > 0
            || url.Fragment.Length > 0)
            return $"{text} is no URL of the form ws://HOST[:PORT][/PATH].";
        try
        {
            IPAddress address = IPAddress.TryParse(url.Host.Trim('[', ']'), out IPAddress? literal)
                ? literal
                : Dns.GetHostAddresses(url.Host)[0];
            options = options with { EndPoint = new IPEndPoint(address, url.Port), Host = url.Authority, Path = url.PathAndQuery };
            return null;
        }
        catch (SocketException exception)
        {
            return $"{url.Host}: {exception.Message}.";
        }
    }

    private static OptionRow<LoadOptions> Whole(
        string name, string help, long least, long most, Func<LoadOptions, long, LoadOptions> apply) =>
        new(name, "N", help, $"a whole number from {least}{(most is long.MaxValue or int.MaxValue ? "" : $" to {most}")}",
            (options, value) =>
            long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out long number) && number >= least && number <= most
                ? apply(options, number)
                : null);

    private static OptionRow<LoadOptions> Seconds(string name, string help, Func<LoadOptions, TimeSpan, LoadOptions> apply) =>
        new(name, "S", help, "seconds from 0 to 86400", (options, value) =>
            TryNumber(value, 0, 86_400, out double seconds) ? apply(options, TimeSpan.FromSeconds(seconds)) : null);

    private static OptionRow<LoadOptions> Text(string name, string help, Func<LoadOptions, string, LoadOptions> apply) =>
        new(name, "TEXT", help, "a text", apply);
}
