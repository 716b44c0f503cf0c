// Pieces that no node of ours sends: nothing is thrown, no more is kept than a message has, and the link goes on.

using System.Buffers.Binary;
using System.Text;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Nats;

namespace RawWs.Tests.Nats;

public sealed class LinkInTests
{
    private const int MessageBytesMax = 1_000;

    private readonly Taker _taker = new();
    private readonly WireWriter _writer = new();

    [SetUp]
    public void SetUp() => _taker.Texts.Clear();

    // Each begins a message of nearly the greatest length, and ends none.
    [Test]
    public void PiecesThatBeginMessagesAndEndNone_MakeNoSense()
    {
        LinkIn link = new(MessageBytesMax);
        byte[] begun = Message(new string('x', 900))[..600];
        Assert.That(Receive(link, 0, 0, rest: 0, begun), Is.True);
        Assert.That(Receive(link, 1, 1, rest: 0, begun), Is.False);
        Assert.That(Receive(link, 2, 2, rest: 0, Message("hi")), Is.True, "the link goes on");
        Assert.That((_taker.Texts, link.Next, link.Lost), Is.EqualTo((new List<string> { "hi" }, 3UL, 2UL)));
    }

    [Test]
    public void BytesBehindARestThatDoesNotEndItsMessage_MakeNoSense([Values(1, 3, 100)] int behind)
    {
        LinkIn link = new(MessageBytesMax);
        byte[] message = Message(new string('x', 900));
        Assert.That(Receive(link, 0, 0, rest: 0, message[..600]), Is.True);
        Assert.That(Receive(link, 1, 1, rest: 200, [.. message[600..800], .. new byte[behind]]), Is.False);
        Assert.That(Receive(link, 2, 1, rest: 0, Message("hi")), Is.True, "the link goes on");
        Assert.That((_taker.Texts, link.Next, link.Lost), Is.EqualTo((new List<string> { "hi" }, 2UL, 1UL)));
    }

    [Test]
    public void WhateverPiecesCome_NothingIsThrown([Range(0, 19)] int seed)
    {
        Random random = new(seed);
        LinkIn link = new(MessageBytesMax);
        ulong piece = 0, first = 0;
        for (int i = 0; i < 5_000; i++)
        {
            int rest = random.Next(2) == 0 ? 0 : random.Next(400);
            byte[] message = Message(new string('x', random.Next(MessageBytesMax - 10)));
            byte[] bytes = [.. new byte[rest], .. message[..(random.Next(2) == 0 ? message.Length : random.Next(message.Length))]];
            if (random.Next(10) == 0) random.NextBytes(bytes);
            _ = Receive(link, piece, first, (uint)rest, bytes);
            if (random.Next(20) > 0) piece++;
            first = random.Next(10) == 0 ? (ulong)random.NextInt64() : link.Next + (ulong)random.Next(2);
        }

        Assert.That(_taker.Texts, Is.Not.Empty);
    }

    // A piece is cut anywhere, in a length too.
    [Test]
    public void WhereverAMessageIsCut_ItIsPutTogether([Range(1, 20)] int cut)
    {
        byte[] bytes = [.. Message("first"), .. Message("second")];
        int firstEnd = Message("first").Length;
        bool isInSecond = cut > firstEnd;
        LinkIn link = new(MessageBytesMax);
        Assert.That(Receive(link, 0, 0, rest: 0, bytes[..cut]), Is.True);
        uint rest = (uint)((cut < firstEnd ? firstEnd : cut == firstEnd ? cut : bytes.Length) - cut);
        Assert.That(Receive(link, 1, isInSecond ? 2UL : 1UL, rest, bytes[cut..]), Is.True);
        Assert.That(_taker.Texts, Is.EqualTo(new[] { "first", "second" }));
    }

    // A receiver that failed in the middle of a piece, or a stranger: what the numbers say is lost, and no answer is about another message.
    [Test]
    public void WhereTheNumbersDoNotFit_WhatIsBetweenIsLost_AndNothingComesTwice()
    {
        LinkIn link = new(MessageBytesMax);
        Assert.That(Receive(link, 0, 0, rest: 0, Message("a")), Is.True);
        Assert.That(Receive(link, 1, 3, rest: 0, Message("d")), Is.True);
        Assert.That((link.Next, link.Lost), Is.EqualTo((4UL, 2UL)));
        Assert.That(Receive(link, 2, 2, rest: 0, Message("c")), Is.False);
        Assert.That(_taker.Texts, Is.EqualTo(new[] { "a", "d" }));
        Assert.That(Receive(link, 3, ulong.MaxValue, rest: 0, []), Is.True);
        Assert.That(link.Lost, Is.EqualTo(2UL + int.MaxValue), "a number that nobody can count");
    }

    private bool Receive(LinkIn link, ulong piece, ulong first, uint rest, byte[] bytes)
    {
        _writer.Begin(WireKind.Everybody, 1, "a"u8).Write(piece).Write(first).Write(rest).Write(bytes);
        byte[] whole = _writer.Written.ToArray();
        WireReader reader = new(whole);
        Assert.That(reader.TryReadHead(out _));
        return link.TryReceive(ref reader, whole, _taker);
    }

    private static byte[] Message(string text)
    {
        byte[] message = new byte[sizeof(uint) + sizeof(byte) + sizeof(ushort) + text.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(message, (uint)(message.Length - sizeof(uint)));
        message[4] = (byte)MessageKind.Text;
        Encoding.ASCII.GetBytes(text, message.AsSpan(7));
        return message;
    }

    private sealed class Taker : IMessageTaker
    {
        public List<string> Texts { get; } = [];

        public DeliveryResult Take(MessageKind kind, ReadOnlySpan<byte> uid, ReadOnlyMemory<byte> payload)
        {
            Texts.Add(Encoding.ASCII.GetString(payload.Span));
            return DeliveryResult.Delivered;
        }
    }
}
