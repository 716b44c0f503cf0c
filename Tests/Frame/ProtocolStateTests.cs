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
        Assert.That(
            (consumed, protocol.IsAtRest, protocol.InMessage, protocol.MessageBytes, protocol.PayloadBytesLeft, protocol.LastOpcode),
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

    // What the events before it have brought is still known.
    [TestCase("818503E800000000", null, 0)]
    [TestCase("810561", "61FF61", 1)]
    [TestCase("01026161000561", "61FF", 3)]
    [TestCase("01026161", "8101", 2)]
    [TestCase("810561", "FF", 1)]
    public void AfterAFailure_MessageBytesAreThoseThatEventsHaveBrought(string before, string? wrong, long expected)
    {
        WebSocketProtocol protocol = new(Role.Client, new ProtocolLimits());
        _ = ProtocolRun.Of(protocol, Convert.FromHexString(before), []);
        if (wrong is not null)
        {
            Assert.That(protocol.MessageBytes, Is.EqualTo(expected));
            _ = ProtocolRun.Of(protocol, Convert.FromHexString(wrong), []);
        }

        Assert.That((protocol.Closing, protocol.MessageBytes), Is.EqualTo((ClosingState.Failed, expected)));
    }

    [Test]
    public void ScratchMemory_IsUsedUpToItsLeastSize()
    {
        WebSocketProtocol protocol = new(Role.Client, new ProtocolLimits());
        byte[] frame = [0x82, 0x7E, 0x04, 0x00, .. new byte[1024]], scratch = [.. Enumerable.Repeat((byte)0xEE, 4096)];
        ReadOnlySequence<byte> sequence = Segments.Of(frame, [3]);
        Assert.That(protocol.Next(ref sequence, scratch).Payload.Length, Is.EqualTo(WebSocketProtocol.ScratchBytesMin - 4));
        Assert.That(scratch.Skip(WebSocketProtocol.ScratchBytesMin), Is.All.EqualTo(0xEE), "all of it would be copied for each such frame");
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

    [Test]
    public void Section_5_4_FramesThatGoOnWithAMessage_AreCounted_UntilTheReset()
    {
        WebSocketProtocol protocol = new(Role.Client, new ProtocolLimits());
        Play([0x81, 1, (byte)'a', 0x01, 1, (byte)'b'], 0, MessageKind.Text);
        Play([0x00, 1, (byte)'c', 0x89, 0, 0x00, 0], 2, MessageKind.Text);
        Play([0x80, 1, (byte)'d'], 3, null);
        Play([0x02, 0], 3, MessageKind.Binary);
        Play([0x00, 0, 0x80, 0, 0x82, 1, 1], 5, null);
        protocol.Reset(ReservedBits.None);
        Play([0x81, 0], 0, null);

        void Play(byte[] bytes, long continuations, MessageKind? open)
        {
            ProtocolRun.Of(protocol, bytes, []);
            Assert.That((protocol.Continuations, protocol.OpenMessage), Is.EqualTo((continuations, open)));
        }
    }

    // What is a data frame that keeps the rules is read without an event.
    [Test]
    public void AWholeMessage_IsReadAsData([Values] Role reader, [Values(Opcode.Text, Opcode.Binary)] Opcode opcode)
    {
        ProtocolLimits limits = new() { MessageBytesMax = 124 };
        foreach (int length in Enumerable.Range(0, 300).Append(65_535).Append(65_536))
        {
            byte[] frame = Frame(reader, opcode, length, fin: true);
            Assert.That(TryRead(new ProtocolLimits(), [.. frame, 0x81]), Is.EqualTo((true, frame.Length, length)), $"{length}");
            Assert.That(TryRead(new ProtocolLimits(), frame), Is.EqualTo((true, frame.Length, length)), $"{length}: and nothing behind it");
            bool read = length <= 124;
            Assert.That(TryRead(limits, frame), Is.EqualTo((read, read ? frame.Length : 0, read ? length : 0)), $"{length}: a limit");
            int header = frame.Length - length;
            Assert.That(TryRead(new ProtocolLimits(), frame[..(header - 1)]), Is.EqualTo((false, 0, 0)), $"{length}: without a byte");
            if (length == 0) continue;
            Assert.That(TryRead(new ProtocolLimits(), frame[..header]), Is.EqualTo((false, 0, 0)), $"{length}: the header alone");
        }

        (bool, int, int) TryRead(ProtocolLimits of, byte[] bytes)
        {
            WebSocketProtocol protocol = new(reader, of);
            bool read = protocol.TryReadData(bytes, out DataChunk chunk);
            Assert.That(protocol.LastOpcode, Is.EqualTo(read ? opcode : (Opcode?)null));
            Assert.That((chunk.IsMessage, chunk.StartOfMessage, chunk.EndOfMessage), Is.EqualTo((read, read, read)));
            if (read) Assert.That((chunk.Kind, protocol.IsAtRest), Is.EqualTo(((MessageKind)opcode, true)));
            return (read, chunk.Consumed, chunk.PayloadBytes);
        }
    }

    // The same in pieces: each piece and each fragment is a chunk, and what stands between them is for Next.
    [Test]
    public void Chunks_AreReadAsData([Values] Role reader)
    {
        byte[] first = Frame(reader, Opcode.Text, 5, fin: false), last = Frame(reader, Opcode.Continuation, 200, fin: true);
        byte[] ping = Frame(reader, Opcode.Ping, 0, fin: true);
        int header = first.Length - 5;
        byte[] bytes = [.. first, .. ping, .. last];
        WebSocketProtocol protocol = new(reader, new ProtocolLimits());
        Assert.That(protocol.TryReadData(bytes.AsSpan(0, header + 2), out DataChunk chunk));
        Assert.That((chunk.Consumed, chunk.PayloadBytes, chunk.StartOfMessage, chunk.EndOfMessage, chunk.IsMessage, chunk.Kind),
            Is.EqualTo((header + 2, 2, true, false, false, MessageKind.Text)));
        Assert.That((protocol.MessageBytes, protocol.PayloadBytesLeft, protocol.ChunkHeader.PayloadLength), Is.EqualTo((2L, 3L, 5ul)));
        Assert.That(protocol.TryReadData([], out _), Is.False);
        Assert.That(protocol.TryReadData(bytes.AsSpan(header + 2), out chunk));
        Assert.That((chunk.Consumed, chunk.PayloadBytes, chunk.StartOfMessage, chunk.EndOfMessage), Is.EqualTo((3, 3, false, false)));
        Assert.That(bytes.AsSpan(header, 5).ToArray(), Is.All.EqualTo((byte)'a'));

        Span<byte> rest = bytes.AsSpan(first.Length);
        Assert.That(protocol.TryReadData(rest, out _), Is.False, "a Ping");
        Assert.That(protocol.Next(rest, out int consumed).Kind, Is.EqualTo(ProtocolEventKind.Ping));
        Assert.That(protocol.TryReadData(rest[consumed..], out chunk));
        Assert.That((chunk.Consumed, chunk.PayloadBytes, chunk.StartOfMessage, chunk.EndOfMessage, chunk.Kind, protocol.IsAtRest),
            Is.EqualTo((last.Length, 200, false, true, MessageKind.Text, true)));
    }

    // What breaks a rule is not data, wherever it stands; and nothing has changed.
    [TestCase("00810000000061", TestName = "NotData_ContinuationWithoutMessage")]
    [TestCase("0181000000006182810000000061", TestName = "NotData_BinaryInsideText")]
    [TestCase("C1810000000061", TestName = "NotData_ReservedBit")]
    [TestCase("83810000000061", TestName = "NotData_ReservedOpcode")]
    [TestCase("810161", TestName = "NotData_NoMask")]
    [TestCase("82FE007D00000000", TestName = "NotData_NonMinimalLength")]
    [TestCase("81810000000080", TestName = "NotData_NotUtf8")]
    [TestCase("818200000000C3A9818100000000C3", TestName = "NotData_EndsInsideCharacter")]
    [TestCase("018100000000C380810000000061", TestName = "NotData_NotUtf8InTheSecondFragment")]
    public void WhatBreaksARule_IsNotData(string hex)
    {
        byte[] bytes = Convert.FromHexString(hex);
        WebSocketProtocol protocol = new(Role.Server, new ProtocolLimits());
        int at = 0;
        while (protocol.TryReadData(bytes.AsSpan(at), out DataChunk chunk)) at += chunk.Consumed;
        (long, long, bool, Opcode?) before = (protocol.MessageBytes, protocol.PayloadBytesLeft, protocol.IsAtRest, protocol.LastOpcode);
        byte[] left = bytes[at..];
        Assert.That(protocol.TryReadData(bytes.AsSpan(at), out _), Is.False);
        Assert.That(bytes[at..], Is.EqualTo(left));
        Assert.That((protocol.MessageBytes, protocol.PayloadBytesLeft, protocol.IsAtRest, protocol.LastOpcode), Is.EqualTo(before));
        Assert.That(protocol.Next(bytes.AsSpan(at), out _).Kind, Is.EqualTo(ProtocolEventKind.Fail));
        Assert.That(protocol.TryReadData([0x81, 0x80, 0, 0, 0, 0], out _), Is.False);
    }

    // Text that is not UTF-8 is left as it came, masked, for Next to say where it is wrong: in a small message, a long one, and a chunk.
    [TestCase(3, true)]
    [TestCase(500, true)]
    [TestCase(5000, true)]
    [TestCase(500, false)]
    public void TextThatIsNotUtf8_IsLeftMasked(int length, bool fin)
    {
        byte[] text = [.. Enumerable.Repeat((byte)'a', length)];
        text[1] = 0xFF;
        byte[] frame = new byte[FrameWriter.HeaderBytesMax + length];
        frame = frame[..FrameWriter.WriteMasked(frame, Opcode.Text, text, 0x01020304, fin)];
        byte[] before = [.. frame];
        WebSocketProtocol protocol = new(Role.Server, new ProtocolLimits());
        Assert.That(protocol.TryReadData(frame, out _), Is.False);
        Assert.That(frame, Is.EqualTo(before));
        Assert.That(protocol.Next(frame, out _).Rule, Is.EqualTo(FrameRules.TextNotUtf8));
    }

    // Until the byte comes that decides something, a part of a frame is not looked at again; that it came is not forgotten for the next
    // frame. Every prefix is given, as a caller does.
    [TestCase("8900" + "81026161", Role.Client)]
    [TestCase("8803E86161" + "81", Role.Client)]
    [TestCase("898401020304" + "01020304" + "818100000000" + "61", Role.Server)]
    [TestCase("82FE007E00000000", Role.Server)]
    public void APartOfAFrame_IsRemembered(string hex, Role reader)
    {
        byte[] bytes = Convert.FromHexString(hex);
        ProtocolRun whole = ProtocolRun.Of(new WebSocketProtocol(reader, new ProtocolLimits()), bytes, []);
        ProtocolRun dribbled = ProtocolRun.Of(
            new WebSocketProtocol(reader, new ProtocolLimits()), bytes, Enumerable.Range(1, bytes.Length - 1));
        Assert.That((dribbled.Events, dribbled.Rule), Is.EqualTo((whole.Events, whole.Rule)));
        WebSocketProtocol pooled = new(reader, new ProtocolLimits());
        Assert.That(pooled.Next(bytes.AsSpan(0, 1), out _).Kind, Is.EqualTo(ProtocolEventKind.NeedMoreData));
        if (!pooled.IsAtRest) return;
        pooled.Reset(ReservedBits.None);
        Assert.That(pooled.Next([0x83], out _).Kind, Is.EqualTo(ProtocolEventKind.Fail), "the first byte for another connection");
    }

    private static byte[] Frame(Role reader, Opcode opcode, int length, bool fin)
    {
        byte[] frame = new byte[FrameWriter.HeaderBytesMax + length];
        byte[] payload = [.. Enumerable.Repeat((byte)'a', length)];
        int written = reader == Role.Server
            ? FrameWriter.WriteMasked(frame, opcode, payload, 0x01020304, fin) : FrameWriter.Write(frame, opcode, payload, fin);
        return frame[..written];
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
