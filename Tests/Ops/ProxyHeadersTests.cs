// A real HAProxy that passes TCP on and sends PROXY headers: of version 1, of version 2, and of version 2 with a further value, over a
// socket file. Its checks of health connect and say LOCAL.

using System.Net;
using RawWs.Server;
using RawWs.Tests.Support;

namespace RawWs.Tests.Ops;

[Platform("Linux")]
public sealed class ProxyHeadersTests
{
    [Test]
    public async Task TheClientOfHaproxy_IsSeen()
    {
        string tool = Tools.Require("haproxy"), folder = Directory.CreateTempSubdirectory("rawws-").FullName;
        ReportedEcho echo = new();
        await using TestServer server = await TestServer.Start(Setup.All[0], echo, options => options with
        {
            ListenEndPoints = [],
            Listeners =
            [
                new ListenAddress(new IPEndPoint(IPAddress.Loopback, 0)) { HasProxyHeader = true },
                new ListenAddress(Path.Combine(folder, "a.sock")) { HasProxyHeader = true },
            ],
            TrustedProxies = ["127.0.0.1", "unix"],
        });
        int[] ports = [Ports.Free(), Ports.Free(), Ports.Free()];
        string file = Path.Combine(folder, "haproxy.cfg");
        await File.WriteAllTextAsync(file, $"""
            defaults
                mode tcp
                timeout connect 5s
                timeout client 30s
                timeout server 30s
            listen one
                bind 127.0.0.1:{ports[0]}
                server s 127.0.0.1:{server.Port} send-proxy
            listen two
                bind 127.0.0.1:{ports[1]}
                server s 127.0.0.1:{server.Port} send-proxy-v2 check inter 50ms
            listen three
                bind 127.0.0.1:{ports[2]}
                server s unix@{folder}/a.sock send-proxy-v2 proxy-v2-options unique-id

            """);
        using RunningProgram proxy = RunningProgram.StartOther(tool, "-db", "-f", file);
        foreach (int port in ports)
        {
            TestServer.Eventually(() => Ports.IsListening(port), "it listens");
            using RawClient client = RawClient.Open(port);
            Assert.That((await echo.Opened()).RemoteEndPoint, Is.EqualTo(client.Socket.LocalEndPoint));
            client.SendText("hello");
            Assert.That(client.ReadText(), Is.EqualTo("hello"));
        }

        proxy.SignalUntilItEnds(15);
        await server.Server.StopAsync(TimeSpan.Zero);
        Directory.Delete(folder, recursive: true);
    }
}
