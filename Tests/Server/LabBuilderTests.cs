// The Lab's third view: each rule and its page, what is filtered and chosen, and frames by hand.

using OpenQA.Selenium;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

public sealed class LabBuilderTests : LabBrowserTests
{
    [SetUp]
    public Task StartServer() => Start();

    [TestCase("TextNotUtf8", "TextNotUtf8")]
    [TestCase("textnotutf8", "TextNotUtf8")]
    [TestCase("1006", "1006")]
    [TestCase("KeyMissing", "KeyMissing")]
    public async Task ARule_HasAnAddress(string address, string rule)
    {
        await Open($"/lab#builder;{address}");
        Chromium.WaitForText("page", rule);
        Assert.That(One("#page h3").Text, Is.EqualTo(rule));
        Chromium.WaitFor(_ => IsSeen("#page h3"), "it is seen");
        Assert.That(Chromium.Url, Does.EndWith($"#builder;{rule}"));
        Assert.That(One(".rules .chosen").GetDomAttribute("data-rule"), Is.EqualTo(rule));
        Choose("NonMinimalLength");
        Assert.That(Chromium.Url, Does.EndWith("#builder;NonMinimalLength"));
        Chromium.Click("tab-own");
        Chromium.Click("tab-builder");
        Assert.That(Chromium.Url, Does.EndWith("#builder;NonMinimalLength"));
    }

    [Test]
    public async Task WhatIsNoRule_IsSaid()
    {
        await Open("/lab#builder;<b>nothing</b>");
        WaitFor("[data-rule]");
        Chromium.WaitForText("result", "There is no rule and no close code");
        Assert.That(All("#page h3"), Is.Empty);
        Choose("NonMinimalLength");
    }

    // Typed by hand, an example is none any more.
    [Test]
    public async Task AnExampleThatWasChanged_IsSentAsItStandsThere()
    {
        await Open("/lab#builder;PathUnknown");
        WaitFor("#result [data-verdict=PathUnknown]");
        Chromium.Click("try");
        Chromium.WaitForText("result", "accepts every path");
        Chromium.Fill("pieces", "818537fa213d7f9f4d5158");
        Chromium.Click("handshake");
        Chromium.Click("try");
        WaitFor("#result [data-verdict=none]");
        Assert.That(Chromium.Text("result"), Does.Not.Contain("accepts every path").And.Contain("TCP’s FIN"));
        Assert.That(All("#result .units button").Select(static unit => unit.Text),
            Is.EqualTo(["→ request", "← response", "→ text “Hello”", "← text “Hello”"]));
        Chromium.Click("explain");
        WaitFor("#result .units li:only-child");
        Assert.That(One("#result .units button").Text, Is.EqualTo("→ text “Hello”"));
        Chromium.Click("language");
        WaitFor("[data-rule=TextNotUtf8][title*='字']");
        Assert.That(All("#page *"), Is.Empty, "the rule is not what it is about");
        Assert.That(One("#pieces").GetDomProperty("value"), Is.EqualTo("818537fa213d7f9f4d5158"), "another language changes nothing of it");
        Chromium.Click("language");
    }

    [Test]
    public async Task TheRules_AreFilteredByCodeAndWord_AndItIsSaidIfThereIsNone()
    {
        await Open("/lab#builder");
        WaitFor("[data-rule=TextNotUtf8]");
        Chromium.Fill("filter", "1007");
        string?[] names = [.. All("[data-rule]").Select(static one => one.GetDomAttribute("data-rule"))];
        Assert.That(names, Is.SupersetOf(["TextNotUtf8", "TextEndsInsideCharacter", "CloseReasonNotUtf8", "1007"]));
        Assert.That(names, Has.No.Member("NonMinimalLength"));
        Chromium.Fill("filter", "longer FORM 5.2");
        Assert.That(All("[data-rule]").Select(static one => one.GetDomAttribute("data-rule")), Is.EqualTo(["NonMinimalLength"]));
        foreach ((string words, string rule) in new[]
        {
            ("RSV1", "ReservedBitsNotNegotiated"), ("RSV1", "ReservedBitsMisplaced"), ("mask key", "MaskedServerFrame"),
            ("utf8", "1007"), ("utf-8", "TextNotUtf8"),
        })
        {
            Chromium.Fill("filter", words);
            Assert.That(All($"[data-rule='{rule}']"), Has.Count.EqualTo(1), $"{words} is in the page of {rule}");
        }

        Chromium.Fill("filter", "zzz");
        Assert.That(All("[data-rule]"), Is.Empty);
        Assert.That(One(".rules").Text, Does.Contain("“zzz” is in no name"));
    }

    [Test]
    public async Task WhatIsChosenInALongList_IsBroughtIntoSight()
    {
        await Open("/lab#builder");
        WaitFor("[data-rule=TextNotUtf8]");
        Choose("TextNotUtf8");
        Chromium.WaitFor(_ => IsSeen("#page h3"), "its page is seen");
    }

    // The frame is as it should be: what the code is about has happened before.
    [Test]
    public async Task ACodesExample_IsNoProofThatNothingWasBroken()
    {
        await Open("/lab#builder;1002");
        Chromium.WaitForText("result", "An example of a Close frame with 1002");
    }

