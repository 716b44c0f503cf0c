// TryReadData, the quick way: it reads whatever Next would read as data, in any cut, and what it says of each chunk is right. Where it says
// no, everything is as it was: the bytes masked, the counts, the text so far.

using System.Buffers;
using RawWs.Frame;
using RawWs.Tests.Support;
using RawWs.Tests.Vectors;

namespace RawWs.Tests.Frame;

public sealed class DataTests
{
    private const uint Key = 0xA1B2C3D4;

    private static IReadOnlyList<FrameVector> Vectors => FrameVectors.All;

    // It says no to what Next does not read as data either, and to nothing else. Next tries the quick way first; what comes out of it then
    // comes from the other one.
    [TestCaseSource(nameof(Vectors))]
    public void Vector_IsReadQuickly_WhereItIsData(FrameVector vector)
    {
        int length = vector.Bytes.Length;
        IEnumerable<int[]> all = [[], .. Enumerable.Range(1, Math.Min(length, 40) - 1).Select(static cut => new[] { cut })];
        if (length <= 300) all = all.Append([.. Enumerable.Range(1, length - 1)]);
        foreach (int[] cuts in all)
        {
            ProtocolLimits limits = new() { MessageBytesMax = FrameVectors.MessageBytesMax, FragmentsMax = FrameVectors.FragmentsMax };
            WebSocketProtocol protocol = new(vector.Role, limits);
            byte[] bytes = vector.Bytes;
            int at = 0;
            foreach (int end in cuts.Append(length))
            {
                while (true)
                {
                    Span<byte> held = bytes.AsSpan(at, end - at);
                    if (protocol.TryReadData(held, out DataChunk chunk))
                    {
                        at += chunk.Consumed;
                        continue;
                    }

                    ProtocolEventKind kind = protocol.Next(held, out int consumed).Kind;
                    Assert.That(kind, Is.Not.EqualTo(ProtocolEventKind.Message).And.Not.EqualTo(ProtocolEventKind.MessageChunk),
                        $"at {at} of {end}, cuts {string.Join(',', cuts.Take(20))}");
                    at += consumed;
                    if (kind == ProtocolEventKind.NeedMoreData) break;
                }
            }
        }
    }

    // A prefix that decides nothing is remembered, and the rest is read all the same, by the quick way too; afterwards nothing is
    // remembered.
    [TestCase(Role.Client, "81 01 61")]
    [TestCase(Role.Client, "82 7E 007E ")]
    [TestCase(Role.Client, "01 01 61")]
    [TestCase(Role.Server, "81 81 00000000 61")]
    public void APrefix_ThatNextHasSeen_IsNoHindrance(Role reader, string hex)
    {
        byte[] frame = Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
        if (frame[1] == 0x7E) frame = [.. frame, .. new byte[126]];
        for (int prefix = 1; prefix < Math.Min(frame.Length, 7); prefix++)
        {
            WebSocketProtocol protocol = new(reader, new ProtocolLimits());
            if (protocol.Next(frame.AsSpan(0, prefix).ToArray(), out int consumed).Kind != ProtocolEventKind.NeedMoreData) break;
            Assert.That((consumed, protocol.InMessage, protocol.IsAtRest), Is.EqualTo((0, true, false)), $"{prefix}");
            Assert.That(protocol.TryReadData(frame.AsSpan(0, prefix), out _), Is.False, $"{prefix}");
            Assert.That(protocol.TryReadData([.. frame], out DataChunk chunk), $"{prefix}");
            bool ends = frame[0] >= 0x80;
            Assert.That((chunk.Consumed, chunk.IsMessage, protocol.IsAtRest, protocol.InMessage),
                Is.EqualTo((frame.Length, ends, ends, !ends)), $"{prefix}");
        }
    }

