// The Lab's page: what a place in the bytes needs to be judged as it was, though it stands alone: whether compression was agreed on, and
// what came before it. And what a file has to be that is loaded as a trace.

using System.Text;
using OpenQA.Selenium;
using RawWs.Server.Console.Lab;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

public sealed class LabPlaceTests : LabBrowserTests
{
    private const string Fragments = "018100000000e4" + "898000000000" + "808200000000bda0"; // 你, cut behind its first byte, and a Ping

    private string _file = "";

    [SetUp]
    public async Task StartServer()
    {
        await Start(change: static options => options with { Compression = true });
        _file = Path.Combine(Path.GetTempPath(), $"place-{Server.Port}.json");
    }

    [TearDown]
    public void DeleteFile()
    {
        if (_file.Length > 0) File.Delete(_file); // else there was no server, and so none
    }

    [TestCase(2, "continuation")]
    [TestCase(1, "ping")]
    public async Task AFragment_IsForAFriendWhatItIsInItsMessage(int frame, string name)
    {
        await Open("/lab");
        WaitForUnits(4); // of the own connection
        string request = Convert.ToHexStringLower(LabRaw.Request("/", ""));
        await Load($$"""{"format":"rawws.lab.trace.v1","client":"{{request}}{{Fragments}}","server":""}""");
        Chromium.WaitForText("units", "ping"); // the trace of the file
        Chromium.WaitFor(page =>
        {
            page.FindElement(By.CssSelector($"#units [data-unit=\"{frame + 1}\"]")).Click(); // it is drawn anew at each event
            return true;
        }, "the frame is chosen");
        await OpenAsAFriend();
        Chromium.WaitForText("step-verdict", "No rule is broken");
        Assert.That(Chromium.FindElement(By.CssSelector(".step article h3")).Text, Does.Contain(name));
        Chromium.Click("step-back");
        Chromium.WaitFor(static page => page.FindElements(By.CssSelector(".step .byte.coming")).Count == 1, "one byte is not given");
        Chromium.WaitForText("step-verdict", "No rule is broken");
    }

    [Test]
    public async Task ACompressedFrame_IsForAFriendCompressedToo()
    {
        await Open("/lab");
        WaitForUnits(4); // Hello, and its echo
        Chromium.FindElement(By.CssSelector("#units [data-unit=\"2\"]")).Click();
        Assert.That(Chromium.FindElements(By.CssSelector("#unit .characters li")), Has.Count.EqualTo(5), "it is compressed");
        await OpenAsAFriend();
        Chromium.WaitForText("step-verdict", "No rule is broken");
        Assert.That(string.Concat(Chromium.FindElements(By.CssSelector(".step .characters li b")).Select(static one => one.Text)),
            Is.EqualTo("Hello"));
    }

    [Test]
    public async Task AFragment_IsInTheTimelineWhatItIsInItsMessage()
    {
        await Open("/lab#builder");
        Chromium.FindElement(By.Id("pieces")).SendKeys("018100000000e4" + Keys.Enter + "808200000000bda0");
        Chromium.Click("try");
        Chromium.WaitFor(static page => page.FindElements(By.CssSelector("#result [data-verdict=none]")).Count == 1, "tried");
        Chromium.Click("tab-timeline");
        Chromium.WaitFor(static page => page.FindElements(By.CssSelector("tbody button"))
            .Any(static row => row.Text.Contains("last fragment", StringComparison.Ordinal)), "the fragment");
        Chromium.FindElements(By.CssSelector("tbody button"))
            .First(static row => row.Text.Contains("last fragment", StringComparison.Ordinal)).Click();
        Chromium.WaitFor(static page => page.FindElements(By.CssSelector("article.unit")).Count == 1, "the frame is explained");
        Assert.That(Chromium.FindElement(By.CssSelector("article.unit h3")).Text, Does.Contain("continuation"));
        Assert.That(Chromium.FindElements(By.CssSelector(".note.broken")), Is.Empty);
    }

