// Chromium without a window, for tests of pages. Without Chromium or its driver the test is skipped, but under CI=true it fails.

using Deque.AxeCore.Commons;
using OpenQA.Selenium;
using OpenQA.Selenium.Chrome;
using OpenQA.Selenium.Support.UI;

namespace RawWs.Tests.Support;

internal static class Browser
{
    /// <summary>Opens one.</summary>
    /// <param name="home">The home of its user, where whom he trusts is written; null for that of the tests'.</param>
    public static ChromeDriver Open(string? home = null)
    {
        string chromium = Tools.Require("chromium");
        string driver = Tools.Require("chromedriver");
        ChromeOptions options = new() { BinaryLocation = chromium };
        options.AddArguments("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
            "--disable-component-update", "--no-first-run", "--hide-scrollbars", "--window-size=900,900");
        ChromeDriverService service = ChromeDriverService.CreateDefaultService(Path.GetDirectoryName(driver)!, Path.GetFileName(driver));
        service.SuppressInitialDiagnosticInformation = true;
        if (home is not null)
            service.DriverProcessStarting += (_, starting) => starting.DriverServiceProcessStartInfo.Environment["HOME"] = home;
        return new ChromeDriver(service, options, TestServer.Patience * 2);
    }

    /// <summary>A page of a server on this machine.</summary>
    public static Task GoTo(this ChromeDriver browser, int port, string path = "/", string scheme = "http") =>
        browser.Navigate().GoToUrlAsync($"{scheme}://127.0.0.1:{port}{path}");

    public static void Click(this ChromeDriver browser, string id) => browser.FindElement(By.Id(id)).Click();

    public static string Text(this ChromeDriver browser, string id) => browser.FindElement(By.Id(id)).Text;

    /// <summary>Writes into a field what it has from then on.</summary>
    public static void Fill(this ChromeDriver browser, string id, string text)
    {
        IWebElement field = browser.FindElement(By.Id(id));
        field.Clear();
        field.SendKeys(text);
    }

    public static void WaitForText(this ChromeDriver browser, string id, string text) =>
        browser.WaitFor(page => page.FindElement(By.Id(id)).Text.Contains(text, StringComparison.Ordinal), $"{id}: {text}");

    public static void WaitFor(this ChromeDriver browser, Func<IWebDriver, bool> condition, string what)
    {
        try
        {
            WebDriverWait wait = new(browser, TestServer.Patience);
            wait.IgnoreExceptionTypes(typeof(StaleElementReferenceException), typeof(NoSuchElementException));
            wait.Until(condition);
        }
        catch (WebDriverTimeoutException)
        {
            Assert.Fail($"{what}; the page says: {browser.FindElement(By.TagName("body")).Text}");
        }
    }

    /// <summary>What the page has complained about in its console.</summary>
    public static IEnumerable<string> Complaints(this ChromeDriver browser) => browser.Manage().Logs.GetLog(LogType.Browser)
        .Where(static entry => entry.Level == LogLevel.Severe && !entry.Message.Contains("favicon", StringComparison.Ordinal))
        .Select(static entry => entry.Message);

    /// <summary>What bars readers who do not see, or use no mouse: axe's rules that the page breaks, each with its elements.</summary>
    public static IEnumerable<string> FindBarriers(this ChromeDriver browser)
    {
        browser.ExecuteScript(new BundledAxeScriptProvider().GetScript());
        object? found = browser.ExecuteAsyncScript("""
            const done = arguments[0];
            axe.run().then(({ violations }) => done(violations.flatMap(
                rule => rule.nodes.map(node => `${rule.id}: ${node.target.join(' ')}: ${node.failureSummary}`))));
            """);
        return ((IEnumerable<object>)found!).Cast<string>();
    }

    /// <summary>Shows the page in a window of another width, and in dark or light colours.</summary>
    public static void Emulate(this ChromeDriver browser, int width, bool isDark)
    {
        browser.ExecuteCdpCommand("Emulation.setDeviceMetricsOverride", new Dictionary<string, object?>
        {
            ["width"] = width,
            ["height"] = 900,
            ["deviceScaleFactor"] = 1,
            ["mobile"] = false,
        });
        browser.ExecuteCdpCommand("Emulation.setEmulatedMedia", new Dictionary<string, object?>
        {
            ["features"] = new object[]
            {
                new Dictionary<string, object?> { ["name"] = "prefers-color-scheme", ["value"] = isDark ? "dark" : "light" },
            },
        });
    }

    /// <summary>For whoever wants to look at it: RAWWS_TEST_SCREENSHOTS names a folder.</summary>
    public static void Screenshot(this ChromeDriver browser, string name)
    {
        if (Environment.GetEnvironmentVariable("RAWWS_TEST_SCREENSHOTS") is not { } folder) return;
        Dictionary<string, object?> taken = (Dictionary<string, object?>)browser.ExecuteCdpCommand("Page.captureScreenshot",
            new Dictionary<string, object?> { ["captureBeyondViewport"] = true, ["format"] = "png" })!;
        File.WriteAllBytes(Path.Combine(folder, name + ".png"), Convert.FromBase64String((string)taken["data"]!));
    }
}
