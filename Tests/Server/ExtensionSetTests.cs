// What a server with several extensions agrees on, and two extensions as one: at every cut, with any room, without allocating. And nobody
// but the settings and its own folder names permessage-deflate.

using System.Buffers;
using System.Text.RegularExpressions;
using RawWs.Frame;
using RawWs.Handshake;
using RawWs.Server;
using RawWs.Server.Compression;
using RawWs.Server.Extensions;
using RawWs.Server.Memory;
using RawWs.Server.Sending;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

public sealed partial class ExtensionSetTests
{
    private const string Deflated = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

    private readonly MemoryBudget _budget = new(10_000_000);

    [TestCase("xor-payload; key=7", "xor-payload; key=7", "")]
    [TestCase("xor-payload; key=7, permessage-deflate", "xor-payload; key=7, " + Deflated, "", Description = "the client's order is kept")]
    [TestCase("permessage-deflate, xor-payload; key=7", Deflated + ", xor-payload; key=7", "")]
    [TestCase("xor-payload; key=0, xor-payload; key=\"8\", xor-payload; key=9", "xor-payload; key=8", "xor-payload NoKey")]
    [TestCase("x-other, permessage-deflate; mystery, xor-payload; key=7", "xor-payload; key=7",
        "x-other OtherExtension, permessage-deflate UnknownParameter")]
    [TestCase("xor-payload; key=7, xor-again; key=8, permessage-deflate", "xor-payload; key=7, " + Deflated, "xor-again ReservedBitTaken")]
    [TestCase("xor-again; key=8, xor-payload; key=7", "xor-again; key=8", "xor-payload ReservedBitTaken")]
    [TestCase("permessage-deflate, xor-payload; key=7, x-last; key=1", Deflated + ", xor-payload; key=7, x-last; key=1", "")]
    [TestCase("XOR-payload; key=7", null, "XOR-payload OtherExtension")]
    [TestCase(null, null, "")]
    public void Section_9_1_OfEachTheFirstOfferIsTaken_ThatItAccepts(string? offers, string? answer, string declined)
    {
        using ExtensionSet set = ExtensionSet.Of(
        [
            Deflate(), new XorExtension(_budget), new XorExtension(_budget, "xor-again"),
            new XorExtension(_budget, "x-last", ReservedBits.Rsv3),
        ],
        _budget)!;
        List<DeclinedOffer> reasons = [];
        ExtensionAgreement? agreement = set.Negotiate(Request(offers), reasons);
        Assert.That((agreement?.ResponseText, string.Join(", ", reasons.Select(static offer => $"{offer.Name} {offer.Reason}"))),
            Is.EqualTo((answer, declined)));
        Assert.That(set.Negotiate(Request(offers), null)?.ResponseText, Is.EqualTo(answer));
    }

    [Test]
    public void WithoutExtensions_ThereIsNoSet_AndAnExtensionHasABit()
    {
        Assert.That(ExtensionSet.Of([], _budget), Is.Null);
        Assert.That(() => new XorExtension(_budget, "x", ReservedBits.None), Throws.InstanceOf<ArgumentException>());
    }

    [Test]
    public void WhoAgreesOnTheSame_OneAfterTheOther_SharesIt()
    {
        using ExtensionSet set = ExtensionSet.Of([Deflate()], _budget)!;
        ExtensionAgreement first = set.Negotiate(Request("permessage-deflate"), null)!;
        Assert.That(set.Negotiate(Request("permessage-deflate"), null), Is.SameAs(first));
        Assert.That(set.Negotiate(Request("permessage-deflate; server_max_window_bits=9"), null), Is.Not.SameAs(first));
    }

    // "foo, bar" means bar(foo(data)).
    [TestCase("xor-payload; key=90")]
    [TestCase("permessage-deflate")]
    [TestCase("xor-payload; key=90, permessage-deflate")]
    [TestCase("permessage-deflate, xor-payload; key=90")]
    [TestCase("x-last; key=3, permessage-deflate, xor-payload; key=90")]
    public void AMessage_IsReadAsItWasWritten_AtEveryCut_WithAnyRoom(string offers)
    {
        using ExtensionSet set = ExtensionSet.Of(
            [Deflate(), new XorExtension(_budget), new XorExtension(_budget, "x-last", ReservedBits.Rsv3)], _budget)!;
        ConnectionExtension one = set.Negotiate(Request(offers), null)!.Begin(), other = set.Negotiate(Request(offers), null)!.Begin();
        foreach (byte[] message in new[] { Support.Deflate.Text(300), Support.Deflate.Text(20_000), new byte[40_000],
            Support.Deflate.Noise(500), [7] })
        {
            byte[] output = new byte[one.RoomBytes(message.Length)];
            ReservedBits marks = one.Encode(message, output, out int length);
            byte[] payload = marks == ReservedBits.None ? message : output[..length];
            if (offers.Contains("xor", StringComparison.Ordinal)) Assert.That(marks & ReservedBits.Rsv2, Is.EqualTo(ReservedBits.Rsv2));
            Assert.That((marks & ReservedBits.Rsv1) != 0,
                Is.EqualTo(offers.Contains("deflate", StringComparison.Ordinal) && message.Length is not (500 or 1)),
                "what is not worth it is not compressed");
            Assert.That(one.Equals(other), Is.False);
            Assert.That((one.ForMany, one.ForMany.GetHashCode()), Is.EqualTo((other.ForMany, other.ForMany.GetHashCode())),
                "who agrees on the same encodes alike");
            if (marks == ReservedBits.None) continue;
            for (int cut = 0; cut <= payload.Length; cut += Math.Max(1, payload.Length / 400))
                foreach (int room in new[] { 1 + (cut % 50), 5000, message.Length + 1 })
                    Assert.That(Decode(other, marks, payload, cut, room).AsSpan()
                        .SequenceEqual(message), $"{message.Length} bytes, cut at {cut}, room {room}");
        }

        one.Release();
        other.Release();
        Assert.That(_budget.HeldBytes, Is.Zero);
    }

