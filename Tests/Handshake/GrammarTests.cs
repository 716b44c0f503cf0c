// The parts of which fields and requests are made: lists, extensions with parameters (RFC 6455 §9.1), and what is remembered of a head that
// comes in pieces.

using System.Buffers;
using System.Text;
using RawWs.Handshake;

namespace RawWs.Tests.Handshake;

public sealed class GrammarTests
{
    [TestCase("", "")]
    [TestCase("a", "a")]
    [TestCase("a,b", "a|b")]
    [TestCase(" a\t,\t b c ,", "a|b c")]
    [TestCase(",, ,\t,a,,", "a")]
    [TestCase(" \t", "")]
    public void Rfc9110_5_6_1_AList_HasElements(string list, string expected)
    {
        List<string> found = [];
        ReadOnlySpan<byte> rest = Encoding.ASCII.GetBytes(list);
        while (HttpGrammar.TryReadElement(ref rest, out ReadOnlySpan<byte> element)) found.Add(Encoding.ASCII.GetString(element));
        Assert.That((string.Join('|', found), rest.Length), Is.EqualTo((expected, 0)));
    }

    [TestCase("", false)]
    [TestCase("a", true)]
    [TestCase("a b", false)]
    [TestCase("a,", false)]
    [TestCase("!#$%&'*+-.^_`|~09AZaz", true)]
    public void Rfc9110_5_6_2_AToken(string text, bool expected) =>
        Assert.That(HttpGrammar.IsToken(Encoding.ASCII.GetBytes(text)), Is.EqualTo(expected));

    // A name and its parameters; the value of one stands behind a sign of equality, and one without has none.
    [TestCase("a", "a")]
    [TestCase("a, b", "a|b")]
    [TestCase(",a,, b ,", "a|b")]
    [TestCase("a;b", "a;b")]
    [TestCase("a ; b\t;c = d ; e=\"f\"", "a;b;c=d;e=f")]
    [TestCase("a;b=\"\\c\\d\",e", "a;b=cd|e")]
    [TestCase("A;B=C", "A;B=C")]
    public void Section_9_1_AField_HasExtensions(string value, string expected)
    {
        List<ExtensionOffer> offers = [];
        Assert.That(ExtensionHeader.TryParse(Encoding.ASCII.GetBytes(value), offers));
        Assert.That(Written(offers), Is.EqualTo(expected));
        Assert.That((ExtensionHeader.TryParse(Request(value), out offers), Written(offers)), Is.EqualTo((true, expected)));
    }

    [TestCase("a b")]
    [TestCase(";a")]
    [TestCase("a;")]
    [TestCase("a;;b")]
    [TestCase("a;=b")]
    [TestCase("a=b")]
    [TestCase("a;b=")]
    [TestCase("a;b=,c")]
    [TestCase("a;b=c d")]
    [TestCase("a;b=\"\"")]
    [TestCase("a;b=\"c d\"")]
    [TestCase("a;b=\"c,d\"")]
    [TestCase("a;b=\"c")]
    [TestCase("a;b=\"")]
    [TestCase("a;b=\",c")]
    [TestCase("a;b=\";c")]
    [TestCase("a;b=\"c\\")]
    [TestCase("a;b=\"c\\\"")]
    [TestCase("a;b=\"c\\\"\"")]
    [TestCase("a;b=\"c\"d")]
    [TestCase("a;b=\"c\" d")]
    [TestCase("\"a\"")]
    [TestCase("a;\"b\"")]
    [TestCase("(")]
    public void Section_9_1_AnythingElse_IsMalformed(string value)
    {
        Assert.That(ExtensionHeader.TryParse(Encoding.ASCII.GetBytes(value), []), Is.False);
        Assert.That(ExtensionHeader.TryParse(Request(value), out _), Is.False);
    }

    // A field without an element is no list in a request (RFC 9110 §5.6.1: 1#extension); a single field may be a part of one.
    [TestCase("")]
    [TestCase(",")]
    [TestCase(" , \t,")]
    public void Section_9_1_AFieldOfNothing(string value)
    {
        List<ExtensionOffer> offers = [];
        Assert.That((ExtensionHeader.TryParse(Encoding.ASCII.GetBytes(value), offers), offers.Count), Is.EqualTo((true, 0)));
        Assert.That(ExtensionHeader.TryParse(Request(value), out _), Is.False);
        Assert.That(ExtensionHeader.TryParse(Request(value + "\r\nSec-WebSocket-Extensions: a"), out offers));
        Assert.That(Written(offers), Is.EqualTo("a"));
    }

