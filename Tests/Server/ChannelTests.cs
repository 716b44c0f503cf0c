// What a layer does to a connection's bytes reaches the wire, and nobody above it notices. (The whole server suite runs over two layers
// of which one undoes what the other does: Setup.Layered.)

using System.Net;
using System.Net.Sockets;
using System.Text;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixture(TransportKind.Auto)]
[TestFixture(TransportKind.Socket)]
public sealed class ChannelTests(TransportKind transport)
{
    private const byte Key = 0x5A;

    // Each cut falls elsewhere, in what comes and in what goes.
    [Test]
    public async Task BytesOnTheWire_AreTheLayers([Range(1, 40)] int seed)
    {
        await using TestServer server = await Start(seed);
        using Socket client = Connect(server.Port);
        client.Send(Changed(Encoding.ASCII.GetBytes($"GET / HTTP/1.1\r\n{RawClient.Upgrade}\r\n")));
        string head = Encoding.ASCII.GetString(Changed(Read(client, static bytes => Changed(bytes).AsSpan().EndsWith("\r\n\r\n"u8))));
        Assert.That(head, Does.StartWith("HTTP/1.1 101 "));

        byte[] payload = new byte[70_000];
        new Random(seed).NextBytes(payload);
        byte[] wanted = new byte[payload.Length + FrameWriter.HeaderBytesMax];
        wanted = wanted[..FrameWriter.Write(wanted, Opcode.Binary, payload)];
        client.Send(Changed(RawClient.Frame(Opcode.Binary, payload)));
        Assert.That(Changed(Read(client, bytes => bytes.Length == wanted.Length)), Is.EqualTo(wanted));

        // The Close is answered, and the end of the stream follows the last byte.
        client.Send(Changed(RawClient.Frame(Opcode.Close, [0x03, 0xE8])));
        Assert.That(Changed(Read(client, static bytes => false)), Is.EqualTo((byte[])[0x88, 0x02, 0x03, 0xE8]));
    }

    // Bytes that lie in the layer are announced by nobody: the loop comes back for them. Many messages arrive in one piece here, and the
    // layer gives them in small ones.
    [Test]
    public async Task WhatALayerHolds_IsReceivedWithoutAnEvent()
    {
        await using TestServer server = await Start(seed: 7);
        using Socket client = Connect(server.Port);
        client.Send(Changed(Encoding.ASCII.GetBytes($"GET / HTTP/1.1\r\n{RawClient.Upgrade}\r\n")));
        _ = Read(client, static bytes => Changed(bytes).AsSpan().EndsWith("\r\n\r\n"u8));
        const int Count = 2000;
        byte[] one = RawClient.Frame(Opcode.Text, "Hello"u8);
        client.Send(Changed([.. Enumerable.Repeat(one, Count).SelectMany(static frame => frame)]));
        byte[] answers = Changed(Read(client, static bytes => bytes.Length == Count * 7));
        Assert.That(answers, Is.EqualTo(Enumerable.Repeat<byte[]>([0x81, 0x05, .. "Hello"u8], Count).SelectMany(static frame => frame)));
    }

    private Task<TestServer> Start(int seed) => TestServer.Start(
        new Setup(transport, 1), new EchoApplication(), options =>
            options with { ChannelLayer = plain => new XorChannel(plain, Key, seed) });

    private static Socket Connect(int port)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 30_000, NoDelay = true };
        socket.Connect(IPAddress.Loopback, port);
        return socket;
    }

    // What comes until it is enough, or to the end of the stream.
    private static byte[] Read(Socket socket, Func<byte[], bool> isEnough)
    {
        List<byte> all = [];
        byte[] piece = new byte[64 * 1024];
        while (socket.Receive(piece) is > 0 and var received)
        {
            all.AddRange(piece.AsSpan(0, received));
            if (isEnough([.. all])) break;
        }

        return [.. all];
    }

    private static byte[] Changed(byte[] bytes) => Array.ConvertAll(bytes, static value => (byte)(value ^ Key));
}
