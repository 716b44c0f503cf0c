// /livez and /readyz, by GET and by HEAD.

using System.Net;
using RawWs.Tests.Support;

namespace RawWs.Tests.Admin;

public sealed class HealthTests
{
    [Test]
    public async Task Health_IsALine()
    {
        await using AdminRoom room = await AdminRoom.Open(static options => options with { ConnectionsMax = 1 });
        Assert.That(await Health(room, "/livez"), Is.EqualTo((HttpStatusCode.OK, "alive\n")));
        Assert.That(await Health(room, "/readyz"), Is.EqualTo((HttpStatusCode.OK, "ready\n")));
        RawClient client = room.Enter();
        Assert.That(await Health(room, "/readyz"),
            Is.EqualTo((HttpStatusCode.ServiceUnavailable, "the limit of connections is reached\n")));
        client.Dispose();
        TestServer.Eventually(() => room.Server.Count == 0, "it has ended");
        Assert.That((await Health(room, "/readyz")).Status, Is.EqualTo(HttpStatusCode.OK));
        room.Readiness.BeginDrain();
        Assert.That(await Health(room, "/readyz"), Is.EqualTo((HttpStatusCode.ServiceUnavailable, "draining\n")));
        Assert.That(await Health(room, "/livez"), Is.EqualTo((HttpStatusCode.OK, "alive\n")));
    }

    // RFC 9110 §9.3.2: as GET, without content. Some balancers ask so.
    [Test]
    public async Task Health_IsAskedByHeadToo([Values("/livez", "/readyz")] string path, [Values] bool drains)
    {
        await using AdminRoom room = await AdminRoom.Open();
        if (drains) room.Readiness.BeginDrain();
        using HttpResponseMessage get = await room.Http.GetAsync(new Uri(path, UriKind.Relative));
        using HttpRequestMessage request = new(HttpMethod.Head, path);
        using HttpResponseMessage head = await room.Http.SendAsync(request);
        Assert.That(head.StatusCode, Is.EqualTo(get.StatusCode));
        Assert.That(head.Content.Headers.ContentType, Is.EqualTo(get.Content.Headers.ContentType));
        Assert.That(head.Content.Headers.ContentLength, Is.EqualTo(get.Content.Headers.ContentLength));
        Assert.That(await head.Content.ReadAsByteArrayAsync(), Is.Empty);
    }

    private static async Task<(HttpStatusCode Status, string Text)> Health(AdminRoom room, string path)
    {
        using HttpResponseMessage response = await room.Http.GetAsync(new Uri(path, UriKind.Relative));
        return (response.StatusCode, await response.Content.ReadAsStringAsync());
    }
}
