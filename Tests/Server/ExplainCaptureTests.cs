// `rawws explain` of captures, pcap and pcapng: both directions, in order, whatever is missing or before; and files that are wrong.

using System.Text.Json;
using RawWs.Tests.Support;
using static RawWs.Tests.Support.ExplainRun;

namespace RawWs.Tests.Server;

public sealed class ExplainCaptureTests
{
    [TestCase("pcap")]
    [TestCase("pcap, big-endian")]
    [TestCase("pcap, IPv6")]
    [TestCase("pcapng")]
    [TestCase("pcapng, simple packets")]
    [TestCase("out of order, and twice")]
    public void ACapture_HasBothDirections_InTheOrderInWhichTheyCame(string form)
    {
        List<CapturedSegment> segments = Captures.Conversation(Talk);
        if (form.StartsWith("out", StringComparison.Ordinal))
        {
            (segments[4], segments[6]) = (segments[6], segments[4]);
            segments.Insert(7, segments[3]);
            segments.Insert(3, segments[2]);
            segments.Insert(2, segments[2] with { Payload = segments[2].Payload[..10] });
        }

        byte[] file = form.StartsWith("pcapng", StringComparison.Ordinal)
            ? Captures.Pcapng(segments, simple: form.Contains("simple", StringComparison.Ordinal))
            : Captures.Pcap(segments, form.Contains("big", StringComparison.Ordinal), form.Contains("IPv6", StringComparison.Ordinal));
        using JsonDocument json = JsonDocument.Parse(Good(["--json"], file));
        JsonElement conversation = json.RootElement.GetProperty("conversations").EnumerateArray().Single();
        Assert.That(conversation.GetProperty("units").EnumerateArray().Select(static unit =>
            $"{unit.GetProperty("from").GetString()} {unit.GetProperty("kind").GetString()}"), Is.EqualTo([
                "client request", "server response", "server frame", "client frame", "server frame"]));
        Assert.That(conversation.GetProperty("title").GetString(), Does.Contain(":50000").And.Contain(":2000").And.Not.Contain("missing"));
        Assert.That(Good(["--port", "2000"], file), Is.EqualTo(Good([], file)));
    }

    [Test]
    public void ACapture_ThatLacksBytes_SaysSo()
    {
        List<CapturedSegment> segments = Captures.Conversation(Talk);
        segments.RemoveAt(4);
        Assert.That(Good([], Captures.Pcap(segments)), Does.Contain("bytes are missing").And.Contain("value of Sec-WebSocket-Key"));
    }

    [Test]
    public void ACapture_FromTheMiddle_NeedsThePort()
    {
        byte[] file = Captures.Pcapng([new CapturedSegment(true, 9, Hello), new CapturedSegment(false, 1, [0x89, 0x00])]);
        Assert.That(Wrong([], file), Does.Contain("--port"));
        Assert.That(Good(["--port", "2000"], file),
            Does.Contain("\"Hello\"").And.Contain("The capture began after").And.Not.Contain(">>>"));
        Assert.That(Wrong(["--port", "81"], file), Does.Contain("port 81"));
    }

    [TestCase("d4c3b2a1", "at byte 4")]
    [TestCase("d4c3b2a102000400000000000000000000000000" + "01000000" + "0000", "at byte 24")]
    [TestCase("d4c3b2a102000400000000000000000000000000" + "01000000" + "0000000000000000ffffff7fffffff7f", "at byte 24")]
    [TestCase("0a0d0d0a", "at byte 0")]
    [TestCase("0a0d0d0a1c0000000000000001000000ffffffffffffffff1c000000", "at byte 8")]
    [TestCase("0a0d0d0a1c0000004d3c2b1a01000000ffffffffffffffff1d000000", "at byte 24")]
    [TestCase("0a0d0d0a1d0000004d3c2b1a01000000ffffffffffffffff1d000000", "at byte 4")]
    [TestCase("0a0d0d0affff00004d3c2b1a01000000ffffffffffffffff1c000000", "at byte 4")]
    [TestCase("0a0d0d0a1c0000004d3c2b1a01000000ffffffffffffffff1c000000" + "010000001800000000000000", "at byte 32")]
    [TestCase("0a0d0d0a1c0000004d3c2b1a01000000ffffffffffffffff1c000000" + "030000001000000000000000" + "10000000", "at byte 36")]
    public void AWrongCapture_IsToldWithItsPlace(string hex, string place) =>
        Assert.That(Wrong([], Convert.FromHexString(hex)), Does.Contain(place).And.Contain("pcap"));

    // Somebody else's file: whatever is in it, it is explained or refused, and nothing is thrown.
    [Test]
    public void RandomChangesOfCaptures_AreExplainedOrRefused()
    {
        Random random = new(20261129);
        byte[][] files = [Captures.Pcap(Captures.Conversation(Talk)), Captures.Pcapng(Captures.Conversation(Talk), v6: true)];
        int refused = 0;
        for (int i = 0; i < 2000; i++)
        {
            byte[] changed = Mutation.Of(files[i % 2], files[(i + 1) % 2], 4096, random);
            if (Run(["--port", "2000"], changed, out _, out _) == 2) refused++;
        }

        Assert.That(refused, Is.InRange(1, 1999));
    }
}
