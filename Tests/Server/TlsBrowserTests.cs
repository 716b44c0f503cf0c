// A browser over wss. Chromium trusts the authority of the tests, because its user has it among those that he trusts. Without Chromium, its
// driver or certutil the test is skipped, but under CI=true it fails.

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

        await browser.GoTo(server.Port, scheme: "https");
        browser.ConnectAs("100");
        browser.SendTo("100", "sealed");
        browser.WaitForText("messages", "sealed");
        browser.Disconnect();
        Assert.That(browser.Complaints(), Is.Empty);

        Assert.That(await Visit(browser, stranger.Port), Does.Contain("ERR_CERT_AUTHORITY_INVALID"));
    }

    // What is shown; or what the driver says of it, which it does of some refusals and not of others.
    private static async Task<string> Visit(ChromeDriver browser, int port)
    {
        try
        {
            await browser.GoTo(port, scheme: "https");
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
        (int exitCode, _, string errors) = Tools.Run(Tools.Require("certutil"), arguments);
        Assert.That(exitCode, Is.Zero, errors);
    }

    private static Task<TestServer> Start(TlsCertificates certificates) => TestServer.Start(
        Setup.All[0], new RouterApplication(Introduce.FirstMessage, DuplicateUid.Share), options => options with
        {
            ListenEndPoints = [],
            TlsEndPoints = [new IPEndPoint(IPAddress.Loopback, 0)],
            Certificates = certificates,
            Pages = [DemoPage.Load()],
        });
}