    [Test]
    public async Task Back_LeadsToThePlaceBefore()
    {
        await Open("/lab#builder;1002");
        WaitFor("[data-rule='1002'].chosen");
        One("[data-rule='1007']").Click();
        Chromium.WaitForText("page", "1007");
        Chromium.Click("add-frame"); // what it says of 1007 goes
        Chromium.Click("tab-exercises");
        WaitFor("[data-task=accept]");
        foreach (string task in new[] { "accept", "hi" }) One($"[data-task={task}]").Click();
        await Chromium.Navigate().BackAsync();
        WaitFor("[data-task=accept][aria-expanded=true]");
        await Chromium.Navigate().BackAsync();
        await Chromium.Navigate().BackAsync();
        WaitFor("#tab-builder[aria-selected=true]");
        await Chromium.Navigate().BackAsync();
        Chromium.WaitFor(_ => One("#page h3").Text == "1002" && IsSeen("#page h3"), "1002 is seen");
        Assert.That(Chromium.Url, Does.EndWith("#builder;1002"));
        Assert.That(One(".rules .chosen").GetDomAttribute("data-rule"), Is.EqualTo("1002"));
        Chromium.ExecuteScript("location.hash = '#own'");
        WaitFor("#tab-own[aria-selected=true]");
        await Chromium.Navigate().BackAsync();
        Chromium.WaitFor(_ => IsSeen("#page h3"), "1002 is seen, though it was chosen already");
    }

    [Test]
    public async Task AFieldOfTheOwnConnection_HasAnAddressInItsView()
    {
        await Open("/lab");
        WaitForUnits(4);
        One("#units [data-unit='2']").Click();
        One("#unit .note[data-note='4']").Click();
        string address = Chromium.Url;
        Assert.That(address, Does.Contain("#own;"));
        One("#units [data-unit='0']").Click();
        Chromium.Click("tab-timeline");
        Chromium.ExecuteScript("location.href = arguments[0]", address);
        WaitFor("#tab-own[aria-selected=true]");
        Assert.That(One("#units .chosen").GetDomAttribute("data-unit"), Is.EqualTo("2"));
        Assert.That(One("#unit .note[aria-current]").GetDomAttribute("data-note"), Is.EqualTo("4"));
        await OpenAsAFriend();
        WaitFor("#tab-step[aria-selected=true]");
        Assert.That(Chromium.Url, Does.Contain("#step;"));
    }

    [Test]
    public async Task APlaceThatIsNotThere_IsSaid()
    {
        foreach (string place in new[] { "#step;zz", "#nowhere", "#own;nothing", "#exercises;nothing", "#room;x", "#timeline;1;2" })
        {
            await Chromium.Navigate().GoToUrlAsync("about:blank");
            await Open($"/lab{place}");
            Assert.That(Chromium.Text("missing"), Does.Contain($"“{place}”"));
        }

        FitsEverywhere("lab-missing-en");
        Chromium.Click("tab-room");
        Assert.That(Chromium.Text("missing"), Is.Empty);
        Chromium.ExecuteScript("location.hash = '#own;nothing'");
        Chromium.WaitForText("missing", "#own;nothing");
        Chromium.ExecuteScript("location.hash = '#own;limits'");
        WaitFor("#limits[open]");
        Assert.That(Chromium.Text("missing"), Is.Empty);
    }

    // What the browser says of it is in no language of ours, and says nothing of what is expected.
    [TestCase("{\"format\":", "not JSON")]
    [TestCase("[1,2]", "\"format\"")]
    [TestCase("{\"format\":\"another\"}", "\"format\"")]
    [TestCase("{\"format\":\"rawws.lab.trace.v1\",\"client\":\"474\",\"server\":\"\"}", "\"client\", character 3")]
    [TestCase("{\"format\":\"rawws.lab.trace.v1\",\"client\":\"4745\",\"server\":\"81zz\"}", "\"server\", character 3")]
    [TestCase("{\"format\":\"rawws.lab.trace.v1\",\"client\":\"4745\"}", "\"server\"")]
    public async Task AFileThatIsNoTrace_IsToldWhatIsExpected_AndWhereItIsWrong(string content, string place)
    {
        await Open("/lab");
        await Load(content);
        Chromium.WaitForText("state", place);
        Assert.That(Chromium.Text("state"),
            Does.Contain(Path.GetFileName(_file)).And.Contain("rawws.lab.trace.v1").And.Not.Contain("Unexpected"));
        Chromium.Click("language");
        await Load(content);
        Chromium.WaitForText("state", "轨迹");
        Chromium.Click("language");
    }

    private async Task Load(string content)
    {
        await File.WriteAllTextAsync(_file, content, Encoding.UTF8);
        Chromium.FindElement(By.Id("load")).SendKeys(_file);
    }

    // In a tab of his own, by the address alone.
    private async Task OpenAsAFriend()
    {
        string address = Chromium.Url;
        Chromium.SwitchTo().NewWindow(WindowType.Tab);
        await Chromium.Navigate().GoToUrlAsync(address);
        Chromium.WaitForText("state", "Running");
    }
}
