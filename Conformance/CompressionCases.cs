// RFC 7692 §6 and §7: the negotiation, single messages of every shape that DEFLATE has, breaches, and many messages under every
// combination of the four parameters.

using System.Globalization;
using System.IO.Compression;
using System.Text;

namespace RawWs.Conformance;

internal static class CompressionCases
{
    private const string Name = DeflateOffer.Name;

    private static readonly byte[] Hello = "Hello"u8.ToArray();

    public static IEnumerable<Case> All() =>
        [.. Declined(), .. Accepted(), .. Shapes(), .. InFragments(), .. Breaches(), .. Broken(), .. NotText(),
        .. Combinations(), .. Sizes()];

    private static IEnumerable<Case> Declined()
    {
        foreach (string parameters in (string[])
                 [
                     "unknown", "unknown=1", "server_no_context_takeover=1", "server_no_context_takeover=true",
                     "client_no_context_takeover=1",
                         "server_no_context_takeover; server_no_context_takeover",
                     "client_no_context_takeover; client_no_context_takeover", "server_max_window_bits", "server_max_window_bits=7",
                         "server_max_window_bits=16", "server_max_window_bits=0", "server_max_window_bits=08",
                     "server_max_window_bits=x", "server_max_window_bits=-8", "server_max_window_bits=1000",
                     "server_max_window_bits=4294967306",
                         "server_max_window_bits=10; server_max_window_bits=10",
                     "client_max_window_bits=7", "client_max_window_bits=16", "client_max_window_bits=0", "client_max_window_bits=010",
                         "client_max_window_bits=x", "client_max_window_bits; client_max_window_bits=10",
                     "server_max_window_bits=\"16\"", "client_max_window_bits=\"7\"",
                 ])
        {
            yield return new NegotiationCase("7692 §7.1", $"declined: {parameters}", Kind.Required, $"{Name}; {parameters}", null);
        }

        yield return new NegotiationCase("7692 §7.1", "declined: all of several offers", Kind.Required,
            $"{Name}; unknown, {Name}; server_max_window_bits=7, {Name}; client_max_window_bits=16", null);
    }

    private static IEnumerable<Case> Accepted()
    {
        DeflateOffer plain = new(false, false, null, null);
        yield return new NegotiationCase("7692 §7.1", "a plain offer", Kind.Strict, Name, plain);
        yield return new NegotiationCase("7692 §5.1", "the second offer, where the first has an unknown parameter", Kind.Strict,
            $"{Name}; unknown, {Name}", plain);
        yield return new NegotiationCase("7692 §5.1", "the second offer, where the first has a wrong value", Kind.Strict,
            $"{Name}; server_max_window_bits=77, {Name}; server_no_context_takeover", plain with { ServerNoContextTakeover = true });
        yield return new NegotiationCase("7692 §5.1", "the third offer", Kind.Strict,
            $"{Name}; a, {Name}; server_max_window_bits, {Name}; client_no_context_takeover",
                plain with { ClientNoContextTakeover = true });
        yield return new NegotiationCase("6455 §9.1", "an offer in the second field", Kind.Strict,
            $"{Name}; unknown\n{Name}; server_no_context_takeover", plain with { ServerNoContextTakeover = true });
        yield return new NegotiationCase("6455 §9.1", "behind another extension", Kind.Strict, $"x-unknown; a=1, {Name}", plain);
        yield return new NegotiationCase("6455 §9.1", "before another extension", Kind.Strict, $"{Name}, x-unknown; a=1", plain);
        yield return new NegotiationCase(
            "6455 §9.1", "no spaces", Kind.Strict, $"{Name};server_no_context_takeover;client_no_context_takeover",
            plain with { ServerNoContextTakeover = true, ClientNoContextTakeover = true });
        yield return new NegotiationCase("6455 §9.1", "spaces around everything", Kind.Strict, $"{Name} ; server_max_window_bits = 15 ",
            plain with { ServerMaxWindowBits = 15 });
        yield return new NegotiationCase("6455 §9.1", "quoted values", Kind.Strict,
            $"{Name}; server_max_window_bits=\"15\"; client_max_window_bits=\"15\"",
                plain with { ServerMaxWindowBits = 15, ClientMaxWindowBits = 15 });
        yield return new NegotiationCase(
            "7692 §7.1.2.2", "client_max_window_bits without a value", Kind.Strict, $"{Name}; client_max_window_bits",
            plain with { ClientMaxWindowBits = 0 });
        yield return new NegotiationCase("7692 §7.1", "the parameters in another order", Kind.Strict,
            $"{Name}; client_max_window_bits=15; server_max_window_bits=15; client_no_context_takeover; server_no_context_takeover",
            new DeflateOffer(true, true, 15, 15));
    }

