// The rules that the server can be told to break, one switch each, and the cases of the suite that are there to notice: a test plays
// exactly these cases against the broken server and expects every one to fail, and another that no case is left without a switch.

namespace RawWs.Conformance.Broken;

/// <summary>A switch.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="What">What the server does then.</param>
/// <param name="Catches">Whether a case is there to notice it.</param>
internal sealed record Break(string Name, string What, Func<Case, bool> Catches)
{
    public static IReadOnlyList<Break> All { get; } =
        [.. OfHandshake(), .. OfFrames(), .. OfControlFrames(), .. OfText(), .. OfCompression(), .. OfEchoes()];

    /// <summary>The required and strict cases that are there to notice it.</summary>
    public IReadOnlyList<Case> Cases => [.. Suite.All.Where(item => item.Kind != Kind.Informational && Catches(item))];

    public override string ToString() => Name;

    private static IEnumerable<Break> OfHandshake()
    {
        yield return new("accept-without-key", "Sec-WebSocket-Accept is made of the GUID alone",
            static item => item is HandshakeCase { End: HandshakeEnd.Accepted });
        yield return new("extension-unasked", "the answer names an extension, whatever was offered", static item =>
            item is HandshakeCase { End: HandshakeEnd.Accepted });
        yield return new("subprotocol-unasked", "the answer names a subprotocol, whatever was offered",
            static item => item is HandshakeCase { End: HandshakeEnd.Accepted });
        yield return new("names-case-sensitive", "header names are compared case and all", Named(Chapters.Handshake, "header names in"));
        yield return new("tokens-case-sensitive", "the values of Upgrade and Connection are compared case and all",
            Named(Chapters.Handshake, "Upgrade: W", "Connection: upgrade"));
        yield return new("tokens-not-split", "Connection is taken as one value",
            Named(Chapters.Handshake, "Connection: keep-alive, Upgrade", "Connection: Upgrade,keep-alive"));
        yield return new("values-untrimmed", "white space around values stays", Named(Chapters.Handshake, "spaces and tabs"));
        yield return new("extensions-accepted-unknown", "every extension that is offered is accepted",
            Named(Chapters.Handshake, "an unknown extension", "unknown extensions"));
        yield return new("subprotocol-of-its-own", "a subprotocol is chosen that was not offered",
            Named(Chapters.Handshake, "an unknown subprotocol", "several subprotocols"));
        yield return new("method-unchecked", "any method upgrades", Named(Chapters.Handshake, "the method"));
        yield return new("request-line-unchecked", "any request line is taken",
            Named(Chapters.Handshake, "HTTP/1.0", "no version of HTTP", "a version of HTTP", "another protocol's", "no target"));
        yield return new("host-unchecked", "Host may be missing or doubled", Named(Chapters.Handshake, "no Host", "two Hosts"));
        yield return new("upgrade-unchecked", "Upgrade may say anything",
            Named(Chapters.Handshake, "no Upgrade", "Upgrade: h2c", "Upgrade: websockets"));
        yield return new("connection-unchecked", "Connection may say anything",
            static item => Named(Chapters.Handshake, "no Connection", "Connection: Upgraded")(
                item) || item.Id == "handshake/Connection: keep-alive");
        yield return new("key-unchecked", "the key may be anything",
            Named(Chapters.Handshake, "no key", "two keys", "an empty key", "a key "));
        yield return new("version-unchecked", "any version is taken for 13", static item =>
            Named(Chapters.Handshake, "no version", "version ")(item)
            && !item.Name.Contains("HTTP", StringComparison.Ordinal));
        yield return new("version-not-told", "a wrong version is not told the right one",
            Containing(Chapters.Handshake, "is told that 13"));
        yield return new("version-status-400", "a wrong version is answered with 400", Containing(Chapters.Handshake, "answered with 426"));
        yield return new("lists-unchecked", "lists of extensions and subprotocols may be malformed",
            Named(Chapters.Handshake, "extensions: ", "subprotocols: ", "a subprotocol twice"));
        yield return new("head-syntax-unchecked", "header lines may be malformed",
            Named(Chapters.Handshake, "a space before", "a line without", "a field without", "a NUL", "a name that"));
    }

