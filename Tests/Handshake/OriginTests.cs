// Which pages may connect (RFC 6455 §10.2), what a refused one would need, and which names in a policy can never match.

using System.Buffers;
using System.Text;
using RawWs.Handshake;

namespace RawWs.Tests.Handshake;

public sealed class OriginTests
{
    // Without an entry in the policy.
    [TestCase("localhost", "http://localhost", true)]
    [TestCase("localhost", "http://localhost:81", true)]
    [TestCase("localhost", "ftp://localhost", false)]
    [TestCase("localhost", "http://192.0.2.1", false)]
    [TestCase("192.0.2.1", "https://192.0.2.1:9", true)]
    [TestCase("192.0.2.1:2000", "https://192.0.2.1", true)]
    [TestCase("192.0.2.1", "https://192.0.2.2", false)]
    [TestCase("[2001:db8::1]", "https://[2001:db8:0::1]", true)]
    [TestCase("a.example", "https://a.example", false)]
    [TestCase("a.localhost", "https://a.localhost", true)]
    [TestCase("localhost", "localhost", false)]
    [TestCase("localhost", "://localhost", false)]
    [TestCase("localhost", "http://", false)]
    [TestCase("localhost", "null", false)]
    [TestCase("localhost", "file://", false)]
    [TestCase("localhost", "", false)]
    public void WithoutAPolicy_ThisMachineAndTheSameAddressMayConnect(string host, string origin, bool expected) =>
        Assert.That(Check(host, origin, new UpgradePolicy()), Is.EqualTo((expected, false)));

    [TestCase("https://a.example", "https://a.example", true)]
    [TestCase("https://a.example", "HTTPS://A.example:443", true)]
    [TestCase("https://a.example:443", "https://a.example", true)]
    [TestCase("http://a.example:80", "http://a.example", true)]
    [TestCase("http://a.example:443", "http://a.example", false)]
    [TestCase("https://a.example", "https://a.example:444", false)]
    [TestCase("https://a.example", "https://b.example", false)]
    [TestCase("app://a.example", "app://a.example", true)]
    [TestCase("app://a.example", "app://a.example:1", false)]
    [TestCase("app-1.x+y://a.example", "app-1.x+y://A.example", true)]
    [TestCase("a://HOST", "a://host", true)]
    [TestCase("a://HOST:1", "a://host", false)]
    [TestCase("http://a.example:0", "http://a.example", false)]
    [TestCase("null", "null", true)]
    [TestCase("file://", "file://", true)]
    [TestCase("null", "file://", false)]
    [TestCase("*", "null", true)]
    [TestCase("*", "no origin at all", true)]
    [TestCase("", "", false)]
    public void AnAllowedOrigin_IsOneThatIsTheSame(string allowed, string origin, bool expected) =>
        Assert.That(Check("ws.example", origin, new UpgradePolicy { AllowedOrigins = [allowed] }), Is.EqualTo((expected, false)));

    [TestCase("ws.example", "https://ws.example", true)]
    [TestCase("WS.example", "https://ws.EXAMPLE", true)]
    [TestCase("other.example", "https://other.example", false)]
    [TestCase("ws.example", "https://other.example", false)]
    [TestCase("ws.example", "app://ws.example", false)]
    public void APageOfAnAllowedHost_MayConnectToIt(string host, string origin, bool expected) =>
        Assert.That(Check(host, origin, new UpgradePolicy { AllowedHosts = ["more.example", "Ws.Example"] }),
            Is.EqualTo((expected, false)));

    [TestCase("null", true)]
    [TestCase("file://", true)]
    [TestCase("file:///", false)]
    [TestCase("https://a.example", false)]
    public void ANullOrigin_MayBeAllowed_AndIsTold(string origin, bool expected) =>
        Assert.That(Check("ws.example", origin, new UpgradePolicy { AllowNullOrigin = true }), Is.EqualTo((expected, expected)));

    [Test]
    public void ANullOriginThatIsNamed_IsNotTold() =>
        Assert.That(Check("ws.example", "null", new UpgradePolicy { AllowNullOrigin = true, AllowedOrigins = ["null"] }),
            Is.EqualTo((true, false)));

