// The Lab's page when something is not there: its line to the server, its connection, room for another one. It says so, in words, and
// shows nothing as live that is not.

using System.Net;
using OpenQA.Selenium;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Server.Console.Lab;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

public sealed class LabLineTests : BrowserTests
{
    private TestServer _server = null!;

    [TearDown]
    public Task StopServer() => _server?.DisposeAsync().AsTask() ?? Task.CompletedTask;

    [Test]
    public async Task ALineThatIsLost_IsSaid_AndOpenedAgain_AndNothingIsShownAsLiveMeanwhile()
    {
        await Start();
        await Open("/lab");
        WaitForUnits();
        Click("#wheel summary");
        WaitFor("#wheel .mine");
        int port = _server.Port;
        await _server.DisposeAsync();
        WaitForText("state", "is lost");
        Assert.That(Text("inside"), Does.Contain("Not live"));
        Assert.That(Chromium.FindElements(By.CssSelector("#wheel .mine, #wheel .hand, .phases .chosen, #phases tr.chosen")), Is.Empty);
        Click("#tab-room");
        Assert.That(Chromium.FindElements(By.CssSelector("#room li")), Is.Empty);
        await Start(port: port);
        WaitForText("state", "Running");
        WaitFor(".route .fine"); // the router's connections too
        Click("#tab-own");
        WaitForUnits();
        WaitFor(".phases .chosen");
    }

    [Test]
    public async Task WhatIsSentOnAClosedConnection_IsSaidWhy()
    {
        await Start();
        await Open("/lab#room");
        WaitFor(".route .fine");
        for (int left = 2; left > 0; left--)
        {
            Click("#room button");
            Chromium.WaitFor(page => page.FindElements(By.CssSelector("#room button")).Count < left, "one fewer");
        }

        Click("#room-send");
        Assert.That(Text("main"), Does.Contain("None of this page’s connections is open"));
        Click("#tab-own");
        Click("#close");
        WaitForText("inside", "PeerClosed 1000");
        foreach (string button in new[] { "#own-send", "#ping", "#close" })
        {
            Click(button);
            WaitForText("state", "is closed");
            Click("#language");
            Click("#language");
            WaitForText("state", "Running");
        }
    }

    [Test]
    public async Task WhereThereIsNoRoomForAnotherConnection_ThePageSaysSo()
    {
        await Start();
        await Open("/lab");
        WaitForUnits();
        string path = _server.Server.Directory.GetConnections().First(static one => one.Endpoint != LabApplication.FeedPath).Endpoint;
        Click("#close");
        WaitForText("inside", "PeerClosed 1000");
        List<RawClient> others = [];
        for (int i = 0; i < LabTries.ConnectionsMax; i++) others.Add(RawClient.Open(_server.Port, path));
        Click("#reopen");
        WaitForText("state", "8 connections");
        Click("#tab-room");
        WaitForText("main", "8 connections");
        others[0].Dispose();
        Click("#tab-own");
        TestServer.Eventually(() => _server.Server.Directory.GetConnections().Count(one => one.Endpoint == path) < others.Count, "room");
        Click("#reopen");
        WaitForText("inside", "for your silence");
        foreach (RawClient other in others) other.Dispose();
    }

    // It is the page's own connection, and gets no message to all.
    [Test]
    public async Task TheWayOfAMessageToAll_LeavesOutTheLabsOwnConnection()
    {
        await Start();
        await Open("/lab#room");
        WaitFor(".route .fine");
        Write("room-text", "all:Hello");
        WaitForText("way", "not the Lab’s own");
        Click("#tab-own");
        Write("message", "Hello");
        Chromium.WaitFor(static page => page.FindElements(By.CssSelector("#units button")).Count >= 6, "as long as that one");
        Click("#tab-room");
        WaitFor(".route .fine:nth-of-type(2)");
        Assert.That(Chromium.FindElements(By.CssSelector(".route .fine")), Has.Count.EqualTo(2), Text("way"));
    }

    [Test]
    public async Task WithAll_WhatOthersAreRefused_IsNotTheReaders()
    {
        await Start(LabScope.All);
        await Open("/lab#room");
        WaitFor(".route .fine");
        using RawClient refused = RawClient.Connect(_server.Port);
        refused.Send("GET /?uid=all HTTP/1.1\r\n" + RawClient.Upgrade + "\r\n");
        Assert.That(refused.ReadHead(), Does.StartWith("HTTP/1.1 400"));
        using RawClient stranger = RawClient.Open(_server.Port, "/?uid=stranger");
        WaitForText("room", "stranger");
        Assert.That(Text("main"), Does.Not.Contain("refused"));
    }

    private async Task Start(LabScope scope = LabScope.Own, int port = 0) => _server = await TestServer.Start(Setup.All[0],
        new LabApplication(new RouterApplication(Introduce.FirstMessage, DuplicateUid.Share), scope, hasRouter: true),
        options => options with
        {
            ListenEndPoints = [new IPEndPoint(IPAddress.Loopback, port)],
            Pages = LabPage.Load(),
            Heartbeat = TimeSpan.FromMinutes(1),
        });

    private async Task Open(string path)
    {
        await Chromium.Navigate().GoToUrlAsync($"http://127.0.0.1:{_server.Port}{path}");
        WaitForText("state", "Running");
    }

    private void Write(string id, string text)
    {
        IWebElement field = Chromium.FindElement(By.Id(id));
        field.Clear();
        field.SendKeys(text + Keys.Enter);
    }

    private void Click(string selector) => Chromium.FindElement(By.CssSelector(selector)).Click();

    private string Text(string id) => Chromium.FindElement(By.Id(id)).Text;

    private void WaitFor(string selector) =>
        Chromium.WaitFor(page => page.FindElements(By.CssSelector(selector)).Count > 0, selector);

    private void WaitForUnits() =>
        Chromium.WaitFor(static page => page.FindElements(By.CssSelector("#units button")).Count >= 4, "four units");

    private void WaitForText(string id, string text) =>
        Chromium.WaitFor(page => page.FindElement(By.Id(id)).Text.Contains(text, StringComparison.Ordinal), text);
}
