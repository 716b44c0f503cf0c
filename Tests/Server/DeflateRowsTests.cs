// Rows of docs/rfc-map.md about RFC 7692 that can be seen on the wire and that no other test would notice. The client's half is bytes.

using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Server.Compression;
using RawWs.Server.Extensions;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixtureSource(typeof(Setup), nameof(Setup.All))]
public sealed class DeflateRowsTests(Setup setup)
{
    private const string Plain = "permessage-deflate";

    [Test]
    public async Task Section_5_WhatIsAgreedOn_IsInUse_BothWays()
    {
        byte[] message = Deflate.Text(3000);
        await using TestServer server = await Start();
        using RawClient client = Open(server, Plain);
        client.Send(Frame(Opcode.Text, Deflate.Compress(message), ReservedBits.Rsv1));
        Assert.That(client.ReadRawFrame(out FrameHeader header), Is.Not.EqualTo(message));
        Assert.That((header.Opcode, header.Reserved, header.Fin), Is.EqualTo((Opcode.Text, ReservedBits.Rsv1, true)));
        client.Send(Frame(Opcode.Binary, Deflate.Compress(message), ReservedBits.Rsv1));
        byte[] compressed = client.ReadRawFrame(out header);
        Assert.That((header.Opcode, header.Reserved), Is.EqualTo((Opcode.Binary, ReservedBits.Rsv1)));
        using Inflater inflater = Inflater.TryCreate(15)!;
        Assert.That(Deflate.Read(inflater, compressed), Is.EqualTo((DecodeStatus.Done, message)));
    }

    [Test]
    public async Task Section_6_AMessageWithoutTheBit_IsTakenAsItIs()
    {
        byte[] looksCompressed = Convert.FromHexString("F248CDC9C90700");
        await using TestServer server = await Start();
        using RawClient client = Open(server, Plain);
        client.Send(Opcode.Binary, looksCompressed);
        Assert.That(client.ReadFrame(), Is.EqualTo((Opcode.Binary, looksCompressed)));
        client.Send(Frame(Opcode.Text, looksCompressed, ReservedBits.Rsv1));
        Assert.That(client.ReadText(), Is.EqualTo("Hello"));
    }

    [Test]
    public async Task Section_6_2_FragmentsAreJoined_ThenDecompressed()
    {
        byte[] compressed = Convert.FromHexString("F248CDC9C90700");
        await using TestServer server = await Start();
        using RawClient client = Open(server, Plain);
        for (int cut = 0; cut <= compressed.Length; cut++)
        {
            client.Send([
                .. Frame(Opcode.Text, compressed.AsSpan(0, cut), ReservedBits.Rsv1, fin: false),
                .. Frame(Opcode.Continuation, [], 0, fin: false),
                .. RawClient.Frame(Opcode.Ping, "p"u8), .. Frame(Opcode.Continuation, compressed.AsSpan(cut), 0)]);
            Assert.That(client.ReadFrame()!.Value.Opcode, Is.EqualTo(Opcode.Pong));
            Assert.That(client.ReadText(), Is.EqualTo("Hello"), $"cut at {cut}");
        }
    }

    // The setting is a window of 512 bytes, and this client has not said that it can keep to one.
    [Test]
    public async Task Section_7_2_2_AClientThatCannotBeLimited_IsReadWithTheWholeWindow()
    {
        byte[] far = Deflate.Noise(30_000);
        byte[] message = [.. far, .. far.AsSpan(0, 200)];
        await using TestServer server =
            await Start(static options => options with { CompressionWindowBits = 9, CompressionBytesMin = 1 << 20 });
        using RawClient client = Open(server, Plain);
        byte[] compressed = Deflate.Compress(message);
        Assert.That(compressed, Has.Length.LessThan(30_100), "it refers to what is 30,000 bytes before");
        client.Send(Frame(Opcode.Binary, compressed, ReservedBits.Rsv1));
        Assert.That(client.ReadFrame(), Is.EqualTo((Opcode.Binary, message)));
    }

    [Test]
    public async Task Section_8_ItIsOff_UnlessAskedFor()
    {
        await using TestServer server = await TestServer.Start(setup, new EchoApplication());
        using RawClient client = RawClient.Connect(server.Port);
        client.Send($"GET / HTTP/1.1\r\n{RawClient.Upgrade}Sec-WebSocket-Extensions: {Plain}\r\n\r\n");
        Assert.That(client.ReadHead(), Does.StartWith("HTTP/1.1 101 ").And.Not.Contain("Extensions"));
        client.Send(Frame(Opcode.Text, "x"u8, ReservedBits.Rsv1));
        Assert.That(client.ReadClose().Code, Is.EqualTo(1002));
    }

    private static byte[] Frame(Opcode opcode, ReadOnlySpan<byte> payload, ReservedBits reserved, bool fin = true)
    {
        byte[] frame = new byte[FrameWriter.HeaderBytesMax + payload.Length];
        return frame[..FrameWriter.WriteMasked(frame, opcode, payload, 0x01020304, fin, reserved)];
    }

    private static RawClient Open(TestServer server, string offer)
    {
        RawClient client = RawClient.Connect(server.Port);
        client.Send($"GET / HTTP/1.1\r\n{RawClient.Upgrade}Sec-WebSocket-Extensions: {offer}\r\n\r\n");
        Assert.That(client.ReadHead(), Does.Contain("Sec-WebSocket-Extensions: permessage-deflate"));
        return client;
    }

    private Task<TestServer> Start(Func<ServerOptions, ServerOptions>? change = null) =>
        TestServer.Start(setup, new EchoApplication(), options =>
        {
            ServerOptions compressed = options with { Compression = true };
            return change is null ? compressed : change(compressed);
        });
}
