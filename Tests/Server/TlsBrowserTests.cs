// A browser over wss. Chromium trusts the authority of the tests, because its user has it among those that he trusts. Without Chromium, its
// driver or certutil the test is skipped, but under CI=true it fails.

using System.Diagnostics;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using OpenQA.Selenium;
using OpenQA.Selenium.Chrome;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Server.Console.Pages;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[Platform("Linux")] // elsewhere a browser has other places for whom it trusts
public sealed class TlsBrowserTests
{
    private string _home = "";

    [SetUp]
    public void MakeHome() => _home = Directory.CreateTempSubdirectory("rawws-home").FullName;

    [TearDown]
    public void DeleteHome() => Directory.Delete(_home, recursive: true);

    [Test]
    public async Task Chromium_TalksOverWss_ToWhomItTrusts_AndToNobodyElse()
    {
        using X509Certificate2 authority = TestCertificate.MakeAuthority();
        using X509Certificate2 signed = TestCertificate.Make("localhost", authority: authority);
        Trust(authority);
        await using TestServer server = await Start(new TlsCertificates([TestCertificate.Context(signed)]));
        await using TestServer stranger = await Start(TestCertificate.ForLocalhost);
        using ChromeDriver browser = Browser.Open(_home);

        await browser.Navigate().GoToUrlAsync($"https://127.0.0.1:{server.Port}/");
        Fill(browser, "uid", "100");
        browser.FindElement(By.Id("connect")).Click();
        WaitFor(browser, "state", "1 OPEN");
        Fill(browser, "to", "100");
        Fill(browser, "text", "sealed");
        browser.FindElement(By.Id("send")).Click();
        WaitFor(browser, "messages", "sealed");
        browser.FindElement(By.Id("disconnect")).Click();
        WaitFor(browser, "closecode", "1000");
        Assert.That(browser.Complaints(), Is.Empty);

        Assert.That(await Visit(browser, $"https://127.0.0.1:{stranger.Port}/"), Does.Contain("ERR_CERT_AUTHORITY_INVALID"));
    }

    // What is shown; or what the driver says of it, which it does of some refusals and not of others.
    private static async Task<string> Visit(ChromeDriver browser, string address)
    {
        try
        {
            await browser.Navigate().GoToUrlAsync(address);
            return browser.PageSource;
        }
        catch (WebDriverException refusal)
        {
            return refusal.Message;
        }
    }

    // Where Chromium looks for those whom its user trusts: the database of certificates in his home.
    private void Trust(X509Certificate2 authority)
    {
        string database = Path.Combine(_home, ".pki", "nssdb"), file = Path.Combine(_home, "authority.pem");
        Directory.CreateDirectory(database);
        File.WriteAllText(file, authority.ExportCertificatePem());
        Certutil("-N", "-d", "sql:" + database, "--empty-password");
        Certutil("-A", "-d", "sql:" + database, "-n", "tests", "-t", "C,,", "-i", file);
    }

    private static void Certutil(params string[] arguments)
    {
        ProcessStartInfo start = new(Tools.Require("certutil"), arguments) { RedirectStandardError = true };
        using Process certutil = Process.Start(start)!;
        string errors = certutil.StandardError.ReadToEnd();
        certutil.WaitForExit();
        Assert.That(certutil.ExitCode, Is.Zero, errors);
    }

    private static Task<TestServer> Start(TlsCertificates certificates) => TestServer.Start(
        Setup.All[0], new RouterApplication(Introduce.FirstMessage, DuplicateUid.Share), options => options with
        {
            ListenEndPoints = [],
            TlsEndPoints = [new IPEndPoint(IPAddress.Loopback, 0)],
            Certificates = certificates,
            Pages = [DemoPage.Load()],
        });

    private static void Fill(ChromeDriver browser, string id, string text)
    {
        IWebElement field = browser.FindElement(By.Id(id));
        field.Clear();
        field.SendKeys(text);
    }

    private static void WaitFor(ChromeDriver browser, string id, string text) =>
        browser.WaitFor(page => page.FindElement(By.Id(id)).Text.Contains(text, StringComparison.Ordinal), $"{id}: {text}");
}
