// The list of targets. A target is a static method that takes any bytes whatsoever and returns, or throws PropertyException where the
// product does not keep a property. It reads its own options (role, limits, cuts) off the front of the input, so that afl-fuzz
// chooses them too. The corpus of a target is the folder Corpus/NAME beside the project.
// A new target: one file here, one row below, one folder of seeds.

namespace RawWs.Fuzz;

/// <summary>What a target runs on one input.</summary>
internal delegate void FuzzRun(ReadOnlySpan<byte> input);

/// <summary>A target: its name, as Tests/Fuzz/run takes it, and what it runs.</summary>
internal sealed record FuzzTarget(string Name, FuzzRun Run)
{
    public override string ToString() => Name;
}

internal static class FuzzTargets
{
    /// <summary>Longer inputs are cut: what is to be found lies in the first bytes, and short inputs are run more often.</summary>
    public const int InputBytesMax = 4 * 1024;

    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new("header", HeaderTarget.Run),
        new("protocol", ProtocolTarget.Run),
        new("request", UpgradeTarget.Run),
        new("extensions", ExtensionsTarget.Run),
        new("utf8", Utf8Target.Run),
        new("masking", MaskingTarget.Run),
        new("inflate", InflateTarget.Run),
    ];

    public static FuzzTarget? Find(string name) => All.FirstOrDefault(target => target.Name == name);
}
