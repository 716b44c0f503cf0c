// Many peers at once that do not read until the kernel is full of answers for them, and then all read on: small answers leave in company,
// some are taken in part and some not at all, and every peer gets all of its own in order.

using System.Collections.Concurrent;
using System.Net.Sockets;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixtureSource(typeof(Setup), nameof(Setup.All))]
public sealed class LateReadersTests(Setup setup)
{
    [Test]
    public async Task EachGetsItsOwnAnswers_AllOfThem_InOrder()
    {
        const int Peers = 8, QueuedBytes = 8 * 1024;
        ConcurrentQueue<WebSocketConnection> opened = new();
        await using TestServer server = await TestServer.Start(setup, new ProtocolOverTcpTests.Handler { Opened = opened.Enqueue });
        RawClient[] clients = new RawClient[Peers];
        WebSocketConnection[] connections = new WebSocketConnection[Peers];
        for (int i = 0; i < Peers; i++)
        {
            clients[i] = RawClient.Open(server.Port, receiveBuffer: 32 * 1024);
            TestServer.Eventually(() => opened.TryDequeue(out connections[i]!), "open");
        }

        // A few messages to a peer's turn, so that the answers are few as well. A peer that takes no answers may find that nothing is taken
        // from it either: the server does not read from it, or TCP is busy with small segments for which it has no room (over layers). Then
        // it must read, and not wait.
        int[] sent = new int[Peers];
        Random random = new(1);
        bool MaySend(int peer) => connections[peer].QueuedBytes < QueuedBytes && clients[peer].Socket.Poll(0, SelectMode.SelectWrite);
        while (Enumerable.Range(0, Peers).Any(MaySend))
        {
            for (int peer = 0; peer < Peers; peer++)
            {
                if (!MaySend(peer)) continue;
                List<byte> piece = [];
                for (int more = random.Next(1, 9); more > 0 && connections[peer].QueuedBytes < QueuedBytes; more--)
                    piece.AddRange(RawClient.Frame(Opcode.Binary, Message(peer, sent[peer]++)));
                clients[peer].Send(piece.ToArray());
            }

            server.CatchUp();
        }

        for (int number = 0; number < sent.Max(); number++)
        {
            for (int peer = 0; peer < Peers; peer++)
            {
                if (number >= sent[peer]) continue;
                (Opcode opcode, byte[] answer) = clients[peer].ReadFrame()!.Value;
                Assert.That((opcode, answer.AsSpan().SequenceEqual(Message(peer, number))), Is.EqualTo((Opcode.Binary, true)),
                    $"answer {number} of peer {peer}");
            }
        }

        foreach (RawClient client in clients)
        {
            client.Send(Opcode.Close, []);
            Assert.That(client.ReadClose(), Is.EqualTo(((ushort?)null, "")));
            client.Dispose();
        }

        server.HoldsNothing();
    }

    private static byte[] Message(int peer, int number)
    {
        byte[] message = new byte[8 + (number * 7 % 600)];
        BitConverter.TryWriteBytes(message, (long)peer << 32 | (uint)number);
        return message;
    }
}
