// Large messages over real sockets, which are received where they are assembled: whatever the fragments, the arrivals and the Pings in
// between, the bytes come back as they were, and several connections do not get into each other's.

using System.Security.Cryptography;
using RawWs.Frame;
using RawWs.Server.Applications;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixtureSource(typeof(Setup), nameof(Setup.All))]
public sealed class LargeMessagesTests(Setup setup)
{
    private const int MessageBytesMax = 1024 * 1024;

    [Test]
    public async Task InRandomFragmentsAndArrivals_TheyComeBackAsTheyWere([Values(1, 2, 3)] int seed)
    {
        await using TestServer server = await TestServer.Start(
            setup, new EchoApplication(), static options => options with { SendBufferBytesMax = 8 * MessageBytesMax });
        Task[] clients = [.. Enumerable.Range(0, 3).Select(i => Task.Run(() => Converse(server.Port, new Random((seed * 100) + i))))];
        await Task.WhenAll(clients);
    }

    [Test]
    public async Task AWrongByteInTheMiddle_Is1007_AndEndsOnlyItsOwn()
    {
        await using TestServer server = await TestServer.Start(setup, new EchoApplication());
        using RawClient other = RawClient.Open(server.Port);
        using RawClient client = RawClient.Open(server.Port);
        byte[] text = new byte[MessageBytesMax];
        Array.Fill(text, (byte)'x');
        text[700_000] = 0xC0;
        byte[] frame = RawClient.Frame(Opcode.Text, text);
        client.Send(frame.AsSpan(0, 710_000)); // the rest never comes
        Assert.That(client.ReadClose(answer: true).Code, Is.EqualTo(1007));
        other.SendText("still here");
        Assert.That(other.ReadText(), Is.EqualTo("still here"));
    }

    // What a sender that cuts its messages into pieces of 4 KiB does, where larger ones are allowed.
    [Test]
    public async Task FourMebibytesInFragmentsOfFourKibibytes_Pass()
    {
        await using TestServer server = await TestServer.Start(
            setup, new EchoApplication(), static options =>
                options with { MessageBytesMax = 4 * MessageBytesMax, SendBufferBytesMax = 8 * MessageBytesMax });
        using RawClient client = RawClient.Open(server.Port);
        byte[] message = new byte[4 * MessageBytesMax];
        new Random(1).NextBytes(message);
        for (int at = 0; at < message.Length; at += 4096)
            client.Send(at == 0 ? Opcode.Binary : Opcode.Continuation, message.AsSpan(at, 4096), fin: at + 4096 == message.Length);
        Assert.That(client.ReadFrame()!.Value.Payload.AsSpan().SequenceEqual(message), Is.True);
    }

    [Test]
    public async Task AFloodOfTinyFragments_Is1009_WhereLargeMessagesAreAllowed()
    {
        await using TestServer server =
            await TestServer.Start(setup, new EchoApplication(), static options => options with { MessageBytesMax = 4 * MessageBytesMax });
        using RawClient client = RawClient.Open(server.Port);
        byte[] fragment = RawClient.Frame(Opcode.Continuation, "x"u8, fin: false);
        client.Send(
            [.. RawClient.Frame(Opcode.Text, "x"u8, fin: false), .. Enumerable.Repeat(fragment, 4096).SelectMany(static bytes => bytes)]);
        Assert.That(client.ReadClose(answer: true).Code, Is.EqualTo(1009));
    }

    private static void Converse(int port, Random random)
    {
        using RawClient client = RawClient.Open(port);
        for (int i = 0; i < 6; i++)
        {
            byte[] message = new byte[random.Next(1, MessageBytesMax + 1)];
            bool text = random.Next(2) == 0;
            if (text) for (int at = 0; at < message.Length; at++) message[at] = (byte)('a' + (at % 26));
            else random.NextBytes(message);

            MemoryStream wire = new();
            byte pings = 0;
            for (int at = 0; at < message.Length || at == 0;)
            {
                int length = Math.Min(message.Length - at, random.Next(3) == 0 ? random.Next(1, 2000) : random.Next(1, MessageBytesMax));
                wire.Write(
                    RawClient.Frame(at > 0 ? Opcode.Continuation : text ? Opcode.Text : Opcode.Binary, message.AsSpan(at, length), fin: at
                        + length == message.Length));
                at += length;
                if (at == message.Length || random.Next(2) == 0) continue;
                wire.Write(RawClient.Frame(Opcode.Ping, [pings++]));
            }

            byte[] bytes = wire.ToArray();
            for (int at = 0; at < bytes.Length;)
            {
                int length = Math.Min(bytes.Length - at, random.Next(1, 300_000));
                client.Send(bytes.AsSpan(at, length));
                at += length;
            }

            (Opcode opcode, byte[] payload) = client.ReadFrame()!.Value;
            for (; opcode == Opcode.Pong; (opcode, payload) = client.ReadFrame()!.Value) Assert.That(payload, Has.Length.EqualTo(1));
            Assert.That(opcode, Is.EqualTo(text ? Opcode.Text : Opcode.Binary));
            Assert.That(SHA256.HashData(payload), Is.EqualTo(SHA256.HashData(message)));
        }
    }
}
