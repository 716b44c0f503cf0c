// The generator is not to be deceived: what comes back wrong is an error, however it is wrong; what comes back in pieces is not; and a
// server that stops answering shows in the latencies of all messages that were due meanwhile.

using System.Text;
using RawWs.Frame;

namespace RawWs.Tests.Load;

[Platform("Linux")]
public sealed class LoadChecksTests
{
    public static IEnumerable<TestCaseData> Wrong()
    {
        static TestCaseData Case(string name, string says, Func<Opcode, byte[], byte[]> third) =>
            new TestCaseData(says, third).SetArgDisplayNames(name);

        yield return Case("a byte changed", "a message is not the one that was sent", static (opcode, payload) =>
        {
            payload[^1] ^= 1;
            return HandmadePeer.Frame(opcode, payload);
        });
        yield return Case("shorter", "a message of 31 bytes and not of 32", static (opcode, payload) =>
            HandmadePeer.Frame(opcode, payload.AsSpan(0, 31)));
        yield return Case("longer", "a message is not the one that was sent", static (opcode, payload) =>
            HandmadePeer.Frame(opcode, [.. payload, (byte)'!']));
        yield return Case("twice", "a message is not the one that was sent", static (opcode, payload) =>
            [.. HandmadePeer.Frame(opcode, payload), .. HandmadePeer.Frame(opcode, payload)]);
        yield return Case("the next before it", "a message is not the one that was sent", static (_, _) => []);
        yield return Case("of the other kind", "a message of opcode Binary", static (_, payload) =>
            HandmadePeer.Frame(Opcode.Binary, payload));
        yield return Case("masked", "a frame that is not allowed", static (opcode, payload) => Masked(opcode, payload));
        yield return Case("a fragment of nothing", "a frame that is not allowed", static (_, payload) =>
            HandmadePeer.Frame(Opcode.Continuation, payload));
        yield return Case("Close instead", "the server says Close 1001", static (_, _) => HandmadePeer.Frame(Opcode.Close, [0x03, 0xE9]));
    }

    [TestCaseSource(nameof(Wrong))]
    public void AWrongAnswer_IsAnError(string says, Func<Opcode, byte[], byte[]> third)
    {
        using HandmadeServer server = new(peer =>
        {
            for (int i = 1; ; i++)
            {
                (Opcode opcode, byte[] payload) = peer.Read();
                peer.Write(i == 3 ? third(opcode, payload) : HandmadePeer.Frame(opcode, payload));
            }
        });
        LoadOutcome outcome = LoadOutcome.Of(server.Url, "--json", "--conns", "1", "--pipeline", "4", "--messages", "10");
        Assert.That((outcome.ExitCode, outcome.Figure("errors"), outcome.Figure("msgs")),
            Is.EqualTo((1, 1.0, says.Contains("twice") ? 3.0 : outcome.Figure("msgs"))));
        Assert.That(outcome.Output, Does.Contain("connection 0: " + says));
    }

    [Test]
    public void AConnectionThatEnds_IsAnError_AndTheOthersGoOn()
    {
        int connections = 0;
        using HandmadeServer server = new(peer =>
        {
            bool ends = Interlocked.Increment(ref connections) == 1;
            for ((Opcode Opcode, byte[] Payload) frame = peer.Read(); !ends; frame = peer.Read()) peer.Write(frame.Opcode, frame.Payload);
        });
        LoadOutcome outcome = LoadOutcome.Of(server.Url, "--json", "--conns", "3", "--messages", "300");
        Assert.That((outcome.ExitCode, outcome.Figure("errors"), outcome.Figure("msgs")), Is.EqualTo((1, 1.0, 299.0)), outcome.Output);
    }

    [Test]
    public void APiecemealServer_WithPingsInBetween_IsUnderstood_AndItsPingsAreAnswered()
    {
        int pongs = 0;
        using HandmadeServer server = new(peer =>
        {
            while (true)
            {
                (Opcode opcode, byte[] payload) = peer.Read();
                byte[] frames =
                [
                    .. HandmadePeer.Frame(opcode, payload.AsSpan(0, 150), fin: false),
                    .. HandmadePeer.Frame(Opcode.Ping, "still there?"u8),
                    .. HandmadePeer.Frame(Opcode.Continuation, [], fin: false),
                    .. HandmadePeer.Frame(Opcode.Continuation, payload.AsSpan(150)),
                ];
                foreach (byte one in frames) peer.Write([one]);
                (Opcode Opcode, byte[] Payload) answer = peer.Read();
                if (answer.Opcode == Opcode.Pong && Encoding.ASCII.GetString(answer.Payload) == "still there?") pongs++;
            }
        });
        LoadOutcome outcome = LoadOutcome.Of(server.Url, "--json", "--conns", "1", "--messages", "20", "--size", "300");
        Assert.That((outcome.ExitCode, outcome.Figure("errors"), outcome.Figure("msgs")), Is.EqualTo((0, 0.0, 20.0)), outcome.Output);
        Assert.That(pongs, Is.GreaterThanOrEqualTo(19), "the last may be under way");
    }

    // Two connections, in turns every 2 ms; the messages are too large for the kernel to keep more than a few. The server reads nothing of
    // the first one until the hundredth message of the second is there, which is due after 398 ms. So the first one's twenty first
    // messages, a tenth of all, come back 322 ms or more after they were due, though most of them could be sent only at the end of
    // the stall and then came back at once. There is no upper limit to be late for: the test cannot fail by being slow.
    [Test]
    public void AStall_ShowsInTheLatenciesOfAllThatWereDueMeanwhile()
    {
        using ManualResetEventSlim hundredth = new();
        using HandmadeServer server = new(peer =>
        {
            for (int i = 1; ; i++)
            {
                (Opcode opcode, byte[] payload) = peer.Read();
                if (payload[0] == '0') HandmadePeer.Wait(hundredth);
                else if (i == 100) hundredth.Set();
                peer.Write(opcode, payload);
            }
        });
        LoadOutcome outcome = LoadOutcome.Of(
            server.Url, "--json", "--conns", "2", "--rate", "500", "--messages", "200", "--size", "262144", "--prefix", "%d:");
        Assert.That((outcome.ExitCode, outcome.Figure("msgs")), Is.EqualTo((0, 200.0)), outcome.Output);
        Assert.That(outcome.Figure("p90_us"), Is.GreaterThan(320_000));
        Assert.That(outcome.Figure("max_us"), Is.GreaterThan(397_000));
    }

    private static byte[] Masked(Opcode opcode, byte[] payload)
    {
        byte[] frame = new byte[FrameWriter.HeaderLength((ulong)payload.Length, masked: true) + payload.Length];
        FrameWriter.WriteMasked(frame, opcode, payload, 0x12345678);
        return frame;
    }
}
