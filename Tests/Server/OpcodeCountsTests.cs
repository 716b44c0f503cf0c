// A connection's report so far has its frames by opcode: what came, part by part, and what was sent.

using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixtureSource(typeof(Setup), nameof(Setup.All))]
public sealed class OpcodeCountsTests(Setup setup)
{
    [Test]
    public async Task FramesAreCounted_ByOpcode()
    {
        await using TestServer server = await TestServer.Start(setup, new EchoApplication());
        using RawClient client = RawClient.Open(server.Port);
        OpcodeCounts received = default, sent = default;
        await Says();

        client.Send(Opcode.Text, "one"u8);
        client.ReadFrame();
        (received, sent) = (received with { Text = 1 }, sent with { Text = 1 });
        await Says();

        // §5.4: a message in three frames, with control frames in between, is answered in one.
        client.Send(Opcode.Text, "a"u8, fin: false);
        client.Send(Opcode.Continuation, ""u8, fin: false);
        client.Send(Opcode.Ping, "p"u8);
        client.ReadFrame();
        (received, sent) = (received with { Text = 2, Continuation = 1, Ping = 1 }, sent with { Pong = 1 });
        await Says();
        client.Send(Opcode.Pong, ""u8);
        client.Send(Opcode.Continuation, "b"u8);
        client.ReadFrame();
        (received, sent) = (received with { Continuation = 2, Pong = 1 }, sent with { Text = 2 });
        await Says();

        client.Send(Opcode.Binary, new byte[70_000]);
        client.ReadFrame();
        client.Send(Opcode.Binary, "c"u8, fin: false);
        client.Send(Opcode.Ping, ""u8);
        client.ReadFrame();
        (received, sent) = (received with { Binary = 2, Ping = 2 }, sent with { Binary = 1, Pong = 2 });
        await Says();
        client.Send(Opcode.Continuation, ""u8, fin: false);
        client.Send(Opcode.Continuation, "d"u8);
        client.ReadFrame();
        (received, sent) = (received with { Continuation = 4 }, sent with { Binary = 2 });
        await Says();

        async Task Says()
        {
            TestServer.Eventually(() => server.Server.Directory.Count == 1, "open");
            ConnectionStatus status = await server.Server.Directory.GetConnections()[0].GetStatusAsync();
            Assert.That((status.FramesIn, status.FramesOut), Is.EqualTo((received, sent)));
            Assert.That((status.FramesOut.Text + status.FramesOut.Binary), Is.EqualTo(status.MessagesOut));
        }
    }
}
