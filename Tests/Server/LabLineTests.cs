// The Lab's page when something is not there: its line to the server, its connection, room for another one. It says so, in words, and
// shows nothing as live that is not.

using System.Net;
using Microsoft.Extensions.Time.Testing;
using OpenQA.Selenium;
using RawWs.Server;
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

    // Somebody reads what a wheel is, and the heartbeat ends his connection meanwhile.
    [Test]
    public async Task AConnectionThatHasEnded_IsSaidWhereItIsLookedAt_AndOpenedAgainThere()
    {
        await Start();
        await Open("/lab#own;wheel");
        WaitFor("#wheel .mine");
        One("#phases summary").Click();
        Chromium.WaitFor(_ => All(".over *, [aria-disabled=true]").Count == 0, "it is there");
        Server.Server.Directory.GetConnections().Single(static one => one.Endpoint != LabApplication.FeedPath)
            .Close(ServerCloseCodes.HeartbeatMissed, "Network connection timeout!");
        WaitFor("#wheel .over button");
        Assert.That(One("#inside > .over").Text, Does.Contain("3008").And.Contain("you sent nothing for 60 s"));
        const string Said = "Your connection has ended, so nothing moves here.";
        Assert.That(All("details .over p").Select(static one => one.Text), Is.EqualTo([Said, Said]));
        Assert.That(All("[aria-disabled=true]").Select(static one => one.GetDomAttribute("id")), Is.EqualTo(["own-send", "ping", "close"]));
        foreach (string language in new[] { "en", "zh" })
        {
            FitsEverywhere($"lab-over-{language}");
            Chromium.Click("language");
            WaitFor("#wheel .over button");
        }

        One("#wheel .over button").SendKeys(Keys.Enter);
        WaitFor("#wheel .mine");
        Chromium.WaitFor(_ => All(".over *, [aria-disabled=true]").Count == 0, "it is there again");
        Assert.That(Chromium.SwitchTo().ActiveElement().Text, Is.EqualTo("The timer wheel"));
    }

    [Test]
    public async Task ATimerForAPong_IsOneForSilence_WhenThePongHasCome()
    {
        await Start(change: static options => options with { TimeProvider = new FakeTimeProvider() });
        await Open("/lab");
        WaitForUnits(4);
        Chromium.Click("ping");
        Chromium.WaitForText("inside", "Round trip");
        Assert.That(Chromium.Text("inside"), Does.Contain("waits for you to send something").And.Not.Contain("waits for a Pong"));
    }

    // By the recipe that stands there: it joins and takes nothing, is filled, and is filled again 5 s later.
    [Test]
    public async Task AReaderThatTakesNothing_IsFull_ThenClosed_AndIsNotHereAnyMore()
    {
        FakeTimeProvider time = new();
        await Start(change: options => options with { TimeProvider = time });
        await Open("/lab#room");
        WaitFor(".route .fine");
        Chromium.Click("slow");
        Chromium.WaitForText("room", "slow-");
        Chromium.Click("fill");
        foreach (string place in new[] { "slow-state", "sent-back" }) Chromium.WaitForText(place, "error:too-slow:slow-");
        Chromium.WaitForText("slow-state", "one message may exceed the limit");
        Assert.That(Chromium.Text("room"), Does.Contain(" full"));
        Assert.That(Chromium.ExecuteScript(
            "const bar = document.querySelector('#slow-state meter'); return bar.optimum < bar.low && bar.value > bar.high"),
            Is.True, "it is not green");
        Write("room-text", One("#slow-state b").Text + ":hi");
        Chromium.WaitForText("way", "error:too-slow:slow-");
        FitsEverywhere("lab-slow-en");
        time.Advance(TimeSpan.FromSeconds(6));
        Chromium.Click("fill");
        Chromium.WaitForText("slow-state", "TooSlow 4000");
        Chromium.WaitFor(_ => !Chromium.Text("room").Contains("slow-", StringComparison.Ordinal), "it is not here any more");
        Chromium.WaitForText("way", "error:offline");
        Chromium.Click("slow");
        Chromium.WaitForText("main", "is still closing");
        Chromium.Click("language");
        WaitFor("#slow-state .rule");
        FitsEverywhere("lab-slow-zh");
        Chromium.Click("language");
        One("#room [data-close]").Click();
        Chromium.WaitForText("room-gone", "PeerClosed 1000");
        Chromium.WaitFor(_ => All("#room [data-close]").Count == 1, "one fewer");
        time.Advance(TimeSpan.FromSeconds(10)); // it ends
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
