// foreign DRIVERS [--out DIR] [--only NAMES]: writes the corpus and the broken frames, runs ours and then each foreign driver by itself,
// and writes raw data and tables. DRIVERS is made by Foreign/run: a line for each, with tabs between: driver NAME COMMAND, or missing
// NAME WHY. Exit codes: 0 done (a foreign parser that is wrong is named in the table and gets no time); 1 ours is wrong, or a driver
// failed; 2 wrong words.

using System.Diagnostics;
using System.Globalization;
using BenchmarkDotNet.Jobs;
using RawWs.Benchmarks.Corpus;
using RawWs.Benchmarks.Report;

namespace RawWs.Benchmarks.Foreign;

internal static class ForeignCommand
{
    /// <summary>The raw data's name.</summary>
    public const string Name = "foreign";

    /// <summary>What one driver may take; the slowest check a corpus of 70 MB byte by byte.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private static readonly string[] Ours = ["RawWs", "System.Net.WebSockets"];

    /// <summary>What is timed, in the order of the tables.</summary>
    public static IReadOnlyList<Traffic> Timed { get; } =
    [
        .. from wanted in ((PayloadKind, int, Arrival, bool)[])
           [
               (PayloadKind.Binary, 16, Arrival.Whole, false),
               (PayloadKind.Binary, 16, Arrival.Packed, false),
               (PayloadKind.Binary, 126, Arrival.Whole, false),
               (PayloadKind.Binary, 1024, Arrival.Whole, false),
               (PayloadKind.Binary, 64 * 1024, Arrival.Whole, false),
               (PayloadKind.Binary, 1024 * 1024, Arrival.Whole, false),
               (PayloadKind.Ascii, 64 * 1024, Arrival.Whole, false),
               (PayloadKind.Mixed, 126, Arrival.Whole, false),
               (PayloadKind.Mixed, 64 * 1024, Arrival.Whole, false),
               (PayloadKind.Mixed, 1024, Arrival.Random, true),
               (PayloadKind.Binary, 1024, Arrival.ByteByByte, false),
           ]
           select Traffic.Measured.Single(traffic => (traffic.Kind, traffic.Size.Bytes, traffic.Arrival, traffic.Fragmented) == wanted),
    ];

    public static int Run(string[] words, TextWriter output, TextWriter errors)
    {
        if (words is ["drive", var parser, _, .. var wires]) return OwnDriver.Run(parser, wires, output);
        string results = Path.Combine(Surroundings.Root, "Benchmarks", "results");
        string[] only = [];
        for (int i = 1; i < words.Length; i += 2)
        {
            if (i + 1 == words.Length || words[i] is not ("--out" or "--only")) return Refuse(errors, $"not understood: {words[i]}");
            if (words[i] == "--out") results = Path.GetFullPath(words[i + 1]);
            else only = words[i + 1].Split(',');
        }

        if (words.Length == 0 || !File.Exists(words[0]))
            return Refuse(
                errors, "the file of drivers is wanted, which Benchmarks/Foreign/run makes: foreign DRIVERS [--out DIR] [--only NAMES]");
        if (!EnoughProcessors.AreHere(Environment.ProcessorCount)) return Refuse(errors, EnoughProcessors.Refusal);
        string[][] lines = [.. File.ReadLines(words[0]).Select(static line => line.Split('\t')).Where(static line => line.Length == 3)];
        DirectoryInfo corpus = Directory.CreateTempSubdirectory("rawws-corpus-");
        try
        {
            CorpusFiles.Write(corpus.FullName);
            BrokenFrames.Write(Path.Combine(corpus.FullName, "broken"));
            RunInfo run = Surroundings.Look(TimeProvider.System.GetUtcNow(), "Benchmarks/Foreign/run", brief: false);
            Results<ForeignFigure> measured = Measure(run, lines, only, corpus.FullName, output);
            RawData.Write(results, Name, measured);
            int exitCode = ReportCommand.Run(["--from", results], output, errors);
            return measured.Run.Failures.Count > 0 ? 1 : exitCode == 2 ? 2 : 0;
        }
        finally
        {
            corpus.Delete(recursive: true);
        }
    }

    private static Results<ForeignFigure> Measure(RunInfo run, string[][] lines, string[] only, string corpus, TextWriter output)
    {
        List<ForeignFigure> figures = [];
        List<string> failures = [];
        Dictionary<string, string> versions = run.Versions.Where(static pair => pair.Key is "RawWs" or ".NET").ToDictionary();
        foreach (string[] missing in lines.Where(static line => line[0] == "missing")) versions[missing[1]] = $"left out: {missing[2]}";
        string self = $"dotnet '{typeof(ForeignCommand).Assembly.Location}' foreign drive";
        (string Name, string Command)[] drivers =
        [
            .. Ours.Select(name => (name, $"{self} '{name}'")),
            .. lines.Where(static line => line[0] == "driver").Select(static line => (line[1], line[2])),
        ];
        bool IsWanted(string name) => only.Length == 0 || Ours.Contains(name) || only.Contains(name);
        foreach ((string name, string command) in drivers.Where(driver => IsWanted(driver.Name)))
        {
            output.WriteLine(name);
            output.Flush();
            (string[] said, string? failure) = Drive(command, corpus);
            if (failure is not null) failures.Add($"{name}: {failure}");
            IReadOnlyList<ForeignFigure> found = ForeignLines.Read(said);
            figures.AddRange(found);
            if (Ours.Contains(name) && found.Any(static figure => figure.Problem is not null)) failures.Add($"{name}: {found[0].Problem}");
            foreach (ForeignFigure figure in found.Take(1)) versions[figure.Parser] = figure.Version;
        }

        return new Results<ForeignFigure>(run with { Versions = versions, Failures = [.. run.Failures, .. failures] }, figures);
    }

    private static (string[] Lines, string? Failure) Drive(string command, string corpus)
    {
        ProcessStartInfo start = new("/bin/sh", ["-c", $"exec {command} '{corpus}' {string.Join(' ', Timed.Select(CorpusFiles.NameOf))}"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (EnvironmentVariable variable in KitConfig.CompiledToTheEnd) start.Environment[variable.Key] = variable.Value;
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        Task<string> said = process.StandardOutput.ReadToEndAsync();
        bool inTime = process.WaitForExit(Patience);
        if (!inTime) process.Kill(entireProcessTree: true);
        process.WaitForExit();
        string[] lines = said.Result.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (!inTime) return (lines, string.Create(CultureInfo.InvariantCulture, $"not done after {Patience.TotalMinutes} minutes"));
        return (lines, process.ExitCode == 0 ? null : $"exit code {process.ExitCode}: {errors.Result.Trim().Split('\n')[^1]}");
    }

    private static int Refuse(TextWriter errors, string why)
    {
        errors.WriteLine($"foreign: {why}");
        return 2;
    }
}