    // Byte by byte in the middle of a frame: each byte counts, and each chunk says what it is. Where there is room for it, it goes there;
    // the last one of a frame only if it is binary and masked.
    [Test]
    public void WhatDribbles_IsCountedByteByByte(
        [Values] Role reader, [Values(Opcode.Text, Opcode.Binary)] Opcode opcode, [Values] bool hasRoom)
    {
        byte[] payload = [.. "a\u00e9\u20acz"u8, 0x7F, 0x00];
        byte[] frame = Frame(reader, opcode, payload, fin: false), last = Frame(reader, Opcode.Continuation, payload, fin: true);
        WebSocketProtocol protocol = new(reader, new ProtocolLimits());
        byte[] room = new byte[hasRoom ? 1 : 0];
        long read = 0;
        foreach (byte[] bytes in new[] { frame, last })
        {
            byte[] came = [.. bytes];
            int header = bytes.Length - payload.Length;
            Assert.That(protocol.TryReadData(bytes.AsSpan(0, header + 1), out DataChunk chunk));
            Assert.That((chunk.Consumed, chunk.PayloadBytes, chunk.StartOfMessage), Is.EqualTo((header + 1, 1, bytes == frame)));
            read++;
            for (int at = header + 1; at < bytes.Length; at++)
            {
                Assert.That((protocol.MessageBytes, protocol.PayloadBytesLeft), Is.EqualTo((read, (long)(bytes.Length - at))));
                Assert.That(protocol.TryReadData(bytes.AsSpan(at, 1), room, out chunk), $"at {at}");
                bool goes = hasRoom && (at < bytes.Length - 1 || (reader == Role.Server && opcode == Opcode.Binary));
                Assert.That(chunk.IsAssembled, Is.EqualTo(goes), $"at {at}");
                if (goes) Assert.That(bytes[at], Is.EqualTo(came[at]), "the buffer is as it came");
                if (goes) bytes[at] = room[0];
                bool ends = bytes == last && at == bytes.Length - 1;
                Assert.That((chunk.Consumed, chunk.PayloadBytes, chunk.StartOfMessage, chunk.EndOfMessage, chunk.Kind),
                    Is.EqualTo((1, 1, false, ends, (MessageKind)opcode)));
                read++;
            }

            Assert.That(bytes[header..], Is.EqualTo(payload));
        }

        Assert.That((protocol.MessageBytes, protocol.IsAtRest), Is.EqualTo((0L, true)));
    }

    // With room for the message, whatever the room: the same chunks with the same payload as without, in the room if they are binary and
    // masked, no whole message, and fit (of single bytes the test above says more). Then the buffer is as it came; nothing is written
    // behind the payload.
    [TestCaseSource(nameof(Vectors))]
    public void WithRoom_AChunkIsReadAsWithout(FrameVector vector)
    {
        foreach (int size in new[] { 0, 1, 5, 124, 200_000 })
        {
            foreach (int cut in Enumerable.Range(0, Math.Min(vector.Bytes.Length, 40)))
            {
                ProtocolLimits limits = new() { MessageBytesMax = FrameVectors.MessageBytesMax, FragmentsMax = FrameVectors.FragmentsMax };
                WebSocketProtocol plain = new(vector.Role, limits), roomy = new(vector.Role, limits);
                byte[] one = vector.Bytes, other = vector.Bytes, came = vector.Bytes, room = new byte[size];
                int at = 0;
                foreach (int end in new[] { cut, one.Length })
                {
                    while (true)
                    {
                        bool read = plain.TryReadData(one.AsSpan(at, end - at), out DataChunk expected);
                        Array.Fill(room, (byte)0x5A);
                        Assert.That(roomy.TryReadData(other.AsSpan(at, end - at), room, out DataChunk chunk), Is.EqualTo(read));
                        if (!read)
                        {
                            ProtocolEventKind kind = plain.Next(one.AsSpan(at, end - at), out int consumed).Kind;
                            Assert.That(roomy.Next(other.AsSpan(at, end - at), out _).Kind, Is.EqualTo(kind));
                            at += consumed;
                            if (kind == ProtocolEventKind.NeedMoreData) break;
                            continue;
                        }

                        int length = chunk.PayloadBytes, start = at + chunk.Consumed - length;
                        bool fits = vector.Role == Role.Server && chunk is { Kind: MessageKind.Binary, IsMessage: false }
                            && length > 0 && length <= size;
                        if (length != 1) Assert.That(chunk.IsAssembled, Is.EqualTo(fits), "a single byte may stay");
                        Assert.That((chunk.Consumed, length, chunk.Kind, chunk.StartOfMessage, chunk.EndOfMessage, chunk.IsMessage),
                            Is.EqualTo((expected.Consumed, expected.PayloadBytes, expected.Kind, expected.StartOfMessage,
                                expected.EndOfMessage, expected.IsMessage)));
                        Span<byte> payload = chunk.IsAssembled ? room.AsSpan(0, length) : other.AsSpan(start, length);
                        Assert.That(payload.SequenceEqual(one.AsSpan(start, length)));
                        if (chunk.IsAssembled) Assert.That(other.AsSpan(start, length).SequenceEqual(came.AsSpan(start, length)));
                        Assert.That(room.AsSpan(chunk.IsAssembled ? length : 0).ContainsAnyExcept((byte)0x5A), Is.False);
                        at += chunk.Consumed;
                    }
                }

                Assert.That((roomy.MessageBytes, roomy.Closing, roomy.LastOpcode),
                    Is.EqualTo((plain.MessageBytes, plain.Closing, plain.LastOpcode)));
            }
        }
    }

