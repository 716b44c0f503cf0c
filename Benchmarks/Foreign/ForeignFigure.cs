// One figure of a parser that people use elsewhere, or of ours beside it.

namespace RawWs.Benchmarks.Foreign;

/// <summary>A parser on a wire of the corpus.</summary>
/// <param name="Parser">What it is called.</param>
/// <param name="Version">Its version, and that of what it runs on.</param>
/// <param name="Accepts">What it does not refuse of the broken frames.</param>
/// <param name="Wire">The wire's name; null for a parser that gets no time.</param>
/// <param name="Case">The wire in words.</param>
/// <param name="MessageBytes">Each message's payload in bytes.</param>
/// <param name="Frames">Frames of the wire.</param>
/// <param name="PayloadBytes">Payload bytes of the wire.</param>
/// <param name="MeanNs">How long one reading of the wire takes, in nanoseconds.</param>
/// <param name="StdDevNs">The standard deviation of the samples.</param>
/// <param name="Problem">Why it gets no time; null where it has one.</param>
public sealed record ForeignFigure(
    string Parser,
    string Version,
    IReadOnlyList<string> Accepts,
    string? Wire,
    string? Case,
    long? MessageBytes,
    long? Frames,
    long? PayloadBytes,
    double? MeanNs,
    double? StdDevNs,
    string? Problem)
{
    /// <summary>Nanoseconds for a frame.</summary>
    public double? NsPerFrame => MeanNs / Frames;

    /// <summary>The standard deviation of that.</summary>
    public double? NsPerFrameSpread => StdDevNs / Frames;

    /// <summary>Payload in 10^9 bytes per second.</summary>
    public double? GBPerSecond => PayloadBytes > 0 && MeanNs > 0 ? PayloadBytes / MeanNs : null;

    /// <summary>The standard deviation of that, as far as one can be told from the time's.</summary>
    public double? GBPerSecondSpread => GBPerSecond * StdDevNs / MeanNs;
}
