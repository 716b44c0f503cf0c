// What is written: headers, frames and Close payloads byte for byte, at each bound, and the refusal of what no strict reader would accept.

using System.Buffers;
using System.Text;
using RawWs.Frame;

namespace RawWs.Tests.Frame;

public sealed class WritingTests
{
    [TestCase(0ul, false, 2)]
    [TestCase(125ul, false, 2)]
    [TestCase(126ul, false, 4)]
    [TestCase(65_535ul, false, 4)]
    [TestCase(65_536ul, false, 10)]
    [TestCase(0ul, true, 6)]
    [TestCase(125ul, true, 6)]
    [TestCase(126ul, true, 8)]
    [TestCase(65_535ul, true, 8)]
    [TestCase(65_536ul, true, 14)]
    public void Section_5_2_AHeaderIsAsLongAsItSays(ulong payload, bool masked, int length)
    {
        byte[] header = new byte[FrameWriter.HeaderBytesMax];
        int written = masked
            ? FrameWriter.WriteHeader(header, Opcode.Text, payload, 0x3D21FA37u) : FrameWriter.WriteHeader(header, Opcode.Text, payload);
        Assert.That((FrameWriter.HeaderLength(payload, masked), written), Is.EqualTo((length, length)));
        Assert.That(header[length..], Is.All.Zero);
        if (masked) Assert.That(header[(length - 4)..length], Is.EqualTo(new byte[] { 0x37, 0xFA, 0x21, 0x3D }));
    }

    [TestCase(0x81, "8105")]
    [TestCase(0x01, "0105")]
    [TestCase(0xC2, "C205")]
    [TestCase(0x30, "3005")]
    [TestCase(0x8A, "8A05")]
    public void Section_5_2_TheFirstByte_IsFinBitsAndOpcode(int first, string expected)
    {
        byte[] header = new byte[6];
        bool fin = first >= 0x80;
        Assert.That(FrameWriter.WriteHeader(header, (Opcode)(first & 0x0F), 5, fin, (ReservedBits)(first & 0x70)), Is.EqualTo(2));
        Assert.That(Convert.ToHexString(header, 0, 2), Is.EqualTo(expected));
        Assert.That(FrameWriter.WriteHeader(header, (Opcode)(first & 0x0F), 5, 1u, fin, (ReservedBits)(first & 0x70)), Is.EqualTo(6));
        Assert.That(Convert.ToHexString(header), Is.EqualTo(expected[..2] + "8501000000"));
    }

    [TestCase(Opcode.Ping, 125ul, true, true)]
    [TestCase(Opcode.Ping, 126ul, true, false)]
    [TestCase(Opcode.Pong, 0ul, false, false)]
    [TestCase(Opcode.Close, 126ul, true, false)]
    [TestCase(Opcode.Close, 0ul, false, false)]
    [TestCase(Opcode.Binary, 126ul, false, true)]
    [TestCase(Opcode.Binary, (ulong)long.MaxValue, true, true)]
    [TestCase(Opcode.Binary, (ulong)long.MaxValue + 1, true, false)]
    [TestCase(Opcode.Continuation, ulong.MaxValue, false, false)]
    public void Section_5_5_WhatNoReaderWouldAccept_IsNotWritten(Opcode opcode, ulong payload, bool fin, bool accepted)
    {
        byte[] header = new byte[FrameWriter.HeaderBytesMax];
        Action write = () => FrameWriter.WriteHeader(header, opcode, payload, fin);
        if (accepted) Assert.That(write, Throws.Nothing);
        else Assert.That(write,
            Throws.ArgumentException.With.Message.Contains($"opcode {(int)opcode}, FIN {(fin ? 1 : 0)} and a payload of {payload} bytes"));
        Assert.That(header.Any(static value => value != 0), Is.EqualTo(accepted));
    }

