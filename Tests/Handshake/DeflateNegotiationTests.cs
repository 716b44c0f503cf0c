// permessage-deflate's negotiation: offers as they stand in a request, under a policy, and the answer to the letter.

using System.Buffers;
using System.Text;
using RawWs.Handshake;

namespace RawWs.Tests.Handshake;

public sealed class DeflateNegotiationTests
{
    private const string Deflate = "permessage-deflate";
    private static readonly DeflatePolicy Frugal = new();
    private static readonly DeflatePolicy Generous = new() { ServerTakeover = true, ClientTakeover = true };
    private static readonly DeflatePolicy Narrow =
        new() { ServerTakeover = true, ClientTakeover = true, ServerWindowBits = 11, ClientWindowBits = 10 };

    // Under the generous policy: both may take over, both windows are 15.
    [TestCase(Deflate, Deflate)]
    [TestCase(Deflate + "; server_no_context_takeover", Deflate + "; server_no_context_takeover")]
    [TestCase(Deflate + "; client_no_context_takeover", Deflate + "; client_no_context_takeover")]
    [TestCase(Deflate + "; client_no_context_takeover; server_no_context_takeover", Deflate
        + "; server_no_context_takeover; client_no_context_takeover")]
    [TestCase(Deflate + "; server_max_window_bits=8", Deflate + "; server_max_window_bits=8")]
    [TestCase(Deflate + "; server_max_window_bits=9", Deflate + "; server_max_window_bits=9")]
    [TestCase(Deflate + "; server_max_window_bits=10", Deflate + "; server_max_window_bits=10")]
    [TestCase(Deflate + "; server_max_window_bits=15", Deflate + "; server_max_window_bits=15")]
    [TestCase(Deflate + "; server_max_window_bits=\"12\"", Deflate + "; server_max_window_bits=12")]
    [TestCase(Deflate + "; server_max_window_bits=\"1\\2\"", Deflate + "; server_max_window_bits=12")]
    [TestCase(Deflate + "; client_max_window_bits", Deflate)]
    [TestCase(Deflate + "; client_max_window_bits=15", Deflate)]
    [TestCase(Deflate + "; client_max_window_bits=8", Deflate + "; client_max_window_bits=8")]
    [TestCase(Deflate + ";client_max_window_bits = \"9\" ; server_max_window_bits=14", Deflate
        + "; server_max_window_bits=14; client_max_window_bits=9")]
    public void Section_7_1_AnOfferIsHonoured(string offers, string answer) => Check(offers, Generous, answer);

    [TestCase(Deflate, Deflate + "; server_max_window_bits=11")]
    [TestCase(Deflate + "; client_max_window_bits", Deflate + "; server_max_window_bits=11; client_max_window_bits=10")]
    [TestCase(Deflate + "; client_max_window_bits=12", Deflate + "; server_max_window_bits=11; client_max_window_bits=10")]
    [TestCase(Deflate + "; client_max_window_bits=9; server_max_window_bits=15", Deflate
        + "; server_max_window_bits=11; client_max_window_bits=9")]
    [TestCase(Deflate + "; server_max_window_bits=10", Deflate + "; server_max_window_bits=10")]
    public void Section_7_1_2_TheSmallerWindowHolds_AndTheClientIsAskedOnlyIfItCanBe(string offers, string answer) =>
        Check(offers, Narrow, answer);

    [TestCase(Deflate, Deflate + "; server_no_context_takeover; client_no_context_takeover")]
    [TestCase(Deflate + "; client_max_window_bits", Deflate + "; server_no_context_takeover; client_no_context_takeover")]
    public void Section_7_1_1_WithoutTakeover_TheAnswerSaysSo(string offers, string answer) => Check(offers, Frugal, answer);

    [TestCase("foo, " + Deflate + ", bar", Deflate)]
    [TestCase(Deflate + "; server_max_window_bits=10, " + Deflate, Deflate + "; server_max_window_bits=10")]
    [TestCase(Deflate + "; mystery, " + Deflate + "; client_no_context_takeover, " + Deflate, Deflate + "; client_no_context_takeover")]
    [TestCase(Deflate + "; server_max_window_bits=16\r\nSec-WebSocket-Extensions: " + Deflate + "; server_max_window_bits=15", Deflate
        + "; server_max_window_bits=15")]
    public void Section_5_TheFirstAcceptableOfferIsTaken(string offers, string answer) => Check(offers, Generous, answer);

