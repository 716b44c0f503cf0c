// The Lab's page for somebody who has nothing else: where he begins, what a place's address leads to, and whether it says what he asks.

using OpenQA.Selenium;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

public sealed class LabLearnerTests : LabBrowserTests
{
    private const string PingBetween = "#step;898001020304;client;4;;01810102030449";
    private const string Compressed = "#step;c18737fa213dc5b2ecf4fefd21;client;1;alone";

    [SetUp]
    public Task StartServer() => Start();

    [Test]
    public async Task TheWayThrough_LeadsToEachPlace()
    {
        await Open("/lab");
        WaitForUnits(4);
        string[] places = [.. All("#begin a").Select(static link => link.GetDomAttribute("href")!)];
        Assert.That(places, Is.EqualTo(
        [
            "#own", "#own;accept", "#step", PingBetween, "#builder", "#builder;1002", "#builder;1007", Compressed,
            "#builder;ReservedBitsNotNegotiated", "#timeline", "#own;phases", "#own;wheel", "#own;limits", "#room", "#exercises",
        ]));
        foreach (string place in places)
        {
            string[] parts = place[1..].Split(';');
            // By key: where the page has scrolled in between, a click would meet what was there before.
            One($"#begin a[href='{place}']").SendKeys(Keys.Enter);
            Chromium.WaitFor(
                page => page.FindElement(By.Id($"tab-{parts[0]}")).GetDomAttribute("aria-selected") == "true", $"{place} is shown");
            if (place == PingBetween) Chromium.WaitForText("main", "between the fragments");
            if (place == Compressed) Chromium.WaitForText("main", "RSV1 is 1: the message is compressed");
            if (parts is ["builder", var code]) Chromium.WaitForText("page", code);
            if (parts is not ["own", var part]) continue;
            WaitFor(part == "accept" ? "#accept" : $"#{part}[open]");
            Chromium.WaitFor(_ => IsSeen($"#{part}"), $"{place} is seen");
            Assert.That(Chromium.SwitchTo().ActiveElement().Text, Is.EqualTo(One(part == "accept" ? "#accept" : $"#{part} summary").Text));
        }

        One("#begin summary").Click();
        Chromium.Navigate().Refresh();
        Chromium.WaitForText("state", "Running");
        Assert.That(All("#begin details:not([open])"), Has.Count.EqualTo(1), "who knows it does not see it again");
    }

    [TestCase(390, 0)]
    [TestCase(900, 1)]
    public async Task TheWayThrough_IsFoldedAtFirst_WhereThereIsLittleRoom(int width, int open)
    {
        Chromium.Emulate(width, isDark: false);
        await Open("/lab");
        Assert.That(All("#begin details[open]"), Has.Count.EqualTo(open));
        if (open == 0) Assert.That(One("#main").Location.Y, Is.LessThan(230), "the head takes a quarter of the screen at most");
    }

    // Where a byte is not undone yet there is no empty row above what it is.
    [Test]
    public async Task WhatIsNotUnmasked_TakesNoRoom()
    {
        await Open("/lab#step;818537fa213d7f9f4d5158;client;0");
        WaitFor(".masks li");
        Assert.That(All(".masks .plain").Select(static row => row.Displayed), Is.All.False);
        Assert.That(All(".masks li").Select(static one => one.Size.Height).Distinct().Single(), Is.LessThan(60));
        One(".undo").Click();
        Assert.That(All(".masks .plain").Select(static row => row.Displayed), Is.EqualTo([true, false, false, false, false]));
        Assert.That(All("button").Select(static one => one.Text).Where(static text => text.Length > 0), Is.Unique, "each has its own name");
    }

