// dotnet run -c Release --project Benchmarks -- --filter '*'                         everything, for figures: an hour or more
// dotnet run -c Release --project Benchmarks -- --filter '*Frame*'                   some, for figures
// dotnet run -c Release --project Benchmarks -- --filter '*' --job Dry -i            every benchmark once: a smoke run of a few minutes
// dotnet run -c Release --project Benchmarks -- corpus DIR                           the corpus as files, for parsers outside .NET
// dotnet run -c Release --project Benchmarks -- load URL | load compare              a load on whole servers; --help says more
// Benchmarks/Foreign/run                                                             parsers in other languages, on that corpus
// dotnet run -c Release --project Benchmarks -- interest [N ...]                     what uids cost nodes and NATS (docs/decisions/0015)
// dotnet run -c Release --project Benchmarks -- claims [N ...]                       what it costs that a uid is one node's (0016)
// dotnet run -c Release --project Benchmarks -- forward 'dotnet PATH/rawws.dll'       messages to another node (docs/ops/cluster.md)
// dotnet run -c Release --project Benchmarks -- scale [NODES [UIDS]]                 a simulation of a large cluster (docs/scale.md)
// dotnet run -c Release --project Benchmarks -- report [--short]                     tables, raw data and plots of everything
//
// Before anything is measured, each parser reads the whole corpus. One that gives a wrong result anywhere is named here, the exit
// code is 1, and it gets no time. On one processor nothing is measured for figures: exit code 2.

using BenchmarkDotNet.Running;
using RawWs.Benchmarks;
using RawWs.Benchmarks.Backplane;
using RawWs.Benchmarks.Foreign;
using RawWs.Benchmarks.Load;
using RawWs.Benchmarks.Parsers;
using RawWs.Benchmarks.Report;

switch (args.FirstOrDefault())
{
    case "load": return LoadCommand.Run(args[1..], Console.Out, Console.Error);
    case "corpus": return CorpusCommand.Run(args[1..]);
    case "foreign": return ForeignCommand.Run(args[1..], Console.Out, Console.Error);
    case BackplaneCommand.Claims or BackplaneCommand.Forward or BackplaneCommand.Interest or BackplaneCommand.Scale:
        return await BackplaneCommand.RunAsync(args[0], args[1..], Console.Out, Console.Error);
    case "report": return ReportCommand.Run(args[1..]);
}

if (EnoughProcessors.AreWantedBy(args) && !EnoughProcessors.AreHere(Environment.ProcessorCount))
{
    Console.Error.WriteLine($"benchmarks: {EnoughProcessors.Refusal}");
    return 2;
}

bool allRight = ParserGate.Judge(Console.Out).Count == 0;
BenchmarkSwitcher.FromAssembly(typeof(ParserGate).Assembly).Run(args, new KitConfig(args));
return allRight ? 0 : 1;