    // Text goes wrong in a later chunk of its frame, where the key begins with another of its bytes; and behind the frame lies more.
    // Nothing of it is changed, and Next names the rule.
    [TestCase(1, 1)]
    [TestCase(2, 3)]
    [TestCase(3, 9)]
    [TestCase(5, 3000)]
    public void AWrongChunk_IsLeftMasked_AndWhatLiesBehindIt(int first, int length)
    {
        byte[] text = [.. Enumerable.Repeat((byte)'a', first + length)];
        text[^1] = 0xFF;
        byte[] frame = Frame(Role.Server, Opcode.Text, text, fin: true);
        foreach (int behind in new[] { 0, 1, 50 })
        {
            byte[] bytes = [.. frame, .. Enumerable.Repeat((byte)0x5A, behind)];
            WebSocketProtocol protocol = new(Role.Server, new ProtocolLimits());
            int header = frame.Length - text.Length;
            Assert.That(protocol.TryReadData(bytes.AsSpan(0, header + first), out DataChunk chunk));
            byte[] before = [.. bytes];
            (long, long, bool) state = (protocol.MessageBytes, protocol.PayloadBytesLeft, protocol.InMessage);
            Assert.That(protocol.TryReadData(bytes.AsSpan(chunk.Consumed), out _), Is.False);
            Assert.That(bytes, Is.EqualTo(before), $"{behind} behind");
            Assert.That((protocol.MessageBytes, protocol.PayloadBytesLeft, protocol.InMessage), Is.EqualTo(state));
            Assert.That(protocol.Next(bytes.AsSpan(chunk.Consumed), out _).Rule, Is.EqualTo(FrameRules.TextNotUtf8));
        }
    }

    // A long text is unmasked and checked in one pass: whether its end leaves a character open is asked for then too.
    [TestCase(2047)]
    [TestCase(2048)]
    [TestCase(2049)]
    public void ALongText_ThatEndsInsideACharacter_IsToldApart(int length)
    {
        byte[] text = [.. Enumerable.Repeat((byte)'a', length)];
        text[^1] = 0xC3;
        byte[] frame = Frame(Role.Server, Opcode.Text, text, fin: true);
        WebSocketProtocol protocol = new(Role.Server, new ProtocolLimits());
        Assert.That(protocol.TryReadData(frame, out _), Is.False);
        Assert.That(protocol.Next(frame, out _).Rule, Is.EqualTo(FrameRules.TextEndsInsideCharacter));
    }

    // What may still come is counted over all fragments, to the byte, and the quick way reads the last of them too.
    [Test]
    public void Section_10_4_TheLimit_IsReachedInFragments([Values] bool past)
    {
        WebSocketProtocol protocol = new(Role.Client, new ProtocolLimits { MessageBytesMax = 10, FragmentsMax = 3 });
        Assert.That(protocol.TryReadData([0x02, 0x04, 1, 2, 3, 4], out _));
        Assert.That(protocol.TryReadData([0x00, 0x03, 1, 2, 3], out _));
        byte[] last = past ? [0x80, 0x04, 1, 2, 3, 4] : [0x80, 0x03, 1, 2, 3];
        Assert.That(protocol.TryReadData(last, out DataChunk chunk), Is.EqualTo(!past));
        Assert.That(chunk.EndOfMessage, Is.EqualTo(!past));
        if (past) Assert.That(protocol.Next(last, out _).Rule, Is.EqualTo(FrameRules.MessageTooBig));
    }