    [TestCase("xor-payload; key=90, permessage-deflate")]
    [TestCase("permessage-deflate, xor-payload; key=90")]
    public void AMessageThatIsDropped_AndOneThatHasNoMemory_LeaveNothingBehind(string offers)
    {
        MemoryBudget budget = new(2_000_000);
        using ExtensionSet set = ExtensionSet.Of([Deflate(budget), new XorExtension(budget)], budget)!;
        ExtensionAgreement agreement = set.Negotiate(Request(offers), null)!;
        ConnectionExtension pair = agreement.Begin();
        Assert.That(pair.TryBegin(pair.Bits));
        Assert.That(budget.HeldBytes, Is.EqualTo(ExtensionPair.BetweenBytes + XorExtension.MessageBytes + Inflater.ContextBytes));
        pair.End();
        Assert.That(budget.HeldBytes, Is.Zero);
        Assert.That(agreement.HasRoom);
        // Room for less and less: each of the three that ask for some is once the one that gets none.
        for (int left = ExtensionPair.BetweenBytes + XorExtension.MessageBytes + Inflater.ContextBytes - 1; left >= 0; left -= 90)
        {
            budget.Charge(2_000_000 - left);
            Assert.That((pair.TryBegin(pair.Bits), budget.HeldBytes), Is.EqualTo((false, 2_000_000L - left)), $"{left} bytes are left");
            budget.Discharge(2_000_000 - left);
        }

        budget.Charge(2_000_000);
        Assert.That((agreement.HasRoom, pair.Encode(new byte[1000], new byte[pair.RoomBytes(1000)], out int written), written),
            Is.EqualTo((false, ReservedBits.None, 0)), "it is sent as it is");
        budget.Discharge(2_000_000);
        pair.Release();
    }

    [Test]
    public void TheOneAtFault_NamesTheRule()
    {
        using ExtensionSet set = ExtensionSet.Of([Deflate(), new XorExtension(_budget)], _budget)!;
        foreach (string offers in new[] { "xor-payload; key=255, permessage-deflate", "permessage-deflate, xor-payload; key=255" })
        {
            foreach (byte wire in new byte[] { 0x00, 0xFF }) // of the two bytes, what the inflater sees is garbage once and no end twice
            {
                ConnectionExtension pair = set.Negotiate(Request(offers), null)!.Begin();
                Assert.That(pair.TryBegin(pair.Bits));
                DecodeStatus status = pair.Decode([wire, wire, wire], new byte[100], out _, out _);
                if (status == DecodeStatus.NeedMoreData) status = pair.Finish();
                Assert.That((status, pair.Malformed), Is.EqualTo((DecodeStatus.Malformed, FrameRules.CompressedDataMalformed)),
                    $"{offers}, {wire}");
                pair.End();
                pair.Release();
            }
        }
    }

    [Test]
    [NonParallelizable]
    public void NothingIsAllocatedPerMessage([Values] bool toMany)
    {
        const int Messages = 5_000;
        using ExtensionSet set = ExtensionSet.Of([Deflate(), new XorExtension(_budget)], _budget)!;
        ConnectionExtension one = set.Negotiate(Request("xor-payload; key=90, permessage-deflate"), null)!.Begin();
        ConnectionExtension other = set.Negotiate(Request("xor-payload; key=91, permessage-deflate"), null)!.Begin();
        byte[] message = Support.Deflate.Text(1000), frame = new byte[one.FrameRoomBytes(message.Length)], output = new byte[2000];
        Action run = toMany ? ToMany : ToOne;
        for (int i = 0; i < 200; i++) run();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < Messages; i++) run();
        Assert.That((GC.GetAllocatedBytesForCurrentThread() - before) / (double)Messages, Is.LessThan(1), "bytes per message");

