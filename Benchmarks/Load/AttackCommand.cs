// "load attack": each attack starts a server, puts honest clients on it, attacks, and prints what these felt. Exit codes: 0 all ran and the
// server served afterwards; 1 one could not be run, or the server served no more; 2 the arguments are not understood.

using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace RawWs.Benchmarks.Load;

[SupportedOSPlatform("linux")]
internal static class AttackCommand
{
    private const int ConnectionsMax = 9000; // a process has 20,000 files, and readers and attackers are in one
    private const int MessagesMax = 100_000_000;
    private const int SecondsMax = 300;

    private const string Usage = """
        load attack NAME ... [options]   starts a server, puts honest clients on it, attacks, and prints what the honest ones felt
        load attack all [options]        all attacks, in all their sizes
        load attack --list               what there is

        Readers read everything at full speed; probers send themselves a message every 20 ms, and their round trips are those of the table,
        counted from when each was due. "closed" is honest clients, code x count. "back s": how long, after everybody has left, until the
        server's memory is within 50 MiB of what it was.
        """;

    private static readonly OptionTable<AttackOptions> Table = new(Usage,
    [
        OptionRow<AttackOptions>.Flag("--list", "Names the attacks, with their sizes.", static options => options with { List = true }),
        new("--server", "CMD",
            "The server: a command for one program with {port}, on 127.0.0.1; settings are added at its end. Default: this build's rawws.",
            "a command with {port} in it",
            static (options, value) => value.Contains("{port}", StringComparison.Ordinal) ? options with { Server = value } : null),
        new("--transport", "NAME", "The server's --transport. Default: none is given.", "auto, epoll, socket",
            static (options, value) => value is "auto" or "epoll" or "socket" ? options with { Transport = value } : null),
        Whole("--rounds", "How often each attack is run, each time on a new server. Default: 1.", 1, 100,
            static (options, value) => options with { Rounds = (int)value }),
        Whole("--readers", "Honest clients that read everything. Default: the attack's.", 0, ConnectionsMax,
            static (options, value) => options with { Readers = (int)value }),
        Whole("--attackers", "Connections of the attack. Default: the attack's.", 1, ConnectionsMax,
            static (options, value) => options with { Attackers = (int)value }),
        Whole("--probers", "Honest clients that measure. Default: 4.", 1, 100,
            static (options, value) => options with { Probers = (int)value }),
        Whole("--messages", "The most that each attacker sends. Default: the attack's.", 1, MessagesMax,
            static (options, value) => options with { Messages = value }),
        Seconds("--seconds", "The longest that the attack goes on. Default: the attack's, at most 20.",
            static (options, value) => options with { Seconds = value.TotalSeconds }),
        Seconds("--warmup", "How long there are only probes before. Default: 1.",
            static (options, value) => options with { WarmUp = value }),
        Seconds("--settle", "How long at most the server's memory is waited for at the end. Default: 60.",
            static (options, value) => options with { Settle = value }),
        OptionRow<AttackOptions>.Flag("--json", "A line of JSON for each.", static options => options with { Json = true }),
    ]);

    public static int Run(IReadOnlyList<string> arguments, TextWriter output, TextWriter error)
    {
        if (arguments.Contains("--help"))
        {
            Table.WriteHelp(output);
            return 0;
        }

        AttackOptions options = new();
        List<string> names = [];
        string? problem = Table.Read(arguments, ref options, names);
        problem ??= names.Count == 0 && !options.List ? "the name of an attack is needed; --list has them." : null;
        IReadOnlyList<Attack> attacks = names is ["all"] ? Attacks.All : [.. names.Select(Attacks.Find).OfType<Attack>()];
        if (names is not ["all"] && names.Find(static name => Attacks.Find(name) is null) is { } unknown)
            problem ??= $"there is no {unknown}; --list has them.";
        if (problem is not null) return LoadCommand.Say(error, $"load attack: {problem}", LoadCommand.ExitCodeUsage);
        if (options.List)
        {
            WriteList(output);
            return 0;
        }

        using CancellationTokenSource cancellation = new();
        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            cancellation.Cancel();
        }

        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        try
        {
            return RunAll(attacks, options, output, error, cancellation.Token);
        }
        catch (OperationCanceledException)
        {
            return LoadCommand.Say(error, "load attack: ended before its end.", 1);
        }
    }

    private static int RunAll(
        IReadOnlyList<Attack> attacks, AttackOptions options, TextWriter output, TextWriter error, CancellationToken cancellation)
    {
        int exitCode = 0;
        if (!options.Json) AttackResult.WriteHead(output);
        foreach (Attack attack in attacks)
        {
            foreach (AttackSize size in options.SizesOf(attack))
            {
                for (int round = 1; round <= options.Rounds; round++)
                {
                    try
                    {
                        AttackResult result = AttackStage.Run(attack, size, options, cancellation) with { Round = round };
                        if (options.Json) result.WriteJson(output);
                        else result.Write(output);
                        if (!result.Serves) exitCode = 1;
                    }
                    catch (LoadFailure failure)
                    {
                        exitCode = LoadCommand.Say(error, $"load attack: {attack.Name}: {failure.Message}", 1);
                    }
                }
            }
        }

        return exitCode;
    }

    private static void WriteList(TextWriter output)
    {
        foreach (Attack attack in Attacks.All)
        {
            output.WriteLine($"{attack.Name,-20}{attack.What}");
            foreach (AttackSize size in attack.Sizes)
            {
                string line = string.Create(CultureInfo.InvariantCulture,
                    $"{"",-20}{size.Readers} readers, {size.Attackers} attackers, at most {size.Seconds} s  {attack.Settings}");
                output.WriteLine(line.TrimEnd());
            }
        }
    }

    private static OptionRow<AttackOptions> Whole(
        string name, string help, long least, long most, Func<AttackOptions, long, AttackOptions> apply) =>
        new(name, "N", help, $"a whole number from {least} to {most}", (options, value) =>
            long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out long number) && number >= least && number <= most
                ? apply(options, number)
                : null);

    private static OptionRow<AttackOptions> Seconds(string name, string help, Func<AttackOptions, TimeSpan, AttackOptions> apply) =>
        new(name, "S", help, $"seconds from 0 to {SecondsMax}", (options, value) =>
            LoadCommand.TryNumber(value, 0, SecondsMax, out double seconds) ? apply(options, TimeSpan.FromSeconds(seconds)) : null);
}
