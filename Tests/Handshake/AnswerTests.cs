// The answers that are no switch, byte for byte: the page, an application's error, a refusal; and the sentences of the rules.

using System.Buffers;
using System.Globalization;
using System.Text;
using RawWs.Handshake;

namespace RawWs.Tests.Handshake;

public sealed class AnswerTests
{
    private static readonly byte[] Date = [.. "Sun, 06 Nov 1994 08:49:37 GMT"u8];

    [Test]
    public void ThePage_ByteForByte([Values] bool headOnly, [Values] bool dated)
    {
        ArrayBufferWriter<byte> writer = new();
        UpgradeResponse.WritePage(writer, "<p>€</p>"u8, headOnly, "default-src 'none'", dated ? Date : default);
        Assert.That(Encoding.UTF8.GetString(writer.WrittenSpan), Is.EqualTo(
            $"HTTP/1.1 200 OK\r\n{(dated ? "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n" : "")}Content-Type: text/html; charset=utf-8\r\n"
                + $"Content-Length: 10\r\n"
            + "Content-Security-Policy: default-src 'none'\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"
            + "Cache-Control: no-store\r\n"
            + $"Connection: close\r\n\r\n{(headOnly ? "" : "<p>€</p>")}"));
    }

    [TestCase(400, "Bad Request", "")]
    [TestCase(401, "Unauthorized", "WWW-Authenticate: Bearer\r\n")]
    [TestCase(403, "Forbidden", "")]
    [TestCase(404, "Not Found", "")]
    [TestCase(405, "Method Not Allowed", "Allow: GET, HEAD\r\n")]
    [TestCase(408, "Request Timeout", "")]
    [TestCase(409, "Conflict", "")]
    [TestCase(418, "Client Error", "")]
    [TestCase(426, "Upgrade Required", "Upgrade: websocket\r\n")]
    [TestCase(429, "Too Many Requests", "Retry-After: 5\r\n")]
    [TestCase(431, "Request Header Fields Too Large", "")]
    [TestCase(499, "Client Error", "")]
    [TestCase(500, "Internal Server Error", "")]
    [TestCase(501, "Server Error", "")]
    [TestCase(503, "Service Unavailable", "Retry-After: 5\r\n")]
    [TestCase(505, "HTTP Version Not Supported", "")]
    public void AnError_ByteForByte(int status, string phrase, string fields)
    {
        foreach (bool headOnly in new[] { false, true })
        {
            ArrayBufferWriter<byte> writer = new();
            UpgradeResponse.WriteError(writer, status, "No €.", headOnly, Date);
            Assert.That(Encoding.UTF8.GetString(writer.WrittenSpan), Is.EqualTo(
                $"HTTP/1.1 {status} {phrase}\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n{fields}Connection: "
                    + $"{(status == 426 ? "Upgrade, close" : "close")}\r\n"
                + $"Content-Type: text/plain; charset=utf-8\r\nContent-Length: 8\r\nX-Content-Type-Options: nosniff\r\n"
                + $"\r\n{(headOnly ? "" : "No €.\n")}"));
        }
    }

    [TestCase(nameof(HandshakeRules.MethodNotAllowed), "Allow: GET, HEAD\r\n")]
    [TestCase(nameof(HandshakeRules.ProtocolVersionNot13), "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n")]
    [TestCase(nameof(HandshakeRules.UpgradeLost), "Upgrade: websocket\r\n")]
    [TestCase(nameof(HandshakeRules.OutOfMemory), "Retry-After: 5\r\n")]
    [TestCase(nameof(HandshakeRules.HostMissing), "")]
    public void ARefusal_ByteForByte(string name, string fields)
    {
        HandshakeRule rule = HandshakeRules.All.Single(row => row.Name == name);
        string connection = rule.Status == 426 ? "Upgrade, close" : "close";
        foreach (string? detail in new[] { null, "Because." })
        {
            ArrayBufferWriter<byte> writer = new(), headOnly = new();
            string body = $"{rule.Text} ({rule.Section}){(detail is null ? "" : "\nBecause.")}\n";
            UpgradeResponse.WriteRefusal(writer, rule, detail: detail);
            UpgradeResponse.WriteRefusal(headOnly, rule, headOnly: true, detail: detail);
            string text = Encoding.UTF8.GetString(writer.WrittenSpan);
            Assert.That(text[text.IndexOf('\n', StringComparison.Ordinal)..], Is.EqualTo(
                $"\n{fields}Connection: {connection}\r\nContent-Type: text/plain; charset=utf-8\r\n"
                    + $"Content-Length: {Encoding.UTF8.GetByteCount(body)}\r\n"
                + $"X-Content-Type-Options: nosniff\r\n\r\n{body}"));
            Assert.That(Encoding.UTF8.GetString(headOnly.WrittenSpan), Is.EqualTo(text[..^body.Length]));
        }
    }

