// Tests of pages share one Chromium for a fixture: to start it takes longer than most of them. Each test has a tab of its own.

using OpenQA.Selenium;
using OpenQA.Selenium.Chrome;

namespace RawWs.Tests.Support;

[TestFixture]
public abstract class BrowserTests
{
    protected ChromeDriver Chromium { get; private set; } = null!;

    [OneTimeSetUp]
    public void OpenBrowser() => Chromium = Browser.Open();

    [OneTimeTearDown]
    public void CloseBrowser() => Chromium?.Dispose();

    [SetUp]
    public void OpenTab()
    {
        Chromium.SwitchTo().NewWindow(WindowType.Tab);
        Chromium.Emulate(900, isDark: false); // a new tab has no width of its own
        _ = Chromium.Complaints().Count(); // those of the test before are taken
    }

    [TearDown]
    public void CloseTabs()
    {
        foreach (string tab in Chromium.WindowHandles.Skip(1))
        {
            Chromium.SwitchTo().Window(tab);
            Chromium.Close();
        }

        Chromium.SwitchTo().Window(Chromium.WindowHandles[0]);
    }

    /// <summary>At both widths, light and dark: nothing is cut off, nobody is shut out. RAWWS_TEST_SCREENSHOTS has the pictures.</summary>
    protected void FitsEverywhere(string name)
    {
        foreach (int width in new[] { 390, 1440 })
        {
            foreach (bool isDark in new[] { false, true })
            {
                Chromium.Emulate(width, isDark);
                string which = $"{name}-{width}-{(isDark ? "dark" : "light")}";
                Assert.That(Chromium.ExecuteScript("return document.documentElement.scrollWidth <= innerWidth"), Is.True, which);
                Assert.That(Chromium.FindBarriers(), Is.Empty, which);
                Chromium.Screenshot(which);
            }
        }
    }
}
