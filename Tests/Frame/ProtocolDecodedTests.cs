// What comes out of a message that an extension has marked is judged like a message that nobody has marked: the same limit, the same UTF-8,
// at the earliest byte, wherever it is cut.

using System.Text;
using RawWs.Frame;

namespace RawWs.Tests.Frame;

public sealed class ProtocolDecodedTests
{
    private const ReservedBits Marks = ReservedBits.Rsv2;

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(1000)]
    public void Section_10_4_TheLimit_IsTheLargestMessage_ToTheByte(int limit)
    {
        foreach (int piece in new[] { 1, 7, 2000 })
        {
            WebSocketProtocol protocol = Begin(MessageKind.Binary, limit);
            Assert.That(Feed(protocol, MessageKind.Binary, new byte[limit], piece), Is.Null);
            Assert.That((protocol.DecodedBytesLeft, Feed(protocol, MessageKind.Binary, new byte[1], 1)),
                Is.EqualTo((0L, FrameRules.MessageTooBig)));
            Assert.That(Feed(Begin(MessageKind.Binary, limit), MessageKind.Binary, new byte[limit + 5], piece),
                Is.EqualTo(FrameRules.MessageTooBig));
        }
    }

    [TestCase("", null)]
    [TestCase("c3a4e282acf09f9880", null)]
    [TestCase("61ff", nameof(FrameRules.TextNotUtf8))]
    [TestCase("61e282", nameof(FrameRules.TextEndsInsideCharacter))]
    [TestCase("f09f98", nameof(FrameRules.TextEndsInsideCharacter))]
    [TestCase("eda080", nameof(FrameRules.TextNotUtf8))]
    public void Section_8_1_TextIsJudged_WhereverItIsCut(string hex, string? rule)
    {
        byte[] text = Convert.FromHexString(hex);
        for (int piece = 1; piece <= text.Length + 1; piece++)
        {
            WebSocketProtocol protocol = Begin(MessageKind.Text, 100);
            Rule? broken = Feed(protocol, MessageKind.Text, text, piece) ?? protocol.CheckDecoded([], MessageKind.Text, endOfMessage: true);
            Assert.That(broken?.Name, Is.EqualTo(rule), $"pieces of {piece}");
            protocol = Begin(MessageKind.Binary, 100);
            broken = Feed(protocol, MessageKind.Binary, text, piece) ?? protocol.CheckDecoded([], MessageKind.Binary, endOfMessage: true);
            Assert.That(broken, Is.Null, "binary is anything");
        }
    }

    [Test]
    public void Section_8_1_AWrongByte_IsFoundBeforeOneTooMany_AndOneTooManyBeforeAnEndInsideACharacter()
    {
        Assert.That(Begin(MessageKind.Text, 3)
            .CheckDecoded([0x61, 0xFF, 0x61, 0x61], MessageKind.Text, false), Is.EqualTo(FrameRules.TextNotUtf8));
        Assert.That(Begin(MessageKind.Text, 1).CheckDecoded([0x61, 0xFF], MessageKind.Text, false), Is.EqualTo(FrameRules.MessageTooBig));
        Assert.That(Begin(MessageKind.Text, 1)
            .CheckDecoded([0xE2, 0x82], MessageKind.Text, endOfMessage: true), Is.EqualTo(FrameRules.MessageTooBig));
    }

    // The wire's bytes are no text, and are not judged as such; the next message begins with nothing counted and no half of a character.
    [Test]
    public void EachMessage_BeginsAnew([Values] bool nextIsMarked)
    {
        WebSocketProtocol protocol = Begin(MessageKind.Text, 10);
        Assert.That(protocol.CheckDecoded([0x61, 0xE2], MessageKind.Text, endOfMessage: false), Is.Null);
        Assert.That(protocol.DecodedBytesLeft, Is.EqualTo(8));
        byte[] next = [(byte)(nextIsMarked ? 0xA1 : 0x81), 0x0A, .. Encoding.ASCII.GetBytes("0123456789")];
        ProtocolEvent found = protocol.Next(next, out _);
        Assert.That((found.Kind, found.MessageReserved), Is.EqualTo((ProtocolEventKind.Message, nextIsMarked ? Marks : ReservedBits.None)));
        if (nextIsMarked) Assert.That(protocol.CheckDecoded(found.Payload, MessageKind.Text, endOfMessage: true), Is.Null);
    }

    // A marked message has come, of one byte that is no UTF-8 itself; or of none, if one is too many.
    private static WebSocketProtocol Begin(MessageKind kind, int limit)
    {
        WebSocketProtocol protocol = new(Role.Client, new ProtocolLimits { MessageBytesMax = limit }, Marks);
        byte[] frame = limit == 0 ? [(byte)(0xA0 | (byte)kind), 0] : [(byte)(0xA0 | (byte)kind), 1, 0xFF];
        Assert.That(protocol.Next(frame, out _).Kind, Is.EqualTo(ProtocolEventKind.Message));
        return protocol;
    }

    private static Rule? Feed(WebSocketProtocol protocol, MessageKind kind, ReadOnlySpan<byte> content, int piece)
    {
        Rule? broken = null;
        for (int i = 0; i < content.Length && broken is null; i += piece)
            broken = protocol.CheckDecoded(content.Slice(i, Math.Min(piece, content.Length - i)), kind, endOfMessage: false);
        return broken;
    }
}