    [Test]
    public void ARule_SaysWhoseItIs()
    {
        foreach (HandshakeRule rule in HandshakeRules.All)
        {
            Assert.That(typeof(HandshakeRules).GetField(rule.Name)?.GetValue(null), Is.SameAs(rule));
            Assert.That(rule.Section, Does.Match(@"\ARFC \d{4} §\d+(\.\d+)*\z"), rule.Name);
            Assert.That(rule.Status, Is.AnyOf(400, 403, 404, 405, 408, 426, 429, 431, 503, 505), rule.Name);
            Assert.That(rule.Text, Does.Match(@"\A[A-Z].+\.\z"), rule.Name);
            Assert.That(rule.ToString(), Is.EqualTo($"{rule.Name} ({rule.Section}): {rule.Text}"));
        }
    }

    [Test]
    public void TheLimits_HaveDefaults()
    {
        RequestLimits limits = RequestLimits.Default;
        Assert.That((limits.RequestLineBytesMax, limits.HeadersMax, limits.HeadBytesMax, limits.QueryParametersMax),
            Is.EqualTo((8192, 100, 32_768, 256)));
        Assert.That((limits.TokensMax, limits.SubprotocolsMax, limits.ExtensionsMax, limits.ExtensionParametersMax),
            Is.EqualTo((100, 100, 32, 16)));
    }

    [Test]
    public void AKey_IsAsLongAsAKey()
    {
        byte[] accept = new byte[AcceptKey.AcceptBytes];
        Assert.That(() => AcceptKey.Write(new byte[AcceptKey.KeyBytes + 1], accept), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => AcceptKey.Write(new byte[AcceptKey.KeyBytes], accept), Throws.Nothing);
        Assert.That(() => AcceptKey.Write([], accept), Throws.Nothing);
        Assert.That(Encoding.ASCII.GetString(accept), Is.EqualTo("Kfh9QIsMVZcl6xEPYxPHzW8SZ8w="), "the GUID alone");
    }

    [TestCase("dGhlIHNhbXBsZSBub25jZQ==", true)]
    [TestCase("++++////++++////++++/w==", true)]
    [TestCase("dGhlIHNhbXBsZSBub25jZR==", false, Description = "the last character has bits that are none of the 16 bytes")]
    [TestCase("dGhlIHNhbXBsZSBub25jZQ=", false)]
    [TestCase("", false)]
    [TestCase("AA==", false)]
    [TestCase("dGhlIHNhbXBsZSBub25jZQAA", false, Description = "18 bytes")]
    [TestCase("dGhlIHNhbXBsZSBub25jZQ= ", false)]
    [TestCase("dGhlIHNhbXBsZSBub25jZQ  ", false)]
    [TestCase("dGhlIHNhbXBsZSBub25jZQ==dGhl", false)]
    [TestCase("dGhlIHNhbXBsZSBub25jZQ=A", false)]
    [TestCase("dGhlIHNhbXBsZSBub25jZQA=", false)]
    [TestCase("dGhlIHNhbXBsZSBub25j ZQ==", false)]
    [TestCase("dGhlIHNhbXBsZSBub25-ZQ==", false)]
    [TestCase("dGhlIHNhbXBs ZSBub25j==", false)]
    public void AKey_Is16BytesOfBase64(string key, bool expected) => Assert.That(AcceptKey.IsValid(Encoding.ASCII.GetBytes(key)),
        Is.EqualTo(expected));

    [Test]
    public void TheDate_HasTheFormOfTheRfc() => Assert.That(
        Encoding.ASCII.GetString(HttpDate.Format(DateTimeOffset.Parse("1994-11-06T08:49:37Z", CultureInfo.InvariantCulture))),
            Is.EqualTo("Sun, 06 Nov 1994 08:49:37 GMT"));
}
