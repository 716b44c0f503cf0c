// Frames that are there in part: what the protocol says of itself meanwhile, and what is consumed when there is no more to read.

using System.Buffers;
using RawWs.Frame;
using RawWs.Tests.Support;

namespace RawWs.Tests.Frame;

public sealed class ProtocolPartsTests
{
    // A part of a control frame is no message, wherever it comes; a part of a data frame's header is one.
    [TestCase("89", false)]
    [TestCase("8A05", false)]
    [TestCase("8A0561", false)]
    [TestCase("8803", false)]
    [TestCase("880303E8", false)]
    [TestCase("81", true)]
    [TestCase("827E01", true)]
    public void APart_IsAMessage_OrNot(string hex, bool isMessage)
    {
        WebSocketProtocol protocol = new(Role.Client, new ProtocolLimits());
        Assert.That(protocol.Next(Convert.FromHexString(hex), out int consumed).Kind, Is.EqualTo(ProtocolEventKind.NeedMoreData));
        Assert.That((consumed, protocol.InMessage, protocol.IsAtRest), Is.EqualTo((0, isMessage, !isMessage)));
    }

    [Test]
    public void InsideOfAPayload_ItSaysSo_UntilItFails()
    {
        WebSocketProtocol protocol = new(Role.Client, new ProtocolLimits());
        Assert.That(protocol.IsInPayload, Is.False);
        protocol.Next([0x81, 0x03, 0x61], out _);
        Assert.That((protocol.IsInPayload, protocol.PayloadBytesLeft), Is.EqualTo((true, 2L)));
        protocol.Next([0x61, 0x61], out _);
        Assert.That((protocol.IsInPayload, protocol.PayloadBytesLeft), Is.EqualTo((false, 0L)));
        protocol.Next([0x81, 0x05, 0x61], out _);
        Assert.That(protocol.Next([0xFF], out _).Rule, Is.EqualTo(FrameRules.TextNotUtf8));
        Assert.That((protocol.PayloadBytesLeft, protocol.InMessage), Is.EqualTo((0L, false)), "nothing is to come after a failure");
    }

    // §7.1.7, §1.4: after a failure, and after the end, everything is consumed at once, in however many segments it came.
    [TestCase(10)]
    [TestCase(1000)]
    public void AtTheEnd_AllSegmentsAreConsumed(int length)
    {
        byte[] bytes = new byte[length], scratch = new byte[WebSocketProtocol.ScratchBytesMin];
        bytes[0] = 0x83;
        WebSocketProtocol protocol = new(Role.Client, new ProtocolLimits());
        foreach (ProtocolEventKind expected in new[] { ProtocolEventKind.Fail, ProtocolEventKind.NeedMoreData })
        {
            ReadOnlySequence<byte> sequence = Segments.Of(bytes, [1, length / 2]);
            Assert.That(protocol.Next(ref sequence, scratch).Kind, Is.EqualTo(expected));
            Assert.That(sequence.Length, Is.Zero);
        }
    }
}