    private static IEnumerable<Break> OfFrames()
    {
        yield return new("lengths-not-minimal-accepted", "lengths may be longer than they need to be",
            Containing(Chapters.Framing, "with a length of"));
        yield return new("top-bit-ignored", "the top bit of the 64-bit length is left out",
            static item => Containing(Chapters.Framing, "top bit set")(item) && !IsEarliest(item));
        yield return new("length-bytes-swapped", "the 16-bit length is read in the wrong order",
            Named(Chapters.Framing, "text of 126 ", "text of 127 ", "text of 128 ", "binary of 255 ", "binary of 256 ", "binary of 4095 "));
        yield return new("length-of-64-bits-cut", "only 16 of the 64 bits count",
            Named(Chapters.Framing, "text of 65536 ", "text of 65537 ", "binary of 65600 ", "binary of 131072 "));
        yield return new("answers-masked", "what is sent is masked", Named(Chapters.Framing, "text of 1 ", "binary of 1 "));
        yield return new("answers-not-minimal", "what is sent has 64-bit lengths",
            Named(Chapters.Framing, "text of 0 ", "binary of 125 ", "binary of 126 ", "binary of 65535 "));
        yield return new("answers-with-rsv2", "what is sent has RSV2 set", Named(Chapters.Framing, "text of 0 ", "binary of 65536 "));
        yield return new("type-lost", "text comes back as binary, and binary as text", Named(Chapters.Framing, "text of", "binary of"));
        yield return new("mask-off-by-one", "the key's octets are taken from the second on",
            static item => Containing(Chapters.Masking, "key 01020304")(item) || Named(
                Chapters.Framing, "binary of 1 ", "text of 4096 ")(item));
        yield return new("reserved-bits-ignored", "reserved bits mean nothing", static item =>
            (item.Chapter == Chapters.ReservedBits && !IsEarliest(item)) || (
                Containing(Chapters.Compression, "beside compression")(item) && !IsEarliest(item)));
        yield return new("opcodes-ignored", "frames with reserved opcodes are skipped", static item => item.Chapter == Chapters.Opcodes);
        yield return new("unmasked-accepted", "frames without a mask are taken", static item =>
            Containing(Chapters.Masking, "without a mask")(item)
            && !IsEarliest(item));
        yield return new("control-fragments-accepted", "control frames may have FIN bit 0",
            static item => Named(Chapters.Fragmentation, "Ping with FIN", "Pong with FIN", "Close with FIN")(item) && !IsEarliest(item));
        yield return new("interleaving-accepted", "a message may begin inside of another",
            static item => Named(Chapters.Fragmentation, "text with", "binary with")(item)
                && item.Name.Contains("inside", StringComparison.Ordinal)
            && !IsEarliest(item));
        yield return new("continuation-unchecked", "a continuation may begin a message",
            static item => Named(Chapters.Fragmentation, "continuation")(item) && !IsEarliest(item));
        yield return new("judged-when-whole", "a frame is judged when it is whole", static item => IsEarliest(item)
            || item.Name.Contains("inside the frame", StringComparison.Ordinal));
        yield return new("failure-code-wrong", "whatever is broken, Close says 1011",
            static item => item.Name.EndsWith(": the code", StringComparison.Ordinal) || item.Name == "data that end inside a block");
        yield return new("too-big-is-1011", "a message that is too big is closed with 1011", static item =>
            Containing(Chapters.Limits, "that declares")(item)
            || Moves(item).Any(static move => move is EchoInStepOr1009 { Payload.Length: > 1024 * 1024 } or InflatedEchoOr1009));
        yield return new("limit-missing", "any declared length is waited for", Containing(Chapters.Limits, "that declares"));
    }

