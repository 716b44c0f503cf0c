// Tests of the Lab's page: a server with the Lab and a router, of which a test may start another one, and what a reader does on every view.

using System.Collections.ObjectModel;
using OpenQA.Selenium;
using RawWs.Server;
using RawWs.Server.Console.Lab;

namespace RawWs.Tests.Support;

public abstract class LabBrowserTests : BrowserTests
{
    private protected TestServer Server { get; private set; } = null!;

    [TearDown]
    public async Task StopServer()
    {
        // Once only, even if it fails.
        TestServer? last = Server;
        Server = null!;
        if (last is not null) await last.DisposeAsync();
    }

    private protected async Task Start(LabScope scope = LabScope.Own, Func<ServerOptions, ServerOptions>? change = null) =>
        Server = await LabServer.Start(
            Setup.All[0], scope, options => (change ?? (static same => same))(options with { Heartbeat = TimeSpan.FromMinutes(1) }));

    /// <summary>Returns when the page has its line to the server.</summary>
    protected async Task Open(string path)
    {
        await Chromium.GoTo(Server.Port, path);
        Chromium.WaitForText("state", "Running");
    }

    /// <summary>Fills a field of a form, and sends that.</summary>
    protected void Write(string id, string text) => Chromium.Fill(id, text + Keys.Enter);

    /// <summary>The requests, responses and frames of the page's own connection, or of the trace that is shown in its place.</summary>
    protected void WaitForUnits(int count) =>
        Chromium.WaitFor(page => page.FindElements(By.CssSelector("#units button")).Count >= count, $"{count} units");

    protected void WaitFor(string selector) =>
        Chromium.WaitFor(page => page.FindElements(By.CssSelector(selector)).Count > 0, selector);

    protected IWebElement One(string selector) => Chromium.FindElement(By.CssSelector(selector));

    protected ReadOnlyCollection<IWebElement> All(string selector) => Chromium.FindElements(By.CssSelector(selector));

    /// <summary>Whether an element's top is on the screen.</summary>
    protected bool IsSeen(string selector) => (bool)Chromium.ExecuteScript(
        """
        const place = document.querySelector(arguments[0])?.getBoundingClientRect();
        return Boolean(place && place.top >= -1 && place.top < innerHeight);
        """,
        selector)!;
}