    private static IEnumerable<Case> Shapes()
    {
        foreach ((string what, string hex, string text) in ((string, string, string)[])
                 [
                     ("a fixed block", "f2 48 cd c9 c9 07 00", "Hello"), ("a stored block", "00 05 00 fa ff 48 65 6c 6c 6f 00", "Hello"),
                         ("a final block", "f3 48 cd c9 c9 07 00 00", "Hello"),
                     ("two blocks", "f2 48 05 00 00 00 ff ff ca c9 c9 07 00", "Hello"),
                     ("a final stored block", "01 05 00 fa ff 48 65 6c 6c 6f 00", "Hello"),
                     ("an empty message", "00", ""), ("an empty message in a fixed block", "02 00", ""),
                         ("an empty message in a final block", "03 00 00", ""),
                         ("empty blocks around", "00 00 00 ff ff 00 00 00 ff ff f2 48 cd c9 c9 07 00", "Hello"),
                 ])
        {
            byte[] payload = Encoding.ASCII.GetBytes(text), frame = Wire.FrameOf(Wire.Text, Wire.Hex(hex), reserved: Wire.Rsv1);
            yield return Make("7692 §7.2.3", what, false, new Send(frame), new InflatedEcho(Wire.Text, payload));
            yield return Make("7692 §7.2.3", $"{what}, byte by byte", false, new Send(frame, 1), new InflatedEcho(Wire.Text, payload));
            yield return Make("7692 §7.2.3", $"{what}, three times", false, new Send(Wire.Join([frame, frame, frame])),
                new InflatedEcho(Wire.Text, payload), new InflatedEcho(Wire.Text, payload), new InflatedEcho(Wire.Text, payload));
        }

        byte[] marks = Wire.Hex("00 00 ff ff"), hundred =
            Wire.Join([.. Enumerable.Repeat(Wire.Hex("00 00 00 ff ff"), 100), Wire.Hex("f2 48 cd c9 c9 07 00")]);
        yield return Make("7692 §7.2.2", "00 00 ff ff inside of the data", false,
            new Send(Wire.FrameOf(Wire.Binary, Wire.Hex("00 04 00 fb ff 00 00 ff ff 00"), reserved: Wire.Rsv1)),
                new InflatedEcho(Wire.Binary, marks));
        yield return Make("7692 §7.2.2", "a hundred empty blocks", false, new Send(Wire.FrameOf(Wire.Text, hundred, reserved: Wire.Rsv1)),
            new InflatedEcho(Wire.Text, Hello));
        yield return Make("7692 §7.2.3.2", "a reference to the message before", true,
            new Send(Wire.FrameOf(Wire.Text, Wire.Hex("f2 48 cd c9 c9 07 00"), reserved: Wire.Rsv1)), new InflatedEcho(Wire.Text, Hello),
            new Send(Wire.FrameOf(Wire.Text, Wire.Hex("f2 00 11 00 00"), reserved: Wire.Rsv1)), new InflatedEcho(Wire.Text, Hello));
        byte[] compressed = Wire.FrameOf(Wire.Text, Wire.Hex("f2 48 cd c9 c9 07 00"), reserved: Wire.Rsv1), bare =
            Wire.FrameOf(Wire.Text, "uncompressed");
        yield return Make("7692 §6", "a message that is not compressed", false, new Send(bare),
            new InflatedEcho(Wire.Text, "uncompressed"u8.ToArray()));
        yield return Make("7692 §7.2.3.2", "a reference past a message that is not compressed", true,
            new Send(Wire.Join([compressed, bare, Wire.FrameOf(Wire.Text, Wire.Hex("f2 00 11 00 00"), reserved: Wire.Rsv1)])),
            new InflatedEcho(Wire.Text, Hello), new InflatedEcho(Wire.Text, "uncompressed"u8.ToArray()),
                new InflatedEcho(Wire.Text, Hello));
        byte[] zeros = new byte[16 * 1024 * 1024];
        yield return new CompressedDialogue("6455 §10.4", "16 MiB of zeros", Kind.Strict, false,
            new Send(Wire.FrameOf(Wire.Binary, Library(zeros), reserved: Wire.Rsv1)), new InflatedEchoOr1009(Wire.Binary, zeros));
        byte[] words = [.. Messages.OfSize(4096, 1)[0].Payload];
        yield return new CompressedDialogue("7692 §6.1", "how small 4 KiB of words come back", Kind.Informational, false,
            new Send(Wire.FrameOf(Wire.Binary, Library(words), reserved: Wire.Rsv1)), new InflatedEcho(Wire.Binary, words));
        yield return new CompressedDialogue("7692 §7.1.1.1", "how small the same 4 KiB come back again", Kind.Informational, false,
            new Send(Wire.FrameOf(Wire.Binary, words)), new InflatedEcho(Wire.Binary, words),
            new Send(Wire.FrameOf(Wire.Binary, words)), new InflatedEcho(Wire.Binary, words));
    }