    [Test]
    public void WithoutTheField_NothingIsOffered()
    {
        ReadOnlySequence<byte> bytes = new(Encoding.ASCII.GetBytes(RequestVectors.Valid));
        _ = RequestReader.TryRead(ref bytes, new RequestLimits(), out UpgradeRequest? request, out _);
        Assert.That((ExtensionHeader.TryParse(request!, out List<ExtensionOffer> offers), offers.Count), Is.EqualTo((true, 0)));
    }

    // Elements are counted, and the parameters of each; empty ones too.
    [TestCase(32, 16, true)]
    [TestCase(33, 0, false)]
    [TestCase(1, 17, false)]
    [TestCase(2, 17, false)]
    public void Rfc6585_5_OffersAndParameters_HaveABound(int offers, int parameters, bool expected)
    {
        string last = "x" + string.Concat(Enumerable.Range(0, parameters).Select(static i => $";p{i}"));
        string value = string.Join(',', [.. Enumerable.Range(1, offers - 1).Select(static i => $"a{i}"), last]);
        Assert.That(ExtensionHeader.TryParse(Encoding.ASCII.GetBytes(value), []), Is.EqualTo(expected));
        Assert.That(ExtensionHeader.TryParse(Request(value), out _), Is.EqualTo(expected));
        UpgradeRequest oneMore = Request(value + "\r\nSec-WebSocket-Extensions: b");
        Assert.That(ExtensionHeader.TryParse(oneMore, out _), Is.EqualTo(expected && offers < 32));
    }

    [Test]
    public void Rfc9112_3_2_NoTarget_IsMalformed() => Assert.That(RequestTarget.TryParse([], out _, out _), Is.False);

    // A head in pieces: what is remembered is where its unfinished line begins, how many fields there were, and how much has been seen.
    [Test]
    public void Progress_SaysHowFarTheHeadHasBeenChecked()
    {
        byte[] head = Encoding.ASCII.GetBytes("\r\n" + RequestVectors.Valid);
        RequestProgress progress = default;
        Assert.That(progress.HasBegun, Is.False);
        UpgradeRequest request = new();
        for (int end = 1; end < head.Length; end++)
        {
            ReadOnlySequence<byte> bytes = new(head, 0, end);
            RequestStatus status = RequestReader.TryRead(ref bytes, RequestLimits.Default, request, ref progress, out _);
            Assert.That(status, Is.EqualTo(RequestStatus.NeedMoreData));
            int lineStart = head.AsSpan(0, end).LastIndexOf("\r\n"u8) + 2;
            if (lineStart < 2) lineStart = 0;
            int lines = Encoding.ASCII.GetString(head, 0, lineStart).Split("\r\n").Length - 1;
            int seen = head[end - 1] == '\r' ? end - 1 : end; // whether a return is right is said by the byte behind it
            Assert.That((progress.HasBegun, progress.BytesChecked, progress.LineStart, progress.HasRequestLine, progress.Fields),
                Is.EqualTo((seen > 0, seen, lineStart, lines > 1, Math.Max(0, lines - 2))), $"{end}");
        }
    }

    private static string Written(IEnumerable<ExtensionOffer> offers) => string.Join('|', offers.Select(static offer =>
        offer.Name + string.Concat(offer.Parameters.Select(static one => ";" + one.Name + (one.Value is null ? "" : "=" + one.Value)))));

    private static UpgradeRequest Request(string extensions)
    {
        ReadOnlySequence<byte> bytes = new(Encoding.ASCII.GetBytes(RequestVectors.With($"Sec-WebSocket-Extensions: {extensions}\r\n")));
        RequestStatus status = RequestReader.TryRead(ref bytes, new RequestLimits(), out UpgradeRequest? request, out _);
        Assert.That(status, Is.EqualTo(RequestStatus.Done));
        return request!;
    }
}
