// A back-end decides about clients: what it is asked, what its answers do, and that nobody is let in when it is slow, down or wrong.

using System.Text;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Server.Console.Auth;
using RawWs.Tests.Support;

namespace RawWs.Tests.Auth;

public sealed class AuthUrlTests
{
    [Test]
    public async Task TheBackend_IsAskedWithWhatTheClientHas_AndNamesTheUid()
    {
        using TestBackend backend = new(static _ => TestBackend.Answer("200 OK", """{"uid":"alice","to":["bob"]}"""));
        await using AuthRoom room = await Open(backend.Url);
        using RawClient alice = room.Ask("Cookie: session=7\r\nAuthorization: Basic YTpi\r\nX-Forwarded-For: 6.6.6.6\r\n"
            + "Forwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\nX-Extra: 7\r\n", "/chat?uid=mallory&token=t");
        Assert.That(alice.ReadHead(), Does.StartWith("HTTP/1.1 101 "));
        string head = backend.Heads.Single();
        Assert.That(head, Does.StartWith("GET /auth HTTP/1.1\r\n").And.Contain("\r\nCookie: session=7\r\n")
            .And.Contain("\r\nAuthorization: Basic YTpi\r\n").And.Contain("\r\nX-Forwarded-For: 127.0.0.1\r\n")
            .And.Contain("\r\nX-Forwarded-Host: 127.0.0.1\r\n").And.Contain("\r\nX-Forwarded-Uri: /chat?uid=mallory&token=t\r\n")
            .And.Contain("\r\nX-Extra: 7\r\n"));
        Assert.That(head, Does.Not.Contain("6.6.6.6").And.Not.Contain("Sec-WebSocket").And.Not.Contain("Upgrade"));
        alice.SendText("alice:to myself");
        Assert.That(alice.ReadText(), Is.EqualTo("error:forbidden:alice"));
        alice.SendText("bob:hello");
        Assert.That(alice.ReadText(), Is.EqualTo("error:offline:bob"));
    }

    [Test]
    public async Task AnAnswer_MayHaveAnEnd()
    {
        DateTimeOffset end = default;
        using TestBackend backend = new(_ => TestBackend.Answer("200 OK", $$"""{"uid":7,"exp":{{end.ToUnixTimeSeconds()}}.5}"""));
        await using AuthRoom room = await Open(backend.Url);
        end = room.Time.GetUtcNow().AddSeconds(100);
        using RawClient seven = room.Ask("");
        Assert.That(seven.ReadHead(), Does.StartWith("HTTP/1.1 101 "));
        TestServer.Eventually(() => room.Server.Directory.Find("7").Length == 1, "it is there");
        room.Time.Advance(TimeSpan.FromSeconds(99));
        Assert.That(seven.ReadText(), Is.EqualTo("error:token-expires:2"));
        room.Time.Advance(TimeSpan.FromSeconds(2));
        Assert.That(seven.ReadClose(answer: true).Code, Is.EqualTo(ServerCloseCodes.TokenExpired));
    }

