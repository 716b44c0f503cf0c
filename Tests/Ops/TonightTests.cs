// docs/ops/tonight.md, command by command, as Tests/tonight runs it.

using System.Globalization;
using RawWs.Tests.Support;

namespace RawWs.Tests.Ops;

[Platform("Linux")]
public sealed class TonightTests
{
    [Test]
    public void EveryCommand_Works()
    {
        foreach (string tool in (string[])["bash", "curl", "openssl"]) Tools.Require(tool);
        string[] ports = [.. new[] { Ports.Free(), Ports.Free() }.Select(static port => port.ToString(CultureInfo.InvariantCulture))];
        using RunningProgram script = RunningProgram.StartOther(Repository.At("Tests", "tonight"), ports);
        script.WaitForExit(4 * TestServer.Patience); // it publishes
        Assert.That(script.ExitCode, Is.Zero, script.Output + script.Errors);
    }
}
