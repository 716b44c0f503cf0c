// Secrets are nowhere: everything that the log (every level), the Lab, a trace, the admin port and the metrics say is searched for them.

using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Server.Console.Auth;
using RawWs.Server.Console.Lab;
using RawWs.Server.Log;
using RawWs.Tests.Support;

namespace RawWs.Tests.Auth;

public sealed class HiddenTests
{
    private const string Cookie = "session=a-cookie-that-nobody-sees", Extra = "an-api-key-that-nobody-sees";

    [Test]
    public async Task NothingShows_WhatAClientHasProved()
    {
        string path = Path.GetTempFileName();
        File.WriteAllText(path, TestTokens.Secret);
        AuthSettings settings = new() { Kind = AuthKind.Jwt, KeyFiles = [new JwtKeyFile(path, true, null)] };
        RouterApplication router = new(Introduce.None, DuplicateUid.Share);
        JwtAuthority authority = new(settings, new JwtKeys(settings.KeyFiles), TimeProvider.System);
        LabApplication application = new(new AuthApplication(router, router.AdmitAsync, authority), LabScope.All, hasRouter: true);
        File.Delete(path);
        RecordedLog log = new(LogLevel.Trace);
        StringBuilder shown = new();
        long end = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() + 1000;
        string token = TestTokens.Hs256($$"""{"sub":"alice","exp":{{end}}}"""), forged = token[..^6] + "forged";
        await using (AdminRoom room = await AdminRoom.Open(
            options => options with { LoggerFactory = log, Subprotocols = ["rawws"] }, application: application))
        {
            int port = room.Server.EndPoints[0].Port;
            await using LabClient lab = await LabClient.Open(port);
            using HttpResponseMessage trace = await room.Http.GetAsync(
                new Uri("/v1/trace?address=127.0.0.1&payload=1", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);
            using StreamReader events = new(await trace.Content.ReadAsStreamAsync());
            Assert.That(await events.ReadLineAsync(), Is.EqualTo(": observing"));
            foreach (string one in (string[])[token, forged])
            {
                string offer = $"base64url.bearer.rawws.{TestTokens.Encode(one)}", proof = $"Cookie: {Cookie}\r\nX-Api-Key: {Extra}\r\n";
                Connect(port, "/", $"Authorization: Bearer {one}\r\n{proof}");
                Connect(port, $"/?token={one}&uid=alice", proof);
                Connect(port, $"/?%74oken={one}", proof);
                Connect(port, "/", $"Sec-WebSocket-Protocol: {offer}, rawws\r\n{proof}");
                Connect(port, "/", $"Sec-WebSocket-Protocol: rawws,{offer}\r\nAuthorization: Bearer {one}\r\n");
                Connect(port, "/", $"Authorization: Bearer {one}\r\nthis is no field\r\n");
                Connect(port, "/", $"{proof}Authorization:\r\n Bearer {one}\r\n");
                Connect(port, $"/?token={one} {one}", "");
                // Where no client is told to put it, and some will.
                Connect(port, $"/?access_token={one}", "");
                Connect(port, $"/{one}", "");
                Connect(port, $"ws://alice:{one}@localhost/", "");
                Connect(port, $"/?uid={one}", $"X-Token: {one}\r\n");
                Connect(port, "/", $"Sec-WebSocket-Protocol: rawws, {one}\r\n");
                Connect(port, "/", $"Proxy-Authorization: Bearer {one}\r\nCookie: a={one}\r\n");
                foreach (string name in (string[])["User-Agent", "Origin", "Sec-WebSocket-Extensions", "X-Forwarded-Host", "Via"])
                    Connect(port, "/", $"{name}: {one}\r\n");
                Connect(port, "/", "", host: one);
                Connect(port, "/page", "", before: $"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", behind: $"Cookie: {Cookie}\r\n");
            }

            using (RawClient last = RawClient.Open(port, $"/the-last?token={token}"))
            {
                last.SendText("alice:seen");
                Assert.That(last.ReadText(), Is.EqualTo("seen"));
                foreach (string question in (string[])["/v1/connections", "/v1/uids", "/v1/server", "/metrics"])
                    shown.AppendLine(await room.Http.GetStringAsync(new Uri(question, UriKind.Relative)));
            }

            using CancellationTokenSource patience = new(TestServer.Patience);
            while (await events.ReadLineAsync(patience.Token) is { } line)
            {
                shown.AppendLine(line);
                if (!line.StartsWith("data: ", StringComparison.Ordinal)) continue;
                using JsonDocument told = JsonDocument.Parse(line[6..]);
                if (told.RootElement.TryGetProperty("bytes", out JsonElement bytes))
                    shown.AppendLine(Encoding.Latin1.GetString(bytes.GetBytesFromBase64()));
                bool hasEnded = told.RootElement.GetProperty("kind").GetString() == "Ended";
                if (hasEnded && shown.ToString().Contains("seen", StringComparison.Ordinal)) break;
            }

            await lab.Event(told => Bytes(told).Contains("/the-last", StringComparison.Ordinal));
            foreach (JsonElement told in lab.Events) shown.AppendLine(told.GetRawText()).AppendLine(Bytes(told));
        }

        foreach (LogLine line in log.All) shown.AppendLine(line.Text);
        string all = shown.ToString();
        Assert.That(all, Does.Contain("/the-last?token=***").And.Contain("/?token=***").And.Contain("uid=alice").And.Contain("Cookie: ***")
            .And.Contain("rawws_server_refusals_total").And.Contain("by rule TokenSignature"), "something was shown");
        string[] secrets =
            [.. token.Split('.'), TestTokens.Encode(token)[..40], TestTokens.Encode(forged)[^20..], "forged", Cookie[8..], Extra];
        foreach (string secret in secrets)
            Assert.That(all.Contains(secret, StringComparison.Ordinal), Is.False, secret);
    }

    [Test]
    public async Task AHeadThatIsNeverWhole_IsToldHidden_WhenItIsRefused()
    {
        FakeTimeProvider time = new();
        await using TestServer server =
            await TestServer.Start(Setup.All[0], new EchoApplication(), options => options with { TimeProvider = time });
        using RawClient client = RawClient.Connect(server.Port);
        client.Send("GET /?token=a HTTP/1.1\r\nAuthorization: secret\r\nCook");
        TestServer.Eventually(() => server.Server.Count == 1, "it has come");
        using Observation observation =
            await server.Server.ObserveAsync(new ObservationOptions { Payload = true, HidesCredentials = true });
        client.Send("ie: cookie");
        server.Pass(time, 11);
        Assert.That(client.ReadToEnd(), Does.StartWith("HTTP/1.1 408 "));
        List<ConnectionEvent> told = [];
        using CancellationTokenSource patience = new(TestServer.Patience);
        while (told.All(static one => one.Kind != ConnectionEventKind.Answered) && await observation.WaitToReadAsync(patience.Token))
            while (observation.TryRead(out ConnectionEvent? one)) told.Add(one);
        Assert.That(told[0].Kind, Is.EqualTo(ConnectionEventKind.Begun));
        Assert.That(string.Concat(told.Where(static one => one.Kind == ConnectionEventKind.Received)
            .Select(static one => Encoding.ASCII.GetString(one.Bytes.Span))),
            Is.EqualTo("GET /?token=* HTTP/1.1\r\nAuthorization: ******\r\nCookie: ******"));
    }

    [TestCase("GET /?a=b&uid=7&c HTTP/1.1\r\n", "GET /?a=*&uid=7&* HTTP/1.1\r\n")]
    [TestCase("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\n\r\n")]
    [TestCase("GET /?a=b c HTTP/1.1", "GET /?a=*** HTTP/1.1")]
    [TestCase("\r\nGET /?to", "\r\nGET /?**")]
    [TestCase("GET / HTTP/1.1\r\nauthoriZation:Basic x\r\nAuthori", "GET / HTTP/1.1\r\nauthoriZation:*******\r\n*******")]
    [TestCase("G\r\nX: a\r\n b:c\r\nhost:x", "G\r\nX: *\r\n****\r\nhost:x")]
    [TestCase("G\nSec-WebSocket-Protocol: a, BASE64url.bearer.x.y ,b", "G\nSec-WebSocket-Protocol: a, BASE64url.bearer.****,b")]
    [TestCase("GET ws://alice:secret@host:1/a@b?x=1 HTTP/1.1", "GET ws://************@host:1/a@b?x=* HTTP/1.1")]
    [TestCase("GET ws://alice@host HTTP/1.1", "GET ws://*****@host HTTP/1.1")]
    [TestCase("CONNECT alice:secret@host:1 HTTP/1.1", "CONNECT ************@host:1 HTTP/1.1")]
    [TestCase("GET ws://host:1/alice:x@y HTTP/1.1", "GET ws://host:1/alice:x@y HTTP/1.1")]
    [TestCase("GET ws://alice:secr", "GET ws://**********")]
    [TestCase("GET /a#b=c HTTP/1.1", "GET /a#b=* HTTP/1.1")]
    [TestCase("GET / HTTP/1.1\r\nHost: a:b@h\r\nOrigin: http://a:b@h", "GET / HTTP/1.1\r\nHost: ***@h\r\nOrigin: http://***@h")]
    [TestCase("GET /in/eyJhbGciOiJIUzI1NiJ9.eyJ9.x-_/y?uid=eyJhbGciOiJIUzI1NiJ9.e HTTP/1.1",
        "GET /in/*****************************/y?uid=********************** HTTP/1.1")]
    [TestCase("GET /eyJhbGciOiJIUzI1NiJ9%2eeyJ9%2E HTTP/1.1", "GET /****************************** HTTP/1.1")]
    [TestCase("G\nSec-WebSocket-Protocol: jwt, eyJhbGciOiJIUzI1NiJ9.eyJ9.x, rawws",
        "G\nSec-WebSocket-Protocol: jwt, ***************************, rawws")]
    [TestCase("G\nUser-Agent: a eyJhbGciOiJIUzI1NiJ9.eyJ9. b", "G\nUser-Agent: a ************************** b")]
    [TestCase("G\nUser-Agent: keyJar.example eyJhbGciOiJIUzI1NiJ9", "G\nUser-Agent: keyJar.example eyJhbGciOiJIUzI1NiJ9")]
    public void WhatMayBeSecret_IsWrittenOver(string head, string hidden)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(head);
        CredentialMask.Hide(bytes);
        Assert.That(Encoding.ASCII.GetString(bytes), Is.EqualTo(hidden));
    }

    // Whatever the answer is: it is read to its end.
    private static void Connect(int port, string target, string fields, string? host = null, string before = "", string behind = "")
    {
        using RawClient client = RawClient.Connect(port);
        string upgrade = RawClient.Upgrade.Replace("127.0.0.1", host ?? "127.0.0.1", StringComparison.Ordinal);
        client.Send($"{before}GET {target} HTTP/1.1\r\n{upgrade}{fields}{behind}\r\n");
        string answer = client.ReadHead();
        Assert.That(answer, Does.Not.Contain("bearer."));
    }

    private static string Bytes(JsonElement told) =>
        told.TryGetProperty("bytes", out JsonElement hex) ? Encoding.Latin1.GetString(Convert.FromHexString(hex.GetString()!)) : "";
}