    [TestCase("; server_no_context_takeovers", DeflateDecline.UnknownParameter)]
    [TestCase("; SERVER_NO_CONTEXT_TAKEOVER", DeflateDecline.UnknownParameter)]
    [TestCase("; mystery=1", DeflateDecline.UnknownParameter)]
    [TestCase("; server_no_context_takeover; server_no_context_takeover", DeflateDecline.DoubledParameter)]
    [TestCase("; client_no_context_takeover; server_max_window_bits=9; client_no_context_takeover", DeflateDecline.DoubledParameter)]
    [TestCase("; server_max_window_bits=10; server_max_window_bits=10", DeflateDecline.DoubledParameter)]
    [TestCase("; client_max_window_bits; client_max_window_bits=10", DeflateDecline.DoubledParameter)]
    [TestCase("; server_no_context_takeover=true", DeflateDecline.UnexpectedValue)]
    [TestCase("; client_no_context_takeover=\"1\"", DeflateDecline.UnexpectedValue)]
    [TestCase("; server_max_window_bits", DeflateDecline.MissingValue)]
    [TestCase("; server_max_window_bits=7", DeflateDecline.MalformedValue)]
    [TestCase("; server_max_window_bits=16", DeflateDecline.MalformedValue)]
    [TestCase("; server_max_window_bits=0", DeflateDecline.MalformedValue)]
    [TestCase("; server_max_window_bits=08", DeflateDecline.MalformedValue)]
    [TestCase("; server_max_window_bits=010", DeflateDecline.MalformedValue)]
    [TestCase("; server_max_window_bits=+10", DeflateDecline.MalformedValue)]
    [TestCase("; server_max_window_bits=-10", DeflateDecline.MalformedValue)]
    [TestCase("; server_max_window_bits=1e1", DeflateDecline.MalformedValue)]
    [TestCase("; server_max_window_bits=10000000000000000000010", DeflateDecline.MalformedValue)]
    [TestCase("; client_max_window_bits=7", DeflateDecline.MalformedValue)]
    [TestCase("; client_max_window_bits=16", DeflateDecline.MalformedValue)]
    [TestCase("; client_max_window_bits=09", DeflateDecline.MalformedValue)]
    [TestCase("; client_max_window_bits=\"abc\"", DeflateDecline.MalformedValue)]
    public void Section_7_AnOfferIsDeclined_NeverTheConnection(string parameters, DeflateDecline expected)
    {
        UpgradeRequest request = Parse(Deflate + parameters);
        Assert.That(DeflateNegotiation.Check(request.Extensions[0], Generous, out DeflateAgreement? agreement), Is.EqualTo(expected));
        Assert.That(agreement, Is.Null);
        Assert.That(DeflateNegotiation.Negotiate(request.Extensions, Generous), Is.Null);
        Assert.That(UpgradeRules.Check(request, new UpgradePolicy()).Kind, Is.EqualTo(UpgradeResultKind.Upgrade));
    }

    [TestCase("x-webkit-deflate-frame")]
    [TestCase("Permessage-Deflate")]
    [TestCase("permessage-bzip2; server_max_window_bits=10")]
    public void OtherExtensionsAreIgnored(string offers)
    {
        UpgradeRequest request = Parse(offers);
        Assert.That(DeflateNegotiation.Check(request.Extensions[0], Generous, out _), Is.EqualTo(DeflateDecline.OtherExtension));
        Assert.That(DeflateNegotiation.Negotiate(request.Extensions, Generous), Is.Null);
    }

    [Test]
    public void SwitchedOff_NothingIsAgreedOn()
    {
        UpgradeRequest request = Parse(Deflate);
        DeflatePolicy off = new() { Enabled = false };
        Assert.That(DeflateNegotiation.Check(request.Extensions[0], off, out _), Is.EqualTo(DeflateDecline.Disabled));
        Assert.That(DeflateNegotiation.Negotiate(request.Extensions, off), Is.Null);
        Assert.That(DeflateNegotiation.Negotiate([], Generous), Is.Null);
    }

