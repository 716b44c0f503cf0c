// The Lab's page in Chromium: what a reader does with it, by mouse and by keyboard, at both widths, light and dark, in both languages.

using System.Text;
using System.Text.RegularExpressions;
using OpenQA.Selenium;
using OpenQA.Selenium.Chrome;
using RawWs.Frame;
using RawWs.Handshake;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Server.Console.Explain;
using RawWs.Server.Console.Lab;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixture]
public sealed class LabPageTests
{
    private TestServer _server = null!;
    private ChromeDriver _browser = null!;

    [SetUp]
    public async Task SetUp()
    {
        _browser = Browser.Open();
        _server = await TestServer.Start(Setup.All[0],
            new LabApplication(new RouterApplication(Introduce.FirstMessage, DuplicateUid.Share), LabScope.Own),
            static options => options with { Pages = LabPage.Load(), Heartbeat = TimeSpan.FromMinutes(1) });
    }

    [TearDown]
    public async Task TearDown()
    {
        _browser?.Dispose();
        if (_server is not null) await _server.DisposeAsync();
    }

    [Test]
    public async Task TheOwnConnection_RunsWhenThePageHasLoaded_AndShowsHowAcceptIsMade()
    {
        await GoTo("/lab");
        WaitForUnits(4);
        Assert.That(UnitNames(), Is.EqualTo(["→ request", "← response", "→ text “Hello”", "← text “Hello”"]));
        Unit(1).Click();
        string[] steps = [.. _browser.FindElements(By.CssSelector(".accept dd")).Select(static step => step.Text)];
        Assert.That(steps, Has.Length.EqualTo(4));
        Assert.That(steps[1], Is.EqualTo(steps[0] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
        byte[] accept = new byte[AcceptKey.AcceptBytes];
        AcceptKey.Write(Encoding.ASCII.GetBytes(steps[0]), accept);
        Assert.That(steps[3], Is.EqualTo(Encoding.ASCII.GetString(accept)));
        Assert.That(Convert.ToBase64String(Convert.FromHexString(steps[2])), Is.EqualTo(steps[3]));
        Assert.That(_browser.Complaints(), Is.Empty);
    }

    [Test]
    public async Task ByteFieldAndSentence_AreLinked_ByKeyboard_AndThePlaceCanBeSentToAFriend()
    {
        await GoTo("/lab");
        WaitForUnits(4);
        Unit(2).Click();
        IWebElement strip = _browser.FindElement(By.CssSelector("#unit [role=listbox]"));
        strip.SendKeys(Keys.Home);
        Assert.That(Chosen(), Is.EqualTo("FIN"));
        strip.SendKeys(Keys.ArrowDown + Keys.ArrowDown + Keys.ArrowDown + Keys.ArrowDown);
        Assert.That(Chosen(), Is.EqualTo("opcode"));
        strip.SendKeys(Keys.ArrowRight + Keys.ArrowRight);
        Assert.That(Chosen(), Is.EqualTo("masking key"));
        Assert.That(_browser.FindElements(By.CssSelector("#unit .byte.chosen")), Has.Count.EqualTo(4));
        Assert.That(_browser.FindElements(By.CssSelector("#unit .cell.chosen")), Is.Not.Empty);
        string address = _browser.Url;
        await GoTo("/lab");
        await _browser.Navigate().GoToUrlAsync(address);
        _browser.Navigate().Refresh();
        _browser.WaitFor(_ => Chosen() == "masking key", "the place of the address is chosen");
        Assert.That(_browser.FindElement(By.Id("tab-step")).GetAttribute("aria-selected"), Is.EqualTo("true"));
    }

    [Test]
    public async Task TheMask_IsUndoneByteByByte()
    {
        await GoTo("/lab#step;818537fa213d7f9f4d5158;client;0");
        _browser.WaitFor(static page => page.FindElements(By.CssSelector(".masks li")).Count == 5, "five masked bytes");
        Assert.That(_browser.FindElements(By.CssSelector(".masks li.masked")), Has.Count.EqualTo(5));
        _browser.FindElement(By.CssSelector(".undo")).Click();
        Assert.That(_browser.FindElements(By.CssSelector(".masks li.masked")), Has.Count.EqualTo(4));
        Assert.That(_browser.FindElement(By.CssSelector(".masks li .plain")).Text,
            Does.Contain("01001000").And.Contain("48").And.Contain("H"));
    }

    [Test]
    public async Task ByteByByte_TheVerdictFallsAtTheByteThatProvesIt()
    {
        await GoTo("/lab#step;827e0005;client;0");
        IWebElement verdict = _browser.FindElement(By.Id("step-verdict"));
        _browser.WaitFor(_ => verdict.Text.Contains("NonMinimalLength", StringComparison.Ordinal)
            || verdict.Text.Contains("UnmaskedClientFrame", StringComparison.Ordinal), "a verdict");
        _browser.FindElement(By.Id("step-back")).Click();
        _browser.FindElement(By.Id("step-back")).Click();
        _browser.FindElement(By.Id("step-back")).Click();
        _browser.WaitFor(_ => verdict.Text.Contains("No rule is broken", StringComparison.Ordinal), "after one byte nothing is broken");
        _browser.FindElement(By.Id("step-next")).Click();
        _browser.WaitFor(_ => verdict.Text.Contains("At byte 2", StringComparison.Ordinal), "the second byte has no mask bit");
    }

    [Test]
    public async Task EachRule_OfTheGallery_TriedWithOneClick_IsTheServersVerdict()
    {
        await GoTo("/lab#builder");
        foreach (Rule rule in FrameRules.All)
        {
            if (Page.Find(rule.Name)!.FindExample() is not { Options: "", Bytes.Length: < LabRequest.BytesMax }) continue;
            _browser.WaitFor(static page => page.FindElements(By.CssSelector("[data-rule]")).Count > 40, "the rules");
            _browser.FindElement(By.CssSelector($"[data-rule={rule.Name}]")).Click();
            _browser.WaitFor(page => page.FindElement(By.CssSelector("#page h3")).Text == rule.Name, rule.Name);
            _browser.WaitFor(static page => page.FindElements(By.CssSelector("#result [data-verdict]")).Count == 1, "explained");
            _browser.ExecuteScript("document.getElementById('result').replaceChildren()");
            _browser.FindElement(By.Id("try")).Click();
            _browser.WaitFor(static page => page.FindElements(By.CssSelector("#result [data-verdict]")).Count == 1, "tried");
            Assert.That(_browser.FindElement(By.CssSelector("#result [data-verdict]")).GetAttribute("data-verdict"), Is.EqualTo(rule.Name));
            Assert.That(_browser.FindElement(By.Id("result")).Text, Does.Contain($"{rule.CloseCode}"));
        }

        Assert.That(_browser.Complaints(), Is.Empty);
    }

    [Test]
    public async Task AFrameByHand_IsSentToTheServer_AndItsAnswerIsShown()
    {
        await GoTo("/lab#builder");
        _browser.WaitFor(static page => page.FindElements(By.CssSelector("[data-rule]")).Count > 40, "the rules");
        Assert.That(_browser.FindElement(By.Id("made")).Text, Is.EqualTo("81 85 37 fa 21 3d 7f 9f 4d 51 58"));
        _browser.FindElement(By.Id("add-frame")).Click();
        _browser.FindElement(By.Id("try")).Click();
        _browser.WaitFor(static page => page.FindElement(By.Id("result")).Text.Contains("FIN", StringComparison.Ordinal), "the end");
        Assert.That(_browser.FindElements(By.CssSelector("#result .units button")).Select(static unit => unit.Text),
            Is.EqualTo(["→ request", "← response", "→ text “Hello”", "← text “Hello”"]));
    }

    [Test]
    public async Task TheTimeline_ShowsBothDirections_AndThePongsRoundTrip_AndCanBeHeldStill()
    {
        await GoTo("/lab");
        WaitForUnits(4);
        _browser.FindElement(By.Id("ping")).Click();
        WaitForUnits(6);
        _browser.FindElement(By.Id("tab-timeline")).Click();
        _browser.WaitFor(
            static page => page.FindElement(By.TagName("tbody")).Text.Contains("Round trip", StringComparison.Ordinal), "a pong");
        string[] rows = [.. _browser.FindElements(By.CssSelector("tbody tr")).Select(static row => row.Text)];
        Assert.That(rows, Has.Some.Contains("→ text").And.Some.Contains("← text").And.Some.Contains("← ping").And.Some.Contains("→ pong"));
        _browser.FindElement(By.Id("pause")).Click();
        _browser.FindElement(By.CssSelector("option[value=onlyControl]")).Click();
        Assert.That(_browser.FindElements(By.CssSelector("tbody tr")), Has.Count.EqualTo(2));
        _browser.FindElement(By.CssSelector("tbody button")).Click();
        _browser.WaitFor(static page => page.FindElements(By.CssSelector("article.unit")).Count == 1, "the frame is explained");
    }

    [Test]
    public async Task AnExercise_IsSolved_AndAWrongAnswerGetsAHint()
    {
        await GoTo("/lab#exercises");
        _browser.WaitFor(static page => page.FindElements(By.CssSelector("[data-task]")).Count == LabExercise.All.Count, "the exercises");
        _browser.FindElement(By.Id("answer")).SendKeys("81024869");
        _browser.FindElement(By.Id("judge")).Click();
        _browser.WaitFor(static page => page.FindElements(By.CssSelector("[data-hint=ruleBroken]")).Count == 1, "a hint");
        _browser.FindElement(By.Id("answer")).Clear();
        _browser.FindElement(By.Id("answer")).SendKeys("8182 01020304 496b");
        _browser.FindElement(By.Id("judge")).Click();
        _browser.WaitFor(static page => page.FindElements(By.CssSelector("[data-hint=solved]")).Count == 1, "solved");
    }

    [Test]
    public async Task WhatComesOverTheWire_NeverBecomesHtml()
    {
        await GoTo("/lab");
        WaitForUnits(4);
        IWebElement message = _browser.FindElement(By.Id("message"));
        message.Clear();
        message.SendKeys("<img src=x onerror=document.title=1><b>x</b>" + Keys.Enter);
        WaitForUnits(6);
        Unit(5).Click();
        Assert.That(_browser.FindElements(By.CssSelector("main img")), Is.Empty);
        Assert.That(UnitNames()[5], Does.Contain("<img src=x"));
        Assert.That(_browser.Title, Is.EqualTo("RawWs Lab"));
    }

    // RAWWS_TEST_SCREENSHOTS has the pictures.
    [Test]
    public async Task EachView_FitsBothWidths_LightAndDark_InBothLanguages(
        [Values("own", "step", "builder", "timeline", "exercises")] string view, [Values(390, 1440)] int width, [Values] bool isDark,
        [Values("en", "zh")] string language)
    {
        _browser.Emulate(width, isDark);
        await GoTo("/lab");
        WaitForUnits(4);
        if (language == "zh") _browser.FindElement(By.Id("language")).Click();
        _browser.FindElement(By.Id($"tab-{view}")).Click();
        string ready = view switch
        {
            "own" => "#unit article",
            "step" => ".step article",
            "builder" => "[data-rule]",
            "exercises" => "[data-task]",
            _ => "tbody td button",
        };
        _browser.WaitFor(page => page.FindElements(By.CssSelector(ready)).Count > 0, ready);
        if (view == "builder")
        {
            _browser.FindElement(By.CssSelector("[data-rule=NonMinimalLength]")).Click();
            _browser.WaitFor(static page => page.FindElements(By.CssSelector(".builder article.unit")).Count == 1, "the example");
        }

        Assert.That(_browser.ExecuteScript("return document.documentElement.scrollWidth <= innerWidth"), Is.True, "nothing is cut off");
        if (language == "zh") Assert.That(_browser.FindElement(By.TagName("main")).Text, Does.Match("[\u4e00-\u9fff]"));
        Assert.That(_browser.Complaints(), Is.Empty);
        Assert.That(_browser.FindBarriers(), Is.Empty);
        _browser.Screenshot($"lab-{view}-{width}-{(isDark ? "dark" : "light")}-{language}");
    }

    private Task GoTo(string path) => _browser.Navigate().GoToUrlAsync($"http://127.0.0.1:{_server.Port}{path}");

    private void WaitForUnits(int count) =>
        _browser.WaitFor(page => page.FindElements(By.CssSelector("#units button")).Count >= count, $"{count} units");

    private IWebElement Unit(int index) => _browser.FindElement(By.CssSelector($"#units [data-unit=\"{index}\"]"));

    private string Chosen() => _browser.FindElement(By.CssSelector(".note[aria-current] .name")).Text;

    // Without the number of bytes behind the name.
    private string[] UnitNames() => [.. _browser.FindElements(By.CssSelector("#units button"))
        .Select(static unit => Regex.Replace(unit.Text, @"\s*\d+ bytes$", ""))];
}
