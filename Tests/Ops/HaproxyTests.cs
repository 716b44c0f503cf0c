// HAProxy before the server: it takes WebSockets over HTTP/2 too, and asks the server how it is.

using System.Net;
using RawWs.Tests.Support;

namespace RawWs.Tests.Ops;

[Platform("Linux")]
public sealed class HaproxyTests() : ProxiesTests("haproxy")
{
    [Test]
    public Task AMessage_GoesThrough_OverHttp2([Values] bool isExact) => AssertGoesThrough("2.0", isExact, HttpStatusCode.OK);

    [Test]
    public async Task WhoDrains_IsSentNobody()
    {
        await using AdminRoom room = await AdminRoom.Open();
        using RunningProxy proxy = Before(room, ProxySeconds);
        using HttpClient http = new(TrustingHandler()) { BaseAddress = new Uri($"https://localhost:{proxy.Port}/") };
        using CancellationTokenSource patience = new(TestServer.Patience);
        Assert.That(await Status(), Is.EqualTo(HttpStatusCode.UpgradeRequired), "the server answers");
        room.Readiness.BeginDrain();
        HttpStatusCode status;
        while ((status = await Status()) == HttpStatusCode.UpgradeRequired) Assert.That(patience.IsCancellationRequested, Is.False);
        Assert.That(status, Is.EqualTo(HttpStatusCode.ServiceUnavailable));

        async Task<HttpStatusCode> Status()
        {
            using HttpResponseMessage response = await http.GetAsync(new Uri("/", UriKind.Relative), patience.Token);
            return response.StatusCode;
        }
    }
}
