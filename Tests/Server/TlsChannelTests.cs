// TLS over a real socket, as its peers see it: whole streams, cut anywhere, garbage, alerts, and every ending with its good-bye.

using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using Microsoft.Extensions.Logging;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixture(TransportKind.Auto)]
[TestFixture(TransportKind.Socket)]
public sealed class TlsChannelTests(TransportKind transport)
{
    [TestCase(SslProtocols.Tls12)]
    [TestCase(SslProtocols.Tls13)]
    public async Task AMessage_GoesBothWays(SslProtocols protocol)
    {
        ReportedEcho endings = new();
        await using TestServer server = await Start(endings);
        using TlsClient client = TlsClient.Connect(server.Port, protocol);
        Assert.That(client.Tls.SslProtocol, Is.EqualTo(protocol));
        Assert.That(client.Tls.NegotiatedApplicationProtocol, Is.EqualTo(SslApplicationProtocol.Http11));
        client.Open();
        byte[] payload = new byte[300_000];
        new Random(1).NextBytes(payload);
        foreach (int length in (int[])[0, 1, 125, 126, 16_384, 65_536, 300_000])
        {
            client.Tls.Write(RawClient.Frame(Opcode.Binary, payload.AsSpan(0, length)));
            byte[] wanted = Frame(payload.AsSpan(0, length));
            Assert.That(client.Read(wanted.Length), Is.EqualTo(wanted), $"{length} bytes");
        }

        await CloseInOrder(client, endings);
    }

    // Where TCP cuts a record means nothing: neither in the handshake nor after it.
    [Test]
    public async Task ABytePerSegment_IsTheSame()
    {
        await using TestServer server = await Start(new ReportedEcho());
        using TlsClient client = TlsClient.Connect(server.Port, SslProtocols.None, bytesPerSegment: 1);
        client.Open();
        client.Tls.Write(RawClient.Frame(Opcode.Text, "Hello"u8));
        Assert.That(client.Read(7), Is.EqualTo((byte[])[0x81, 0x05, .. "Hello"u8]));
    }

    // Below, everything is cut and held back, both ways.
    [Test]
    public async Task OverALayerThatCutsAndHolds_ItIsTheSame([Range(1, 5)] int round)
    {
        ReportedEcho endings = new();
        await using TestServer server = await Start(endings, static options => options with { ChannelLayer = XorChannel.Twice });
        using TlsClient client = TlsClient.Connect(server.Port, round % 2 == 0 ? SslProtocols.Tls12 : SslProtocols.Tls13);
        client.Open();
        byte[] payload = new byte[100_000 * round];
        new Random(round).NextBytes(payload);
        Task sent = Task.Run(() => client.Tls.Write(RawClient.Frame(Opcode.Binary, payload)));
        byte[] wanted = Frame(payload);
        Assert.That(client.Read(wanted.Length), Is.EqualTo(wanted));
        await sent;
        await CloseInOrder(client, endings);
    }

    // What is sealed and the kernel does not take is charged; a connection that is closed with it is reset.
    [Test]
    public async Task WhatIsSealedAndNotTaken_IsCharged_AndClosingIsAReset()
    {
        ReportedEcho endings = new();
        await using TestServer server = await Start(endings);
        using TlsClient client = TlsClient.Connect(server.Port, SslProtocols.None);
        client.Open();
        WebSocketConnection connection = await endings.Opened();
        byte[] message = new byte[60_000];
        TestServer.Eventually(() => connection.TrySend(MessageKind.Binary, message) == SendResult.Full, "the kernel takes no more");
        Assert.That(server.Server.HeldBytes, Is.Positive);
        connection.Abort();
        Assert.That((await endings.Next()).Cause, Is.EqualTo(EndCause.Aborted));
        Assert.That(() => client.ReadToTheEnd(), Throws.InstanceOf<IOException>().Or.InstanceOf<SocketException>());
        server.HoldsNothing();
    }

    // Half a record waits, charged at what it costs, and nobody is woken by it.
    [Test]
    public async Task HalfARecord_IsHeld_UntilTheRestComes()
    {
        await using TestServer server = await Start(new ReportedEcho());
        using TlsClient client = TlsClient.Connect(server.Port, SslProtocols.None);
        client.Open();
        client.Hold();
        client.Tls.Write(RawClient.Frame(Opcode.Text, "Hello"u8));
        byte[] record = client.Held();
        client.Socket.Send(record.AsSpan(0, record.Length / 2));
        TestServer.Eventually(() => server.Server.Budget.HeldBytes > 0, "half a record is charged");
        client.Socket.Send(record.AsSpan(record.Length / 2));
        Assert.That(client.Read(7), Is.EqualTo((byte[])[0x81, 0x05, .. "Hello"u8]));
        TestServer.Eventually(() => server.Server.Budget.HeldBytes == 0, "and given back");
    }

    [Test]
    public async Task ManyMessagesInOneRecord_AreAllAnswered()
    {
        await using TestServer server = await Start(new ReportedEcho());
        using TlsClient client = TlsClient.Connect(server.Port, SslProtocols.None);
        client.Open();
        const int Count = 20_000;
        Task sent = Task.Run(() => client.Tls.Write(
            [.. Enumerable.Repeat(RawClient.Frame(Opcode.Text, "Hello"u8), Count).SelectMany(static frame => frame)]));
        byte[] wanted = [.. Enumerable.Repeat<byte[]>([0x81, 0x05, .. "Hello"u8], Count).SelectMany(static frame => frame)];
        Assert.That(client.Read(wanted.Length), Is.EqualTo(wanted));
        await sent;
    }

