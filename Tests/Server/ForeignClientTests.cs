// Clients that others have written: node's ws library, and Chromium on the demo page and on a page from disk that does what the
// tutorial's does. A tool that is missing skips its test, but under CI=true it fails it.
// What is over a channel is none of theirs: the set-ups are those of the program.

using System.Diagnostics;
using OpenQA.Selenium;
using OpenQA.Selenium.Chrome;
using OpenQA.Selenium.Support.UI;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Server.Console.Pages;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixtureSource(typeof(Setup), nameof(Setup.Programs))]
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
        using Process node = Process.Start(
            new ProcessStartInfo(Tools.Require("node"), [script, $"ws://127.0.0.1:{server.Port}/"]) { RedirectStandardOutput = true })!;
        string output = await node.StandardOutput.ReadToEndAsync();
        // its own code comes back, without its reason
        Assert.That(output.Trim().Split('\n'),
            Is.EqualTo(new[] { "text haha", "binary é", "text to everybody", "text error:offline:nobody", "pong life", "close 1000" }));
    }

    [Test]
    public async Task Chromium_TwoTabsByUid_OnTheDemoPage()
    {
        using ChromeDriver browser = Browser.Open();
        await using TestServer server = await Start(TimeSpan.FromSeconds(60));
        string[] tabs = new string[2];
        for (int i = 0; i < 2; i++)
        {
            if (i > 0) browser.SwitchTo().NewWindow(WindowType.Tab);
            tabs[i] = browser.CurrentWindowHandle;
            await browser.Navigate().GoToUrlAsync($"http://127.0.0.1:{server.Port}/");
            Fill(browser, "uid", $"10{i}");
            browser.FindElement(By.Id("connect")).Click();
            WaitFor(browser, "state", "1 OPEN");
        }

        Fill(browser, "to", "100");
        Fill(browser, "text", "<b>hello</b>: you");
        browser.FindElement(By.Id("send")).Click();
        Fill(browser, "to", "all");
        Fill(browser, "text", "everybody");
        browser.FindElement(By.Id("send")).Click();
        WaitFor(browser, "messages", "everybody");
        browser.SwitchTo().Window(tabs[0]);
        WaitFor(browser, "messages", "everybody");
        Assert.That(browser.FindElements(By.CssSelector("#messages .received .text"))
            .Select(static e => e.Text), Is.EqualTo(new[] { "<b>hello</b>: you", "everybody" }));
        browser.FindElement(By.Id("disconnect")).Click();
        WaitFor(browser, "closecode", "1000");
        browser.FindElement(By.Id("tutorial")).Click();
        WaitFor(browser, "messages", "haha");
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
        string[] tabs = new string[2];
        for (int i = 0; i < 2; i++)
        {
            if (i > 0) browser.SwitchTo().NewWindow(WindowType.Tab);
            tabs[i] = browser.CurrentWindowHandle;
            await browser.Navigate().GoToUrlAsync($"http://127.0.0.1:{server.Port}/");
            Fill(browser, "uid", "100");
            browser.FindElement(By.Id("connect")).Click();
            WaitFor(browser, "state", "1 OPEN");
        }

        int[] codes = [.. Enumerable.Range(1000, 4000)];
        object final = browser.ExecuteScript("return arguments[0].map(isFinal)", codes)!;
        Assert.That((IEnumerable<object>)final, Is.EqualTo(codes.Select(RawWs.Server.ServerCloseCodes.IsFinal)),
            "the page's rule is the server's");
        browser.SwitchTo().Window(tabs[0]);
        WaitFor(browser, "closecode", "4500");
        Assert.That(browser.FindElement(By.Id("closemeaning")).Text, Is.EqualTo("another connection has taken the uid: final"));
        Assert.That(browser.FindElement(By.Id("state")).Text, Is.EqualTo("3 CLOSED"));
        Assert.That(browser.FindElements(By.CssSelector("#messages .open")), Has.Count.EqualTo(1), "it has not come back");
        browser.SwitchTo().Window(tabs[1]);
        Assert.That(browser.FindElement(By.Id("state")).Text, Is.EqualTo("1 OPEN"));
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
        WaitFor(browser, "log", "haha");
        string first = browser.CurrentWindowHandle;
        browser.SwitchTo().NewWindow(WindowType.Tab);
        await browser.Navigate().GoToUrlAsync(new Uri(page));
        WaitFor(browser, "log", "haha");
        browser.ExecuteScript("ws.send('all:to all of you: hello')");
        WaitFor(browser, "log", "closed");
        Assert.That(Log(browser), Is.EqualTo(
            new[] { "haha", "to all of you: hello", "Network connection timeout!", "closed 3008 Network connection timeout! true" }));
        browser.SwitchTo().Window(first); // both are 100, so that the second one's words came here too
        WaitFor(browser, "log", "closed");
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
        await browser.Navigate().GoToUrlAsync($"http://127.0.0.1:{server.Port}/");
        Fill(browser, "uid", "100");
        browser.FindElement(By.Id("connect")).Click();
        WaitFor(browser, "state", "1 OPEN");
        Fill(browser, "to", "me");
        Fill(browser, "text", "again and again and again and again");
        browser.FindElement(By.Id("send")).Click();
        WaitFor(browser, "messages", "me:again and again and again and again");
        browser.FindElement(By.Id("disconnect")).Click();
        WaitFor(browser, "closecode", "1000");
        TestServer.Eventually(() => !reports.IsEmpty, "ended");
        Assert.That(reports.Single().Extensions, Does.StartWith("permessage-deflate"));
    }

    private Task<TestServer> Start(TimeSpan heartbeat) => TestServer.Start(
        setup, new RouterApplication(Introduce.FirstMessage, DuplicateUid.Share), options =>
            options with { Heartbeat = heartbeat, Pages = [DemoPage.Load()] });

    private static IEnumerable<string> Log(ChromeDriver browser) =>
        browser.FindElements(By.CssSelector("#log li")).Select(static e => e.Text);

    private static void Fill(ChromeDriver browser, string id, string text)
    {
        IWebElement field = browser.FindElement(By.Id(id));
        field.Clear();
        field.SendKeys(text);
    }

    private static void WaitFor(ChromeDriver browser, string id, string text) =>
        new WebDriverWait(browser, TestServer.Patience).Until(b => b.FindElement(By.Id(id)).Text.Contains(text, StringComparison.Ordinal));
}
