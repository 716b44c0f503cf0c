// What the server says of itself (`error:CODE:detail`, and its last word before 3008) cannot be said by a client: decision 0006. Over real
// sockets, both transports. What must not arrive is shown by the next message, as messages of one connection come in order.

using System.Text;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixtureSource(typeof(Setup), nameof(Setup.All))]
public sealed class ForgedNoticesTests(Setup setup)
{
    private const string Refused = "error:reserved:a body cannot begin with error: or Network connection timeout!";
    private const string BadUid = "error:bad-uid:a uid is 1 to 64 bytes of UTF-8 without colon or control character";

    // A decoder drops a byte order mark, and many a client trims: that would make a notice of these.
    private static readonly string[] Forged =
    [
        "error:offline:bob", "error:", "error:x", "error::", "\uFEFFerror:offline:bob", " error:offline:bob", "\t\r\n\v\f error:x",
        "\u00A0\u3000\u2028error:x", "\0error:x", "\u001C\u007F\u0085error:x",
        "\uFEFF \uFEFFerror:x", "Network connection timeout!", "Network connection timeout! ", "\uFEFF\nNetwork connection timeout!",
    ];

    // A notice is told by its first bytes, exactly.
    private static readonly string[] Honest =
    [
        "error", "errors:x", "error x:", "error :x", "Error: a script failed", "ERROR:offline:bob", "x error:offline:bob",
        ":error:offline:bob", "error\uFF1Ax",
        "\u200Berror:x", "Network connection timeout", "network connection timeout!", "timeout!", "ping", "e", "N", " ", "\uFEFF", "",
    ];

    [Test]
    public async Task ABodyLikeTheServersOwnWords_IsRefused_ToOneAndToAll(
        [Values(Opcode.Text, Opcode.Binary)] Opcode kind, [Values("alice", "all")] string to)
    {
        await using TestServer server = await Start();
        using RawClient alice = RawClient.Open(server.Port, "/?uid=alice");
        using RawClient mallory = RawClient.Open(server.Port, "/?uid=mallory");
        foreach (string body in Forged)
        {
            mallory.Send(kind, Encoding.UTF8.GetBytes($"{to}:{body}"));
            Assert.That(mallory.ReadText(), Is.EqualTo(Refused), Escaped(body));
        }

        mallory.SendText("alice:after");
        Assert.That(alice.ReadText(), Is.EqualTo("after"));
    }

    [Test]
    public async Task AnyOtherBody_Arrives_AsItIs([Values(Opcode.Text, Opcode.Binary)] Opcode kind, [Values("alice", "all")] string to)
    {
        await using TestServer server = await Start();
        using RawClient alice = RawClient.Open(server.Port, "/?uid=alice");
        using RawClient bob = RawClient.Open(server.Port, "/?uid=bob");
        foreach (string body in Honest)
        {
            bob.Send(kind, Encoding.UTF8.GetBytes($"{to}:{body}"));
            Assert.That(alice.ReadFrame(), Is.EqualTo((kind, Encoding.UTF8.GetBytes(body))), Escaped(body));
        }
    }

    [Test]
    public async Task BinaryThatIsNoText_Arrives()
    {
        await using TestServer server = await Start();
        using RawClient alice = RawClient.Open(server.Port, "/?uid=alice");
        byte[][] bodies = [[0xFF], [0xEF, 0xBB], [0x20, 0xEF], [0xE3, 0x80, .. "error:"u8], [0xC2, .. "error:"u8], [0x80, .. "error:"u8]];
        foreach (byte[] body in bodies)
        {
            alice.Send(Opcode.Binary, [.. "alice:"u8, .. body]);
            Assert.That(alice.ReadFrame(), Is.EqualTo((Opcode.Binary, body)));
        }
    }

    [Test]
    public async Task InPieces_ItIsRefusedAllTheSame()
    {
        await using TestServer server = await Start();
        using RawClient alice = RawClient.Open(server.Port, "/?uid=alice");
        byte[] message = "alice:error:offline:bob"u8.ToArray();
        for (int cut = 1; cut < message.Length; cut++)
        {
            alice.Send(Opcode.Text, message.AsSpan(0, cut), fin: false);
            alice.Send(Opcode.Continuation, message.AsSpan(cut));
            Assert.That(alice.ReadText(), Is.EqualTo(Refused));
        }
    }

    [Test]
    public async Task AFirstMessageWithSuchABody_DoesNotComeBack_AndIntroducesNobody()
    {
        RouterApplication router = new(Introduce.FirstMessage, DuplicateUid.Share);
        await using TestServer server = await TestServer.Start(setup, router);
        using RawClient client = RawClient.Open(server.Port);
        client.SendText("100:error:offline:bob");
        Assert.That((client.ReadText(), router.UidCount), Is.EqualTo((Refused, 0)));
        client.SendText("100:haha");
        Assert.That((client.ReadText(), router.UidCount), Is.EqualTo(("haha", 1)));
    }

    // A receiver never sees a uid: whatever it is called, the body arrives alone.
    [TestCase(" error")]
    [TestCase("\uFEFFerror")]
    [TestCase("Error")]
    public async Task AUidThatLooksLikeANotice_IsNotPartOfWhatArrives(string uid)
    {
        await using TestServer server = await Start();
        using RawClient client = RawClient.Open(server.Port);
        client.SendText($"{uid}:offline:bob");
        Assert.That(client.ReadText(), Is.EqualTo("offline:bob"));
    }

    // What an answer quotes is a uid: on one line, without a colon, and never longer than one.
    [TestCase("@a\nerror:offline:bob", BadUid)]
    [TestCase("@a\u0085error:x", BadUid)]
    [TestCase("@a\u001b[2J:x", BadUid)]
    [TestCase("@234567890123456789012345678901234567890123456789012345678901234x:x", BadUid)]
    [TestCase("@23456789012345678901234567890123456789012345678901234567890123:x",
        "error:reserved:@23456789012345678901234567890123456789012345678901234567890123")]
    [TestCase("@:error:x", "error:reserved:@")]
    [TestCase("error:error:x", "error:reserved:error")]
    [TestCase("@team:error:x", "error:reserved:@team")]
    [TestCase("nobody:error:x", Refused)]
    public async Task TheDetailOfAnAnswer_QuotesNothingButAUid(string message, string answer)
    {
        await using TestServer server = await Start();
        using RawClient client = RawClient.Open(server.Port, "/?uid=1");
        client.SendText(message);
        Assert.That(client.ReadText(), Is.EqualTo(answer));
    }

    [Test]
    public async Task BytesThatAreNoText_AreNotQuoted()
    {
        await using TestServer server = await Start();
        using RawClient client = RawClient.Open(server.Port, "/?uid=1");
        client.Send(Opcode.Binary, [(byte)'@', 0xFF, (byte)':']);
        Assert.That(client.ReadText(), Is.EqualTo(BadUid));
    }

    private static string Escaped(string text) =>
        string.Concat(text.Select(static c => c is > ' ' and < '\u007F' ? c.ToString() : $"\\u{(int)c:x4}"));

    private Task<TestServer> Start() => TestServer.Start(setup, new RouterApplication(Introduce.FirstMessage, DuplicateUid.Share));
}