    [Test]
    public void AFrame_IsAppendedToAWriter()
    {
        ArrayBufferWriter<byte> writer = new();
        Assert.That(FrameWriter.Write(writer, Opcode.Text, "Hello"u8, fin: false, ReservedBits.Rsv1), Is.EqualTo(7));
        Assert.That(FrameWriter.WriteMasked(writer, Opcode.Text, "Hello"u8, 0x3D21FA37), Is.EqualTo(11));
        Assert.That(Convert.ToHexString(writer.WrittenSpan), Is.EqualTo("410548656C6C6F" + "818537FA213D7F9F4D5158"));
        Assert.That(FrameWriter.Write(new ExactWriter(7), Opcode.Text, "Hello"u8), Is.EqualTo(7));
        Assert.That(FrameWriter.WriteMasked(new ExactWriter(11), Opcode.Text, "Hello"u8, 1), Is.EqualTo(11));
    }

    [Test]
    public void Section_5_5_1_AClose_IsWritten()
    {
        byte[] frame = new byte[127];
        Assert.That(FrameWriter.WriteClose(frame, null, []), Is.EqualTo(2));
        Assert.That(Convert.ToHexString(frame, 0, 2), Is.EqualTo("8800"));
        Assert.That(FrameWriter.WriteClose(frame, 1000, "bye"u8), Is.EqualTo(7));
        Assert.That(Convert.ToHexString(frame, 0, 7), Is.EqualTo("880503E8627965"));
        Assert.That(FrameWriter.WriteClose(frame, 4999, new byte[123]), Is.EqualTo(127));
        Assert.That(() => FrameWriter.WriteClose(frame, 1010, []), Throws.InstanceOf<ArgumentException>(), "a server sends it never");
    }

    [Test]
    public void AHeaderThatDoesNotFit_IsAnArgument([Values(0, 1, 125, 126, 65_535, 65_536)] long payload, [Values] bool masked)
    {
        for (int room = 0; room < FrameWriter.HeaderLength((ulong)payload, masked); room++)
        {
            byte[] destination = new byte[room];
            Assert.That(() => masked
                ? FrameWriter.WriteHeader(destination, Opcode.Binary, (ulong)payload, maskingKey: 1)
                : FrameWriter.WriteHeader(destination, Opcode.Binary, (ulong)payload), Throws.InstanceOf<ArgumentException>());
        }
    }

    [TestCase(Role.Client, 1010, 0, 2)]
    [TestCase(Role.Server, 1010, 0, null)]
    [TestCase(Role.Server, 1005, 0, null)]
    [TestCase(Role.Server, null, 0, 0)]
    [TestCase(Role.Server, null, 1, null)]
    [TestCase(Role.Server, 1000, 123, 125)]
    [TestCase(Role.Server, 1000, 124, null)]
    public void Section_5_5_1_AClosePayload_IsWrittenOrRefused(Role role, int? code, int reasonBytes, int? written)
    {
        byte[] payload = new byte[126], reason = [.. Enumerable.Repeat((byte)'a', reasonBytes)];
        Action write = () => Assert.That(ClosePayload.Write(payload, role, (ushort?)code, reason), Is.EqualTo(written));
        if (written is null)
        {
            Assert.That(write, Throws.InstanceOf<ArgumentException>());
            return;
        }

        write();
        Assert.That(ClosePayload.Read(payload.AsSpan(0, written.Value), out ushort? read, out ReadOnlySpan<byte> readReason), Is.Null);
        Assert.That((read, readReason.ToArray()), Is.EqualTo(((ushort?)code, reason)));
    }

    [Test]
    public void Section_5_5_1_AReasonThatIsNotUtf8_IsNotWritten() =>
        Assert.That(() => ClosePayload.Write(new byte[125], Role.Server, 1000, [0xFF]), Throws.ArgumentException);

