// Rows of docs/rfc-map.md that can be seen on the wire and that no other test would notice.

using System.Text;
using Microsoft.Extensions.Logging;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Server.Console.Log;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixtureSource(typeof(Setup), nameof(Setup.All))]
public sealed class RfcRowsTests(Setup setup)
{
    [Test]
    public async Task Section_5_5_1_AfterOurClose_NoDataIsSent()
    {
        List<SendResult> results = [];
        await using TestServer server = await TestServer.Start(setup, new ProtocolOverTcpTests.Handler((connection, kind, message) =>
        {
            results.Add(connection.TrySend(kind, message.Span));
            connection.Close(4000, "enough");
            results.Add(connection.TrySend(kind, message.Span));
            return ValueTask.CompletedTask;
        }));
        using RawClient client = RawClient.Open(server.Port);
        client.Send([.. RawClient.Frame(Opcode.Text, "one"u8), .. RawClient.Frame(Opcode.Text, "two"u8)]);
        Assert.That(client.ReadText(), Is.EqualTo("one"));
        Assert.That(client.ReadClose(answer: true), Is.EqualTo(((ushort?)4000, "enough"))); // and nothing after it but the stream's end
        Assert.That(results, Is.EqualTo([SendResult.Queued, SendResult.Closed]), "the second message is not delivered either");
    }

    [Test]
    public async Task Section_5_5_3_APong_CarriesThePingsPayload_AndIsNotMasked()
    {
        await using TestServer server = await TestServer.Start(setup, new EchoApplication());
        using RawClient client = RawClient.Open(server.Port);
        byte[] payload = [.. Enumerable.Range(0, 125).Select(static i => (byte)(i * 7))];
        client.Send(Opcode.Ping, payload);
        Assert.That(client.ReadFrame(), Is.EqualTo((Opcode.Pong, payload)));
    }

    [Test]
    public async Task Section_6_1_TextLeavesAsText_AndBinaryAsBinary()
    {
        await using TestServer server = await TestServer.Start(setup, new EchoApplication());
        using RawClient client = RawClient.Open(server.Port);
        foreach (Opcode opcode in new[] { Opcode.Text, Opcode.Binary })
        {
            client.Send(opcode, "a, "u8, fin: false);
            client.Send(Opcode.Continuation, "b"u8);
            Assert.That(client.ReadFrame(), Is.EqualTo((opcode, "a, b"u8.ToArray())));
        }
    }

    [Test]
    public async Task Section_7_1_7_AViolation_IsLogged_ByItsRule()
    {
        using MemoryStream output = new();
        using (ConsoleLog console = new(output, TimeProvider.System))
        {
            using ILoggerFactory log = LoggerFactory.Create(builder => builder.AddProvider(console));
            await using TestServer server =
                await TestServer.Start(setup, new EchoApplication(), options => options with { LoggerFactory = log });
            using RawClient client = RawClient.Open(server.Port);
            client.Send([0xC1, 0x80, 0, 0, 0, 0]);
            Assert.That(client.ReadClose().Code, Is.EqualTo(1002));
        }

        Assert.That(Encoding.UTF8.GetString(output.ToArray()),
            Does.Contain($"ProtocolViolation, code 1002, rule {FrameRules.ReservedBitsNotNegotiated.Name}"));
    }

    [TestCase("/", "Content-Length: 1\r\n", 400)]
    [TestCase("/", "Origin: https://example.com\r\n", 403)]
    [TestCase("/", "Sec-WebSocket-Extensions: a; b=\r\n", 400)]
    public async Task Section_7_2_2_ARefusedHandshake_IsAnsweredByHttp_AndTheConnectionIsClosed(string target, string fields, int status)
    {
        await using TestServer server = await TestServer.Start(setup, new EchoApplication());
        using RawClient client = RawClient.Connect(server.Port);
        client.Send($"GET {target} HTTP/1.1\r\n{RawClient.Upgrade}{fields}\r\n");
        Assert.That(client.ReadToEnd(), Does.StartWith($"HTTP/1.1 {status} "));
    }
}
