// nginx before the server.

using System.Net;

namespace RawWs.Tests.Ops;

[Platform("Linux")]
public sealed class NginxTests() : ProxiesTests("nginx")
{
    // It has no WebSockets over HTTP/2.
    [Test]
    public Task WhoWouldHaveLikedHttp2_ComesWithHttp11() => AssertGoesThrough("2.0", isExact: false, HttpStatusCode.SwitchingProtocols);
}
