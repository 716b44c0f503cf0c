// The first minute on the demo page, in Chromium: who one is, what comes and goes, what is wrong, and how long there is to say something.
// And the server's part of it: a refusal that a browser can read.

using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text;
using OpenQA.Selenium;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Server.Console.Pages;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

public sealed class DemoPageTests : BrowserTests
{
    [Test]
    public async Task EachTab_HasAUidOfItsOwn_AndAnEmptyListSaysWhatWillBeThere()
    {
        await using TestServer server = await Start();
        for (int i = 0; i < 2; i++)
        {
            if (i > 0) Chromium.SwitchTo().NewWindow(WindowType.Tab);
            await Chromium.GoTo(server.Port);
            Chromium.WaitFor(_ => Value("uid") == $"10{i}", "a uid");
            Assert.That(Chromium.Text("messages"), Does.Contain("will stand here"));
            Chromium.Click("connect");
            Chromium.WaitForText("state", "1 OPEN");
        }

        Chromium.SendTo("100", "hello");
        Chromium.WaitForText("messages", "→ sent");
        Chromium.SwitchTo().Window(Chromium.WindowHandles[1]);
        Chromium.WaitForText("messages", "← received");
        Assert.That(Chromium.Text("messages"), Does.Contain("hello").And.Not.Contain("will stand here"));
    }

    [Test]
    public async Task WhereAUidIsRefused_ThePageHasTheServersSentence()
    {
        await using TestServer server = await Start(Introduce.Query, DuplicateUid.Reject);
        using RawClient holder = RawClient.Open(server.Port, "/?uid=taken");
        await Chromium.GoTo(server.Port);
        foreach ((string uid, string sentence) in new[]
        {
            ("taken", "This uid is taken."), ("all", "This uid is reserved."), ("a:b", "A uid is 1 to 64 bytes of UTF-8"),
        })
        {
            Chromium.Fill("uid", uid);
            Chromium.Click("connect");
            Chromium.WaitForText("problem", sentence);
            Assert.That(Chromium.Text("messages"), Does.Contain("⚠ error").And.Contain(sentence));
        }

        Chromium.Click("language");
        Chromium.Click("connect");
        Chromium.WaitForText("problem", "uid 是 1 到 64 字节");
        Chromium.Click("language");
    }

    // Else "all" would be somebody, and a message to all would be for him or for everybody.
    [Test]
    public async Task AUidNamedAll_IsRefused_BeforeAnythingIsSent()
    {
        await using TestServer server = await Start();
        await Chromium.GoTo(server.Port);
        Chromium.Fill("uid", "all");
        Assert.That(Chromium.Text("problem"), Does.StartWith("This uid is reserved.").And.Contain("everybody"));
        Chromium.Click("connect");
        Assert.That(Chromium.Text("state"), Is.EqualTo("3 CLOSED"));
        Assert.That(Chromium.Text("messages"), Does.Contain("This uid is reserved.").And.Not.Contain("the connection failed"));
        Chromium.Fill("uid", "alle");
        Assert.That(Chromium.Text("problem"), Is.Empty);
        Chromium.Click("connect");
        Chromium.WaitForText("state", "1 OPEN");
    }

    [Test]
    public async Task TheTutorialsWay_SaysWhichTutorial_AndAnErrorIsExplained()
    {
        await using TestServer server = await Start();
        await Chromium.GoTo(server.Port);
        Assert.That(Chromium.Text("which"), Does.Contain("websocket(示例php实现)").And.Contain("100:haha"));
        Chromium.Click("tutorial");
        Chromium.WaitForText("messages", "← received");
        Chromium.Fill("to", "nobody");
        Chromium.Click("send");
        Chromium.WaitForText("messages", "error:offline:nobody");
        Assert.That(Chromium.Text("messages"), Does.Contain("⚠ error").And.Contain("nobody of this uid is connected"));
        Chromium.Fill("to", "a:b");
        Assert.That(Chromium.Text("toproblem"), Does.Contain("send to “a”"));
        int rows = Chromium.FindElements(By.CssSelector("#messages li")).Count;
        Chromium.Click("send");
        Assert.That(Chromium.FindElements(By.CssSelector("#messages li")), Has.Count.EqualTo(rows), "nothing is sent");
        Chromium.Fill("to", "all");
        Assert.That(Chromium.Text("toproblem"), Is.Empty);
    }

    [Test]
    public async Task ALongMessage_IsCut_AndUnfolded()
    {
        await using TestServer server = await Start();
        await Chromium.GoTo(server.Port);
        Chromium.Click("tutorial");
        Chromium.WaitForText("messages", "← received");
        Chromium.Fill("to", "100");
        Chromium.ExecuteScript("document.getElementById('text').value = 'x'.repeat(399) + '😀'.repeat(300)");
        Chromium.Click("send");
        Chromium.WaitFor(static page => page.FindElements(By.CssSelector("#messages .received .more")).Count == 1, "a button");
        IWebElement text = Chromium.FindElement(By.CssSelector("#messages .received .text span"));
        Assert.That(text.Text, Is.EqualTo(new string('x', 399) + " …"));
        IWebElement more = Chromium.FindElement(By.CssSelector("#messages .received .more"));
        Assert.That((more.Text, more.GetAttribute("aria-expanded")), Is.EqualTo(("more (999 characters)", "false")));
        more.Click();
        Assert.That(text.Text, Does.EndWith("😀"));
        Assert.That((more.Text, more.GetAttribute("aria-expanded")), Is.EqualTo(("less", "true")));
    }

