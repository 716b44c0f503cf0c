// Hosts that are addresses, and this machine's own (RFC 3986 §3.2.2): what a request may name without being taken for another site's.

using System.Net;
using System.Net.Sockets;
using System.Text;
using RawWs.Handshake;

namespace RawWs.Tests.Handshake;

[TestFixture]
public class AuthorityTests
{
    [TestCase("localhost", false, true)]
    [TestCase("LocalHost:2000", false, true)]
    [TestCase("localhost.example", false, false)]
    [TestCase("a.localhost", false, true)]
    [TestCase("A.B.LOCALHOST:1", false, true)]
    [TestCase(".localhost", false, false)]
    [TestCase("alocalhost", false, false)]
    [TestCase("127.0.0.1", true, true)]
    [TestCase("127.0.0.1:80", true, true)]
    [TestCase("127.255.255.255", true, true)]
    [TestCase("128.0.0.1", true, false)]
    [TestCase("0.0.0.0", true, false)]
    [TestCase("255.255.255.255", true, false)]
    [TestCase("[::1]:2000", true, true)]
    [TestCase("[::2]", true, false)]
    [TestCase("[::ffff:127.0.0.1]", true, true)]
    [TestCase("1", false, false)]
    [TestCase("127.1", false, false)]
    [TestCase("127.0.0", false, false)]
    [TestCase("127.0.0.", false, false)]
    [TestCase("127..0.1", false, false)]
    [TestCase(".127.0.0.1", false, false)]
    [TestCase("127.0.0.1.", false, false)]
    [TestCase("127.0.0.1.1", false, false)]
    [TestCase("127.0.0.01", false, false)]
    [TestCase("0177.0.0.1", false, false)]
    [TestCase("0x7f.0.0.1", false, false)]
    [TestCase("127.0.0.256", false, false)]
    [TestCase("4294967296.0.0.1", false, false)]
    [TestCase("127.0.0.1e", false, false)]
    [TestCase("2130706433", false, false)]
    public void AHost_IsAnAddress_OrThisMachine(string text, bool isAddress, bool isLoopback)
    {
        Assert.That(Authority.TryParse(Encoding.ASCII.GetBytes(text), out Authority authority), Is.True);
        Assert.That((authority.IsAddress, authority.IsLoopback), Is.EqualTo((isAddress, isLoopback)));
    }

    [TestCase("a", "a", -1)]
    [TestCase("A.b", "a.b", -1)]
    [TestCase("a:", "a", -1)]
    [TestCase("a:0", "a", 0)]
    [TestCase("a:080", "a", 80)]
    [TestCase("a:65535", "a", 65535)]
    [TestCase("a%41~_-!$&'()*+,;=", "a%41~_-!$&'()*+,;=", -1)]
    [TestCase("[::1]", "::1", -1)]
    [TestCase("[::1]:", "::1", -1)]
    [TestCase("[0:0:0:0:0:0:0:1]:65535", "::1", 65535)]
    [TestCase("[FE80::A]", "fe80::a", -1)]
    public void AnAuthority_HasAHostAndAPort(string text, string host, int port)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(text);
        Assert.That((Authority.TryParse(bytes, out Authority found), Authority.IsValid(bytes)), Is.EqualTo((true, true)));
        Assert.That(found, Is.EqualTo(new Authority(host, port)));
    }

    [TestCase("")]
    [TestCase(":80")]
    [TestCase("a:65536")]
    [TestCase("a:000080")]
    [TestCase("a:99999999999")]
    [TestCase("a:8x")]
    [TestCase("a:-1")]
    [TestCase("a:1:2")]
    [TestCase("a b")]
    [TestCase("a/b")]
    [TestCase("a@b")]
    [TestCase("a%4")]
    [TestCase("a%4g")]
    [TestCase("[")]
    [TestCase("[]")]
    [TestCase("[::1")]
    [TestCase("[::1]80")]
    [TestCase("[::1]:65536")]
    [TestCase("[::1]:x")]
    [TestCase("[[::1]]")]
    [TestCase("[::1%1]")]
    [TestCase("[fe80::1%25eth0]")]
    [TestCase("[127.0.0.1]")]
    [TestCase("[1]")]
    [TestCase("[a]")]
    [TestCase("::1")]
    public void AnythingElse_IsNoAuthority(string text)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(text);
        Assert.That((Authority.TryParse(bytes, out Authority found), Authority.IsValid(bytes)), Is.EqualTo((false, false)));
        Assert.That(found, Is.EqualTo(default(Authority)));
    }

    [TestCase(255, true)]
    [TestCase(256, false)]
    public void AHost_IsAtMost255Bytes(int length, bool expected)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(new string('a', length) + ":1");
        Assert.That((Authority.TryParse(bytes, out _), Authority.IsValid(bytes)), Is.EqualTo((expected, expected)));
    }

    [Test]
    public void ADottedQuad_IsWhatComesBackAsItWasWritten()
    {
        Random random = new(20260101);
        for (int round = 0; round < 50_000; round++)
        {
            string host = Draw(random);
            bool expected = IPAddress.TryParse(host, out IPAddress? address) && address.AddressFamily == AddressFamily.InterNetwork
                && address.ToString() == host;
            Authority authority = new(host, -1);
            Assert.That(authority.IsAddress, Is.EqualTo(expected), host);
            Assert.That(authority.IsLoopback, Is.EqualTo(expected && IPAddress.IsLoopback(address!)), host);
        }
    }

    private static string Draw(Random random)
    {
        StringBuilder host = new();
        int parts = random.Next(8) == 0 ? random.Next(1, 6) : 4;
        for (int i = 0; i < parts; i++)
        {
            if (i > 0) host.Append('.');
            host.Append(random.Next(12) switch
            {
                0 => "127",
                1 => "0" + random.Next(300),
                2 => random.Next(240, 300).ToString(System.Globalization.CultureInfo.InvariantCulture),
                3 => random.Next(6) == 0 ? "" : "0",
                _ => random.Next(256).ToString(System.Globalization.CultureInfo.InvariantCulture),
            });
        }

        return host.ToString();
    }
}
