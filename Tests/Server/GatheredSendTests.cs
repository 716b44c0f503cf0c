// What a connection sends from where it was received, over a kernel that accepts what the test lets it accept. When it is sent, the bytes
// must still be the message's.

using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

public sealed class GatheredSendTests
{
    // The last chunk of a large message is received where the message is assembled, and that array goes back to the pool when its handler
    // is done.
    [Test]
    public async Task AnEchoOfAnAssembledMessage_IsSentBeforeItsMemoryGoesBack([Values(0, 5, 10, 100_000, int.MaxValue)] int room)
    {
        await using MemoryConnection peer = new(new EchoApplication());
        byte[] message = new byte[300_000];
        new Random(1).NextBytes(message);
        byte[] wire = RawClient.Frame(Opcode.Binary, message);
        peer.Room = room;
        peer.Arrive(wire[..150_000]);
        peer.Arrive(wire[150_000..]);
        peer.Room = int.MaxValue;
        if (room != int.MaxValue) peer.BecomeWritable();
        byte[] frame = new byte[FrameWriter.HeaderBytesMax + message.Length];
        Assert.That(peer.Taken.AsSpan()
            .SequenceEqual(frame.AsSpan(0, FrameWriter.Write(frame, Opcode.Binary, message))), "the frame as it was");
    }

    // SendBufferBytesMax: what has not been given to the kernel yet counts too, except for what one read may bring and one message.
    [Test]
    public async Task WhoeverSendsALargeMessageAgainAndAgain_IsToldWhenTheBufferIsFull()
    {
        const int MessageBytes = 200_000;
        int queued = 0;
        Repeating application = new(100, sent => queued += sent == SendResult.Queued ? 1 : 0);
        await using MemoryConnection peer = new(application);
        peer.Room = 0;
        peer.Arrive(RawClient.Frame(Opcode.Binary, new byte[MessageBytes]));
        Assert.That(queued, Is.EqualTo(((new ServerOptions().SendBufferBytesMax - 1) / MessageBytes) + 1));
        Assert.That(peer.Connection.QueuedBytes, Is.EqualTo((long)queued * (MessageBytes + 10)));
    }

    private sealed class Repeating(int times, Action<SendResult> sent) : IWebSocketApplication
    {
        public ValueTask<UpgradeDecision> OnUpgrade(UpgradeContext context) => new(UpgradeDecision.Accept());

        public ValueTask OnMessage(WebSocketConnection connection, WebSocketMessage message)
        {
            for (int i = 0; i < times; i++) sent(connection.TrySend(message));
            return ValueTask.CompletedTask;
        }
    }
}
