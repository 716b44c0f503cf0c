// The Lab's page when something is not there: its line to the server, its connection, room for another one. It says so, in words, and
// shows nothing as live that is not.

using System.Net;
using OpenQA.Selenium;
using RawWs.Server.Console.Lab;
using RawWs.Server.Listening;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

public sealed class LabLineTests : LabBrowserTests
{
    [Test]
    public async Task ALineThatIsLost_IsSaid_AndOpenedAgain_AndNothingIsShownAsLiveMeanwhile()
    {
        await Start();
        await Open("/lab");
        WaitForUnits(4);
        Chromium.FindElement(By.CssSelector("#wheel summary")).Click();
        WaitFor("#wheel .mine");
        int port = Server.Port;
        await StopServer();
        Chromium.WaitForText("state", "has lost its connection");
        Assert.That(Chromium.Text("inside"), Does.Contain("Not live"));
        Assert.That(Chromium.FindElements(By.CssSelector("#wheel .mine, #wheel .hand, .phases .chosen, #phases tr.chosen")), Is.Empty);
        Chromium.Click("tab-room");
        Assert.That(Chromium.FindElements(By.CssSelector("#room li")), Is.Empty);
        await StartAgain(port);
        Chromium.WaitForText("state", "Running");
        WaitFor(".route .fine"); // the router's connections too
        Chromium.Click("tab-own");
        WaitForUnits(4);
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
            Chromium.FindElement(By.CssSelector("#room button")).Click();
            Chromium.WaitFor(page => page.FindElements(By.CssSelector("#room button")).Count < left, "one fewer");
        }

        Chromium.Click("room-send");
        Assert.That(Chromium.Text("main"), Does.Contain("This page has no open connection here"));
        Chromium.Click("tab-own");
        Chromium.Click("close");
        Chromium.WaitForText("inside", "PeerClosed 1000");
        foreach (string button in new[] { "own-send", "ping", "close" })
        {
            Chromium.Click(button);
            Chromium.WaitForText("state", "is closed");
            Chromium.Click("language");
            Chromium.Click("language");
            Chromium.WaitForText("state", "has ended (1000");
        }
    }

    [Test]
    public async Task WhereThereIsNoRoomForAnotherConnection_ThePageSaysSo()
    {
        await Start();
        await Open("/lab");
        WaitForUnits(4);
        string path = Server.Server.Directory.GetConnections().First(static one => one.Endpoint != LabApplication.FeedPath).Endpoint;
        Chromium.Click("close");
        Chromium.WaitForText("inside", "PeerClosed 1000");
        List<RawClient> others = [];
        for (int i = 0; i < LabTries.ConnectionsMax; i++) others.Add(RawClient.Open(Server.Port, path));
        Chromium.Click("reopen");
        Chromium.WaitForText("state", $"{LabTries.ConnectionsMax} connections");
        Chromium.Click("tab-room");
        Chromium.WaitForText("main", $"{LabTries.ConnectionsMax} connections");
        others[0].Dispose();
        Chromium.Click("tab-own");
        TestServer.Eventually(() => Server.Server.Directory.GetConnections().Count(one => one.Endpoint == path) < others.Count, "room");
        Chromium.Click("reopen");
        Chromium.WaitForText("inside", "waits for you to send something");
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
        Chromium.WaitForText("way", "not those of the Lab itself");
        Chromium.Click("tab-own");
        Write("message", "Hello");
        WaitForUnits(6); // as long as that one
        Chromium.Click("tab-room");
        WaitFor(".route .fine:nth-of-type(2)");
        Assert.That(Chromium.FindElements(By.CssSelector(".route .fine")), Has.Count.EqualTo(2), Chromium.Text("way"));
    }

    [Test]
    public async Task WithAll_WhatOthersAreRefused_IsNotTheReaders()
    {
        await Start(LabScope.All);
        await Open("/lab#room");
        WaitFor(".route .fine");
        using RawClient refused = RawClient.Connect(Server.Port);
        refused.Send("GET /?uid=all HTTP/1.1\r\n" + RawClient.Upgrade + "\r\n");
        Assert.That(refused.ReadHead(), Does.StartWith("HTTP/1.1 400"));
        using RawClient stranger = RawClient.Open(Server.Port, "/?uid=stranger");
        Chromium.WaitForText("room", "stranger");
        Assert.That(Chromium.Text("main"), Does.Not.Contain("refused"));
    }

    // For a moment the port was nobody's: somebody else may have it for another one.
    private async Task StartAgain(int port)
    {
        using CancellationTokenSource patience = new(TestServer.Patience);
        while (true)
        {
            try
            {
                await Start(change: options => options with { ListenEndPoints = [new IPEndPoint(IPAddress.Loopback, port)] });
                return;
            }
            catch (ListenException) when (!patience.IsCancellationRequested)
            {
                await Task.Delay(50);
            }
        }
    }
}
