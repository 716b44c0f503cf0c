// Text that leaves is UTF-8 (RFC 6455 §5.6, §8.1): every public way out refuses any other, and says where it is wrong. What was received is
// passed on without a second check, in whole characters only.

using System.Text;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

public sealed class TextTests
{
    // RFC 3629 §3, §4: what is wrong, and at which byte the first character begins that is none.
    private static readonly TestCaseData[] Wrong =
    [
        new TestCaseData(new byte[] { 0xFF }, 0).SetArgDisplayNames("FF"),
        new TestCaseData(new byte[] { (byte)'a', 0x80 }, 1).SetArgDisplayNames("a lone continuation byte"),
        new TestCaseData(new byte[] { 0xC3, 0xA4, 0xC0, 0x80 }, 2).SetArgDisplayNames("overlong"),
        new TestCaseData(new byte[] { 0xED, 0xA0, 0x80 }, 0).SetArgDisplayNames("a surrogate"),
        new TestCaseData(new byte[] { (byte)'a', (byte)'b', 0xF4, 0x90, 0x80, 0x80 }, 2).SetArgDisplayNames("past U+10FFFF"),
        new TestCaseData(new byte[] { 0xE2, 0x82 }, 0).SetArgDisplayNames("cut at the end"),
    ];

    [TestCaseSource(nameof(Wrong))]
    public async Task TextThatIsNotUtf8_IsRefused_AndNothingLeaves(byte[] bytes, int at)
    {
        await using MemoryConnection peer = new(new EchoApplication());
        await using WebSocketServer server = new(new ServerOptions { Loops = 1 }, new EchoApplication());
        string says = $"The text is not UTF-8 at byte {at} (RFC 6455 §5.6, RFC 3629 §4).";
        peer.Turn(() =>
        {
            Assert.That(() => peer.Connection.TrySend(MessageKind.Text, bytes), Throws.ArgumentException.With.Message.StartsWith(says));
            Assert.That(() => WebSocketMessage.Text(bytes), Throws.ArgumentException.With.Message.StartsWith(says));
            Assert.That(() => WebSocketMessage.Create(MessageKind.Text, bytes), Throws.ArgumentException.With.Message.StartsWith(says));
            Assert.That(() => server.TryShare(MessageKind.Text, bytes), Throws.ArgumentException.With.Message.StartsWith(says));
            Assert.That(() => server.TryBroadcast(MessageKind.Text, bytes), Throws.ArgumentException.With.Message.StartsWith(says));
        });
        Assert.That(peer.Taken, Is.Empty);
        peer.Turn(() => Assert.That(peer.Connection.TrySend(MessageKind.Binary, bytes), Is.EqualTo(SendResult.Queued)));
        Assert.That(peer.Taken, Is.EqualTo((byte[])[0x82, (byte)bytes.Length, .. bytes]));
    }