    [Test]
    public void AnOriginOfMoreThan300Bytes_IsNone()
    {
        string origin = "https://" + new string('a', 200) + "." + new string('b', 54) + ":443"; // a host of 255 bytes
        string longest = origin.Replace("https", new string('s', 300 - origin.Length + 5), StringComparison.Ordinal);
        Assert.That(longest, Has.Length.EqualTo(300));
        foreach (string text in new[] { longest, "s" + longest })
        {
            Assert.That(Check("ws.example", text, new UpgradePolicy { AllowedOrigins = [text] }).Allowed, Is.EqualTo(text == longest));
            OriginRemedy remedy = OriginRule.FindRemedy(Request("ws.example", text), out _);
            Assert.That(remedy, Is.EqualTo(text == longest ? OriginRemedy.NameOrigin : OriginRemedy.None));
        }
    }

    [TestCase("ws.example", "https://ws.example", OriginRemedy.NameHost, "ws.example")]
    [TestCase("WS.example:2000", "https://ws.example:81", OriginRemedy.NameHost, "ws.example")]
    [TestCase("ws.example", "https://other.example:81", OriginRemedy.NameOrigin, "https://other.example:81")]
    [TestCase("ws.example", "app://ws.example", OriginRemedy.NameOrigin, "app://ws.example")]
    [TestCase("192.0.2.1", "https://192.0.2.1", OriginRemedy.NameOrigin, "https://192.0.2.1")]
    [TestCase("ws.example", "null", OriginRemedy.NameOrigin, "null")]
    [TestCase("ws.example", "*", OriginRemedy.None, "")]
    [TestCase("ws.example", "nonsense", OriginRemedy.None, "")]
    [TestCase("ws.example", "https://ws.example/", OriginRemedy.None, "")]
    public void ARefusedOrigin_HasARemedy(string host, string origin, OriginRemedy expected, string name) =>
        Assert.That((OriginRule.FindRemedy(Request(host, origin), out string found), found), Is.EqualTo((expected, name)));

    [Test]
    public void WithoutAnOrigin_NothingNeedsARemedy()
    {
        ReadOnlySequence<byte> bytes = new(Encoding.ASCII.GetBytes(RequestVectors.Valid));
        _ = RequestReader.TryRead(ref bytes, new RequestLimits(), out UpgradeRequest? request, out _);
        Assert.That((OriginRule.FindRemedy(request!, out string name), name), Is.EqualTo((OriginRemedy.None, "")));
    }

