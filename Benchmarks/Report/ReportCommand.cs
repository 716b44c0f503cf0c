// `report`: measures, writes the raw data as soon as it is there, and makes tables and plots of what lies in the directory then. Exit
// codes: 0 done; 1 a parser, a benchmark or a server failed, or a figure cannot be, and is named; 2 a wrong option or raw data that
// cannot be read; 130 or 143 ended by a signal.

using System.Runtime.InteropServices;
using RawWs.Benchmarks.Foreign;
using RawWs.Benchmarks.Load;

namespace RawWs.Benchmarks.Report;

/// <summary>The report's command.</summary>
public static class ReportCommand
{
    private const string KitName = "kit";
    private const string ServersName = "servers";

    /// <summary>Runs it; the exit code.</summary>
    /// <param name="words">What follows `report` on the command line.</param>
    public static int Run(string[] words) => Run(words, Console.Out, Console.Error);

    internal static int Run(string[] words, TextWriter output, TextWriter errors)
    {
        if (words is ["--help" or "-h"])
        {
            output.WriteLine(ReportOptions.Usage);
            return 0;
        }

        (ReportOptions? options, string? error) = ReportOptions.Parse(words, Path.Combine(Surroundings.Root, "Benchmarks", "results"));
        try
        {
            if (options?.From is { } from) return Make(from, options.Out, output, errors);
            if (options is not null) return Measure(options, words, output, errors);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            error = exception.Message;
        }

        errors.WriteLine($"report: {error}");
        return 2;
    }

    private static int Measure(ReportOptions options, string[] words, TextWriter output, TextWriter errors)
    {
        if (options.Only != ReportPart.Kit && !OperatingSystem.IsLinux())
        {
            errors.WriteLine("report: whole servers are measured on Linux only; --only kit runs everywhere");
            return 2;
        }

        if (!options.Brief && !EnoughProcessors.AreHere(Environment.ProcessorCount))
        {
            errors.WriteLine($"report: {EnoughProcessors.Refusal}");
            return 2;
        }

        Directory.CreateDirectory(options.Out); // before hours are spent on what cannot be written
        using CancellationTokenSource ended = new();
        using Interruption interruption = new(ended, errors);
        string command = string.Join(' ', ["dotnet run -c Release --project Benchmarks -- report", .. words.Select(Quoted)]);
        RunInfo run = Surroundings.Look(TimeProvider.System.GetUtcNow(), command, options.Brief);
        Results<KitFigure>? before = options.Again ? RawData.Read<KitFigure>(options.Out, KitName) : null;
        if (options.Again && before is null) throw new InvalidDataException($"--again: no {KitName}.json in {options.Out}");
        if (options.Only != ReportPart.Servers)
        {
            Results<KitFigure> kit = KitRun.Measure(run, options.Rows, output);
            if (before is not null) kit = KitPasses.Merge(before, kit, isInPart: options.Rows is not null);
            RawData.Write(options.Out, KitName, kit);
        }

        interruption.CanWait = true;
        if (options.Only != ReportPart.Kit)
        {
            try
            {
                RawData.Write(options.Out, ServersName, ServerRun.Measure(run, output, ended.Token));
            }
            catch (OperationCanceledException) when (ended.IsCancellationRequested)
            {
                return interruption.ExitCode;
            }
        }

        return Make(options.Out, options.Out, output, errors);
    }

    private static string Quoted(string word) => word.AsSpan().ContainsAny(" *?()") ? $"'{word}'" : word;

    private static int Make(string from, string to, TextWriter output, TextWriter errors)
    {
        Results<KitFigure>? kit = RawData.Read<KitFigure>(from, KitName);
        Results<ServerFigure>? servers = RawData.Read<ServerFigure>(from, ServersName);
        Results<ForeignFigure>? foreign = RawData.Read<ForeignFigure>(from, ForeignCommand.Name);
        if (kit is null && servers is null && foreign is null)
            throw new InvalidDataException($"neither {KitName}.json nor {ServersName}.json in {from}");
        if (to != Path.GetFullPath(from))
        {
            if (kit is not null) RawData.Write(to, KitName, kit);
            if (servers is not null) RawData.Write(to, ServersName, servers);
            if (foreign is not null) RawData.Write(to, ForeignCommand.Name, foreign);
        }

        if (kit is not null) kit = kit with { Run = kit.Run with { Failures = [.. kit.Run.Failures, .. KitGate.Check(kit)] } };
        ReportText.Write(to, kit, servers, foreign);
        output.WriteLine(Path.Combine(to, ReportText.FileName));
        string[] failures = [.. kit?.Run.Failures ?? [], .. servers?.Run.Failures ?? [], .. foreign?.Run.Failures ?? []];
        foreach (string failure in failures) errors.WriteLine($"failed: {failure}");
        return failures.Length == 0 ? 0 : 1;
    }

    /// <summary>
    /// Ctrl-C and SIGTERM. Benchmarks of parts cannot be asked to end, so the process ends; BenchmarkDotNet ends its own processes with
    /// it. The servers' run is asked, and ends its server. What has been written stays whole either way.
    /// </summary>
    private sealed class Interruption : IDisposable
    {
        private readonly CancellationTokenSource _ended;
        private readonly TextWriter _errors;
        private readonly PosixSignalRegistration[] _registrations;

        public Interruption(CancellationTokenSource ended, TextWriter errors)
        {
            (_ended, _errors) = (ended, errors);
            PosixSignal[] signals = [PosixSignal.SIGINT, PosixSignal.SIGTERM];
            _registrations = [.. signals.Select(signal => PosixSignalRegistration.Create(signal, OnSignal))];
        }

        /// <summary>Whether what runs ends by itself once it is asked.</summary>
        public volatile bool CanWait;

        public int ExitCode { get; private set; }

        public void Dispose()
        {
            foreach (PosixSignalRegistration registration in _registrations) registration.Dispose();
        }

        private void OnSignal(PosixSignalContext context)
        {
            bool second = ExitCode != 0;
            ExitCode = context.Signal == PosixSignal.SIGINT ? 130 : 143;
            context.Cancel = true;
            if (!second) _errors.WriteLine("report: ended by a signal; what was not measured to its end is not written");
            if (CanWait && !second) _ended.Cancel();
            else Environment.Exit(ExitCode);
        }
    }
}