        void ToOne()
        {
            ReservedBits marks = one.Encode(message, frame, out int length);
            if (!one.TryBegin(marks)) Assert.Fail("no memory");
            one.Decode(frame.AsSpan(0, length), output, out _, out int written);
            if (one.Finish() != DecodeStatus.Done || written != message.Length) Assert.Fail("read wrongly");
            one.End();
        }

        void ToMany()
        {
            using SharedMessage shared = SharedMessage.TryRent(_budget, MessageKind.Text, message)!;
            SharedFrame first = shared.Encoded(one.ForMany), second = shared.Encoded(other.ForMany);
            if (first == second || first != shared.Encoded(one.ForMany) || second != shared.Encoded(other.ForMany))
                Assert.Fail("made twice");
        }
    }

    // Peers choose how they encode, and a message for many has a bound of frames.
    [Test]
    public void AMessageForMany_HasABoundOfFrames()
    {
        XorExtension xor = new(_budget);
        using ExtensionSet set = ExtensionSet.Of([xor], _budget)!;
        using SharedMessage message = SharedMessage.TryRent(_budget, MessageKind.Binary, new byte[100])!;
        HashSet<SharedFrame> frames = [];
        for (int round = 0; round < 2; round++)
        {
            for (int key = 1; key < 256; key++)
            {
                SharedFrame frame = message.Encoded(set.Negotiate(Request($"xor-payload; key={key}"), null)!.Begin().ForMany);
                frames.Add(frame);
                Assert.That(frame.Bytes[frame.Length - 1], Is.EqualTo(frame == message.Plain ? 0 : key));
            }
        }

        Assert.That(frames, Has.Count.EqualTo(33), "32, and the plain one");
    }

    [Test]
    public void OnlyItsFolderAndTheSettings_NameTheExtensionThatExists()
    {
        // `rawws explain`, `rawws learn`, the Lab and the scenarios name it too: they tell of it, or break it on purpose.
        string[] settings =
        [
            "Server/ServerOptions.cs", "Server/ServerExtensions.cs", // what the options say, and what is made of it
            "Server/Console/Settings/SettingTable.cs", "Server/Console/Settings/NearNames.cs",
        ];
        string[] telling = ["Explain", "Learn", "Lab", "Scenarios"];
        string server = Repository.At("Server");
        IEnumerable<string> naming = Directory.EnumerateFiles(server, "*.cs", SearchOption.AllDirectories)
            .Select(file => "Server/" + Path.GetRelativePath(server, file).Replace('\\', '/'))
            .Where(file => !file.StartsWith("Server/Compression/", StringComparison.Ordinal)
                && !telling.Any(folder => file.StartsWith($"Server/Console/{folder}/", StringComparison.Ordinal))
                && !file.Contains("/obj/", StringComparison.Ordinal)
                && !file.Contains("/bin/", StringComparison.Ordinal) && Naming().IsMatch(File.ReadAllText(Repository.At(file))));
        Assert.That(naming, Is.EquivalentTo(settings));
    }

    [GeneratedRegex("deflate|inflat|permessage|RFC 7692 §7", RegexOptions.IgnoreCase)]
    private static partial Regex Naming();

    private static UpgradeRequest Request(string? offers)
    {
        string field = offers is null ? "" : $"Sec-WebSocket-Extensions: {offers}\r\n";
        ReadOnlySequence<byte> buffer = new(System.Text.Encoding.ASCII.GetBytes($"GET / HTTP/1.1\r\n{RawClient.Upgrade}{field}\r\n"));
        UpgradeRequest request = new();
        RequestProgress progress = default;
        Assert.That(RequestReader.TryRead(ref buffer, new RequestLimits(), request, ref progress, out _), Is.EqualTo(RequestStatus.Done));
        return request;
    }

    private static byte[] Decode(ConnectionExtension extension, ReservedBits marks, ReadOnlySpan<byte> payload, int cut, int room)
    {
        Assert.That(extension.TryBegin(marks));
        ArrayBufferWriter<byte> message = new();
        byte[] output = new byte[room];
        Read(payload[..cut]);
        Read(payload[cut..]);
        Assert.That(extension.Finish(), Is.EqualTo(DecodeStatus.Done));
        extension.End();
        return message.WrittenSpan.ToArray();

        void Read(ReadOnlySpan<byte> piece)
        {
            DecodeStatus status;
            do
            {
                status = extension.Decode(piece, output, out int consumed, out int written);
                piece = piece[consumed..];
                message.Write(output.AsSpan(0, written));
            }
            while (status == DecodeStatus.OutputFull);
            Assert.That((status, piece.Length), Is.EqualTo((DecodeStatus.NeedMoreData, 0)));
        }
    }

    private PermessageDeflate Deflate(MemoryBudget? budget = null) =>
        new(new DeflateContexts(budget ?? _budget, level: 1, pooledMax: 4), new DeflatePolicy(), bytesMin: 2);
}
