// The program that afl-fuzz drives: one target, and inputs by shared pipe, one after the other in a process that stays alive.
//   RawWs.Fuzz TARGET              under afl-fuzz (Tests/Fuzz/run does all of it)
//   RawWs.Fuzz utf8 --bytes N      no fuzzer: random text, N bytes of it, through every check of UTF-8 at every width (Utf8Differential.cs)
//   RawWs.Fuzz TARGET FILE...      runs the files once: a crash is looked at with this, in a debugger if need be
// The targets know nothing of this program; Tests replays them without it.

using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using RawWs.Fuzz;
using SharpFuzz;

const int CoverageBytes = 64 * 1024;

if (args.Length == 0 || FuzzTargets.Find(args[0]) is not { } target)
{
    Console.Error.WriteLine(
        $"usage: RawWs.Fuzz TARGET [FILE...]; the targets: {string.Join(", ", FuzzTargets.All.Select(static row => row.Name))}");
    return 2;
}

if (args is ["utf8", "--bytes", var bytes])
{
    (long wrong, long all) = Utf8Differential.Run(long.Parse(bytes, CultureInfo.InvariantCulture), seed: 1);
    string widths = string.Join("; ", Utf8Widths.All.Select(static width => width.Name));
    Console.WriteLine($"{all} texts, {wrong} of them wrong: no difference, at {(widths.Length > 0 ? widths : "no width")}");
    return 0;
}

if (args.Skip(1).FirstOrDefault(static file => !File.Exists(file)) is { } missing)
{
    Console.Error.WriteLine($"no such file: {missing}");
    return 2;
}

// Assemblies that are instrumented count their branches in AFL++'s memory, which is not there when a file is only looked at. Found by name:
// an assembly that refers to this type counts as instrumented already.
unsafe
{
    FieldInfo? memory = args.Length > 1 ? Type.GetType("SharpFuzz.Common.Trace, SharpFuzz.Common")?.GetField("SharedMem") : null;
    memory?.SetValue(null, Pointer.Box(NativeMemory.AllocZeroed(CoverageBytes), typeof(byte*)));
}

foreach (string file in args.Skip(1))
{
    target.Run(File.ReadAllBytes(file));
    Console.WriteLine($"holds  {file}");
}

if (args.Length == 1)
{
    // A process of its own for the target: one that hangs or corrupts its memory is noted as such, and started again.
    byte[] input = new byte[FuzzTargets.InputBytesMax];
    Fuzzer.OutOfProcess.Run(stream =>
    {
        int length = stream.ReadAtLeast(input, input.Length, throwOnEndOfStream: false);
        target.Run(input.AsSpan(0, length));
    });
}

return 0;
