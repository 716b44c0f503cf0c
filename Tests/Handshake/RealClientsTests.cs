// What real clients, proxies and pages send, and what becomes of it: clients that are no browsers, apps whose pages come from the device,
// proxies that rewrite a request on its way.

using System.Buffers;
using System.Text;
using RawWs.Handshake;

namespace RawWs.Tests.Handshake;

public sealed class RealClientsTests
{
    // RFC 9110 §8.6: a length of 0 says that there is no content, as no length does.
    [TestCase("Content-Length: 0\r\n", 101)]
    [TestCase("content-length:0 \r\n", 101)]
    [TestCase("Content-Length: 1\r\n", 400)]
    [TestCase("Content-Length: 00\r\n", 400)]
    [TestCase("Content-Length: +0\r\n", 400)]
    [TestCase("Content-Length: -0\r\n", 400)]
    [TestCase("Content-Length: 0, 0\r\n", 400)]
    [TestCase("Content-Length: \r\n", 400)]
    [TestCase("Content-Length: 0\r\nContent-Length: 0\r\n", 400)]
    [TestCase("Content-Length: 0\r\nContent-Length: 300\r\n", 400)]
    [TestCase("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", 400)]
    [TestCase("Transfer-Encoding: identity\r\n", 400)]
    [TestCase("Transfer-Encoding: \r\n", 400)]
    public void Rfc9110_8_6_ALengthOfZero_IsNoContent(string fields, int status) =>
        Assert.That(StatusOf(RequestVectors.With(fields)), Is.EqualTo(status));

    // A page from disk: browsers write "null", apps' web views and the libraries of small devices "file://".
    [TestCase("null", false, "", 403)]
    [TestCase("null", true, "", 101)]
    [TestCase("null", false, "null", 101)]
    [TestCase("null", false, "file://", 403)]
    [TestCase("file://", false, "", 403)]
    [TestCase("file://", true, "", 101)]
    [TestCase("file://", false, "file://", 101)]
    [TestCase("file://", false, "null", 403)]
    [TestCase("file://localhost", true, "", 403)]
    [TestCase("ionic://localhost", true, "", 403)]
    [TestCase("ionic://localhost", false, "ionic://localhost", 101)]
    [TestCase("capacitor://localhost", false, "capacitor://localhost", 101)]
    public void Section_10_2_APageWithoutAHost(string origin, bool allowNull, string named, int status)
    {
        UpgradePolicy policy = new() { AllowNullOrigin = allowNull, AllowedOrigins = named.Length == 0 ? [] : [named] };
        Assert.That(StatusOf(RequestVectors.With($"Origin: {origin}\r\n"), policy), Is.EqualTo(status));
    }

    // RFC 6761 §6.3: names below localhost are loopback too; nobody else can have one.
    [TestCase("http://app.localhost", "example.com", 101)]
    [TestCase("http://a.b.localhost:8080", "example.com", 101)]
    [TestCase("https://App.LocalHost", "example.com", 101)]
    [TestCase("http://.localhost", "example.com", 403)]
    [TestCase("http://localhost.example", "example.com", 403)]
    [TestCase("http://notlocalhost", "example.com", 403)]
    [TestCase("ionic://app.localhost", "app.localhost", 403)]
    public void Rfc6761_6_3_NamesBelowLocalhost_AreLoopback(string origin, string host, int status) =>
        Assert.That(
            StatusOf(RequestVectors.With($"Origin: {origin}\r\n")
                .Replace("Host: localhost:2000", $"Host: {host}", StringComparison.Ordinal)), Is.EqualTo(status));

    // A browser never writes them so, but a setting may.
    [TestCase("HTTPS://Example.COM", "https://example.com", 101)]
    [TestCase("https://example.com:443", "https://example.com", 101)]
    [TestCase("http://example.com:80", "http://example.com", 101)]
    [TestCase("http://[0:0:0:0:0:0:0:1]:81", "http://[::1]:81", 101)]
    [TestCase("https://example.com:444", "https://example.com", 403)]
    public void ANamedOrigin_IsCompared_WithoutRegardToCaseAndDefaultPort(string named, string origin, int status) =>
        Assert.That(StatusOf(RequestVectors.With($"Origin: {origin}\r\n"), new UpgradePolicy { AllowedOrigins = [named] }),
            Is.EqualTo(status));

