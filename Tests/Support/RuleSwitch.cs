// For the script that shows that every rule is needed: with RAWWS_TEST_RULE_OFF=frame:NAME or handshake:NAME that one rule is ignored, and
// some test must fail.

using RawWs.Frame;
using RawWs.Handshake;

namespace RawWs.Tests;

[SetUpFixture]
public sealed class RuleSwitch
{
    [OneTimeSetUp]
    public void SwitchOff()
    {
        string? off = Environment.GetEnvironmentVariable("RAWWS_TEST_RULE_OFF");
        foreach (Rule rule in FrameRules.All)
            if (off == "frame:" + rule.Name) FrameRules.Off = rule.Bit;
        foreach (HandshakeRule rule in HandshakeRules.All)
            if (off == "handshake:" + rule.Name) HandshakeRules.Off = rule;
    }
}
