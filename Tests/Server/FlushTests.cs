// A connection, and a kernel that accepts what the test lets it accept: what waits meanwhile, and what is sent in the end.

using RawWs.Frame;
using RawWs.Server.Applications;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

public sealed class FlushTests
{
    // §5.5.3: the answer to the latest Ping stands for all, as long as none of its bytes has been sent. What is queued behind it stays
    // where it is.
    [Test]
    public async Task WhileBytesWaitForTheKernel_OnePongWaits([Values(Opcode.Text, Opcode.Ping)] Opcode begun)
    {
        const int Reads = 1000;
        await using MemoryConnection peer = new(new EchoApplication());
        peer.Room = 3;
        peer.Arrive(RawClient.Frame(begun, "hello"u8));
        Assert.That(peer.Connection.QueuedBytes, Is.EqualTo(7 - 3), "the rest of what the kernel has begun to take");

        byte[] latest = [];
        int behind = 0; // bytes of a message that is queued after the Pong
        for (int i = 0; i < Reads; i++)
        {
            latest = Numbered((3 * i) + 2);
            peer.Arrive([.. Ping(Numbered(3 * i)), .. Ping(Numbered((3 * i) + 1)), .. Ping(latest)]);
            if (i == Reads / 2)
            {
                peer.Arrive(RawClient.Frame(Opcode.Text, "there"u8));
                behind = 2 + 5;
            }

            Assert.That(peer.Connection.QueuedBytes, Is.EqualTo(4 + 2 + latest.Length + behind), $"after {3 * (i + 1)} Pings");
        }

        peer.Room = int.MaxValue;
        peer.BecomeWritable();
        byte first = begun == Opcode.Text ? (byte)0x81 : (byte)0x8A;
        byte[] taken = [first, 5, .. "hello"u8, 0x8A, (byte)latest.Length, .. latest, 0x81, 5, .. "there"u8];
        Assert.That(peer.Taken, Is.EqualTo(taken));

        peer.Arrive([.. Ping([1]), .. Ping([2])]);
        Assert.That(peer.Taken, Is.EqualTo((byte[])[.. taken, 0x8A, 1, 1, 0x8A, 1, 2]), "nothing waits any more, so each has an answer");
    }

    // The kernel has one byte of it, so its other bytes must follow. The next Pings share the Pong behind it.
    [Test]
    public async Task APongThatTheKernelHasBegunToTake_IsFinished()
    {
        await using MemoryConnection peer = new(new EchoApplication());
        peer.Room = 3;
        peer.Arrive(RawClient.Frame(Opcode.Text, "hello"u8));
        peer.Arrive(Ping([1]));
        peer.Room = 4 + 1;
        peer.BecomeWritable();
        peer.Arrive([.. Ping([2]), .. Ping([3])]);
        Assert.That(peer.Connection.QueuedBytes, Is.EqualTo(2 + 3));
        peer.Room = int.MaxValue;
        peer.BecomeWritable();
        Assert.That(peer.Taken, Is.EqualTo((byte[])[0x81, 5, .. "hello"u8, 0x8A, 1, 1, 0x8A, 1, 3]));
    }

    // The kernel accepts nothing, or a part, of a read's answers. What was begun is finished, and the answer to the latest Ping stands for
    // all others.
    [Test]
    public async Task OfARefusedBatchOfPongs_TheLatestWaits(
        [Values(1, 300, 341)] int refused, [Values(0, 2, 125)] int payloadBytes, [Values(0, 1, 3)] int room)
    {
        await using MemoryConnection peer = new(new EchoApplication());
        peer.Room = room;
        peer.Arrive([.. Enumerable.Repeat(Ping([1]), refused).SelectMany(static ping => ping)]);
        byte[] latest = [.. Enumerable.Repeat((byte)7, payloadBytes)];
        peer.Arrive(Ping(latest));
        peer.Room = int.MaxValue;
        peer.BecomeWritable();
        byte[] begun = room > 0 ? [0x8A, 1, 1] : [];
        Assert.That(peer.Taken, Is.EqualTo((byte[])[.. begun, 0x8A, (byte)payloadBytes, .. latest]));
    }

    private static byte[] Ping(byte[] payload) => RawClient.Frame(Opcode.Ping, payload);

    // Payloads of many lengths, so that a Pong replaces a longer one, and a shorter one.
    private static byte[] Numbered(int number)
    {
        byte[] payload = new byte[2 + (number * 7 % (FrameWriter.ControlPayloadBytesMax - 1))];
        BitConverter.TryWriteBytes(payload, (short)number);
        return payload;
    }
}
