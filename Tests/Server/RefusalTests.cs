// What a refused request is told, and what the log says about it: the date, the origin and the host that were named, and what would let it
// in.

using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Server.Console.Log;
using RawWs.Server.Console.Pages;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixtureSource(typeof(Setup), nameof(Setup.All))]
public sealed class RefusalTests(Setup setup)
{
    // RFC 9110 §6.6.1: an origin server with a clock says the date in every answer but 1xx and 5xx, where it may.
    [TestCase("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 200)]
    [TestCase("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", 200)]
    [TestCase("GET /\r\n", 400)]
    [TestCase("POST / HTTP/1.1\r\nHost: a\r\n\r\n", 405)]
    [TestCase("GET /x HTTP/1.1\r\nHost: a\r\n\r\n", 426)]
    [TestCase("GET /?uid=all HTTP/1.1\r\n" + RawClient.Upgrade + "\r\n", 400)]
    public async Task Rfc9110_6_6_1_AnAnswer_SaysTheDate(string request, int status)
    {
        FakeTimeProvider time = new(new DateTimeOffset(1994, 11, 6, 8, 49, 37, 900, TimeSpan.Zero));
        await using TestServer server =
            await TestServer.Start(setup, NewRouter(), options => options with { Pages = [DemoPage.Load()], TimeProvider = time });
        Assert.That(Ask(server, request), Does.StartWith($"HTTP/1.1 {status} ").And.Contain("\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
        time.Advance(TimeSpan.FromMilliseconds(100));
        Assert.That(Ask(server, request), Does.Contain("\r\nDate: Sun, 06 Nov 1994 08:49:38 GMT\r\n"));
    }

    [Test]
    public async Task TheSwitch_HasNoDate()
    {
        await using TestServer server = await TestServer.Start(setup, NewRouter());
        using RawClient client = RawClient.Connect(server.Port);
        client.Send($"GET / HTTP/1.1\r\n{RawClient.Upgrade}\r\n");
        Assert.That(client.ReadHead(), Does.StartWith("HTTP/1.1 101 ").And.Not.Contain("Date:"));
    }

    [Test]
    public async Task ARequestThatDoesNotCome_IsAnsweredWithADateToo()
    {
        FakeTimeProvider time = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
        await using TestServer server = await TestServer.Start(setup, NewRouter(), options => options with { TimeProvider = time });
        using RawClient client = RawClient.Connect(server.Port);
        client.Send("GET /");
        TestServer.Eventually(() => server.Server.Count == 1, "accepted");
        server.CatchUp();
        for (int i = 0; i < 14; i++)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            server.CatchUp();
        }

        Assert.That(client.ReadToEnd(), Does.StartWith("HTTP/1.1 408 ").And.Match("\r\nDate: Fri, 02 Jan 2026 03:04:1[5-9] GMT\r\n"));
    }

    // What has been judged of it is remembered while it comes, and forgotten with the upgrade.
    [TestCase("", 101)]
    [TestCase("Origin: https://example.com\r\n", 403)]
    [TestCase("A: b\u0001", 400)]
    public async Task AHeadThatComesByteByByte_IsAnsweredAsAWhole(string fields, int status)
    {
        await using TestServer server =
            await TestServer.Start(setup, new EchoApplication(), static options => options with { Compression = true });
        using (RawClient client = RawClient.Connect(server.Port))
        {
            byte[] head = Encoding.ASCII.GetBytes(
                $"GET / HTTP/1.1\r\n{RawClient.Upgrade}Sec-WebSocket-Extensions: "
                + $"permessage-deflate\r\n{fields}{(status == 400 ? "" : "\r\n")}");
            foreach (byte b in head) client.Send([b]);
            Assert.That(client.ReadHead(), Does.StartWith($"HTTP/1.1 {status} "));
            if (status == 101)
            {
                client.SendText("whole");
                Assert.That(client.ReadText(), Is.EqualTo("whole"));
                server.HoldsNothing(connections: 1);
            }
        }

        server.HoldsNothing();
    }

    [TestCase("https://page.example", "chat.example:81", "--allowed-origin https://page.example")]
    [TestCase("https://page.example:444", "127.0.0.1", "--allowed-origin https://page.example:444")]
    [TestCase("https://chat.example", "chat.example", "--allowed-host chat.example")]
    [TestCase("http://chat.example:8080", "Chat.Example:81", "--allowed-host chat.example")]
    [TestCase("ionic://localhost", "127.0.0.1", "--allowed-origin ionic://localhost")]
    [TestCase("null", "chat.example", "--allowed-origin null")]
    [TestCase("file://", "chat.example", "--allowed-origin file://")]
    public async Task A403_SaysWhatWouldLetItIn_InTheAnswerAndInTheLog(string origin, string host, string setting)
    {
        (string answer, string log) = await Refuse(origin, host);
        Assert.That(answer, Does.StartWith("HTTP/1.1 403 ").And.Contain("\r\nContent-Type: text/plain; charset=utf-8\r\n").And.Contain(
            "\r\nX-Content-Type-Options: nosniff\r\n"));
        string body = answer[(answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..];
        Assert.That(body, Does.Contain(setting).And.Contain($"Origin: {origin}\n").And.Contain($"Host: {host}"));
        Assert.That(log, Does.Contain("answered 403 by rule OriginNotAllowed").And.Contain(setting).And.Contain(
            $"Origin: {origin}").And.Contain($"Host: {host}"));
    }

    // What no setting can name is named by none; and whatever stands there, a line stays a line, and a short one.
    [TestCase("https://evil.example/<script>alert(1)</script>")]
    [TestCase("https://evil.example, Host: x; --allowed-origin *")]
    [TestCase("https://\u0085\u2028evil \u009b31m")]
    [TestCase("https://\u00e9vil.example")]
    [TestCase("long")]
    public async Task A403_EscapesWhatStrangersWrite_AndBoundsIt(string origin)
    {
        if (origin == "long") origin = "https://" + new string('\u0085', 4000) + ".example";
        (string answer, string log) = await Refuse(origin, "chat.example");
        string body = answer[(answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..];
        Assert.That(answer, Does.StartWith("HTTP/1.1 403 "));
        Assert.That(body, Has.Length.LessThan(1000).And.Not.Contain("--allowed-origin https"));
        Assert.That(body.TrimEnd('\n')
            .Where(static c => c != '\n'), Has.None.Matches<char>(static c => char.IsControl(c) || c is '\u2028'));
        Assert.That(log.Split('\n').Single(static line => line.Contains(" 403 ", StringComparison.Ordinal)), Has.Length.LessThan(1000));
        Assert.That(log, Has.None.Matches<char>(static c => c != '\n' && (char.IsControl(c) || c is '\u2028')));
    }

    // Behind a TLS proxy the address is loopback and the world is outside: a sandboxed frame of any site has the origin "null".
    [TestCase("null", "", "", true)]
    [TestCase("file://", "", "", true)]
    [TestCase("null", "chat.example", "", false)]
    [TestCase("file://", "chat.example", "", false)]
    [TestCase("null", "", "https://page.example", false)]
    [TestCase("file://", "", "https://page.example", false)]
    [TestCase("null", "chat.example", "null", true)]
    [TestCase("file://", "chat.example", "file://", true)]
    public async Task APageWithoutAHost_IsLetIn_WhileTheServerIsThisMachinesOnly(string origin, string host, string named, bool expected)
    {
        await using TestServer server = await TestServer.Start(setup, NewRouter(), options => options with
        {
            AllowedHosts = host.Length == 0 ? [] : [host],
            AllowedOrigins = named.Length == 0 ? [] : [named],
        });
        using RawClient client = RawClient.Connect(server.Port);
        client.Send($"GET / HTTP/1.1\r\n{RawClient.Upgrade}Origin: {origin}\r\n\r\n");
        Assert.That(client.ReadHead(), Does.StartWith(expected ? "HTTP/1.1 101 " : "HTTP/1.1 403 "));
    }

    private static RouterApplication NewRouter() => new(Introduce.Query, DuplicateUid.Share);

    private static string Ask(TestServer server, string request)
    {
        using RawClient client = RawClient.Connect(server.Port);
        client.Send(request);
        return client.ReadToEnd();
    }

    private async Task<(string Answer, string Log)> Refuse(string origin, string host)
    {
        using MemoryStream output = new();
        string answer;
        using (ConsoleLog console = new(output, new FakeTimeProvider(DateTimeOffset.UnixEpoch)))
        {
            using ILoggerFactory log = LoggerFactory.Create(builder => builder.AddProvider(console));
            await using TestServer server = await TestServer.Start(
                setup, NewRouter(), options => options with { LoggerFactory = log, AllowedHosts = ["other.example"] });
            using (RawClient client = RawClient.Connect(server.Port))
            {
                string upgrade = RawClient.Upgrade.Replace("Host: 127.0.0.1", $"Host: {host}", StringComparison.Ordinal);
                client.Send(Encoding.Latin1.GetBytes($"GET / HTTP/1.1\r\n{upgrade}Origin: {origin}\r\n\r\n"));
                answer = client.ReadToEnd();
            }

            TestServer.Eventually(() => server.Server.Count == 0, "it has ended");
        }

        return (answer, Encoding.UTF8.GetString(output.ToArray()));
    }
}