    [TestCase("*", null)]
    [TestCase("null", null)]
    [TestCase("file://", null)]
    [TestCase("https://a.example", null)]
    [TestCase("https://a.example:81", null)]
    [TestCase("http://127.0.0.1:81", null)]
    [TestCase("http://[::1]", null)]
    [TestCase("http://a_b.example.", null)]
    [TestCase("app-1.x+y://host", null)]
    [TestCase("a://host", null)]
    [TestCase("file:///index.html", "a page from disk has the origin file:// or null, whatever its path")]
    [TestCase("FILE://", "a page from disk has the origin file:// or null, whatever its path")]
    [TestCase("Null", "it is written null, in lower case")]
    [TestCase("a.example", "an origin begins with a scheme, as in https://example.com")]
    [TestCase("://a.example", "an origin begins with a scheme, as in https://example.com")]
    [TestCase("1a://a.example", "an origin begins with a scheme, as in https://example.com")]
    [TestCase("a b://a.example", "an origin begins with a scheme, as in https://example.com")]
    [TestCase("ws://a.example", "an origin is the page's, not the server's: http://a.example")]
    [TestCase("WSS://a.example", "an origin is the page's, not the server's: https://a.example")]
    [TestCase("https://a.example/", "an origin has no path, and no slash behind the host")]
    [TestCase("https:///a", "an origin has no path, and no slash behind the host")]
    [TestCase("https://a.example?b", "an origin has no path, and no slash behind the host")]
    [TestCase("https://a.example#b", "an origin has no path, and no slash behind the host")]
    [TestCase("https://*.example", "a * can only stand alone, for all origins")]
    [TestCase("https://b\u00fccher.example", "browsers write a name that is not ASCII in its ASCII form, which begins with xn--")]
    [TestCase("https://", "behind the scheme stands a host, and nothing but a port behind it")]
    [TestCase("https://a!b", "behind the scheme stands a host, and nothing but a port behind it")]
    [TestCase("https://a b", "behind the scheme stands a host, and nothing but a port behind it")]
    [TestCase("https://.a", "behind the scheme stands a host, and nothing but a port behind it")]
    [TestCase("https://a..b", "behind the scheme stands a host, and nothing but a port behind it")]
    [TestCase("https://[::1]:1:2", "behind the scheme stands a host, and nothing but a port behind it")]
    [TestCase("https://[::1]:0:2", "behind the scheme stands a host, and nothing but a port behind it")]
    [TestCase("https://a:1:2", "behind the scheme stands a host, and nothing but a port behind it")]
    [TestCase("https://[::1", "behind the scheme stands a host, and nothing but a port behind it")]
    [TestCase("https://a.example:99999", "a port is a number from 0 to 65535")]
    [TestCase("https://a.example:x", "a port is a number from 0 to 65535")]
    [TestCase("https://[::1]:x", "a port is a number from 0 to 65535")]
    [TestCase("http://127.1", "browsers write an IPv4 address as four decimal numbers, as in 127.0.0.1")]
    [TestCase("http://a.1", "browsers write an IPv4 address as four decimal numbers, as in 127.0.0.1")]
    [TestCase("http://0x7f", "browsers write an IPv4 address as four decimal numbers, as in 127.0.0.1")]
    [TestCase("http://a.0XaF.", "browsers write an IPv4 address as four decimal numbers, as in 127.0.0.1")]
    [TestCase("http://a.0xg", null)]
    [TestCase("http://1.a", null)]
    public void AnOriginThatCanNeverMatch_IsTold(string origin, string? reason) => Assert.That(OriginRule.FindError(origin),
        Is.EqualTo(reason));

    [TestCase("a.example", null)]
    [TestCase("a_b-c.example.", null)]
    [TestCase("*.example", "a * stands for nothing here: each name is written out")]
    [TestCase("b\u00fccher.example", "browsers write a name that is not ASCII in its ASCII form, which begins with xn--")]
    [TestCase("[::1]", "an IP address needs no permission")]
    [TestCase("127.0.0.1", "an IP address needs no permission")]
    [TestCase("127.0.0.1.", "an IP address needs no permission")]
    [TestCase("a:80", "a name is labels with points between them, without scheme, port and path")]
    [TestCase("a/b", "a name is labels with points between them, without scheme, port and path")]
    [TestCase("", "a name is labels with points between them, without scheme, port and path")]
    [TestCase(".a", "a name is labels with points between them, without scheme, port and path")]
    [TestCase("a..b", "a name is labels with points between them, without scheme, port and path")]
    public void AHostThatCanNeverMatch_IsTold(string host, string? reason) => Assert.That(OriginRule.FindHostError(host),
        Is.EqualTo(reason));

    [TestCase(255, true)]
    [TestCase(256, false)]
    public void AHost_IsAtMost255Bytes(int length, bool expected)
    {
        string host = new('a', length);
        Assert.That(OriginRule.FindHostError(host) is null, Is.EqualTo(expected));
        Assert.That(OriginRule.FindError("https://" + host) is null, Is.EqualTo(expected));
    }

    private static (bool Allowed, bool NullOriginUsed) Check(string host, string origin, UpgradePolicy policy)
    {
        UpgradeResult result = UpgradeRules.Check(Request(host, origin), policy);
        Assert.That(result.Rule, Is.Null.Or.EqualTo(HandshakeRules.OriginNotAllowed));
        return (result.Kind == UpgradeResultKind.Upgrade, result.NullOriginUsed);
    }

    private static UpgradeRequest Request(string host, string origin)
    {
        string text = RequestVectors.With($"Origin: {origin}\r\n")
            .Replace("Host: localhost:2000", $"Host: {host}", StringComparison.Ordinal);
        ReadOnlySequence<byte> bytes = new(Encoding.Latin1.GetBytes(text));
        Assert.That(RequestReader.TryRead(ref bytes, new RequestLimits(), out UpgradeRequest? request, out _),
            Is.EqualTo(RequestStatus.Done));
        return request!;
    }
}