    [Test]
    public async Task TheHeartbeat_IsCountedDown_AndKeepAliveSpeaksInTime()
    {
        ConcurrentQueue<string> received = new();
        TimeSpan heartbeat = TimeSpan.FromSeconds(2); // the page's; the server has none here, and waits
        await using TestServer server = await TestServer.Start(
            Setup.All[0],
            new ProtocolOverTcpTests.Handler((_, _, message) =>
            {
                received.Enqueue(Encoding.UTF8.GetString(message.Span));
                return ValueTask.CompletedTask;
            }),
            options => options with { Pages = [DemoPage.Load(heartbeat, hasLab: false)] });
        await Chromium.GoTo(server.Port);
        Assert.That(Chromium.FindElement(By.Id("lab")).Displayed, Is.False);
        Assert.That(Chromium.FindElement(By.Id("beat")).Displayed, Is.False, "nothing to count down yet");
        Chromium.Click("connect");
        Chromium.WaitForText("lefttext", "s until the server closes");
        Chromium.Click("keepalive");
        TestServer.Eventually(() => received.Contains("ping"), "a sign of life");
    }

    [Test]
    public async Task ThePage_FitsBothWidths_LightAndDark_InBothLanguages_WithoutBarriers()
    {
        await using TestServer server = await Start();
        await Chromium.GoTo(server.Port);
        Chromium.Click("tutorial");
        Chromium.WaitForText("messages", "← received");
        Chromium.Fill("to", "nobody");
        Chromium.Click("send");
        Chromium.WaitForText("messages", "error:offline");
        Chromium.Fill("to", "a:b");
        foreach (string language in new[] { "en", "zh" })
        {
            FitsEverywhere($"demo-{language}");
            Chromium.Click("language");
        }

        Assert.That(Chromium.Text("lab"), Is.EqualTo("The Lab: see each byte"), "English again");
        Assert.That(Chromium.Complaints(), Is.Empty);
    }

    // What the page asks, asked by a client that can read both answers.
    [TestCase("taken", WebSocketCloseStatus.PolicyViolation, "This uid is taken.")]
    [TestCase("free", WebSocketCloseStatus.NormalClosure, "")]
    public async Task WhoeverAsksWhy_IsToldInAClose_AndHasNoUid(string uid, WebSocketCloseStatus code, string reason)
    {
        await using TestServer server = await Start(Introduce.Query, DuplicateUid.Reject);
        using RawClient holder = RawClient.Open(server.Port, "/?uid=taken");
        Assert.That(await AskWhy(server.Port, uid), Is.EqualTo((code, reason)));
        Assert.That(server.Server.Directory.GetUids().Select(static one => Encoding.UTF8.GetString(one.Span)), Is.EqualTo(["taken"]));
    }

    // The page has the sentence in Chinese too.
    [Test]
    public async Task WhileItIsNotKnownWhetherAUidIsTaken_WhoeverAsksWhyIsTold()
    {
        const string Sentence =
            "It cannot be found out now whether this uid is taken: the backplane (NATS) does not answer; try again later.";
        RouterApplication router = new(Introduce.Query, DuplicateUid.Replace) { Claims = new NobodyKnows() };
        await using TestServer server = await TestServer.Start(Setup.All[0], new ReadableRefusals(router));
        using RawClient refused = RawClient.Connect(server.Port);
        refused.Send($"GET /?uid=ann HTTP/1.1\r\n{RawClient.Upgrade}\r\n");
        Assert.That(refused.ReadHead(), Does.StartWith("HTTP/1.1 503 ").And.Contain("\r\nRetry-After: "));
        Assert.That(await AskWhy(server.Port, "ann"), Is.EqualTo((WebSocketCloseStatus.PolicyViolation, Sentence)));
        Assert.That(Repository.Read("Server/Console/Pages/index.html"), Does.Contain($"'{Sentence}':"));
    }

    private static async Task<(WebSocketCloseStatus? Code, string? Reason)> AskWhy(int port, string uid)
    {
        using ClientWebSocket asking = new();
        using CancellationTokenSource patience = new(TestServer.Patience);
        asking.Options.AddSubProtocol(ReadableRefusals.Subprotocol);
        await asking.ConnectAsync(new Uri($"ws://127.0.0.1:{port}/?uid={uid}"), patience.Token);
        WebSocketReceiveResult told = await asking.ReceiveAsync(new byte[10], patience.Token);
        return (told.CloseStatus, told.CloseStatusDescription);
    }

    private static Task<TestServer> Start(
        Introduce introduce = Introduce.FirstMessage, DuplicateUid duplicates = DuplicateUid.Share) => TestServer.Start(
            Setup.All[0], new ReadableRefusals(new RouterApplication(introduce, duplicates)),
            static options => options with { Pages = [DemoPage.Load()] });

    private string? Value(string id) => Chromium.FindElement(By.Id(id)).GetAttribute("value");

    private sealed class NobodyKnows : IUidClaims
    {
        public ValueTask<UidClaim> ClaimAsync(ReadOnlyMemory<byte> uid, DuplicateUid duplicates) => new(UidClaim.Unreachable);

        public ValueTask<UidClaim> LookAsync(ReadOnlyMemory<byte> uid, DuplicateUid duplicates) => new(UidClaim.Unreachable);
    }
}
