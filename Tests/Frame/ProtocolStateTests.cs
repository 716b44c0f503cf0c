// What a connection's protocol says of itself between events: whether it is at rest, what it has counted, what is still to come. And the
// limits at their bounds.

using System.Buffers;
using RawWs.Frame;
using RawWs.Tests.Support;

namespace RawWs.Tests.Frame;

public sealed class ProtocolStateTests
{
    [Test]
    public void BetweenMessages_ItIsAtRest()
    {
        WebSocketProtocol protocol = new(Role.Client, new ProtocolLimits());
        Assert.That((protocol.IsAtRest, protocol.InMessage, protocol.LastOpcode, protocol.MessageBytes, protocol.PayloadBytesLeft),
            Is.EqualTo((true, false, (Opcode?)null, 0L, 0L)));

        byte[] arrived = Convert.FromHexString("0203616263" + "8003646566");
        Assert.That(protocol.Next(arrived.AsSpan(0, 1), out int consumed).Kind, Is.EqualTo(ProtocolEventKind.NeedMoreData));
        Assert.That((consumed, protocol.IsAtRest, protocol.InMessage), Is.EqualTo((0, false, true)), "a byte of a header");
        protocol.Next(arrived.AsSpan(0, 4), out consumed);
        Assert.That((consumed, protocol.IsAtRest, protocol.InMessage, protocol.MessageBytes, protocol.PayloadBytesLeft, protocol.LastOpcode),
            Is.EqualTo((4, false, true, 2L, 1L, Opcode.Binary)));
        protocol.Next(arrived.AsSpan(4, 1), out consumed);
        Assert.That((consumed, protocol.InMessage, protocol.MessageBytes, protocol.PayloadBytesLeft), Is.EqualTo((1, true, 3L, 0L)));
        ProtocolEvent last = protocol.Next(arrived.AsSpan(5), out consumed);
        Assert.That((last.Kind, last.StartOfMessage, last.EndOfMessage, consumed),
            Is.EqualTo((ProtocolEventKind.MessageChunk, false, true, 5)));
        Assert.That((protocol.IsAtRest, protocol.InMessage, protocol.MessageBytes, protocol.LastOpcode),
            Is.EqualTo((true, false, 0L, Opcode.Continuation)));
        protocol.Reset(ReservedBits.Rsv1);
        Assert.That(protocol.LastOpcode, Is.Null);
        Assert.That(ProtocolRun.Of(protocol, [0xC2, 0x00], []).Rule, Is.Null, "the bit that Reset permits");
    }

    [TestCase("02", TestName = "InsideAHeader_ItCannotBeReset")]
    [TestCase("020161", TestName = "InsideAMessage_ItCannotBeReset")]
    [TestCase("8800", TestName = "AfterAClose_ItCannotBeReset")]
    [TestCase("83", TestName = "AfterAFailure_ItCannotBeReset")]
    public void NotAtRest_ItCannotBeReset(string hex)
    {
        WebSocketProtocol protocol = new(Role.Client, new ProtocolLimits());
        _ = ProtocolRun.Of(protocol, Convert.FromHexString(hex), []);
        Assert.That(protocol.IsAtRest, Is.False);
        Assert.That(() => protocol.Reset(ReservedBits.None), Throws.InvalidOperationException);
    }

    [Test]
    public void Section_7_1_3_AfterOurClose_ItIsNotAtRest()
    {
        WebSocketProtocol protocol = new(Role.Client, new ProtocolLimits());
        protocol.OnCloseSent();
        Assert.That((protocol.IsAtRest, protocol.Closing), Is.EqualTo((false, ClosingState.CloseSent)));
        Assert.That(ProtocolRun.Of(protocol, Convert.FromHexString("810161" + "880203E8"), []).Events, Is.EqualTo("text:61 close:1000:"));
        Assert.That(protocol.Closing, Is.EqualTo(ClosingState.Closed));
    }

    [TestCase("8800", ClosingState.CloseReceived)]
    [TestCase("83", ClosingState.Failed)]
    public void Section_1_4_AfterTheEnd_EveryByteIsConsumed_AndNothingIsSaid(string hex, ClosingState expected)
    {
        WebSocketProtocol protocol = new(Role.Client, new ProtocolLimits());
        _ = ProtocolRun.Of(protocol, [.. Convert.FromHexString("0203616263"), .. Convert.FromHexString(hex)], []);
        Assert.That((protocol.Closing, protocol.InMessage, protocol.PayloadBytesLeft), Is.EqualTo((expected, false, 0L)));
        Assert.That(protocol.Next([0x81, 0x01, 0x61], out int consumed).Kind, Is.EqualTo(ProtocolEventKind.NeedMoreData));
        Assert.That(consumed, Is.EqualTo(3));
        ReadOnlySequence<byte> rest = Segments.Of([0x81, 0x01, 0x61], [1]);
        Assert.That(protocol.Next(ref rest, new byte[WebSocketProtocol.ScratchBytesMin]).Kind, Is.EqualTo(ProtocolEventKind.NeedMoreData));
        Assert.That(rest.IsEmpty);
    }

