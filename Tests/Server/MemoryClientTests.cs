// A client without a socket: what it sees is what a client over TCP sees.

using System.Text;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixtureSource(typeof(Setup), nameof(Setup.All))]
public sealed class MemoryClientTests(Setup setup)
{
    private const string Request = "GET / HTTP/1.1\r\n" + RawClient.Upgrade + "\r\n";

    [Test]
    public async Task AMessage_ComesBack_AndTheEndIsTold()
    {
        await using TestServer server = await TestServer.Start(setup, new EchoApplication());
        using MemoryClient client = server.Server.ConnectOverMemory()!;
        Assert.That(client.TrySend(Encoding.ASCII.GetBytes(Request)));
        foreach (byte one in RawClient.Frame(Opcode.Text, "byte by byte"u8)) Assert.That(client.TrySend([one]));
        Assert.That(client.TrySend(RawClient.Frame(Opcode.Close, [0x03, 0xE8])));
        client.End();
        byte[] answer = await ReceiveAll(client);
        int head = answer.AsSpan().IndexOf("\r\n\r\n"u8) + 4;
        Assert.That(Encoding.ASCII.GetString(answer[..12]), Is.EqualTo("HTTP/1.1 101"));
        Assert.That(answer[head..], Is.EqualTo([0x81, 12, .. "byte by byte"u8, 0x88, 2, 0x03, 0xE8]));
        Assert.That(client.WasReset, Is.False);
        server.HoldsNothing();
    }

    // The client takes nothing, and so the rest waits with the connection.
    [Test]
    public async Task WhatTheClientDoesNotTake_WaitsInTheSendQueue_AndComesWhole()
    {
        const int Messages = 40, Bytes = 10_000;
        await using TestServer server = await TestServer.Start(setup, new EchoApplication());
        using MemoryClient client = server.Server.ConnectOverMemory()!;
        client.TrySend(Encoding.ASCII.GetBytes(Request));
        for (int i = 0; i < Messages; i++) Assert.That(client.TrySend(RawClient.Frame(Opcode.Binary, new byte[Bytes])));
        client.TrySend(RawClient.Frame(Opcode.Close, [0x03, 0xE8]));
        TestServer.Eventually(() => server.Server.HeldBytes > 0, "bytes wait");
        byte[] answer = await ReceiveAll(client);
        int head = answer.AsSpan().IndexOf("\r\n\r\n"u8) + 4;
        Assert.That(answer, Has.Length.EqualTo(head + (Messages * (Bytes + 4)) + 4));
        client.End();
        server.HoldsNothing();
    }

    [Test]
    public async Task AClientThatResets_IsGone()
    {
        await using TestServer server = await TestServer.Start(setup, new EchoApplication());
        using (MemoryClient client = server.Server.ConnectOverMemory()!)
        {
            client.TrySend(Encoding.ASCII.GetBytes(Request));
            await client.ReceiveAsync();
        }

        server.HoldsNothing();
    }

    [Test]
    public async Task PastTheLimit_ItIsTold503_AsOverTcp()
    {
        await using TestServer server = await TestServer.Start(
            setup, new EchoApplication(), static options => options with { ConnectionsMax = 1 });
        using MemoryClient first = server.Server.ConnectOverMemory()!;
        using MemoryClient second = server.Server.ConnectOverMemory()!;
        second.TrySend(Encoding.ASCII.GetBytes(Request));
        Assert.That(Encoding.ASCII.GetString(await ReceiveAll(second)), Does.StartWith("HTTP/1.1 503"));
    }

    [Test]
    public async Task AServerThatDoesNotListen_HasNone()
    {
        WebSocketServer server = new(new ServerOptions(), new EchoApplication());
        Assert.That(server.ConnectOverMemory, Throws.InvalidOperationException);
        await server.DisposeAsync();
        Assert.That(server.ConnectOverMemory, Throws.InvalidOperationException);
    }

    [Test]
    public async Task AStop_FindsIt()
    {
        await using TestServer server = await TestServer.Start(setup, new EchoApplication());
        using MemoryClient client = server.Server.ConnectOverMemory()!;
        client.TrySend(Encoding.ASCII.GetBytes(Request));
        byte[] first = (await client.ReceiveAsync()).ToArray();
        await server.Server.StopAsync(TimeSpan.Zero);
        byte[] answer = [.. first, .. await ReceiveAll(client)];
        Assert.That(answer[answer.AsSpan().IndexOf("\r\n\r\n"u8) + 4], Is.EqualTo(0x88), "a Close");
        Assert.That(client.TrySend([0]), Is.False);
    }

    private static async Task<byte[]> ReceiveAll(MemoryClient client)
    {
        using CancellationTokenSource patience = new(TestServer.Patience);
        List<byte> all = [];
        while (await client.ReceiveAsync(patience.Token) is { IsEmpty: false } bytes) all.AddRange(bytes.Span);
        return [.. all];
    }
}