    // Every combination of what may be offered and what the policy may be: the RFC's rules hold for the answer, read back by the parser.
    [Test]
    public void Section_7_1_EveryCombination_IsAnsweredWithinTheOffer()
    {
        string[] takeovers = ["", "; server_no_context_takeover", "; client_no_context_takeover",
            "; server_no_context_takeover; client_no_context_takeover"];
        var combinations =
            from takeover in takeovers
            from server in Enumerable.Range(7, 9) // 7: not named
            from client in Enumerable.Range(6, 10) // 6: not named; 7: named without a value
            from own in new[] { false, true }
            from theirs in new[] { false, true }
            from bits in new[] { 9, 12, 15 }
            select (takeover, server, client, own, theirs, bits);
        foreach ((string takeover, int server, int client, bool own, bool theirs, int bits) in combinations)
        {
            DeflatePolicy policy =
                new() { ServerTakeover = own, ClientTakeover = theirs, ServerWindowBits = bits, ClientWindowBits = bits };
            string offer = Deflate + takeover + (server == 7 ? "" : $"; server_max_window_bits={server}")
                + (client switch { 6 => "", 7 => "; client_max_window_bits", _ => $"; client_max_window_bits={client}" });
            DeflateAgreement agreed = DeflateNegotiation.Negotiate(Parse(offer).Extensions, policy)!;
            Dictionary<string, string?> answer =
                Parse(agreed.ResponseText).Extensions.Single().Parameters.ToDictionary(static p => p.Name, static p => p.Value);

            bool serverTakeover = own && !takeover.Contains("server", StringComparison.Ordinal);
            bool clientTakeover = theirs && !takeover.Contains("client", StringComparison.Ordinal);
            int serverBits = server == 7 ? bits : Math.Min(server, bits);
            int clientBits = client switch { 6 => 15, 7 => bits, _ => Math.Min(client, bits) };
            Assert.That((agreed.ServerTakeover, agreed.ServerWindowBits, agreed.ClientTakeover, agreed.ClientWindowBits),
                Is.EqualTo((serverTakeover, serverBits, clientTakeover, clientBits)), offer);
            Assert.That(answer.ContainsKey("server_no_context_takeover"), Is.EqualTo(!serverTakeover), offer);
            Assert.That(answer.ContainsKey("client_no_context_takeover"), Is.EqualTo(!clientTakeover), offer);
            if (server != 7) Assert.That(answer, Does.ContainKey("server_max_window_bits"), offer);
            if (client == 6) Assert.That(answer, Does.Not.ContainKey("client_max_window_bits"), offer);
            Assert.That(answer.GetValueOrDefault("server_max_window_bits", "15"), Is.EqualTo($"{serverBits}"), offer);
            Assert.That(answer.GetValueOrDefault("client_max_window_bits", "15"), Is.EqualTo($"{clientBits}"), offer);
        }
    }

    [TestCase(7)]
    [TestCase(16)]
    public void APolicysWindowIs8To15(int bits)
    {
        Assert.That(() => new DeflatePolicy { ServerWindowBits = bits }, Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => new DeflatePolicy { ClientWindowBits = bits }, Throws.TypeOf<ArgumentOutOfRangeException>());
    }

    [TestCase(null, Deflate, "\r\nSec-WebSocket-Extensions: permessage-deflate")]
    [TestCase("chat", Deflate + "; server_max_window_bits=10",
        "\r\nSec-WebSocket-Protocol: chat\r\nSec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10")]
    [TestCase(null, null, "")]
    public void Section_5_1_TheSwitch_ByteForByte(string? subprotocol, string? extensions, string fields)
    {
        ArrayBufferWriter<byte> writer = new();
        UpgradeResponse.WriteSwitchingProtocols(writer, Parse(Deflate), subprotocol, extensions);
        Assert.That(Encoding.ASCII.GetString(writer.WrittenSpan), Is.EqualTo(
            $"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + $"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo={fields}\r\n\r\n"));
    }

    private static void Check(string offers, DeflatePolicy policy, string answer) =>
        Assert.That(DeflateNegotiation.Negotiate(Parse(offers).Extensions, policy)?.ResponseText, Is.EqualTo(answer));

    private static UpgradeRequest Parse(string extensions)
    {
        ReadOnlySequence<byte> buffer = new(Encoding.Latin1.GetBytes(RequestVectors.With($"Sec-WebSocket-Extensions: {extensions}\r\n")));
        RequestReader.TryRead(ref buffer, new RequestLimits(), out UpgradeRequest? request, out _);
        return request!;
    }
}