    [Test]
    public async Task Garbage_EndsTheConnection_WithAReason([Values(1, 5, 100, 40_000)] int length)
    {
        ReportedEcho endings = new();
        using RecordedLog log = new(LogLevel.Information);
        await using TestServer server = await Start(endings, options => options with { LoggerFactory = log });
        using Socket socket = TlsClient.ConnectSocket(server.Port);
        byte[] garbage = new byte[length];
        new Random(length).NextBytes(garbage);
        socket.Send(garbage);
        socket.Shutdown(SocketShutdown.Send);
        ToTheEnd(socket);
        TestServer.Eventually(() => server.Server.Count == 0, "the connection ends");
        Assert.That(Texts(log), Has.Some.Contains(length < 5 ? "PeerVanished" : "TlsFailed"));
        Assert.That(Texts(log), Has.None.Contains("bug"));
    }

    [Test]
    public async Task PlainHttp_EndsTheConnection_WithAReason()
    {
        using RecordedLog log = new(LogLevel.Information);
        await using TestServer server = await Start(new ReportedEcho(), options => options with { LoggerFactory = log });
        using Socket socket = TlsClient.ConnectSocket(server.Port);
        socket.Send(Encoding.ASCII.GetBytes($"GET / HTTP/1.1\r\n{RawClient.Upgrade}\r\n"));
        ToTheEnd(socket);
        TestServer.Eventually(() => server.Server.Count == 0, "the connection ends");
        Assert.That(Texts(log), Has.Some.Contains("TlsFailed"));
    }

    [Test]
    public async Task ARecordThatIsForged_EndsTheConnection_WithAReason()
    {
        ReportedEcho endings = new();
        await using TestServer server = await Start(endings);
        using TlsClient client = TlsClient.Connect(server.Port, SslProtocols.None);
        client.Open();
        client.Hold();
        client.Tls.Write(RawClient.Frame(Opcode.Text, "Hello"u8));
        byte[] record = client.Held();
        record[^1] ^= 1;
        client.Socket.Send(record);
        CloseReport report = await endings.Next();
        Assert.That(report.Cause, Is.EqualTo(EndCause.TlsFailed));
        Assert.That(report.Reason, Is.Not.Empty);
    }

    [TestCase(SslProtocols.Tls12)]
    [TestCase(SslProtocols.Tls13)]
    public async Task TheServersClose_IsFollowedByItsGoodbye(SslProtocols protocol)
    {
        ReportedEcho endings = new();
        await using TestServer server = await Start(endings);
        using TlsClient client = TlsClient.Connect(server.Port, protocol);
        client.Open();
        (await endings.Opened()).Close(1000);
        Assert.That(client.Read(4), Is.EqualTo((byte[])[0x88, 0x02, 0x03, 0xE8]));
        client.Tls.Write(RawClient.Frame(Opcode.Close, [0x03, 0xE8]));
        Assert.That(client.ReadToTheEnd(), Is.Empty);
        Assert.That(client.HeardGoodbye);
        Assert.That((await endings.Next()).Clean);
    }

    // The peer's good-bye without a Close is the end of its stream.
    [Test]
    public async Task ThePeersGoodbye_IsTheEndOfItsStream()
    {
        ReportedEcho endings = new();
        await using TestServer server = await Start(endings);
        using TlsClient client = TlsClient.Connect(server.Port, SslProtocols.None);
        client.Open();
        await client.Tls.ShutdownAsync();
        Assert.That(client.ReadToTheEnd(), Is.Empty);
        Assert.That(client.HeardGoodbye);
        Assert.That((await endings.Next()).Cause, Is.EqualTo(EndCause.PeerVanished));
    }

    [Test]
    public async Task APage_IsFollowedByTheGoodbye()
    {
        await using TestServer server = await Start(new ReportedEcho());
        using TlsClient client = TlsClient.Connect(server.Port, SslProtocols.None);
        client.Tls.Write("GET /x HTTP/1.1\r\nHost: a\r\n\r\n"u8);
        Assert.That(Encoding.ASCII.GetString(client.ReadToTheEnd()), Does.StartWith("HTTP/1.1 426 "));
        Assert.That(client.HeardGoodbye);
    }

    // The client's Close is answered, and a good-bye follows.
    private static async Task CloseInOrder(TlsClient client, ReportedEcho endings)
    {
        client.Tls.Write(RawClient.Frame(Opcode.Close, [0x03, 0xE8]));
        Assert.That(client.ReadToTheEnd(), Is.EqualTo((byte[])[0x88, 0x02, 0x03, 0xE8]));
        Assert.That(client.HeardGoodbye);
        Assert.That((await endings.Next()).Cause, Is.EqualTo(EndCause.PeerClosed));
    }

    private static void ToTheEnd(Socket socket)
    {
        byte[] rest = new byte[4096];
        try
        {
            while (socket.Receive(rest) > 0)
            {
            }
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.ConnectionReset)
        {
            // It had unread bytes when it closed.
        }
    }

    private static IEnumerable<string> Texts(RecordedLog log) => log.All.Select(static line => line.Text);

    private static byte[] Frame(ReadOnlySpan<byte> payload)
    {
        byte[] frame = new byte[payload.Length + FrameWriter.HeaderBytesMax];
        return frame[..FrameWriter.Write(frame, Opcode.Binary, payload)];
    }

    private Task<TestServer> Start(ReportedEcho endings, Func<ServerOptions, ServerOptions>? change = null) => TestServer.Start(
        new Setup(transport, 1), endings, options =>
        {
            options = options with
            {
                ListenEndPoints = [],
                TlsEndPoints = [new IPEndPoint(IPAddress.Loopback, 0)],
                Certificates = TestCertificate.ForLocalhost,
            };
            return change is null ? options : change(options);
        });
}
