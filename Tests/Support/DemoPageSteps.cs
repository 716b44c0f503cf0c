// What somebody does on the demo page, whichever browser and server it is.

using OpenQA.Selenium.Chrome;

namespace RawWs.Tests.Support;

internal static class DemoPageSteps
{
    /// <summary>Connects under a uid; returns when the connection is open.</summary>
    public static void ConnectAs(this ChromeDriver browser, string uid)
    {
        browser.Fill("uid", uid);
        browser.Click("connect");
        browser.WaitForText("state", "1 OPEN");
    }

    public static void SendTo(this ChromeDriver browser, string to, string text)
    {
        browser.Fill("to", to);
        browser.Fill("text", text);
        browser.Click("send");
    }

    /// <summary>Closes; returns when that is over.</summary>
    public static void Disconnect(this ChromeDriver browser)
    {
        browser.Click("disconnect");
        browser.WaitForText("closecode", "1000");
    }

    /// <summary>
    /// Opens the page in two tabs, each connected under its uid. Returns the handles of the tabs; the second is the current one.
    /// </summary>
    public static async Task<string[]> ConnectInTwoTabs(this ChromeDriver browser, int port, string first, string second)
    {
        await browser.GoTo(port);
        browser.ConnectAs(first);
        string tab = browser.CurrentWindowHandle;
        browser.SwitchTo().NewWindow(OpenQA.Selenium.WindowType.Tab);
        await browser.GoTo(port);
        browser.ConnectAs(second);
        return [tab, browser.CurrentWindowHandle];
    }
}