    [Test]
    public async Task WhatARuleSaid_Goes_WhenItIsCleared_OrBytesOfOnesOwnAreWritten()
    {
        await Open("/lab#builder;UnmaskedClientFrame");
        Chromium.WaitForText("page", "UnmaskedClientFrame");
        Chromium.Click("clear");
        IsLeft("cleared");
        Choose("NonMinimalLength");
        One("#pieces").SendKeys(" ");
        IsLeft("written");
        Choose("UnmaskedClientFrame");
        Chromium.Click("add-frame");
        IsLeft("added");
        Chromium.Click("explain");
        WaitFor("#result [data-verdict]");
        One("#pieces").SendKeys(" ");
        Assert.That(All("#result [data-verdict]"), Has.Count.EqualTo(1), "what was said of them stays until they are tried again");

        void IsLeft(string how)
        {
            Assert.That(All("#page *, #result *, article.unit, .rules .chosen"), Is.Empty, how);
            Assert.That(Chromium.Url, Does.EndWith("#builder"), how);
        }
    }

    [Test]
    public async Task AFieldThatIsWrong_IsToldWhatIsExpected()
    {
        await Open("/lab#builder");
        WaitFor("[data-rule]");
        Chromium.Fill("frame-key", "12");
        Assert.That(Chromium.Text("made"), Is.EqualTo(
            "“12” is no masking key. It has 4 bytes, which are 8 hexadecimal digits, for example 37fa213d."));
        Assert.That(All("[aria-invalid=true]").Single().GetDomAttribute("id"), Is.EqualTo("frame-key"));
        FitsEverywhere("lab-wrong-key-en");
        One("#frame-masked").Click();
        Assert.That(Chromium.Text("made"), Is.EqualTo("81 05 48 65 6c 6c 6f"), "without a mask there is no key");
        Chromium.Fill("frame-said", "1e3");
        Assert.That(Chromium.Text("made"), Does.Contain("“1e3” is no length"));
        Chromium.Fill("frame-said", "18446744073709551616");
        Assert.That(Chromium.Text("made"), Does.Contain("64 bits"));
        Chromium.Fill("frame-said", " ");
        Chromium.Fill("frame-hex", "4");
        Assert.That(All("[aria-invalid=true]").Single().GetDomAttribute("id"), Is.EqualTo("frame-hex"));
        Chromium.Fill("frame-hex", "48");
        Assert.That(All("[aria-invalid=true], #made.rule"), Is.Empty);
        Assert.That(Chromium.Text("made"), Is.EqualTo("81 01 48"));
    }

    // One more frame than is allowed: the first 64 are shown, the one that is too many, and what is not read of it.
    [Test]
    public async Task ALongListOfFrames_IsFolded_AndUnfoldedByKeyboard()
    {
        await Open("/lab#builder;TooManyFragments");
        WaitFor("#result .units .fold");
        IWebElement fold = One("#result .fold");
        Assert.That(fold.Text, Is.EqualTo("… 54 more"));
        Assert.That(Seen(), Is.EqualTo(12));
        Assert.That(One("#result .units .chosen").GetDomAttribute("data-unit"), Is.EqualTo("64"));
        Assert.That(One("#result .units .help").Text, Is.EqualTo("not shown: 960"));
        FitsEverywhere("lab-folded-en");
        fold.SendKeys(Keys.Enter);
        Assert.That(Seen(), Is.EqualTo(66));
        Assert.That(fold.GetDomAttribute("aria-expanded"), Is.EqualTo("true"));
        Assert.That(Chromium.SwitchTo().ActiveElement().Text, Is.EqualTo("Fold again"));
        fold.SendKeys(Keys.Tab + Keys.Enter);
        Assert.That(One("#result .units .chosen").GetDomAttribute("data-unit"), Is.EqualTo("3"), "the next one is the first of them");
        fold.SendKeys(Keys.Enter);
        Assert.That(Seen(), Is.EqualTo(12));

        int Seen() => All("#result [data-unit]").Count(static unit => unit.Displayed);
    }

    // What is wrong is the Ping, and not that the message goes on.
    [Test]
    public async Task ATextThatGoesOn_AndAPingInPieces_TheRuleIsThePings()
    {
        await Open("/lab#builder");
        WaitFor("[data-rule]");
        Chromium.Fill("pieces", "01810000000048" + Keys.Enter + "098000000000");
        Chromium.Click("explain");
        WaitFor("#result [data-verdict=FragmentedControlFrame]");
        Assert.That(One("article.unit h3").Text, Does.Contain("ping"));
        Assert.That(One(".sentence .which").Text, Does.StartWith("FIN bit"));
        Assert.That(One(".sentence").Text, Does.Contain("Broken rule: FragmentedControlFrame"));
        One("#result [data-unit='0']").Click();
        Assert.That(One(".sentence .which").Text, Does.StartWith("FIN bit"));
        Assert.That(One(".sentence").Text, Does.Contain("more frames of this message follow").And.Not.Contain("Broken rule"));
    }

    private void Choose(string rule)
    {
        One($"[data-rule={rule}]").Click();
        Chromium.WaitFor(page => page.FindElement(By.CssSelector("#page h3")).Text == rule, rule);
    }
}
