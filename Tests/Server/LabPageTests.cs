// The Lab's page in Chromium: what a reader does with it, by mouse and by keyboard, at both widths, light and dark, in both languages.

using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using OpenQA.Selenium;
using RawWs.Handshake;
using RawWs.Server.Console.Explain;
using RawWs.Server.Console.Lab;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

public sealed class LabPageTests : LabBrowserTests
{
    [SetUp]
    public Task StartServer() => Start();

    [Test]
    public async Task TheOwnConnection_RunsWhenThePageHasLoaded_AndShowsHowAcceptIsMade()
    {
        await Open("/lab");
        WaitForUnits(4);
        Assert.That(UnitNames(), Is.EqualTo(["→ request", "← response", "→ text “Hello”", "← text “Hello”"]));
        Unit(1).Click();
        string[] steps = [.. Chromium.FindElements(By.CssSelector(".accept dd")).Select(static step => step.Text)];
        Assert.That(steps, Has.Length.EqualTo(4));
        Assert.That(steps[1], Is.EqualTo(steps[0] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
        byte[] accept = new byte[AcceptKey.AcceptBytes];
        AcceptKey.Write(Encoding.ASCII.GetBytes(steps[0]), accept);
        Assert.That(steps[3], Is.EqualTo(Encoding.ASCII.GetString(accept)));
        Assert.That(Convert.ToBase64String(Convert.FromHexString(steps[2])), Is.EqualTo(steps[3]));
        Assert.That(Chromium.FindElement(By.CssSelector(".accept + p")).Text, Does.Contain("by accident").And.Contain("not for security"));
        Assert.That(Chromium.Complaints(), Is.Empty);
    }

    [Test]
    public async Task ByteFieldAndSentence_AreLinked_ByKeyboard_AndThePlaceCanBeSentToAFriend()
    {
        await Open("/lab");
        WaitForUnits(4);
        Unit(2).Click();
        IWebElement strip = Chromium.FindElement(By.CssSelector("#unit [role=listbox]"));
        strip.SendKeys(Keys.Home);
        Assert.That(Chosen(), Is.EqualTo("FIN bit"));
        strip.SendKeys(Keys.ArrowDown + Keys.ArrowDown + Keys.ArrowDown + Keys.ArrowDown);
        Assert.That(Chosen(), Is.EqualTo("opcode"));
        strip.SendKeys(Keys.ArrowRight + Keys.ArrowRight);
        Assert.That(Chosen(), Is.EqualTo("masking key"));
        Assert.That(Chromium.FindElements(By.CssSelector("#unit .byte.chosen")), Has.Count.EqualTo(4));
        Assert.That(Chromium.FindElements(By.CssSelector("#unit .cell.chosen")), Is.Not.Empty);
        string address = Chromium.Url;
        await Open("/lab");
        await Chromium.Navigate().GoToUrlAsync(address);
        Chromium.Navigate().Refresh();
        Chromium.WaitFor(_ => Chosen() == "masking key", "the place of the address is chosen");
        Assert.That(Chromium.FindElement(By.Id("tab-step")).GetAttribute("aria-selected"), Is.EqualTo("true"));
    }

    [Test]
    public async Task TheMask_IsUndoneByteByByte()
    {
        await Open("/lab#step;818537fa213d7f9f4d5158;client;0");
        Chromium.WaitFor(static page => page.FindElements(By.CssSelector(".masks li")).Count == 5, "five masked bytes");
        Assert.That(Chromium.FindElements(By.CssSelector(".masks li.masked")), Has.Count.EqualTo(5));
        Chromium.FindElement(By.CssSelector(".undo")).Click();
        Assert.That(Chromium.FindElements(By.CssSelector(".masks li.masked")), Has.Count.EqualTo(4));
        Assert.That(Chromium.FindElement(By.CssSelector(".masks li .plain")).Text,
            Does.Contain("01001000").And.Contain("48").And.Contain("H"));
    }

    [Test]
    public async Task ByteByByte_TheVerdictFallsAtTheByteThatProvesIt()
    {
        await Open("/lab#step;827e0005;client;0");
        IWebElement verdict = Chromium.FindElement(By.Id("step-verdict"));
        Chromium.WaitFor(_ => verdict.Text.Contains("NonMinimalLength", StringComparison.Ordinal)
            || verdict.Text.Contains("UnmaskedClientFrame", StringComparison.Ordinal), "a verdict");
        Chromium.Click("step-back");
        Chromium.Click("step-back");
        Chromium.Click("step-back");
        Chromium.WaitFor(_ => verdict.Text.Contains("No rule is broken", StringComparison.Ordinal), "after one byte nothing is broken");
        Chromium.Click("step-next");
        Chromium.WaitFor(_ => verdict.Text.Contains("At byte 2", StringComparison.Ordinal), "the second byte has no mask bit");
    }

    [Test]
    public async Task EachRule_OfTheGallery_TriedWithOneClick_IsTheServersVerdict()
    {
        await Open("/lab#builder");
        foreach (string name in Page.Names)
        {
            if (Page.Find(name) is not { Rule: { } rule } page || page.FindExample() is not { } example) continue;
            if (example.Bytes.Length > LabRequest.BytesMax) continue;
            Chromium.WaitFor(static page => page.FindElements(By.CssSelector("[data-rule]")).Count > 40, "the rules");
            Chromium.FindElement(By.CssSelector($"[data-rule={rule.Name}]")).Click();
            Chromium.WaitFor(shown => shown.FindElement(By.CssSelector("#page h3")).Text == rule.Name, rule.Name);
            Chromium.WaitFor(static page => page.FindElements(By.CssSelector("#result [data-verdict]")).Count == 1, "explained");
            Chromium.ExecuteScript("document.getElementById('result').replaceChildren()");
            Chromium.Click("try");
            Chromium.WaitFor(static page => page.FindElements(By.CssSelector("#result [data-verdict]")).Count == 1, "tried");
            Assert.That(Chromium.FindElement(By.CssSelector("#result [data-verdict]")).GetAttribute("data-verdict"), Is.EqualTo(rule.Name));
            Assert.That(Chromium.Text("result"), Does.Contain($"{rule.Answer}"), rule.Name);
        }

        Assert.That(Chromium.Complaints(), Is.Empty);
    }

    [Test]
    public async Task AFrameByHand_IsSentToTheServer_AndItsAnswerIsShown()
    {
        await Open("/lab#builder");
        Chromium.WaitFor(static page => page.FindElements(By.CssSelector("[data-rule]")).Count > 40, "the rules");
        Assert.That(Chromium.Text("made"), Is.EqualTo("81 85 37 fa 21 3d 7f 9f 4d 51 58"));
        Chromium.Click("add-frame");
        Chromium.Click("try");
        Chromium.WaitFor(static page => page.FindElement(By.Id("result")).Text.Contains("FIN", StringComparison.Ordinal), "the end");
        Assert.That(Chromium.FindElements(By.CssSelector("#result .units button")).Select(static unit => unit.Text),
            Is.EqualTo(["→ request", "← response", "→ text “Hello”", "← text “Hello”"]));
    }

    // What an example leaves behind would be taken for the next one's.
    [Test]
    public async Task AnExample_LeavesNothingBehind()
    {
        await Open("/lab#builder");
        Chromium.WaitFor(static page => page.FindElements(By.CssSelector("[data-rule]")).Count > 40, "the rules");
        Choose("MaskedServerFrame");
        Chromium.WaitFor(
            static page => page.FindElements(By.CssSelector("#result [data-verdict=MaskedServerFrame]")).Count == 1, "explained");
        Choose("TooSlow"); // which has no example
        Assert.That(Chromium.FindElement(By.Id("pieces")).GetDomProperty("value"), Is.Empty);
        Assert.That(Chromium.Text("result"), Is.Empty);
        Chromium.Click("add-frame");
        Chromium.Click("explain");
        Chromium.WaitFor(static page => page.FindElements(By.CssSelector("#result .units button")).Count == 1, "explained");
        Assert.That(Chromium.FindElement(By.CssSelector("#result .units button")).Text, Is.EqualTo("→ text “Hello”"));
        Assert.That(Chromium.FindElement(By.CssSelector("#result [data-verdict]")).GetAttribute("data-verdict"), Is.EqualTo("none"));

        void Choose(string rule)
        {
            Chromium.FindElement(By.CssSelector($"[data-rule={rule}]")).Click();
            Chromium.WaitFor(page => page.FindElement(By.CssSelector("#page h3")).Text == rule, rule);
        }
    }

    [Test]
    public async Task TheTimeline_ShowsBothDirections_AndThePongsRoundTrip_AndCanBeHeldStill()
    {
        await Open("/lab");
        WaitForUnits(4);
        Chromium.Click("ping");
        WaitForUnits(6);
        Chromium.Click("tab-timeline");
        Chromium.WaitFor(
            static page => page.FindElement(By.TagName("tbody")).Text.Contains("Round trip", StringComparison.Ordinal), "a pong");
        string[] rows = [.. Chromium.FindElements(By.CssSelector("tbody tr")).Select(static row => row.Text)];
        Assert.That(rows, Has.Some.Contains("→ text").And.Some.Contains("← text").And.Some.Contains("← ping").And.Some.Contains("→ pong"));
        Chromium.Click("pause");
        Chromium.FindElement(By.CssSelector("option[value=onlyControl]")).Click();
        Assert.That(Chromium.FindElements(By.CssSelector("tbody tr")), Has.Count.EqualTo(2));
        Chromium.FindElement(By.CssSelector("tbody button")).Click();
        Chromium.WaitFor(static page => page.FindElements(By.CssSelector("article.unit")).Count == 1, "the frame is explained");
        FitsEverywhere("lab-timeline-frame-en");
    }

    [Test]
    public async Task AnExercise_IsSolved_AndAWrongAnswerGetsAHint()
    {
        await Open("/lab#exercises");
        Chromium.WaitFor(static page => page.FindElements(By.CssSelector("[data-task]")).Count == LabExercise.All.Count, "the exercises");
        Chromium.FindElement(By.Id("answer")).SendKeys("81024869");
        Chromium.Click("judge");
        Chromium.WaitFor(static page => page.FindElements(By.CssSelector("[data-hint=ruleBroken]")).Count == 1, "a hint");
        Chromium.FindElement(By.Id("answer")).Clear();
        Chromium.FindElement(By.Id("answer")).SendKeys("8182 01020304 496b");
        Chromium.Click("judge");
        Chromium.WaitFor(static page => page.FindElements(By.CssSelector("[data-hint=solved]")).Count == 1, "solved");
    }

    [Test]
    public async Task WhatComesOverTheWire_NeverBecomesHtml()
    {
        await Open("/lab");
        WaitForUnits(4);
        IWebElement message = Chromium.FindElement(By.Id("message"));
        message.Clear();
        message.SendKeys("<img src=x onerror=document.title=1><b>x</b>" + Keys.Enter);
        WaitForUnits(6);
        Unit(5).Click();
        Assert.That(Chromium.FindElements(By.CssSelector("main img")), Is.Empty);
        Assert.That(UnitNames()[5], Does.Contain("<img src=x"));
        Assert.That(Chromium.Title, Is.EqualTo("RawWs Lab"));
    }

    [Test]
    public async Task TheRouter_ShowsWhoIsHere_AndTheWayOfAMessage()
    {
        await Open("/lab#room");
        Chromium.WaitFor(static page => page.FindElements(By.CssSelector(".route .fine")).Count == 1, "a first message has come");
        Assert.That(Chromium.FindElement(By.CssSelector(".route .address")).Text, Does.StartWith("bob-"));
        Assert.That(Chromium.FindElements(By.CssSelector("#room li b")).Select(static one => one.Text),
            Has.Some.StartsWith("alice-").And.Some.StartsWith("bob-").And.Exactly(1).EqualTo("(no uid)"));
        Write("room-text", "nobody:<b>hi</b>");
        Chromium.WaitForText("way", "error:offline");
        Assert.That(Chromium.FindElements(By.CssSelector("#way .split b")), Has.Count.EqualTo(2), "text never becomes HTML");
        Write("room-uid", "");
        Chromium.WaitForText("main", "was refused");
        Chromium.FindElement(By.CssSelector("#rate option[value='0']")).Click();
        Chromium.Click("slow");
        Chromium.WaitForText("room", "slow-");
        Chromium.Click("fill");
        Chromium.WaitFor(static page => page.FindElements(By.CssSelector("#room meter"))
            .Any(static meter => double.Parse(meter.GetAttribute("value")!, CultureInfo.InvariantCulture) > 100_000), "its queue fills");
        Assert.That(Chromium.Complaints(), Is.All.Contains("WebSocket"), "only the refusal");
    }

    [Test]
    public async Task Inside_ThePhaseIsMarkedInTheTable_AndTheTimerInTheWheel()
    {
        await Open("/lab");
        WaitForUnits(4);
        foreach (string id in new[] { "wheel", "phases", "limits" }) Chromium.FindElement(By.CssSelector($"#{id} summary")).Click();
        Chromium.WaitFor(static page => page.FindElements(By.CssSelector("#wheel .mine")).Count == 1, "one slot is the connection's");
        Assert.That(Chromium.FindElements(By.CssSelector("#wheel .hand")), Has.Count.EqualTo(4), "a hand on each wheel");
        Chromium.WaitFor(static page => page.FindElements(By.CssSelector("#phases tr.chosen")).Count > 3, "what can happen while open");
        Assert.That(Chromium.FindElement(By.CssSelector("#phases tr.chosen")).Text, Does.StartWith("open"));
        Assert.That(Chromium.Text("limits"), Does.Contain("1,048,576 bytes").And.Contain("1,024"));
        Chromium.Click("close");
        Chromium.WaitForText("inside", "PeerClosed 1000");
    }

    [Test]
    public async Task ATrace_IsLoadedAgain_AndStaysThere()
    {
        string file = Path.Combine(Path.GetTempPath(), $"trace-{Server.Port}.json");
        await File.WriteAllTextAsync(file, $$"""
            {"format":"rawws.lab.trace.v1","client":"{{Convert.ToHexStringLower(LabRaw.Request("/", ""))}}818100000000{{"41"}}","server":""}
            """);
        await Open("/lab");
        WaitForUnits(4);
        Chromium.FindElement(By.Id("load")).SendKeys(file);
        Chromium.WaitFor(_ => UnitNames().SequenceEqual(["→ request", "→ text “A”"]), "the trace of the file");
        Write("message", "x");
        Chromium.Click("tab-timeline");
        Chromium.WaitFor(static page => page.FindElements(By.CssSelector("tbody tr.server")).Count >= 2, "the echo of x");
        Chromium.Click("tab-own");
        Assert.That(UnitNames(), Is.EqualTo(["→ request", "→ text “A”"]), "what goes on does not replace it");
        Chromium.Click("reopen");
        WaitForUnits(4);
        File.Delete(file);
    }

    [Test]
    public async Task EachView_FitsBothWidths_LightAndDark_InBothLanguages(
        [Values("own", "step", "builder", "timeline", "room", "exercises")] string view)
    {
        await Open("/lab");
        WaitForUnits(4);
        foreach (string language in new[] { "en", "zh" })
        {
            Chromium.Click($"tab-{view}");
            string ready = view switch
            {
                "own" => "#unit article",
                "step" => ".step article",
                "builder" => "[data-rule]",
                "exercises" => "[data-task]",
                "room" => ".route .fine",
                _ => "tbody td button",
            };
            Chromium.WaitFor(page => page.FindElements(By.CssSelector(ready)).Count > 0, ready);
            if (view == "own")
            {
                Unit(2).Click();
                foreach (IWebElement summary in Chromium.FindElements(By.CssSelector("#inside :not([open]) > summary"))) summary.Click();
            }

            if (view == "builder")
            {
                Chromium.FindElement(By.CssSelector("[data-rule=NonMinimalLength]")).Click();
                Chromium.WaitFor(static page => page.FindElements(By.CssSelector(".builder article.unit")).Count == 1, "the example");
            }

            if (language == "zh") Assert.That(Chromium.FindElement(By.TagName("main")).Text, Does.Match("[\u4e00-\u9fff]"));
            FitsEverywhere($"lab-{view}-{language}");
            Chromium.Click("language");
        }

        Assert.That(Chromium.Complaints(), Is.Empty);
    }

    private IWebElement Unit(int index) => Chromium.FindElement(By.CssSelector($"#units [data-unit=\"{index}\"]"));

    private string Chosen() => Chromium.FindElement(By.CssSelector(".note[aria-current] .name")).Text;

    // Without the number of bytes behind the name.
    private string[] UnitNames() => [.. Chromium.FindElements(By.CssSelector("#units button"))
        .Select(static unit => Regex.Replace(unit.Text, @"\s*\d+ bytes$", ""))];
}
