// So much a second, and so much at once.

using System.Globalization;

namespace RawWs.Server;

/// <summary>A limit of something in time: a bucket with tokens, which fills up steadily.</summary>
/// <param name="PerSecond">How many tokens come a second, 1 or more.</param>
/// <param name="Burst">How many the bucket holds, 1 or more: so many may be taken at once after a rest.</param>
public readonly record struct RateLimit(int PerSecond, int Burst)
{
    /// <summary>A limit whose bucket holds what comes in a second.</summary>
    /// <param name="perSecond">How many tokens come a second, 1 or more.</param>
    public RateLimit(int perSecond)
        : this(perSecond, perSecond)
    {
    }

    /// <summary>The limit as a setting has it: 50/100.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{PerSecond}/{Burst}");
}
