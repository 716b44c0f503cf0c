// A rule that a client breaks, and the cases that follow from it: the connection fails and nothing behind is processed (required), the
// Close frame says why (§7.1.7 SHOULD), and it comes at the earliest byte that proves the breach, not at the end of the frame (strict).

namespace RawWs.Conformance;

internal static class Breach
{
    /// <summary>What is sent behind a breach: a server that goes on gives itself away.</summary>
    private static readonly byte[] Behind = Wire.Join([Wire.FrameOf(Wire.Ping, "behind"), Wire.FrameOf(Wire.Text, "behind"),
        Wire.FrameOf(Wire.Close, Wire.CloseBody(1000))]);

    /// <summary>The cases of one breach.</summary>
    /// <param name="chapter">Its chapter.</param>
    /// <param name="section">Its section.</param>
    /// <param name="name">What is done.</param>
    /// <param name="bytes">What is sent, with the breach in its last frame.</param>
    /// <param name="proof">How many of the bytes prove it; 0 for all of them.</param>
    /// <param name="kind">How much it counts that the connection fails.</param>
    /// <param name="codes">What the Close frame may say.</param>
    /// <param name="isClose">
    /// Whether the breach is in a Close frame, with the code 1000 if it has one: a server that answers it in kind has taken it.
    /// </param>
    public static IEnumerable<Case> Cases(
        string chapter, string section, string name, byte[] bytes, int proof, Kind kind, int[] codes, bool isClose = false)
    {
        Fails fails = new() { IsOfClose = isClose };
        yield return new Dialogue(chapter, section, name, kind, new Send([.. bytes, .. Behind]), fails);
        yield return new Dialogue(chapter, "6455 §7.1.7", name + ": the code", Kind.Strict, new Send(bytes), new Fails(codes));
        if (proof > 0 && proof < bytes.Length)
            yield return new Dialogue(chapter, section, $"{name}: at byte {proof} of {bytes.Length}", Kind.Strict,
                new Send(bytes[..proof]), fails);
    }
}