    private static IEnumerable<TestCaseData> Answers()
    {
        yield return Case("401", 401, AuthRule.BackendRefused, TestBackend.Answer("401 Unauthorized", "you are nobody"));
        yield return Case("403", 403, AuthRule.BackendRefused, TestBackend.Answer("403 Forbidden", "not you"));
        yield return Case("404", 503, AuthRule.BackendAnswer, TestBackend.Answer("404 Not Found", ""));
        yield return Case("500", 503, AuthRule.BackendAnswer, TestBackend.Answer("500 Internal Server Error", "secret trace"));
        yield return Case("no uid", 503, AuthRule.BackendAnswer, TestBackend.Answer("200 OK", "{}"));
        yield return Case("a uid that is none", 503, AuthRule.BackendAnswer, TestBackend.Answer("200 OK", """{"uid":"all"}"""));
        yield return Case("a uid twice", 503, AuthRule.BackendAnswer, TestBackend.Answer("200 OK", """{"uid":"a","uid":"b"}"""));
        yield return Case("a list", 503, AuthRule.BackendAnswer, TestBackend.Answer("200 OK", """["a"]"""));
        yield return Case("no JSON", 503, AuthRule.BackendAnswer, TestBackend.Answer("200 OK", "alice"));
        yield return Case("another success", 503, AuthRule.BackendAnswer, TestBackend.Answer("201 Created", """{"uid":"a"}"""));
        yield return Case("an end that has passed", 503, AuthRule.BackendAnswer,
            TestBackend.Answer("200 OK", """{"uid":"a","exp":1795953599}""")); // 2026-11-29 11:59:59
        yield return Case("an end that is now", 503, AuthRule.BackendAnswer,
            TestBackend.Answer("200 OK", """{"uid":"a","exp":1795953600}"""));
        yield return Case("nothing", 503, AuthRule.BackendAnswer, TestBackend.Answer("204 No Content", ""));
        yield return Case("a huge body", 503, AuthRule.BackendAnswer,
            TestBackend.Answer("200 OK", $$"""{"uid":"a","x":"{{new string('x', UrlAuthority.AnswerBytesMax)}}"}"""));
        yield return Case("a huge head", 503, AuthRule.BackendDown,
            TestBackend.Answer("200 OK", "{}", $"X: {new string('x', 40_000)}\r\n"));
        yield return Case("no HTTP", 503, AuthRule.BackendDown, Encoding.ASCII.GetBytes("hello\r\n\r\n"));

        static TestCaseData Case(string what, int status, AuthRule rule, byte[] answer) =>
            new TestCaseData(status, rule, answer).SetArgDisplayNames(what);
    }

    [TestCaseSource(nameof(Answers))]
    public async Task AnyOtherAnswer_LetsNobodyIn(int status, object rule, byte[] answer)
    {
        using TestBackend backend = new(_ => answer);
        await using AuthRoom room = await Open(backend.Url);
        string told = room.Refused("Cookie: session=7\r\n");
        Assert.That(told, Does.StartWith($"HTTP/1.1 {status} "));
        Assert.That(told, status == 503 ? Does.Contain("\r\nRetry-After: ") : Does.Not.Contain("nobody").And.Not.Contain("not you"));
        Assert.That(room.Log.WaitFor($" answered {status} by rule {rule} "), Does.Not.Contain("secret").And.Not.Contain("session"));
        Assert.That(room.Server.Directory.UidCount, Is.Zero);
    }

    [Test]
    public async Task ARedirect_IsNotFollowed()
    {
        using TestBackend elsewhere = new(static _ => TestBackend.Answer("200 OK", """{"uid":"alice"}"""));
        using TestBackend backend = new(_ => TestBackend.Answer("302 Found", "", $"Location: {elsewhere.Url}\r\n"));
        await using AuthRoom room = await Open(backend.Url);
        Assert.That(room.Refused("Cookie: session=7\r\n"), Does.StartWith("HTTP/1.1 503 "));
        room.Log.WaitFor("by rule BackendAnswer", "has answered 302");
        Assert.That(elsewhere.Heads, Is.Empty);
    }

    [Test]
    public async Task ASlowBackend_LetsNobodyIn_AndHoldsUpNobodyElse()
    {
        using TestBackend backend = new(static head => head.Contains("slow", StringComparison.Ordinal)
            ? null
            : TestBackend.Answer("200 OK", """{"uid":"alice"}"""));
        await using AuthRoom room = await Open(backend.Url, requestsMax: 2);
        using RawClient one = room.Ask("Cookie: slow\r\n"), two = room.Ask("Cookie: slow\r\n");
        TestServer.Eventually(() => backend.Heads.Count == 2, "both are asked about");
        using RawClient three = room.Ask("Cookie: quick\r\n");
        room.Pass(0.2); // the loop goes on
        Assert.That(backend.Heads, Has.Count.EqualTo(2), "two at once");
        room.Time.Advance(TimeSpan.FromSeconds(2.8));
        foreach (RawClient client in (RawClient[])[one, two]) Assert.That(client.ReadToEnd(), Does.StartWith("HTTP/1.1 503 "));
        room.Log.WaitFor("by rule BackendSlow", "has not answered within 3 s");
    }