    [TestCase("", null, null)]
    [TestCase("03", null, nameof(FrameRules.ClosePayloadOneByte))]
    [TestCase("03E8", 1000, null)]
    [TestCase("03ED", 1005, nameof(FrameRules.CloseCodeInvalid))]
    [TestCase("03E861", 1000, null)]
    [TestCase("03E8FF", 1000, nameof(FrameRules.CloseReasonNotUtf8))]
    public void Section_5_5_1_AClosePayload_IsRead(string hex, int? code, string? rule)
    {
        byte[] payload = Convert.FromHexString(hex);
        Rule? broken = ClosePayload.Read(payload, out ushort? read, out ReadOnlySpan<byte> reason);
        Assert.That((broken?.Name, read, reason.Length), Is.EqualTo((rule, (ushort?)code, Math.Max(0, payload.Length - 2))));
    }

    [Test]
    public void Section_5_3_MaskingIntoOtherMemory_LeavesTheSource_AndWhatLiesBehind()
    {
        byte[] source = [.. "Hello"u8], destination = new byte[6];
        Assert.That(Masking.Apply(source, destination, 0x3D21FA37, offset: 1), Is.EqualTo(Masking.Apply([], 0x3D21FA37, offset: 6)));
        Assert.That(source, Is.EqualTo("Hello"u8.ToArray()));
        Masking.Apply(source, 0x3D21FA37, offset: 1);
        Assert.That(destination, Is.EqualTo(source.Append((byte)0)));
        Assert.That(() => Masking.Apply(source, new byte[4], 1), Throws.ArgumentException);
        Assert.That(() => Masking.Apply(source, new byte[5], 1), Throws.Nothing);
    }

    [TestCase(999, "unassigned")]
    [TestCase(1000, "normal closure")]
    [TestCase(1001, "going away")]
    [TestCase(1002, "protocol error")]
    [TestCase(1003, "unsupported data")]
    [TestCase(1004, "unassigned")]
    [TestCase(1005, "no status received")]
    [TestCase(1006, "abnormal closure")]
    [TestCase(1007, "invalid payload")]
    [TestCase(1008, "policy violation")]
    [TestCase(1009, "message too big")]
    [TestCase(1010, "mandatory extension")]
    [TestCase(1011, "internal error")]
    [TestCase(1012, "service restart")]
    [TestCase(1013, "try again later")]
    [TestCase(1014, "bad gateway")]
    [TestCase(1015, "TLS handshake")]
    [TestCase(2999, "unassigned")]
    [TestCase(3000, "registered by a library or application")]
    [TestCase(3999, "registered by a library or application")]
    [TestCase(4000, "private use")]
    [TestCase(4999, "private use")]
    [TestCase(5000, "unassigned")]
    public void Section_7_4_ACode_HasAName(int code, string name) => Assert.That(CloseCodes.Name((ushort)code), Is.EqualTo(name));

    [Test]
    public void ARule_SaysWhoseItIs_AndItsTextFitsIntoAClose()
    {
        foreach (Rule rule in FrameRules.All)
        {
            Assert.That(typeof(FrameRules).GetField(rule.Name)?.GetValue(null), Is.SameAs(rule));
            Assert.That(rule.Section, Does.Match(@"\A\d+(\.\d+)+\z"), rule.Name);
            Assert.That(rule.CloseCode, Is.AnyOf(1002, 1007, 1009), rule.Name);
            Assert.That(rule.Text, Does.Match(@"\A[A-Z].+\.\z"), rule.Name);
            Assert.That(rule.Reason.ToArray(),
                Is.EqualTo(Encoding.UTF8.GetBytes(rule.Text)).And.Length.LessThanOrEqualTo(ClosePayload.ReasonBytesMax), rule.Name);
            Assert.That(rule.ToString(), Is.EqualTo($"{rule.Name} (§{rule.Section}): {rule.Text}"));
        }
    }

    /// <summary>A writer with room for so many bytes, and no byte more.</summary>
    private sealed class ExactWriter(int length) : IBufferWriter<byte>
    {
        public void Advance(int count) => Assert.That(count, Is.EqualTo(length));

        public Memory<byte> GetMemory(int sizeHint = 0) => new byte[Math.Min(sizeHint, length)];

        public Span<byte> GetSpan(int sizeHint = 0)
        {
            Assert.That(sizeHint, Is.EqualTo(length), "what is asked for is what is needed");
            return new byte[length];
        }
    }
}