    private static IEnumerable<Case> InFragments()
    {
        byte[] payload = Wire.Hex("f2 48 cd c9 c9 07 00"), ping = Wire.FrameOf(Wire.Ping, "between");
        for (int cut = 0; cut <= payload.Length; cut++)
            yield return Make("7692 §6.1", $"two fragments, cut behind byte {cut}", false, new Send(Cut(payload, cut)),
                new InflatedEcho(Wire.Text, Hello));
        yield return Make("7692 §6.1", "fragments of one byte", false, new Send(Cut(payload, 1, 2, 3, 4, 5, 6)),
            new InflatedEcho(Wire.Text, Hello));
        yield return Make("7692 §6.1", "empty fragments around", false, new Send(Cut(payload, 0, 0, 3, 3, 7, 7)),
            new InflatedEcho(Wire.Text, Hello));
        byte[] first = Wire.FrameOf(Wire.Text, payload.AsSpan(0, 3), fin: false, reserved: Wire.Rsv1),
            rest = Wire.FrameOf(Wire.Continuation, payload.AsSpan(3));
        yield return Make("7692 §6.1", "a Ping inside a compressed message", false, new Send([.. first, .. ping]),
            new Answer("between"u8.ToArray()),
            new Send(rest), new InflatedEcho(Wire.Text, Hello));
        yield return Make("6455 §5.5.1", "a Close inside a compressed message", false,
            new Send([.. first, .. Wire.FrameOf(Wire.Close, Wire.CloseBody(1000))]), new Closes());
    }

    private static List<Case> Breaches()
    {
        byte[] first = Wire.FrameOf(Wire.Text, Wire.Hex("f2 48 cd"), fin: false, reserved: Wire.Rsv1), rest = Wire.Hex("c9 c9 07 00");
        byte[] plain = Wire.FrameOf(Wire.Text, "Hel", fin: false);
        List<Case> cases =
            [.. Breaks("7692 §6", "RSV1 on a continuation", [.. first, .. Wire.FrameOf(Wire.Continuation, rest, reserved: Wire.Rsv1)],
            first.Length + 1, 1002),
            .. Breaks("7692 §6", "RSV1 on a continuation of a message that is not compressed",
                [.. plain, .. Wire.FrameOf(Wire.Continuation, "lo"u8, reserved: Wire.Rsv1)], plain.Length + 1, 1002)];
        foreach (int opcode in (int[])[Wire.Ping, Wire.Pong, Wire.Close])
            cases.AddRange(
                Breaks("7692 §6", $"RSV1 on a {Wire.NameOf(opcode)}",
                    Wire.FrameOf(opcode, Wire.CloseBody(1000), reserved: Wire.Rsv1), 1, 1002));
        foreach ((int bits, string name) in (
            (int, string)[])[(Wire.Rsv2, "RSV2"), (Wire.Rsv3, "RSV3"), (Wire.Rsv1 | Wire.Rsv2, "RSV1+RSV2"),
            (7, "RSV1+RSV2+RSV3")])
            cases.AddRange(Breaks("6455 §5.2", $"{name} beside compression",
                Wire.FrameOf(Wire.Text, (bits & Wire.Rsv1) != 0 ? Wire.Hex("f2 48 cd c9 c9 07 00") : Hello, reserved: bits), 1, 1002));
        return cases;
    }