    private static IEnumerable<Break> OfControlFrames()
    {
        yield return new("control-length-unchecked", "control frames may be longer than 125 bytes",
            static item => (Named(Chapters.Pings, "a Ping of 126", "a Ping of 127", "a Ping of 65536", "a Pong of")(item)
            || Named(Chapters.Closing, "a Close of")(item)) && !IsEarliest(item));
        yield return new("pings-unanswered", "no Pong is ever sent", static item =>
            (item.Chapter == Chapters.Pings && !item.Name.StartsWith("a Pong of", StringComparison.Ordinal) && !LongControl(item))
            || Containing(Chapters.Fragmentation, "a Ping inside")(item)
            || Containing(Chapters.Compression, "a Ping inside")(item));
        yield return new("pong-without-payload", "Pongs are empty", static item =>
            Named(Chapters.Pings, "a Ping of", "2 Pings", "10 Pings", "1000 Pings")(item)
            && !item.Name.StartsWith("a Ping of 0", StringComparison.Ordinal) && !LongControl(item));
        yield return new("pongs-answered", "a Pong is answered with a Pong", static item =>
            Named(Chapters.Pings, "an unsolicited Pong")(item)
            || Named(Chapters.Fragmentation, "a Pong inside")(item));
        yield return new("close-unanswered", "a Close is not answered", static item =>
            (item is Dialogue dialogue && dialogue.Moves.Any(static move => move is Closes)
            && !item.Name.StartsWith("what is no frame", StringComparison.Ordinal)) || Containing(
            Chapters.Compression, "a Close inside")(item));
        yield return new("close-code-of-its-own", "a Close is answered with 1001",
            static item => item.Chapter is Chapters.Closing or Chapters.CloseCodes
                && item.Name.Contains("is answered with", StringComparison.Ordinal)
            && !item.Name.StartsWith("1001 ", StringComparison.Ordinal));
        yield return new("close-keeps-the-stream", "the stream stays open after the closing handshake",
            static item => item.Id is "closing/a Close" or "closing/a Close without code" or "closing/a Close after an echo"
                or "close-codes/1000 is accepted");
        yield return new("reads-on-after-close", "frames behind a Close are processed",
            Named(Chapters.Closing, "a text behind", "a Ping behind", "a second Close", "what is no frame"));
        yield return new("close-codes-unchecked", "a Close may carry any code", static item =>
            Containing(Chapters.CloseCodes, "may not be sent")(item)
            && !IsEarliest(item));
        yield return new("close-of-one-byte-accepted", "a Close may carry half a code", Named(Chapters.Closing, "a Close with one byte"));
        yield return new("reasons-unchecked", "a reason need not be UTF-8", static item =>
            Containing(Chapters.Closing, "a reason with")(item)
            && !IsEarliest(item));
    }

    private static IEnumerable<Break> OfText()
    {
        yield return new("utf8-unchecked", "text need not be UTF-8", static item =>
            (item.Chapter == Chapters.Utf8 && item is Dialogue dialogue && dialogue.Moves.Any(static move => move is Fails))
            || Containing(Chapters.Compression, "not UTF-8")(item));
        yield return new("utf8-at-the-end-only", "text is judged when it is whole",
            static item => item.Chapter is Chapters.Utf8
                or Chapters.Compression && item.Name.Contains("before the message ends", StringComparison.Ordinal));
        yield return new("utf8-whole-in-each-fragment", "a fragment may not end inside a character",
            static item => item is Dialogue { Kind: Kind.Required } dialogue && item.Chapter == Chapters.Utf8
            && item.Name.Contains("by fragments", StringComparison.Ordinal) && dialogue.Moves.Any(
                static move => move is Echo) && CutsCharacter(dialogue));
        yield return new("utf8-asked-of-binary", "binary has to be UTF-8", Named(Chapters.Utf8, "binary with"));
    }

    private static IEnumerable<Break> OfCompression()
    {
        yield return new("offers-unchecked", "offers with wrong parameters are accepted", Named(Chapters.Negotiation, "declined: "));
        yield return new("first-offer-only", "only the first offer is looked at",
            Named(Chapters.Negotiation, "the second offer", "the third offer", "an offer in the second field", "behind another"));
        yield return new("quoted-values-unknown", "a quoted value is not understood", Named(Chapters.Negotiation, "quoted values"));
        yield return new("parameters-not-answered", "what is agreed is not said", static item =>
            item is NegotiationCase { Taken: { } taken }
            && (taken.ServerNoContextTakeover || taken.ServerMaxWindowBits is not null)
            || item is CompressionCase { Offer: { } offer } && (offer.ServerNoContextTakeover || offer.ServerMaxWindowBits is not null));
        yield return new("rsv1-anywhere", "RSV1 may stand on any frame", static item =>
            Named(Chapters.Compression, "RSV1 on")(item) && !IsEarliest(item));
        yield return new("inflater-forgets", "no message may refer to the one before", static item =>
            item is CompressedDialogue { NeedsTakeover: true }
            || item is CompressionCase { Offer.ClientNoContextTakeover: false } played && Repeats(played));
        yield return new("deflater-remembers", "what is sent refers to earlier messages in spite of server_no_context_takeover",
            static item => item is CompressionCase { Offer.ServerNoContextTakeover: true } played && Repeats(played));
        yield return new("window-ignored", "what is sent refers further back than server_max_window_bits",
            static item => item is CompressionCase { Offer: { ServerMaxWindowBits: < 15, ClientMaxWindowBits: null } });
        yield return new("inflate-errors-ignored", "data that can't be inflated come back as they are",
            static item => item is CompressedDialogue { Section: "7692 §7.2.2" } dialogue && dialogue.Moves.Any(
                static move => move is Fails));
    }

