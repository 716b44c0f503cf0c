// dotnet run -c Release --project Benchmarks -- --filter '*TimerWheel*'

using BenchmarkDotNet.Running;

BenchmarkSwitcher.FromAssembly(typeof(RawWs.Benchmarks.TimerWheelBenchmark).Assembly).Run(args);
return 0;