    [Test]
    public void Section_10_4_WhereNothingMayCome_AnEmptyMessageMay()
    {
        WebSocketProtocol protocol = new(Role.Client, new ProtocolLimits { MessageBytesMax = 0 });
        Assert.That(protocol.IsAtRest);
        Assert.That(protocol.TryReadData([0x81, 0x00], out DataChunk chunk));
        Assert.That((chunk.IsMessage, chunk.Consumed, protocol.IsAtRest), Is.EqualTo((true, 2, true)));
        Assert.That(protocol.Next([0x81, 0x01, 0x61], out _).Rule, Is.EqualTo(FrameRules.MessageTooBig));
    }

    // Its frame's header goes with a whole message, wherever the message was read.
    [TestCase("810161", ReservedBits.None)]
    [TestCase("C10161", ReservedBits.Rsv1)]
    [TestCase("827E007E", ReservedBits.None)]
    public void AWholeMessage_HasTheHeaderOfItsFrame(string hex, ReservedBits reserved)
    {
        byte[] frame = Convert.FromHexString(hex);
        if (frame[1] == 0x7E) frame = [.. frame, .. new byte[126]];
        WebSocketProtocol protocol = new(Role.Client, new ProtocolLimits(), ReservedBits.Rsv1);
        ProtocolEvent found = protocol.Next(frame, out _);
        Assert.That(FrameReader.TryRead(frame, out FrameHeader header), Is.EqualTo(ReadStatus.Done));
        Assert.That((found.Kind, found.Header, found.MessageReserved), Is.EqualTo((ProtocolEventKind.Message, header, reserved)));
        Assert.That((found.StartOfMessage, found.EndOfMessage, found.Payload.Length),
            Is.EqualTo((true, true, frame.Length - header.HeaderLength)));
    }

    // Empty segments in front are passed over: the payload lies where it came, not in the scratch memory.
    [Test]
    public void InSegments_ThePayloadLiesInItsSegment([Values(0, 1, 2)] int empty, [Values("810161", "890161")] string hex)
    {
        byte[] bytes = Convert.FromHexString(hex);
        WebSocketProtocol protocol = new(Role.Client, new ProtocolLimits());
        ReadOnlySequence<byte> sequence = Segments.Of(bytes, [.. Enumerable.Repeat(0, empty), bytes.Length]);
        byte[] scratch = new byte[WebSocketProtocol.ScratchBytesMin];
        ProtocolEvent found = protocol.Next(ref sequence, scratch);
        Assert.That((found.Payload.Overlaps(bytes.AsSpan(2)), sequence.Length), Is.EqualTo((true, 0L)));
        Assert.That(protocol.Next(ref sequence, scratch).Kind, Is.EqualTo(ProtocolEventKind.NeedMoreData));
    }

    // §5.2, RFC 7692 §6: the first frame marks the message. The later ones are a part of it, and what has come out of it goes on to count.
    [Test]
    public void AMarkedMessageInFragments_IsOneMessage()
    {
        WebSocketProtocol protocol = new(Role.Client, new ProtocolLimits { MessageBytesMax = 10 }, ReservedBits.Rsv1);
        foreach (string hex in new[] { "4101FF", "0001FF", "8001FF" })
        {
            byte[] frame = Convert.FromHexString(hex);
            Assert.That(protocol.TryReadData(frame, out _), Is.False, "it is not for the quick way");
            Assert.That(protocol.Next(frame, out _).MessageReserved, Is.EqualTo(ReservedBits.Rsv1));
            byte[] decoded = hex[0] == '4' ? [0x61, 0xE2] : hex[0] == '0' ? [0x82] : [0xAC];
            Assert.That(protocol.CheckDecoded(decoded, MessageKind.Text, endOfMessage: hex[0] == '8'), Is.Null);
        }

        Assert.That(protocol.DecodedBytesLeft, Is.EqualTo(6));
    }

    private static byte[] Frame(Role reader, Opcode opcode, byte[] payload, bool fin)
    {
        byte[] frame = new byte[FrameWriter.HeaderBytesMax + payload.Length];
        int written = reader == Role.Server
            ? FrameWriter.WriteMasked(frame, opcode, payload, Key, fin) : FrameWriter.Write(frame, opcode, payload, fin);
        return frame[..written];
    }
}
