// The Lab in another browser than Chromium: its main path in Firefox, by a script over WebDriver BiDi (Tests/Node/firefox.mjs).

using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

public sealed class FirefoxTests
{
    [Test]
    public async Task TheLabsMainPath_InFirefox()
    {
        Tools.RequireWs("Tests", "Node");
        string firefox = Tools.Require("firefox-esr");
        await using TestServer server = await LabServer.Start(Setup.All[0]);
        (_, string output, string problems) = Tools.Run(
            Tools.Require("node"), Repository.At("Tests", "Node", "firefox.mjs"), firefox, $"http://127.0.0.1:{server.Port}/lab");
        Assert.That(output.Trim().Split('\n'), Is.EqualTo(new[]
        {
            "→ request; ← response; → text “Hello”; ← text “Hello”",
            "FIN bit",
            "At byte 2 it is clear: UnmaskedClientFrame is broken. No more bytes are read.",
            "the rules",
            "an example",
            "tried",
            "NonMinimalLength",
            "bob:hi",
        }), problems);
    }
}
