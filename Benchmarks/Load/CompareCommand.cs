// "load compare": the matrix from a command line, and its figures as a table: each server's median, and its ratio to the reference's.

using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace RawWs.Benchmarks.Load;

/// <summary>What a comparison is told.</summary>
internal sealed record CompareOptions
{
    public LoadMatrixOptions Matrix { get; init; } = new();

    public IReadOnlyList<string> Cells { get; init; } = [];

    /// <summary>Those to leave in, by name; empty: all.</summary>
    public IReadOnlyList<string> Only { get; init; } = [];

    /// <summary>Further ones.</summary>
    public IReadOnlyList<LoadServer> Servers { get; init; } = [];

    public string Reference { get; init; } = LoadServer.RawWs.Name;

    public string? JsonFile { get; init; }
}

internal static class CompareCommand
{
    private const string Usage = """
        load compare [options]   starts servers in turns (A B C, A B C, ...), puts each load on each, and prints medians and ratios

        rawws, of the foreign servers in Benchmarks/Peers those that are set up, and those of --server. Server and generator have
        a processor each.
        """;

    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private static readonly OptionTable<CompareOptions> Table = new(Usage,
    [
        new(
            "--cells", "NAMES",
            $"The loads, with commas between: {string.Join(", ", LoadCell.All.Select(static cell => cell.Name))}; with --brief "
            + $"{string.Join(", ", LoadCell.Brief.Except(LoadCell.All).Select(static cell => cell.Name))} instead of the larger ones. "
            + $"Default: all.", "names of loads",
            static (options, value) => Names(value) is { Count: > 0 } names ? options with { Cells = names } : null),
        new(
            "--only", "NAMES",
            "The servers, with commas between: rawws, kestrel, ws, bun, gorilla, libwebsockets, websockets, deno and names of --server. "
            + "Default: all that are installed.", "names of servers",
            static (options, value) => Names(value) is { Count: > 0 } names ? options with { Only = names } : null),
        new(
            "--server", "NAME=CMD",
            "One more server: a command for one program with {port}, on 127.0.0.1; echo at /, and at /all to everybody there. Repeatable.",
            "NAME=COMMAND with {port} in it",
            static (options, value) => value.IndexOf('=', StringComparison.Ordinal) is var at and > 0
                && value.Contains("{port}", StringComparison.Ordinal)
                ? options with { Servers = [.. options.Servers, new LoadServer(value[..at], value[(at + 1)..])] }
                : null),
        new("--reference", "NAME", "The server to which the ratios are. Default: rawws.", "a server's name", static (options, value) =>
            options with { Reference = value }),
        new("--rounds", "N", "How many turns each server has in each load. Default: 5.", "a whole number from 1 to 1000",
            static (options, value) => int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int rounds)
                && rounds is >= 1 and <= 1000
                ? options with { Matrix = options.Matrix with { Rounds = rounds } }
                : null),
        Seconds("--seconds", "How long each is measured. Default: 3.", static (matrix, value) => matrix with { Measure = value }),
        Seconds("--warmup", "How long each is warmed up before. Default: 2.", static (matrix, value) => matrix with { WarmUp = value }),
        new(
            "--latency-rate", "N",
            "Messages a second in the latency load, the same for all. Default: half of what each server does in the closed loop.",
            "a number from 1 to 10000000",
            static (options, value) => LoadCommand.TryNumber(value, 1, 1e7, out double rate)
                ? options with { Matrix = options.Matrix with { LatencyRate = rate } }
                : null),
        OptionRow<CompareOptions>.Flag(
            "--brief", "One round of a quarter of a second of each: shows that everything runs, in less than a minute.",
            static options => options with { Matrix = options.Matrix with { Brief = true } }),
        OptionRow<CompareOptions>.Flag("--no-pin", "Server and generator share all processors.", static options =>
            options with { Matrix = options.Matrix with { Pin = false } }),
        new("--json", "FILE", "Write the figures with every round, and what they were measured on, to a file.", "a file's name",
            static (options, value) => value.Length > 0 ? options with { JsonFile = value } : null),
    ]);

    public static int Run(IReadOnlyList<string> arguments, TextWriter output, TextWriter error)
    {
        if (arguments.Contains("--help"))
        {
            Table.WriteHelp(output);
            return 0;
        }

        CompareOptions options = new();
        List<string> words = [];
        string? problem = Table.Read(arguments, ref options, words);
        if (problem is null && words.Count > 0) problem = $"{words[0]} is no option; --help lists them.";
        LoadMatrixOptions matrix = options.Matrix;
        problem ??= Choose(options, output, ref matrix);
        if (problem is not null) return LoadCommand.Say(error, $"load compare: {problem}", LoadCommand.ExitCodeUsage);

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
            IReadOnlyList<ServerFigure> figures = LoadMatrix.Run(matrix, output, cancellation.Token).GetAwaiter().GetResult();
            output.WriteLine();
            WriteTable(figures, options.Reference, output);
            if (options.JsonFile is { } file) WriteJson(figures, matrix, file);
            return figures.Any(static figure => figure.Problem is not null) ? 1 : 0;
        }
        catch (OperationCanceledException)
        {
            return LoadCommand.Say(error, "load compare: ended before its end.", 1);
        }
        catch (IOException exception)
        {
            return LoadCommand.Say(error, $"load compare: {exception.Message}", 1);
        }
    }

    /// <summary>A row for each cell and unit, a column for each server.</summary>
    internal static void WriteTable(IReadOnlyList<ServerFigure> figures, string reference, TextWriter output)
    {
        string[] servers = [.. figures.Select(static figure => figure.Server).Distinct()];
        List<string[]> rows = [["", "", .. servers.Select(server => server == reference ? server : $"{server} (of {reference})")]];
        foreach (IGrouping<(string Cell, string Unit), ServerFigure> row in figures.GroupBy(static figure => (figure.Cell, figure.Unit)))
        {
            double? whole = row.FirstOrDefault(figure => figure.Server == reference)?.Median;
            rows.Add([row.Key.Cell, row.Key.Unit, .. row.Select(figure => Text(figure, figure.Server == reference ? null : whole))]);
        }

        int[] widths = [.. Enumerable.Range(0, servers.Length + 2).Select(column => rows.Max(row => row[column].Length))];
        foreach (string[] row in rows)
            output.WriteLine(
                string.Join(
                    "  ", row.Select((text, column) =>
                        column < 2 ? text.PadRight(widths[column]) : text.PadLeft(widths[column]))).TrimEnd());
        foreach (ServerFigure figure in figures.Where(static figure => figure.Problem is not null)
            .DistinctBy(static figure => (figure.Server, figure.Cell)))
            output.WriteLine($"{figure.Server}, {figure.Cell}: {figure.Problem}");
    }

    private static string Text(ServerFigure figure, double? whole)
    {
        if (double.IsNaN(figure.Median)) return "-";
        string median = figure.Median.ToString("N0", CultureInfo.InvariantCulture);
        return whole > 0 ? string.Create(CultureInfo.InvariantCulture, $"{median} ({figure.Median / whole:0.00})") : median;
    }

    // Why a server is not there, in brackets, where that is known.
    private static string Why(List<string> missing, string name) =>
        missing.FirstOrDefault(line => line.StartsWith(name + ":", StringComparison.Ordinal)) is { } why ? $" ({why})" : "";

    private static string? Choose(CompareOptions options, TextWriter output, ref LoadMatrixOptions matrix)
    {
        IReadOnlyList<LoadCell> cells = matrix.EffectiveCells;
        if (options.Cells.FirstOrDefault(name => cells.All(cell => cell.Name != name)) is { } noCell)
            return $"--cells: there is no {noCell}; --help lists them.";
        List<string> missing = [];
        IReadOnlyList<LoadServer> servers = [.. LoadServer.FindInstalled(missing), .. options.Servers];
        if (servers.GroupBy(static server => server.Name).FirstOrDefault(static group => group.Count() > 1) is { } twice)
            return $"--server: there are two of the name {twice.Key}.";
        if (options.Only.FirstOrDefault(name => servers.All(server => server.Name != name)) is { } noServer)
            return $"--only: there is no {noServer} here{Why(missing, noServer)}.";
        if (options.Only.Count > 0) servers = [.. servers.Where(server => options.Only.Contains(server.Name))];
        else foreach (string line in missing) output.WriteLine($"left out: {line}");
        if (servers.All(server => server.Name != options.Reference)) return $"--reference: {options.Reference} is not among the servers.";
        if (options.Cells.Count > 0) cells = [.. cells.Where(cell => options.Cells.Contains(cell.Name))];
        matrix = matrix with { Servers = servers, Cells = cells };
        return null;
    }

    private static void WriteJson(IReadOnlyList<ServerFigure> figures, LoadMatrixOptions matrix, string file) =>
        File.WriteAllText(file, JsonSerializer.Serialize(
        new
        {
            Date = DateTimeOffset.UtcNow,
            System = RuntimeInformation.OSDescription,
            Runtime = RuntimeInformation.FrameworkDescription,
            Processors = Environment.ProcessorCount,
            matrix.Pin,
            matrix.Brief,
            Rounds = matrix.EffectiveRounds,
            Seconds = matrix.EffectiveMeasure.TotalSeconds,
            WarmUpSeconds = matrix.EffectiveWarmUp.TotalSeconds,
            Servers = matrix.Servers,
            Figures = figures,
        },
        Indented));

    private static List<string> Names(string list) =>
        [.. list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)];

    private static OptionRow<CompareOptions> Seconds(
        string name, string help, Func<LoadMatrixOptions, TimeSpan, LoadMatrixOptions> apply) =>
        new(name, "S", help, "seconds from 0.1 to 3600", (options, value) => LoadCommand.TryNumber(value, 0.1, 3600, out double seconds)
            ? options with { Matrix = apply(options.Matrix, TimeSpan.FromSeconds(seconds)) }
            : null);
}
