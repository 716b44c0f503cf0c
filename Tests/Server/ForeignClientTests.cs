// Clients that others have written: node's ws library, and Chromium on the demo page and on a page from disk that does what the
// tutorial's does. A tool that is missing skips its test, but under CI=true it fails it.
// What is over a channel is none of theirs, nor how many loops there are.

using OpenQA.Selenium;
using OpenQA.Selenium.Chrome;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Server.Console.Pages;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixtureSource(typeof(Setup), nameof(Setup.Ways))]
public sealed class ForeignClientTests(Setup setup)
{
    private const string TutorialPage = """
        <!doctype html><meta charset="utf-8"><title>tutorial</title><ol id="log"></ol>
        <script>
        const log = text => { const li = document.createElement('li'); li.textContent = text; document.getElementById('log').append(li); };
        const ws = new WebSocket("ws://localhost:PORT");
        ws.onopen = () => ws.send("100:haha");
        ws.onmessage = e => log(e.data);
        ws.onclose = e => log('closed ' + e.code + ' ' + e.reason + ' ' + e.wasClean);
        </script>
        """;

    [Test]
    public async Task NodeWs_TalksToTheRouter()
    {
        Tools.RequireWs("Tests", "Node");
        string script = Repository.At("Tests", "Node", "client.mjs");
        await using TestServer server = await Start(TimeSpan.FromSeconds(10));
        (_, string output, string errors) = Tools.Run(Tools.Require("node"), script, $"ws://127.0.0.1:{server.Port}/");
        // its own code comes back, without its reason
        Assert.That(output.Trim().Split('\n'),
            Is.EqualTo(["text haha", "binary é", "text to everybody", "text error:offline:nobody", "pong life", "close 1000"]), errors);
    }

    [Test]
    public async Task Chromium_TwoTabsByUid_OnTheDemoPage()
    {
        using ChromeDriver browser = Browser.Open();
        await using TestServer server = await Start(TimeSpan.FromSeconds(60));
        string[] tabs = await browser.ConnectInTwoTabs(server.Port, "100", "101");

        browser.SendTo("100", "<b>hello</b>: you");
        browser.SendTo("all", "everybody");
        browser.WaitForText("messages", "everybody");
        browser.SwitchTo().Window(tabs[0]);
        browser.WaitForText("messages", "everybody");
        Assert.That(browser.FindElements(By.CssSelector("#messages .received .text"))
            .Select(static e => e.Text), Is.EqualTo(new[] { "<b>hello</b>: you", "everybody" }));
        browser.Disconnect();
        browser.Click("tutorial");
        browser.WaitForText("messages", "haha");
        browser.Screenshot("demo-page");
        Assert.That(browser.Complaints(), Is.Empty);
    }

    // Two tabs of one uid: the older one is told that it is over for good, and does not come back.
    [Test]
    public async Task Chromium_ATabThatIsReplaced_KnowsThatItIsFinal()
    {
        using ChromeDriver browser = Browser.Open();
        await using TestServer server = await TestServer.Start(
            setup, new RouterApplication(Introduce.Query, DuplicateUid.Replace), static options =>
                options with { Pages = [DemoPage.Load()] });
        string[] tabs = await browser.ConnectInTwoTabs(server.Port, "100", "100");

        int[] codes = [.. Enumerable.Range(1000, 4000)];
        object final = browser.ExecuteScript("return arguments[0].map(isFinal)", codes)!;
        Assert.That((IEnumerable<object>)final, Is.EqualTo(codes.Select(RawWs.Server.ServerCloseCodes.IsFinal)),
            "the page's rule is the server's");
        browser.SwitchTo().Window(tabs[0]);
        browser.WaitForText("closecode", "4500");
        Assert.That(browser.Text("closemeaning"), Is.EqualTo("another connection has taken the uid: final"));
        Assert.That(browser.Text("state"), Is.EqualTo("3 CLOSED"));
        Assert.That(browser.FindElements(By.CssSelector("#messages .open")), Has.Count.EqualTo(1), "it has not come back");
        browser.SwitchTo().Window(tabs[1]);
        Assert.That(browser.Text("state"), Is.EqualTo("1 OPEN"));
    }

    [Test]
    public async Task Chromium_TheTutorialsPageFromDisk_InTwoTabs_IsEchoed_Broadcasts_AndIsCutOffWith3008()
    {
        using ChromeDriver browser = Browser.Open();
        await using TestServer server = await Start(TimeSpan.FromSeconds(6));
        string page = Path.Combine(Path.GetTempPath(), $"tutorial-{server.Port}.html");
        await File.WriteAllTextAsync(page, TutorialPage.Replace(
            "PORT", server.Port.ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal));
        await browser.Navigate().GoToUrlAsync(new Uri(page));
        browser.WaitForText("log", "haha");
        string first = browser.CurrentWindowHandle;
        browser.SwitchTo().NewWindow(WindowType.Tab);
        await browser.Navigate().GoToUrlAsync(new Uri(page));
        browser.WaitForText("log", "haha");
        browser.ExecuteScript("ws.send('all:to all of you: hello')");
        browser.WaitForText("log", "closed");
        Assert.That(Log(browser), Is.EqualTo(
            new[] { "haha", "to all of you: hello", "Network connection timeout!", "closed 3008 Network connection timeout! true" }));
        browser.SwitchTo().Window(first); // both are 100, so that the second one's words came here too
        browser.WaitForText("log", "closed");
        Assert.That(
            Log(browser),
            Is.EqualTo(
                new[] { "haha", "haha", "to all of you: hello", "Network connection timeout!",
                    "closed 3008 Network connection timeout! true" }));
        File.Delete(page);
    }

    [Test]
    public async Task Chromium_AgreesOnCompression_WithTheDemoPage()
    {
        System.Collections.Concurrent.ConcurrentQueue<RawWs.Server.CloseReport> reports = new();
        using ChromeDriver browser = Browser.Open();
        await using TestServer server = await TestServer.Start(
            setup,
            new ProtocolOverTcpTests.Handler { Closed = reports.Enqueue },
            static options => options with { Pages = [DemoPage.Load()], Compression = true, CompressionBytesMin = 1 });
        await browser.GoTo(server.Port);
        browser.ConnectAs("100");
        browser.SendTo("me", "again and again and again and again");
        browser.WaitForText("messages", "me:again and again and again and again");
        browser.Disconnect();
        TestServer.Eventually(() => !reports.IsEmpty, "ended");
        Assert.That(reports.Single().Extensions, Does.StartWith("permessage-deflate"));
    }

    private Task<TestServer> Start(TimeSpan heartbeat) => TestServer.Start(
        setup, new RouterApplication(Introduce.FirstMessage, DuplicateUid.Share), options =>
            options with { Heartbeat = heartbeat, Pages = [DemoPage.Load()] });

    private static IEnumerable<string> Log(ChromeDriver browser) =>
        browser.FindElements(By.CssSelector("#log li")).Select(static e => e.Text);
}