    // A query is form-encoded: a plus is a space, in names and values.
    [TestCase("/?uid=John+Smith", "John Smith")]
    [TestCase("/?uid=John%20Smith", "John Smith")]
    [TestCase("/?uid=a%2Bb", "a+b")]
    [TestCase("/?uid=a%2bb", "a+b")]
    [TestCase("/?uid=++", "  ")]
    [TestCase("/?u%69d=+%2B+", " + ")]
    [TestCase("/?uid=a%", "")]
    [TestCase("/?uid=a%2", "")]
    [TestCase("/?uid=%zz", "")]
    public void AQuery_IsFormEncoded(string target, string value)
    {
        Assert.That(Parse(RequestVectors.Valid.Replace("/ws/chat", target, StringComparison.Ordinal))
            .TryGetQuery("uid"u8, out byte[] found, out int count));
        Assert.That((Encoding.UTF8.GetString(found), count), Is.EqualTo((value, 1)));
    }

    [TestCase("/?user+name=1")]
    [TestCase("/?user%20name=1")]
    public void AName_IsFormEncodedToo(string target) =>
        Assert.That(Parse(RequestVectors.Valid.Replace("/ws/chat", target, StringComparison.Ordinal))
            .TryGetQuery("user name"u8, out _, out _));

    [TestCase("/?ui=1&uidd=2&u%69=3&uid%=4&%75i%64%=5&u+d=6")]
    public void AnotherName_IsNotFound(string target) =>
        Assert.That(Parse(RequestVectors.Valid.Replace("/ws/chat", target, StringComparison.Ordinal))
            .TryGetQuery("uid"u8, out _, out _), Is.False);

    [Test]
    public void InAPath_APlusIsAPlus() =>
        Assert.That(Parse(RequestVectors.Valid.Replace("/ws/chat", "/a+b", StringComparison.Ordinal)).Path, Is.EqualTo("/a+b"));

    // Every path is an endpoint; the page's own is one too, for who speaks of WebSocket.
    [TestCase("/", 101)]
    [TestCase("/ws", 101)]
    [TestCase("//", 101)]
    [TestCase("//ws//chat", 101)]
    [TestCase("/chat", 101)]
    [TestCase("/index.html", 101)]
    public void AnUpgrade_OfAnyPath(string path, int status) =>
        Assert.That(StatusOf(RequestVectors.Valid.Replace("/ws/chat", path, StringComparison.Ordinal), new UpgradePolicy { Pages = ["/"] }),
            Is.EqualTo(status));

    [TestCase("/", 200)]
    [TestCase("/?uid=1", 200)]
    [TestCase("//", 426)]
    [TestCase("/ws", 426)]
    [TestCase("/favicon.ico", 426)]
    public void APlainGet_OfAnyPath(string path, int status) =>
        Assert.That(StatusOf($"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n", new UpgradePolicy { Pages = ["/"] }), Is.EqualTo(status));

    // A proxy that speaks HTTP/1.0 to us, or drops what belongs to the connection: the page would tell its owner nothing.
    [TestCase("GET / HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", 426)]
    [TestCase("GET / HTTP/1.0\r\nSec-WebSocket-Version: 13\r\n\r\n", 426)]
    [TestCase("GET / HTTP/1.1\r\nHost: localhost\r\nSec-WebSocket-Protocol: chat\r\n\r\n", 426)]
    [TestCase("GET / HTTP/1.1\r\nHost: localhost\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n", 426)]
    [TestCase("GET / HTTP/1.0\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n", 200)]
    public void WhoSpeaksOfWebSocket_IsToldThatTheUpgradeIsMissing(string request, int status) =>
        Assert.That(StatusOf(request, new UpgradePolicy { Pages = ["/"] }), Is.EqualTo(status));

    private static int StatusOf(string text, UpgradePolicy? policy = null)
    {
        UpgradeResult result = UpgradeRules.Check(Parse(text), policy ?? new UpgradePolicy());
        return result.Kind switch
        {
            UpgradeResultKind.Upgrade => 101,
            UpgradeResultKind.Page => 200,
            _ => result.Rule!.Status,
        };
    }

    private static UpgradeRequest Parse(string text)
    {
        Assert.That(text, Does.Contain("HTTP/1."));
        ReadOnlySequence<byte> buffer = new(Encoding.Latin1.GetBytes(text));
        Assert.That(RequestReader.TryRead(ref buffer, new RequestLimits(), out UpgradeRequest? request, out _),
            Is.EqualTo(RequestStatus.Done));
        return request!;
    }
}