    private static IEnumerable<Case> Broken()
    {
        foreach ((string what, string hex) in ((string, string)[])
                 [
                     ("a block of type 3", "06 48 65 6c"), ("a stored block whose lengths differ", "00 05 00 fa fe 48 65 6c 6c 6f 00"),
                         ("a reference in front of the first message", "f2 00 11 00 00"),
                     ("a reference further back than there is anything", "f2 00 12 00 00"),
                     ("a length symbol that does not exist", "f2 18 03 00"),
                         ("a distance symbol that does not exist", "f2 00 3e 00 00"),
                     ("a code with too many lengths", "fc ff ff ff ff ff ff ff ff"),
                 ])
        {
            foreach (Case item in Breaks("7692 §7.2.2", what, Wire.FrameOf(Wire.Text, Wire.Hex(hex), reserved: Wire.Rsv1), 0, 1007, 1002))
                yield return item;
        }

        yield return new CompressedDialogue("7692 §7.2.2", "data that end inside a block", Kind.Strict, false,
            new Send(Wire.FrameOf(Wire.Text, Wire.Hex("00 64 00 9b ff 48 65 6c 6c 6f"), reserved: Wire.Rsv1)), new Fails(1007, 1002));
    }

    private static IEnumerable<Case> NotText()
    {
        foreach (string hex in (string[])["80", "c0 af", "ed a0 80", "f4 90 80 80", "ff", "e2 82"])
        {
            byte[] text = [.. "Hello "u8, .. Wire.Hex(hex)];
            foreach (Case item in Breaks("6455 §8.1", $"compressed text that is not UTF-8 ({hex})",
                Wire.FrameOf(Wire.Text, Library(text), reserved: Wire.Rsv1), 0, 1007)) yield return item;
            if (hex == "e2 82") continue; // only its end proves it
            byte[] flushed = [.. Library(text), 0x00, 0x00, 0xFF, 0xFF];
            yield return new CompressedDialogue(
                "6455 §8.1", $"compressed text that is not UTF-8 ({hex}): before the message ends", Kind.Strict, false,
                new Send(Wire.FrameOf(Wire.Text, flushed, fin: false, reserved: Wire.Rsv1)), new Fails(1007));
        }

        byte[] valid = Encoding.UTF8.GetBytes("κόσμε € 😀");
        yield return Make("6455 §5.6", "compressed text in UTF-8", false,
            new Send(Wire.FrameOf(Wire.Text, Library(valid), reserved: Wire.Rsv1)),
            new InflatedEcho(Wire.Text, valid));
    }

    private static IEnumerable<Case> Combinations()
    {
        foreach (bool server in (bool[])[false, true])
            foreach (bool client in (bool[])[false, true])
                foreach (int? serverBits in (int?[])[null, 8, 9, 10, 11, 12, 13, 14, 15])
                    foreach (int? clientBits in (int?[])[null, 0, 8, 9, 10, 11, 12, 13, 14, 15])
                    {
                        DeflateOffer offer = new(server, client, serverBits, clientBits);
                        yield return new CompressionCase("7692 §7.1",
                            $"{Messages.Mixed.Count} messages of 0 to 128 KiB{offer.ToString()[Name.Length..]}", offer, Messages.Mixed);
                    }
    }

    private static IEnumerable<Case> Sizes()
    {
        const int BytesMax = 4 * 1024 * 1024;
        foreach (int size in Messages.Sizes)
        {
            int count = Math.Min(1000, BytesMax / Math.Max(1, size));
            IReadOnlyList<Message> messages = Messages.OfSize(size, count);
            foreach (bool server in (bool[])[false, true])
                foreach (bool client in (bool[])[false, true])
                {
                    DeflateOffer offer = new(server, client, null, null);
                    yield return new CompressionCase("7692 §7.2", string.Create(CultureInfo.InvariantCulture,
                        $"{count} messages of {size} bytes{offer.ToString()[Name.Length..]}"), offer, messages);
                }
        }
    }

    private static CompressedDialogue Make(string section, string name, bool needsTakeover, params IReadOnlyList<Move> moves) =>
        new(section, name, Kind.Required, needsTakeover, moves);

    private static IEnumerable<Case> Breaks(string section, string name, byte[] bytes, int proof, params int[] codes) =>
        Breach.Cases(Chapters.Compression, section, name, bytes, proof, Kind.Required, codes,
            name.EndsWith("Close", StringComparison.Ordinal)).Cast<Dialogue>().Select(static item =>
            new CompressedDialogue(item.Section, item.Name, item.Kind, false, item.Moves));

    private static byte[] Cut(byte[] payload, params IReadOnlyList<int> cuts)
    {
        IReadOnlyList<byte[]> frames = MessageCases.Cut(Wire.Text, payload, cuts);
        frames[0][0] |= Wire.Rsv1 << 4;
        return Wire.Join(frames);
    }

    private static byte[] Library(byte[] message)
    {
        using MemoryStream output = new();
        using DeflateStream stream = new(output, CompressionLevel.Fastest);
        stream.Write(message);
        stream.Flush();
        return output.GetBuffer()[..((int)output.Length - 4)];
    }
}