    // The values of control frames' opcodes among them: a message is text or binary.
    [TestCase(0)]
    [TestCase(8)]
    [TestCase(9)]
    [TestCase(0x81)]
    public async Task AKindThatDoesNotExist_IsRefused(int kind)
    {
        await using MemoryConnection peer = new(new EchoApplication());
        Assert.That(() => peer.Connection.TrySend((MessageKind)kind, "a"u8), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => WebSocketMessage.Create((MessageKind)kind, default), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(341)]
    [TestCase(342)]
    [TestCase(5000)]
    [TestCase(100_000)]
    public async Task AString_LeavesAsUtf8(int length)
    {
        string text = string.Concat(Enumerable.Repeat("aä€𝄞", (length / 5) + 1))[..(length - (length % 5 == 4 ? 1 : 0))];
        await using MemoryConnection peer = new(new EchoApplication());
        peer.Turn(() => Assert.That(peer.Connection.TrySend(text), Is.EqualTo(SendResult.Queued)));
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        byte[] frame = new byte[FrameWriter.HeaderBytesMax + utf8.Length];
        Assert.That(peer.Taken, Is.EqualTo(frame[..FrameWriter.Write(frame, Opcode.Text, utf8)]));
        Assert.That(WebSocketMessage.Text(text).Memory.ToArray(), Is.EqualTo(utf8));
    }

    [TestCase("", 0xD834)]
    [TestCase("ab", 0xDD1E)]
    public async Task AStringWithHalfOfAPair_IsRefused(string before, int half)
    {
        string text = before + (char)half;
        int at = before.Length;
        await using MemoryConnection peer = new(new EchoApplication());
        string says = $"The text has half of a surrogate pair at character {at}";
        Assert.That(() => peer.Connection.TrySend(text), Throws.ArgumentException.With.Message.StartsWith(says));
        Assert.That(() => peer.Connection.TrySend(new string('a', 2000) + text), Throws.ArgumentException);
        Assert.That(() => WebSocketMessage.Text(text), Throws.ArgumentException.With.Message.StartsWith(says));
        Assert.That(peer.Taken, Is.Empty);
        Assert.That(peer.Budget.HeldBytes, Is.Zero);
    }

    [Test]
    public void AMessage_IsCutBetweenCharactersOnly()
    {
        WebSocketMessage text = WebSocketMessage.Text("aä€𝄞b");
        int[] borders = [0, 1, 3, 6, 10, 11];
        for (int start = 0; start <= text.Length; start++)
        {
            for (int end = start; end <= text.Length; end++)
            {
                int first = start, behind = end;
                if (borders.Contains(first) && borders.Contains(behind))
                    Assert.That(text[first..behind].ToString(), Is.EqualTo(Encoding.UTF8.GetString(text.Span[first..behind])));
                else Assert.That(() => text[first..behind], Throws.ArgumentException, $"{first}..{behind}");
            }
        }

        Assert.That(() => text.Slice(12), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(WebSocketMessage.Binary(text.Memory)[2..4].Length, Is.EqualTo(2), "bytes are cut anywhere");
    }

    [TestCase(false)]
    [TestCase(true)]
    public void AMessage_IsAViewOfAnyMemory_AndSoIsEachPartOfIt(bool isForeign)
    {
        byte[] bytes = Encoding.ASCII.GetBytes("0123456789");
        Memory<byte> all = isForeign ? new ForeignMemory(bytes).Memory : bytes;
        for (int start = 0; start < bytes.Length; start++)
        {
            for (int end = start + 1; end <= bytes.Length; end++)
            {
                Memory<byte> memory = all[start..end];
                foreach (WebSocketMessage message in new[] { WebSocketMessage.Text(memory), WebSocketMessage.Binary(memory) })
                {
                    Assert.That((message.Length, message.IsEmpty), Is.EqualTo((memory.Length, memory.IsEmpty)));
                    Assert.That((message.Memory.Equals(memory), message.Span == memory.Span), Is.EqualTo((true, true)), $"{start}..{end}");
                    Assert.That(message.Slice(message.Length).IsEmpty);
                    for (int from = 0; from < message.Length; from++)
                    {
                        WebSocketMessage rest = message.Slice(from), part = message.Slice(from, rest.Length / 2);
                        Assert.That((rest.Kind, part.Kind), Is.EqualTo((message.Kind, message.Kind)));
                        Assert.That(rest.Memory.Equals(memory[from..]), $"{start}..{end}, from {from}");
                        Assert.That(part.Span.SequenceEqual(memory.Span.Slice(from, rest.Length / 2)), $"{start}..{end}, part from {from}");
                    }

                    foreach ((int from, int length) in new[] { (-1, 1), (0, message.Length + 1), (message.Length, 1), (0, -1) })
                        Assert.That(() => message.Slice(from, length), Throws.InstanceOf<ArgumentOutOfRangeException>());
                }
            }
        }
    }

    [Test]
    public void AMessage_IsEqualByKindAndBytes()
    {
        WebSocketMessage text = WebSocketMessage.Text("ab"), same = WebSocketMessage.Text("ab"u8.ToArray()), bytes =
            WebSocketMessage.Binary(text.Memory);
        Assert.That((text == same, text.GetHashCode() == same.GetHashCode(), text != bytes, text.Equals((object)bytes)),
            Is.EqualTo((true, true, true, false)));
        Assert.That((text.ToString(), bytes.ToString(), default(WebSocketMessage).Kind), Is.EqualTo(("ab", "6162", MessageKind.Binary)));
        Assert.That((text.IsText, bytes.IsText, default(WebSocketMessage).IsEmpty), Is.EqualTo((true, false, true)));
    }
}
