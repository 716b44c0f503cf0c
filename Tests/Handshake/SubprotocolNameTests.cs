// RFC 6455 §4.1, item 10 of the request: the name of a subprotocol is a token (RFC 9110 §5.6.2), and so it is ASCII.

using RawWs.Handshake;

namespace RawWs.Tests.Handshake;

public sealed class SubprotocolNameTests
{
    [TestCase("chat", true)]
    [TestCase("v1.rawws~!#$%&'*+-.^_`|", true)]
    [TestCase("", false)]
    [TestCase("a b", false)]
    [TestCase("a,b", false)]
    [TestCase("a\"", false)]
    [TestCase("ä", false)]
    [TestCase("a\u00E4", false)]
    [TestCase("\u0430", false)] // which would become a question mark: no token
    [TestCase("?", false)]
    public void AName_IsAToken(string name, bool isOne) => Assert.That(UpgradePolicy.IsSubprotocolName(name), Is.EqualTo(isOne));
}