    // What is drawn anew at an event, or at a choice, keeps what has the focus.
    [Test]
    public async Task WhoIsInAListByKeyboard_StaysThere()
    {
        await Open("/lab");
        WaitForUnits(4);
        One("#units [data-unit='1']").SendKeys(Keys.Enter);
        ClickByScript("ping");
        WaitForUnits(6);
        Assert.That(Focused("data-unit"), Is.EqualTo("1"));
        Chromium.Click("tab-builder");
        WaitFor("[data-rule=TextNotUtf8]");
        One("[data-rule=TextNotUtf8]").SendKeys(Keys.Enter);
        Chromium.WaitForText("page", "TextNotUtf8");
        Assert.That(Focused("data-rule"), Is.EqualTo("TextNotUtf8"));
        Chromium.Click("tab-room");
        WaitFor(".route .fine");
        One("[data-way='1']").SendKeys(Keys.Enter);
        ClickByScript("room-send");
        WaitFor("[data-way='2']");
        Assert.That(Focused("data-way"), Is.EqualTo("1"));
        string connection = One("[data-close]").GetDomAttribute("data-close")!;
        Chromium.ExecuteScript("document.querySelector('[data-close]').focus()");
        ClickByScript("join");
        Chromium.WaitForText("room", "carol-");
        Assert.That(Focused("data-close"), Is.EqualTo(connection));

        string? Focused(string data) => Chromium.SwitchTo().ActiveElement().GetDomAttribute(data);

        void ClickByScript(string id) => Chromium.ExecuteScript("document.getElementById(arguments[0]).click()", id);
    }

    [TestCase("accept", "#accept")]
    [TestCase("wheel", "#wheel[open] .mine")]
    [TestCase("phases", "#phases[open] tr.chosen")]
    [TestCase("limits", "#limits[open] li")]
    public async Task APartOfTheOwnConnection_HasAnAddress(string part, string seen)
    {
        await Open($"/lab#own;{part}");
        WaitFor(seen);
        Chromium.WaitFor(_ => IsSeen($"#{part}"), "it is seen");
        Chromium.Click("language");
        WaitFor(seen);
    }

    [Test]
    public async Task TheEndOfTcp_IsInTheTimeline_AndWhyTheServerIsFirst()
    {
        await Open("/lab");
        WaitForUnits(4);
        Chromium.Click("close");
        Chromium.WaitForText("inside", "PeerClosed 1000");
        Chromium.WaitForText("tcp-end", "TIME_WAIT");
        Chromium.Click("tab-timeline");
        string[] ends =
            [.. All("tbody tr").Select(static row => row.Text).Where(static row => row.Contains("TCP", StringComparison.Ordinal))];
        Assert.That(ends, Has.Length.EqualTo(2));
        Assert.That(ends[0], Does.EndWith("← TCP’s FIN: the server ends its direction (this side ended TCP first)"));
        Assert.That(ends[1], Does.EndWith("→ TCP’s FIN: the client ends its direction"));
        One("tbody tr.server td button[data-row*=ownFin]").Click();
        Assert.That(One(".timeline article").Text, Does.Contain("TIME_WAIT").And.Contain("Draining"));
        FitsEverywhere("lab-tcp-end-en");
    }

