// A router's notices are never lost in silence: whoever does not take what it is sent is not read from, and what cannot be queued now is
// queued when there is room.

using System.Text;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Server.Sending;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

public sealed class NoticesTests
{
    private const int SendBuffer = 8 * 1024;

    // More notices than the send queue may hold, for one who takes nothing for a while.
    [Test]
    public async Task EachMessageForNobody_IsAnswered_HoweverSlowlyTheAnswersAreTaken([Values(0, 1, 100, SendBuffer)] int roomPerTurn)
    {
        const int Count = 3000;
        await using MemoryConnection peer = new(NewRouter(), static options => options with { SendBufferBytesMax = SendBuffer });
        peer.Room = roomPerTurn;
        peer.Arrive(
            [.. Enumerable.Range(0, Count).SelectMany(static i => RawClient.Frame(Opcode.Text, Encoding.ASCII.GetBytes($"n{i}:x")))]);
        for (int i = 0; i < 10; i++) Go(peer, roomPerTurn);
        // What its cork held when the kernel became full may wait besides.
        Assert.That(peer.Connection.QueuedBytes, Is.LessThan(SendBuffer + Cork.BytesMax), "it is not read from while that much waits");
        for (int i = 0; i < Count && Count > Texts(peer.Taken).Count; i++) Go(peer, 64 * 1024);
        Assert.That(Texts(peer.Taken), Is.EqualTo(Enumerable.Range(0, Count).Select(static i => $"error:offline:n{i}")));
    }

    // Others have filled its queue before its message came.
    [Test]
    public async Task BehindAFullQueue_TheNoticeFollows()
    {
        await using MemoryConnection peer = new(NewRouter(), static options => options with { SendBufferBytesMax = SendBuffer });
        peer.Room = 0;
        int queued = 0;
        peer.Turn(() =>
        {
            while (peer.Connection.TrySend(MessageKind.Text, new byte[500]) == SendResult.Queued) queued++;
        });
        peer.Arrive(RawClient.Frame(Opcode.Text, "nobody:x"u8));
        Assert.That(peer.IsReadFrom, Is.False);
        TestServer.Eventually(
            () =>
            {
                Go(peer, 64 * 1024);
                return Texts(peer.Taken).Count == queued + 1;
            },
            "it is sent when there is room");
        Assert.That(Texts(peer.Taken)[^1], Is.EqualTo("error:offline:nobody"));
    }

    // What its cork held when the kernel became full was more than may wait. The next bytes are received when that is gone.
    [Test]
    public async Task BehindAFullCork_NoPongOvertakesTheNotice()
    {
        await using MemoryConnection peer = new(NewRouter(), static options => options with { SendBufferBytesMax = SendBuffer });
        peer.Room = 0;
        byte[] one = RawClient.Frame(Opcode.Text, "nobody:x"u8);
        byte[] burst = [.. Enumerable.Repeat(one, 600).SelectMany(static frame => frame)];
        peer.Arrive(burst);
        Assert.That(peer.Connection.QueuedBytes, Is.GreaterThan(SendBuffer));
        Assert.That(peer.WantsBytes, Is.False, "it is read from");
        TestServer.Eventually(
            () =>
            {
                Go(peer, 64 * 1024);
                return peer.WantsBytes;
            },
            "all are sent when there is room");
        peer.Arrive([.. RawClient.Frame(Opcode.Text, "last:x"u8), .. RawClient.Frame(Opcode.Ping, "p"u8)]);
        Go(peer, 64 * 1024);
        Assert.That(Texts(peer.Taken), Has.Count.EqualTo(602));
        Assert.That(Texts(peer.Taken)[^2..], Is.EqualTo((string[])["error:offline:last", "p"]));
    }

    private static void Go(MemoryConnection peer, int room)
    {
        peer.Room = room;
        peer.BecomeWritable();
        peer.Turn();
    }

    private static RouterApplication NewRouter() => new(Introduce.Query, DuplicateUid.Share);

    private static List<string> Texts(byte[] taken)
    {
        List<string> texts = [];
        for (int at = 0; FrameReader.TryRead(taken.AsSpan(at), out FrameHeader header) == ReadStatus.Done;)
        {
            int end = at + header.HeaderLength + (int)header.PayloadLength;
            if (end > taken.Length) break;
            texts.Add(Encoding.UTF8.GetString(taken.AsSpan(at + header.HeaderLength, (int)header.PayloadLength)));
            at = end;
        }

        return texts;
    }
}