    // A message that fails in its payload: what was still to come does not count any more.
    [Test]
    public void AfterAFailureInsideAFrame_NoPayloadIsLeft()
    {
        WebSocketProtocol protocol = new(Role.Client, new ProtocolLimits());
        _ = ProtocolRun.Of(protocol, [0x81, 0x05, 0xFF], []);
        Assert.That((protocol.Closing, protocol.PayloadBytesLeft, protocol.InMessage), Is.EqualTo((ClosingState.Failed, 0L, false)));
    }

    [Test]
    public void TheScratchMemory_HasALeastSize()
    {
        WebSocketProtocol protocol = new(Role.Server, new ProtocolLimits());
        Assert.That(() => Next(WebSocketProtocol.ScratchBytesMin - 1), Throws.ArgumentException);
        Assert.That(Next(WebSocketProtocol.ScratchBytesMin), Is.EqualTo(ProtocolEventKind.NeedMoreData));

        ProtocolEventKind Next(int scratchBytes)
        {
            ReadOnlySequence<byte> none = default;
            return protocol.Next(ref none, new byte[scratchBytes]).Kind;
        }
    }

    [Test]
    public void Section_10_4_TheLimits_HaveDefaultsAndBounds()
    {
        ProtocolLimits limits = new();
        Assert.That((limits.MessageBytesMax, limits.FragmentsMax), Is.EqualTo((1_048_576L, 1024)));
        Assert.That((new ProtocolLimits { MessageBytesMax = 0 }.MessageBytesMax, new ProtocolLimits { FragmentsMax = 1 }.FragmentsMax),
            Is.EqualTo((0L, 1)));
        Assert.That(() => new ProtocolLimits { MessageBytesMax = -1 }, Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => new ProtocolLimits { FragmentsMax = 0 }, Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    // A message of exactly the limit is accepted, in one frame and in several, on the fast path and on the other.
    [TestCase(100)]
    [TestCase(125)]
    [TestCase(126)]
    [TestCase(300)]
    public void Section_10_4_TheLimit_IsTheLargestMessage(int limit)
    {
        ProtocolLimits limits = new() { MessageBytesMax = limit };
        foreach (int length in new[] { limit, limit + 1 })
        {
            byte[] frame = new byte[FrameWriter.HeaderBytesMax + length];
            int written = FrameWriter.WriteMasked(frame, Opcode.Binary, new byte[length], 0x01020304);
            Rule? expected = length > limit ? FrameRules.MessageTooBig : null;
            Assert.That(ProtocolRun.Of(new WebSocketProtocol(Role.Server, limits), frame.AsSpan(0, written), []).Rule,
                Is.EqualTo(expected), $"{length}");

            int first = FrameWriter.WriteMasked(frame, Opcode.Binary, new byte[1], 1, fin: false);
            byte[] second = new byte[FrameWriter.HeaderBytesMax + length];
            int rest = FrameWriter.WriteMasked(second, Opcode.Continuation, new byte[length - 1], 1);
            Assert.That(ProtocolRun.Of(new WebSocketProtocol(Role.Server, limits), [.. frame[..first], .. second[..rest]], []).Rule,
                Is.EqualTo(expected), $"1 and {length - 1}");
        }
    }

    [TestCase(1)]
    [TestCase(3)]
    public void Section_10_4_TheFragments_AreCountedPerMessage(int limit)
    {
        ProtocolLimits limits = new() { FragmentsMax = limit };
        byte[] most = [0x02, 0x00, .. Enumerable.Repeat(new byte[] { 0x00, 0x00 }, 2).SelectMany(static frame => frame)];
        most = most[..(limit * 2)];
        most[^2] |= 0x80;
        WebSocketProtocol protocol = new(Role.Client, limits);
        ProtocolRun run = ProtocolRun.Of(protocol, [.. most, .. most], []);
        Assert.That((run.Rule, run.Events), Is.EqualTo(((Rule?)null, "binary: binary:")));
        most[^2] &= 0x7F;
        Assert.That(ProtocolRun.Of(protocol, [.. most, 0x80], []).Rule, Is.EqualTo(FrameRules.TooManyFragments));
    }

    // The fast path is taken whenever it may be. If it is not the result is the same, only later.
    [Test]
    public void ASmallWholeMessage_IsReadOnTheFastPath([Values] Role reader, [Values(Opcode.Text, Opcode.Binary)] Opcode opcode)
    {
        ProtocolLimits limits = new() { MessageBytesMax = 124 };
        for (int length = 0; length <= 126; length++)
        {
            byte[] frame = new byte[FrameWriter.HeaderBytesMax + length];
            byte[] payload = [.. Enumerable.Repeat((byte)'a', length)];
            int written = reader == Role.Server
                ? FrameWriter.WriteMasked(frame, opcode, payload, 0x01020304) : FrameWriter.Write(frame, opcode, payload);
            Assert.That(TryRead(new ProtocolLimits(), frame[..(written - 1)]), Is.EqualTo((false, 0)), $"{length}: a byte is missing");
            Assert.That(TryRead(new ProtocolLimits(), [.. frame[..written], 0x81]),
                Is.EqualTo(length <= 125 ? (true, length) : (false, 0)), $"{length}");
            Assert.That(TryRead(new ProtocolLimits(), frame[..written]),
                Is.EqualTo(length <= 125 ? (true, length) : (false, 0)), $"{length}: and nothing behind it");
            Assert.That(TryRead(limits, frame[..written]), Is.EqualTo(length <= 124 ? (true, length) : (false, 0)), $"{length}: a limit");
        }

        (bool, int) TryRead(ProtocolLimits of, byte[] bytes)
        {
            WebSocketProtocol protocol = new(reader, of);
            bool read = protocol.TryReadSmallMessage(bytes, out int length);
            Assert.That(protocol.LastOpcode, Is.EqualTo(read ? opcode : (Opcode?)null));
            return (read, length);
        }
    }

    // Text that is not UTF-8 is left as it came, masked, for the slow path to say where it is wrong.
    [Test]
    public void TextThatIsNotUtf8_IsLeftMasked()
    {
        byte[] frame = new byte[9];
        FrameWriter.WriteMasked(frame, Opcode.Text, [0x61, 0xFF, 0x62], 0x01020304);
        byte[] before = [.. frame];
        WebSocketProtocol protocol = new(Role.Server, new ProtocolLimits());
        Assert.That(protocol.TryReadSmallMessage(frame, out _), Is.False);
        Assert.That(frame, Is.EqualTo(before));
        FrameWriter.WriteMasked(frame, Opcode.Text, "\u20ac"u8, 0x01020304);
        Assert.That(protocol.TryReadSmallMessage(frame, out _), Is.True);
        Assert.That(frame[6..], Is.EqualTo("\u20ac"u8.ToArray()));
    }

    [Test]
    public void Section_5_2_TheGreatestLength_IsRead()
    {
        byte[] header = [0x82, 0x7F, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];
        Assert.That(FrameReader.TryRead(header, out FrameHeader read), Is.EqualTo(ReadStatus.Done));
        Assert.That((read.PayloadLength, read.LengthTopBitIsClear), Is.EqualTo(((ulong)long.MaxValue, true)));
    }

    [Test]
    public void AnEvent_HasTheHeaderOfItsFrame_AndTheBitsOfItsMessage()
    {
        WebSocketProtocol protocol = new(Role.Client, new ProtocolLimits(), ReservedBits.Rsv1);
        byte[] arrived = Convert.FromHexString("4102FF61" + "890178" + "8001FE");
        ProtocolEvent found = protocol.Next(arrived, out int consumed);
        Assert.That((consumed, found.Kind, found.MessageKind, found.MessageReserved, found.Header),
            Is.EqualTo((4, ProtocolEventKind.MessageChunk, MessageKind.Text, ReservedBits.Rsv1, new FrameHeader(0x41, 2, 0, 2))));
        found = protocol.Next(arrived.AsSpan(4), out consumed);
        Assert.That((consumed, found.Kind, found.Header), Is.EqualTo((3, ProtocolEventKind.Ping, new FrameHeader(0x89, 1, 0, 1))));
        found = protocol.Next(arrived.AsSpan(7), out consumed);
        Assert.That((consumed, found.EndOfMessage, found.MessageReserved, found.Header),
            Is.EqualTo((3, true, ReservedBits.Rsv1, new FrameHeader(0x80, 1, 0, 1))));
    }
}
