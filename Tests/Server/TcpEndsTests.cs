// The end of TCP, as an observer is told of it: which end was the first, and how (§7.1.1). Each direction once.

using System.Net.Sockets;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixtureSource(typeof(Setup), nameof(Setup.Programs))]
public sealed class TcpEndsTests(Setup setup)
{
    [TestCase("closes", TcpEnding.OwnFin, TcpEnding.PeerFin)]
    [TestCase("breaks a rule", TcpEnding.OwnFin, TcpEnding.PeerFin)]
    [TestCase("vanishes", TcpEnding.PeerFin, TcpEnding.OwnFin)]
    [TestCase("resets", TcpEnding.PeerReset)]
    [TestCase("is aborted", TcpEnding.OwnReset)]
    public async Task WhoEndsFirst_IsTold(string client, params TcpEnding[] ends)
    {
        await using TestServer server = await TestServer.Start(setup, new EchoApplication());
        using Observation observation = await ObservedTraffic.Everything(server);
        using RawClient raw = RawClient.Open(server.Port);
        switch (client)
        {
            case "closes":
                raw.Send(Opcode.Close, [0x03, 0xE8]);
                raw.ReadClose();
                raw.Dispose();
                break;
            case "breaks a rule":
                raw.Send([0x83]);
                raw.ReadClose();
                raw.Dispose();
                break;
            case "vanishes":
                raw.Socket.Shutdown(SocketShutdown.Send);
                break;
            case "resets":
                raw.Reset();
                break;
            default:
                server.Server.Directory.GetConnections().Single().Abort();
                break;
        }

        ObservedStreams told = ObservedStreams.UntilEnded(observation, 1).Values.Single();
        Assert.That(told.Of(ConnectionEventKind.TcpEnded).Select(static one => one.Tcp), Is.EqualTo(ends));
    }
}
