// The grammar of uid:body, over bytes.

using System.Text;
using RawWs.Frame;
using RawWs.Server.Routing;

namespace RawWs.Tests.Server;

[TestFixture]
public class UidProtocolTests
{
    [TestCase("100:haha", "100", "haha")]
    [TestCase("100:a:b:c", "100", "a:b:c")]
    [TestCase("100:", "100", "")]
    [TestCase(":body", "", "body")]
    [TestCase("::", "", ":")]
    [TestCase("张三:你好:世界", "张三", "你好:世界")]
    public void TrySplit_CutsAtTheFirstColon(string message, string uid, string body)
    {
        Assert.That(UidProtocol.TrySplit(Bytes(message), out ReadOnlySpan<byte> gotUid, out ReadOnlySpan<byte> gotBody), Is.True);
        Assert.That(Encoding.UTF8.GetString(gotUid), Is.EqualTo(uid));
        Assert.That(Encoding.UTF8.GetString(gotBody), Is.EqualTo(body));
    }

    [TestCase("")]
    [TestCase("haha")]
    public void TrySplit_WithoutColon_IsFalse(string message) =>
        Assert.That(UidProtocol.TrySplit(Bytes(message), out _, out _), Is.False);

    [TestCase("", true)]
    [TestCase("ping", true)]
    [TestCase("pong", true)]
    [TestCase("Ping", false)]
    [TestCase("ping ", false)]
    [TestCase("pin", false)]
    [TestCase("ping:x", false)]
    public void IsHeartbeat_KnowsThreeTexts(string message, bool heartbeat) =>
        Assert.That(UidProtocol.IsHeartbeat(MessageKind.Text, Bytes(message)), Is.EqualTo(heartbeat));

    [TestCase("", true)]
    [TestCase("ping", false)]
    [TestCase("pong", false)]
    public void IsHeartbeat_OfBinary_IsOnlyTheEmptyOne(string message, bool heartbeat) =>
        Assert.That(UidProtocol.IsHeartbeat(MessageKind.Binary, Bytes(message)), Is.EqualTo(heartbeat));

    [TestCase("100")]
    [TestCase("张三")]
    [TestCase("a b")]
    [TestCase("All")]
    [TestCase("a@b")]
    [TestCase("errors")]
    [TestCase(" ")]
    public void Check_AcceptsUids(string uid) => Assert.That(UidProtocol.Check(Bytes(uid)), Is.Null);

    [TestCase("", UidError.BadUid)]
    [TestCase("a:b", UidError.BadUid)]
    [TestCase("a\nb", UidError.BadUid)]
    [TestCase("\0", UidError.BadUid)]
    [TestCase("\u007f", UidError.BadUid)]
    [TestCase("a\u0085", UidError.BadUid)]
    [TestCase("all", UidError.Reserved)]
    [TestCase("error", UidError.Reserved)]
    [TestCase("@", UidError.Reserved)]
    [TestCase("@group", UidError.Reserved)]
    public void Check_RefusesWhatIsNoUid(string uid, UidError error) => Assert.That(UidProtocol.Check(Bytes(uid)), Is.EqualTo(error));

    [Test]
    public void Check_CountsBytes_Not_Characters()
    {
        Assert.That(UidProtocol.Check(Bytes(new string('a', 64))), Is.Null);
        Assert.That(UidProtocol.Check(Bytes(new string('a', 65))), Is.EqualTo(UidError.BadUid));
        Assert.That(UidProtocol.Check(Bytes(new string('é', 32))), Is.Null);
        Assert.That(UidProtocol.Check(Bytes(new string('é', 33))), Is.EqualTo(UidError.BadUid));
    }

    [Test]
    public void Check_AcceptsNoBreakSpace_TheFirstCharacterAfterC1()
    {
        Assert.That(UidProtocol.Check([0xC2, 0xA0]), Is.Null);
        Assert.That(UidProtocol.Check([0xC2, 0x9F]), Is.EqualTo(UidError.BadUid));
    }

    [TestCase(new byte[] { 0xFF })]
    [TestCase(new byte[] { 0xC3 })]
    [TestCase(new byte[] { 0xED, 0xA0, 0x80 })]
    public void Check_RefusesWhatIsNotUtf8(byte[] uid) => Assert.That(UidProtocol.Check(uid), Is.EqualTo(UidError.BadUid));

    [TestCase(UidError.NoColon, "", "error:no-colon:write uid:body")]
    [TestCase(UidError.BadUid, "a\nb", "error:bad-uid:a uid is 1 to 64 bytes of UTF-8 without colon or control character")]
    [TestCase(UidError.Offline, "100", "error:offline:100")]
    [TestCase(UidError.Reserved, "@group", "error:reserved:@group")]
    [TestCase(UidError.Rejected, "100", "error:rejected:100")]
    [TestCase(UidError.TooSlow, "all", "error:too-slow:all")]
    [TestCase(UidError.Forbidden, "all", "error:forbidden:all")]
    [TestCase(UidError.Unreachable, "100", "error:unreachable:100")]
    [TestCase(UidError.ReservedBody, "", "error:reserved:a body cannot begin with error: or Network connection timeout!")]
    public void WriteError_IsErrorCodeDetail(UidError error, string uid, string expected) =>
        Assert.That(Written(error, Bytes(uid)), Is.EqualTo(expected));

    // A text message is UTF-8 (§5.6), ours too, whatever a binary message was addressed to.
    [Test]
    public void WriteError_IsUtf8_WhateverTheAddressWas([Values(1, 2, 3)] int seed)
    {
        Random random = new(seed);
        byte[] address = new byte[200];
        byte[] answer = new byte[128];
        for (int round = 0; round < 2000; round++)
        {
            random.NextBytes(address);
            address[0] = (byte)'@';
            foreach (UidError error in Enum.GetValues<UidError>())
            {
                int length = UidProtocol.WriteError(answer, error, address.AsSpan(0, random.Next(address.Length)));
                Assert.That(System.Text.Unicode.Utf8.IsValid(answer.AsSpan(0, length)), Is.True, $"seed {seed}");
            }
        }
    }

    [Test]
    public void Code_IsAClosedListOfWords()
    {
        string[] codes = [.. Enum.GetValues<UidError>().Select(UidProtocol.Code)];
        Assert.That(string.Join(' ', codes),
            Is.EqualTo("no-colon bad-uid offline reserved rejected too-slow reserved forbidden unreachable"));
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string Written(UidError error, byte[] uid)
    {
        byte[] answer = new byte[128];
        return Encoding.UTF8.GetString(answer, 0, UidProtocol.WriteError(answer, error, uid));
    }
}
