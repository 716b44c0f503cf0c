namespace RawWs.Benchmarks.Load;

internal static class CompareCommand
{
    public static int Run(IReadOnlyList<string> arguments, TextWriter output, TextWriter error) => throw new NotImplementedException();
}
