// Which hint helps with which case: the first row that fits. The sentences are in Explain/Texts/learn.txt, by the same ids. A test finds a
// case without a hint, and a hint without a case.

using RawWs.Conformance;

namespace RawWs.Server.Console.Learn;

internal static class Hints
{
    private static readonly (string Id, Func<Case, bool> Fits)[] Table =
    [
        ("hint.accept", Starts(Chapters.Handshake, "a plain request", "the accept value")),
        ("hint.head", Starts(Chapters.Handshake, "byte by byte", "in pieces")),
        ("hint.names", Starts(Chapters.Handshake, "header names", "fields in reverse", "unknown fields", "an empty unknown field")),
        ("hint.spaces", Starts(Chapters.Handshake, "no space behind", "spaces and tabs")),
        ("hint.tokens", Starts(Chapters.Handshake,
            "Upgrade: W", "Connection: upgrade", "Connection: keep-alive,", "Connection: Upgrade,", "two Connection fields")),
        ("hint.extension", Starts(Chapters.Handshake, "an unknown extension", "unknown extensions")),
        ("hint.subprotocol", Starts(Chapters.Handshake, "an unknown subprotocol", "several subprotocols")),
        ("hint.lists", Starts(Chapters.Handshake, "extensions: ", "subprotocols: ", "a subprotocol twice")),
        ("hint.line", Starts(Chapters.Handshake,
            "the method", "HTTP/", "no version of HTTP", "a version of HTTP", "another protocol's", "no target", "an absolute target")),
        ("hint.host", Starts(Chapters.Handshake, "no Host", "two Hosts")),
        ("hint.upgrade", Starts(Chapters.Handshake, "no Upgrade", "Upgrade: ", "no Connection", "Connection: ")),
        ("hint.key", Starts(Chapters.Handshake, "no key", "two keys", "an empty key", "a key ")),
        ("hint.version", Starts(Chapters.Handshake, "no version", "version ")),
        ("hint.syntax", In(Chapters.Handshake)),

        // Of every breach of frames: what is said, and when.
        ("hint.utf8.code", static item => item.Chapter == Chapters.Utf8 && IsOfCode(item)),
        ("hint.utf8.early", static item => item.Chapter is Chapters.Utf8 or Chapters.Compression
            && (item.Name.Contains("inside the frame", StringComparison.Ordinal)
                || item.Name.Contains("before the message ends", StringComparison.Ordinal))),
        ("hint.close.code", static item => IsOfCode(item) && Starts(Chapters.Closing, "a reason with")(item)),
        ("hint.code", static item => item.Chapter != Chapters.Compression && IsOfCode(item)),
        ("hint.early", static item => item.Name.Contains(": at byte ", StringComparison.Ordinal)),

        ("hint.many", Has(Chapters.Framing, "messages in one write")),
        ("hint.minimal", Has(Chapters.Framing, "with a length of")),
        ("hint.top", Has(Chapters.Framing, "top bit")),
        ("hint.pieces", Has(Chapters.Framing, "in pieces", "cut behind")),
        ("hint.length", static item => item.Chapter == Chapters.Framing && Course.LengthOf(item) > 125),
        ("hint.echo", In(Chapters.Framing)),
        ("hint.rsv", In(Chapters.ReservedBits)),
        ("hint.opcode", In(Chapters.Opcodes)),
        ("hint.unmasked", Has(Chapters.Masking, "without a mask")),
        ("hint.mask", In(Chapters.Masking)),

        ("hint.ping.inside", Starts(Chapters.Fragmentation, "a Ping inside", "a Pong inside")),
        ("hint.close.inside", Starts(Chapters.Fragmentation, "a Close inside")),
        ("hint.control.fin", Starts(Chapters.Fragmentation, "Ping with FIN bit 0", "Pong with FIN bit 0", "Close with FIN bit 0")),
        ("hint.interleaved", Has(Chapters.Fragmentation, " FIN bit 0 inside ", " FIN bit 1 inside ")),
        ("hint.continuation", Starts(Chapters.Fragmentation, "continuation")),
        ("hint.empty", Has(Chapters.Fragmentation, "empty")),
        ("hint.fragments", In(Chapters.Fragmentation)),

        ("hint.ping.long", static item => item.Chapter == Chapters.Pings && Course.LengthOf(item) > 125),
        ("hint.pong", Starts(Chapters.Pings, "an unsolicited")),
        ("hint.ping", In(Chapters.Pings)),

        ("hint.close.behind", Has(Chapters.Closing, "behind a Close", "a second Close")),
        ("hint.close.order", Starts(Chapters.Closing, "an echo is sent before")),
        ("hint.close.one", Starts(Chapters.Closing, "a Close with one byte")),
        ("hint.close.long", Starts(Chapters.Closing, "a Close of")),
        ("hint.close.reason", Starts(Chapters.Closing, "a reason with")),
        ("hint.close.same", static item => item.Chapter is Chapters.Closing or Chapters.CloseCodes
            && item.Name.Contains("is answered with", StringComparison.Ordinal)),
        ("hint.close", In(Chapters.Closing)),
        ("hint.codes.bad", Has(Chapters.CloseCodes, "may not be sent")),
        ("hint.codes", In(Chapters.CloseCodes)),

        ("hint.utf8.binary", Starts(Chapters.Utf8, "binary with")),
        ("hint.utf8.end", Starts(Chapters.Utf8, "a sequence that never ends")),
        ("hint.utf8.bad", static item => item.Chapter == Chapters.Utf8 && item.Section == "6455 §8.1"),
        ("hint.utf8.cut", Has(Chapters.Utf8, "by fragments", "in 100 fragments")),
        ("hint.utf8", In(Chapters.Utf8)),

        ("hint.limit.declared", Has(Chapters.Limits, "that declares")),
        ("hint.limit", In(Chapters.Limits)),

        ("hint.offer.bad", Starts(Chapters.Negotiation, "declined: ")),
        ("hint.offer", In(Chapters.Negotiation)),
        ("hint.deflate.rsv", static item => item.Chapter == Chapters.Compression
            && item.Name.StartsWith("RSV", StringComparison.Ordinal)),
        ("hint.deflate.bad", static item => item is CompressedDialogue dialogue && dialogue.Moves.Any(static move => move is Fails)),
        ("hint.deflate.messages", static item => item is CompressionCase),
        ("hint.deflate", In(Chapters.Compression)),
    ];

    /// <summary>Every id.</summary>
    public static IReadOnlyList<string> Ids { get; } = [.. Table.Select(static row => row.Id)];

    /// <summary>The id of a case's hint.</summary>
    public static string Of(Case item) => Table.First(row => row.Fits(item)).Id;

    private static bool IsOfCode(Case item) => item.Name.EndsWith(": the code", StringComparison.Ordinal);

    private static Func<Case, bool> In(string chapter) => item => item.Chapter == chapter;

    private static Func<Case, bool> Starts(string chapter, params IReadOnlyList<string> beginnings) =>
        item => item.Chapter == chapter && beginnings.Any(words => item.Name.StartsWith(words, StringComparison.Ordinal));

    private static Func<Case, bool> Has(string chapter, params IReadOnlyList<string> words) =>
        item => item.Chapter == chapter && words.Any(word => item.Name.Contains(word, StringComparison.Ordinal));
}