    private static IEnumerable<Break> OfEchoes()
    {
        yield return new("last-byte-lost", "an echo lacks its last byte", static item => HasPayload(item));
        yield return new("empty-messages-swallowed", "an empty message is not echoed",
            static item => Moves(item).Any(static move => move is Echo { Payload.Length: 0 } or InflatedEcho { Payload.Length: 0 })
            || item is CompressionCase played && played.Messages.All(static message => message.Payload.Length == 0));
        yield return new("cut-past-64-kib", "an echo ends at 64 KiB", static item =>
            Moves(item).Any(static move => move is Echo { Payload.Length: > 65536 } or EchoInStepOr1009 { Payload.Length: <= 1024 * 1024 })
            || item is CompressionCase { Offer: { ServerMaxWindowBits: null, ClientMaxWindowBits: null } } played
                && played.Messages.Any(static message => message.Payload.Length > 65536));
    }

    private static bool HasPayload(Case item) => item is NegotiationCase or HandshakeCase { End: HandshakeEnd.Accepted }
        || (item is CompressionCase played && (played.Messages != Messages.Mixed || IsBare(played.Offer))
        && played.Messages.Any(static message => message.Payload.Length > 0))
        || Moves(item).Any(static move => move is Echo { Payload.Length: > 0 } or InflatedEcho { Payload.Length: > 0 }
            or EchoOr1009 { Payload.Length: <= 1024 * 1024 } or EchoInStepOr1009 { Payload.Length: <= 1024 * 1024 });

    // Of the long cases these are left: what is agreed says nothing of the server, so only an echo can be wrong.
    private static bool IsBare(DeflateOffer offer) =>
        offer is { ServerNoContextTakeover: false, ServerMaxWindowBits: null, ClientNoContextTakeover: true };

    // Words of so few bytes that there is nothing to refer to say nothing about contexts.
    private static bool Repeats(CompressionCase played) => played.Messages.Any(static message => message.Payload.Length >= 64);

    // The first fragment has the short header of 2 bytes, and a key of 4.
    private static bool CutsCharacter(Dialogue dialogue) => dialogue.Moves[0] is Send first
        && !System.Text.Unicode.Utf8.IsValid([.. first.Bytes.Skip(6).Select((value, i) => (byte)(value ^ first.Bytes[2 + (i & 3)]))]);

    private static IReadOnlyList<Move> Moves(Case item) =>
        item switch { Dialogue dialogue => dialogue.Moves, CompressedDialogue dialogue => dialogue.Moves, _ => [] };

    private static bool IsEarliest(Case item) => item.Name.Contains(": at byte ", StringComparison.Ordinal);

    private static bool LongControl(Case item) => item.Name.Contains(" 126 bytes", StringComparison.Ordinal)
        || item.Name.Contains(" 127 bytes", StringComparison.Ordinal) || item.Name.Contains(" 65536 bytes", StringComparison.Ordinal);

    private static Func<Case, bool> Named(string chapter, params string[] beginnings) => item => item.Chapter == chapter
        && beginnings.Any(beginning => item.Name.StartsWith(beginning, StringComparison.Ordinal));

    private static Func<Case, bool> Containing(string chapter, string words) => item => item.Chapter == chapter
        && item.Name.Contains(words, StringComparison.Ordinal);
}