    [Test]
    public async Task AReset_IsInTheTimeline()
    {
        await Open("/lab#builder");
        WaitFor("[data-rule]");
        Chromium.Click("add-frame");
        One(".builder option[value=rst]").Click();
        Chromium.Click("try");
        WaitFor("#result [data-verdict=none]");
        Chromium.Click("tab-timeline");
        WaitFor("tbody tr.client [data-row*=peerReset]");
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task KeepAlives_AreFoldedInTheTimeline(bool areCompressed)
    {
        await StopServer();
        await Start(change: options => options with { Compression = areCompressed });
        await Open("/lab#room");
        WaitFor(".route .fine");
        string[] texts = areCompressed ? ["", "", ""] : ["ping", "", "pong"];
        foreach (string text in texts) Write("room-text", text);
        Chromium.Click("tab-timeline");
        WaitFor("[data-row^=keepAlives]");
        Chromium.WaitFor(_ => One("[data-row^=keepAlives]").Text == "3 keep-alives", "three are one");
        Chromium.Click("pause");
        int rows = All("tbody tr").Count;
        One("[data-row^=keepAlives]").Click();
        Assert.That(All("tbody tr"), Has.Count.EqualTo(rows + 3));
        Assert.That(One("[data-row^=keepAlives]").GetDomAttribute("aria-expanded"), Is.EqualTo("true"));
        Assert.That(Chromium.SwitchTo().ActiveElement().GetDomAttribute("data-row"), Does.StartWith("keepAlives"), "it stays where he is");
        if (!areCompressed) FitsEverywhere("lab-keep-alives-en");
        One("[data-row^=keepAlives]").Click();
        Assert.That(All("tbody tr"), Has.Count.EqualTo(rows));
    }

    // On the Lab's own connection every message comes back, and is no keep-alive.
    [Test]
    public async Task AMessageThatComesBack_IsNotFolded()
    {
        await Open("/lab");
        WaitForUnits(4);
        foreach (int count in new[] { 6, 8 })
        {
            Write("message", "ping");
            WaitForUnits(count);
        }

        Chromium.Click("tab-timeline");
        Assert.That(All("[data-row^=keepAlives]"), Is.Empty);
        Assert.That(All("tbody tr.client button"), Has.Count.EqualTo(3));
    }

    [Test]
    public async Task ASolvedExercise_AnswersItsOwnQuestion()
    {
        await Open("/lab#exercises;length126");
        WaitFor("[data-task=length126][aria-expanded=true]");
        Chromium.Fill("answer", "827e007e");
        Chromium.Click("judge");
        WaitFor("[data-hint]");
        Assert.That(All(".reason"), Is.Empty);
        Chromium.Fill("answer", "82fe007e00000000" + string.Concat(Enumerable.Repeat("41", 126)));
        Chromium.Click("judge");
        WaitFor("[data-hint=solved]");
        Assert.That(One(".task.solved [data-task=length126]").Text, Does.StartWith("✓"), "at once");
        Assert.That(One(".reason").Text, Does.Contain("shortest form"));
        Assert.That(Chromium.Text("verdict"), Does.Contain("§5.2"));
        One("[data-task=hi]").Click();
        Assert.That(All(".reason"), Is.Empty);
        Assert.That(Chromium.Url, Does.EndWith("#exercises;hi"));
        One("[data-task=length126]").Click();
        Assert.That(One(".reason").Text, Does.Contain("shortest form"), "it can be read again");
        foreach (string language in new[] { "en", "zh" })
        {
            FitsEverywhere($"lab-solved-{language}");
            Chromium.Click("language");
        }
    }

    [TestCase("88850102030402ea617d64;client;8", ".characters li b", "bye", TestName = "TheReasonOfAClose_HasItsCharacters")]
    [TestCase("888201020304" + "02ea;client;8", ".characters li b", "", TestName = "ACloseWithoutReason_HasNone")]
    public async Task Characters(string place, string selector, string text)
    {
        await Open($"/lab#step;{place}");
        WaitFor(".step article");
        Assert.That(string.Concat(All(selector).Select(static one => one.Text)), Is.EqualTo(text));
    }

    [TestCase("018100000000e4;client;0", "Between the fragments a Ping", TestName = "AFragment_SaysWhatMayComeBetween")]
    [TestCase("018100000000e4;client;0", "FIN bit is 0", TestName = "TheFinBit_IsCalledSo")]
    [TestCase("898000000000;client;4", "between the fragments", TestName = "APing_SaysWhereItMayCome")]
    public async Task TheSentence(string place, string text)
    {
        await Open($"/lab#step;{place}");
        WaitFor(".step article");
        Assert.That(One(".step .sentence").Text, Does.Contain(text));
        Assert.That(All(".note .name")[0].Text, Is.EqualTo("FIN bit"));
    }
}