    [Test]
    public async Task ABodyWithoutEnd_IsGivenUp()
    {
        using TestBackend backend = new(static _ =>
            Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"));
        await using AuthRoom room = await Open(backend.Url);
        using RawClient client = room.Ask("");
        TestServer.Eventually(() => backend.Heads.Count == 1, "it is asked about");
        room.Time.Advance(TimeSpan.FromSeconds(3));
        Assert.That(client.ReadToEnd(), Does.StartWith("HTTP/1.1 503 "));
        room.Log.WaitFor("by rule BackendSlow");
    }

    [Test]
    public async Task ABackendThatIsDown_LetsNobodyIn()
    {
        TestBackend backend = new(static _ => null);
        Uri url = backend.Url;
        backend.Dispose();
        await using AuthRoom room = await Open(url);
        Assert.That(room.Refused(""), Does.StartWith("HTTP/1.1 503 "));
        room.Log.WaitFor("by rule BackendDown", "ConnectionError");
    }

    [Test]
    public async Task AnAnswerThatHasEnded_IsTold()
    {
        using TestBackend backend = new(static _ => TestBackend.Answer("200 OK", """{"uid":"a","exp":1795953590.5}"""));
        await using AuthRoom room = await Open(backend.Url);
        Assert.That(room.Refused(""), Does.StartWith("HTTP/1.1 503 "));
        room.Log.WaitFor("by rule BackendAnswer", "the back-end's answer cannot be used: its end (", ") was 10 s ago");
    }

    // At the stop the authority ends, and some are still asked about, wait for room, or come.
    [Test]
    public async Task WhenItHasEnded_NobodyIsLetIn_AndNothingThrows()
    {
        UrlAuthority? authority = null;
        using TestBackend backend = new(static _ => null);
        await using AuthRoom room = await AuthRoom.Open(
            time => authority = new UrlAuthority(new AuthSettings { Url = backend.Url, UrlRequestsMax = 1 }, time));
        using RawClient asked = room.Ask(""), waiting = room.Ask("");
        TestServer.Eventually(() => backend.Heads.Count == 1, "one is asked about");
        authority!.Dispose();
        using RawClient late = room.Ask("");
        foreach (RawClient client in (RawClient[])[asked, waiting, late]) Assert.That(client.ReadToEnd(), Does.StartWith("HTTP/1.1 503 "));
        TestServer.Eventually(
            () => room.Log.All.Count(static line => line.Text.Contains("by rule BackendDown: the server stops, and nobody is asked")) == 3,
            "the log says why");
        authority.Dispose(); // for the second time
    }

    [Test]
    [Platform("Linux")]
    public async Task AClientOfASocketFile_HasNoAddress_AndNoneIsMadeUp()
    {
        string folder = Directory.CreateTempSubdirectory("rawws-auth").FullName;
        try
        {
            using TestBackend backend = new(static _ => TestBackend.Answer("200 OK", """{"uid":"alice"}"""));
            string path = Path.Combine(folder, "a.sock");
            using UrlAuthority authority = new(new AuthSettings { Url = backend.Url }, TimeProvider.System);
            RouterApplication router = new(Introduce.None, DuplicateUid.Share);
            await using WebSocketServer server = new(new ServerOptions { ListenEndPoints = [], Listeners = [new ListenAddress(path)] },
                new AuthApplication(router, router.AdmitAsync, authority));
            await server.StartAsync();
            using RawClient client = RawClient.Connect(path);
            client.Send($"GET / HTTP/1.1\r\n{RawClient.Upgrade}\r\n");
            Assert.That(client.ReadHead(), Does.StartWith("HTTP/1.1 101 "));
            Assert.That(backend.Heads.Single(), Does.Contain("\r\nX-Forwarded-For: unknown\r\n").And.Not.Contain("0.0.0.0"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [TestCase("http://127.0.0.1:8080/auth", true)]
    [TestCase("https://id.example/auth?for=chat", true)]
    [TestCase("http://user:secret@127.0.0.1/", false)]
    [TestCase("http://127.0.0.1/#x", false)]
    [TestCase("/auth", false)]
    [TestCase("file:///etc/passwd", false)]
    [TestCase("ws://127.0.0.1/", false)]
    public void AnAddress_IsOfHttp_AndHasNoPassword(string text, bool good) =>
        Assert.That(AuthSettings.TryUrl(text, out _), Is.EqualTo(good));

    private static Task<AuthRoom> Open(Uri url, int requestsMax = 64) =>
        AuthRoom.Open(time => new UrlAuthority(new AuthSettings { Url = url, UrlRequestsMax = requestsMax }, time));
}
