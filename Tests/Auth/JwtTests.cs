// Tokens at a running server: who is let in and as whom, who is not, and that nobody learns why but the log and the metrics.

using System.Security.Cryptography;
using System.Text;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Console.Auth;
using RawWs.Tests.Support;

namespace RawWs.Tests.Auth;

public sealed class JwtTests
{
    private static readonly RSA Rsa = RSA.Create(2048);
    private static readonly ECDsa Ec = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    private string _folder = "";
    private AuthRoom _room = null!;

    [SetUp]
    public async Task Open()
    {
        _folder = Directory.CreateTempSubdirectory("rawws-auth").FullName;
        Write("secret", TestTokens.Secret + "\n");
        Write("rsa.pem", Rsa.ExportSubjectPublicKeyInfoPem());
        Write("ec.json", TestTokens.KeySet(Ec, "ec1"));
        _room = await AuthRoom.Open(new AuthSettings { Kind = AuthKind.Jwt, KeyFiles = [Secret, File("rsa.pem"), File("ec.json")] });
    }

    [TearDown]
    public async Task Close()
    {
        await _room.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [OneTimeTearDown]
    public static void DisposeKeys()
    {
        Rsa.Dispose();
        Ec.Dispose();
    }

    private JwtKeyFile Secret => new(Path.Combine(_folder, "secret"), true, null);

    [Test]
    public void EachAlgorithm_IsLetIn_UnderTheTokensUid()
    {
        using RawClient alice = _room.Enter(TestTokens.Hs256(_room.Claims("alice")));
        using RawClient bob = _room.Enter(TestTokens.Rs256(_room.Claims("bob"), Rsa));
        using RawClient carol = _room.Enter(TestTokens.Es256(_room.Claims("carol"), Ec, """{"alg":"ES256","kid":"ec1"}"""));
        foreach ((RawClient client, string uid) in (ReadOnlySpan<(RawClient, string)>)[(alice, "alice"), (bob, "bob"), (carol, "carol")])
        {
            alice.SendText($"{uid}:hello");
            Assert.That(client.ReadText(), Is.EqualTo("hello"));
        }
    }

    [Test]
    public void ANumber_IsAUid() => Assert.That(Uid(TestTokens.Hs256($$"""{"sub":42,"exp":{{_room.Now + 9}}}""")), Is.EqualTo("42"));

    // Nobody is who he says he is.
    [Test]
    public void NeitherTheQuery_NorAMessage_NamesAnybody()
    {
        using RawClient alice = _room.Ask("", $"/?uid=mallory&token={TestTokens.Hs256(_room.Claims("alice"))}");
        Assert.That(alice.ReadHead(), Does.StartWith("HTTP/1.1 101 "));
        alice.SendText("mallory:it is me");
        Assert.That(alice.ReadText(), Is.EqualTo("error:offline:mallory"));
        alice.SendText("alice:to myself");
        Assert.That(alice.ReadText(), Is.EqualTo("to myself"));
    }

    [TestCase("rawws, {0}", "rawws")]
    [TestCase("{0}, rawws", "rawws")]
    [TestCase("{0}", null)]
    public void ABrowsersToken_IsASubprotocol_WhichIsNeverChosen(string offers, string? chosen)
    {
        string token = TestTokens.Hs256(_room.Claims("alice"));
        string offer = "base64url.bearer.rawws." + TestTokens.Encode(token);
        using RawClient client = _room.Ask($"Sec-WebSocket-Protocol: {offers.Replace("{0}", offer, StringComparison.Ordinal)}\r\n");
        string head = client.ReadHead();
        Assert.That(head, Does.StartWith("HTTP/1.1 101 ").And.Not.Contain("bearer"));
        Assert.That(head.Contains("Sec-WebSocket-Protocol: rawws\r\n", StringComparison.Ordinal), Is.EqualTo(chosen is not null), head);
        TestServer.Eventually(() => _room.Server.Directory.Find("alice").Length == 1, "she is there");
    }

    // What each may be refused for: no answer says more than another.
    private static IEnumerable<TestCaseData> Wrong()
    {
        const string Header = """{"alg":"HS256"}""";
        yield return Case("nothing", AuthRule.TokenMissing, static (_, _) => null);
        yield return Case("garbage", AuthRule.TokenMalformed, static (_, _) => "garbage");
        yield return Case("nothing in three parts", AuthRule.TokenMalformed, static (_, _) => "..");
        yield return Case("three parts of nothing", AuthRule.TokenMalformed, static (_, _) => "a.b.c");
        yield return Case("no JSON", AuthRule.TokenMalformed, static (_, _) => TestTokens.Hs256("no JSON"));
        yield return Case("claims that are a list", AuthRule.TokenMalformed, static (_, _) => TestTokens.Hs256("[1]"));
        yield return Case("a claim twice", AuthRule.TokenMalformed, static (claims, _) =>
            TestTokens.Hs256(claims("\",\"sub\":\"alice", "")));
        yield return Case("an empty one", AuthRule.TokenMissing, static (_, _) => "");
        yield return Case("a huge one", AuthRule.TokenMalformed, static (claims, _) =>
            TestTokens.Hs256(claims("alice", $",\"x\":\"{new string('x', RequestToken.LengthMax)}\"")));
        yield return Case("five parts", AuthRule.TokenMalformed, static (_, _) => "a.b.c.d.e");
        yield return Case("what must be understood", AuthRule.TokenMalformed, static (claims, _) =>
            TestTokens.Hs256(claims("alice", ""), header: """{"alg":"HS256","crit":["b64"],"b64":false}"""));
        yield return Case("none", AuthRule.TokenUnsigned, static (claims, _) =>
            TestTokens.Sign("""{"alg":"none"}""", claims("alice", ""), static _ => []));
        yield return Case("none, with a signature", AuthRule.TokenUnsigned, static (claims, _) =>
            TestTokens.Hs256(claims("alice", ""), header: """{"alg":"nOnE"}"""));
        yield return Case("no algorithm", AuthRule.TokenUnsigned, static (claims, _) =>
            TestTokens.Hs256(claims("alice", ""), header: "{}"));
        yield return Case("no signature", AuthRule.TokenUnsigned, static (claims, _) =>
            TestTokens.Sign(Header, claims("alice", ""), static _ => []));
        yield return Case("another algorithm", AuthRule.TokenAlgorithm, static (claims, _) => TestTokens.Sign(
            """{"alg":"HS512"}""", claims("alice", ""),
            static bytes => HMACSHA512.HashData(Encoding.UTF8.GetBytes(TestTokens.Secret), bytes)));
        yield return Case("another secret", AuthRule.TokenSignature, static (claims, _) =>
            TestTokens.Hs256(claims("alice", ""), "another-secret-of-more-than-32-characters"));
        yield return Case("another's key", AuthRule.TokenSignature, static (claims, _) =>
        {
            using RSA other = RSA.Create(2048);
            return TestTokens.Rs256(claims("alice", ""), other);
        });
        yield return Case("the public key as a secret", AuthRule.TokenSignature, static (claims, pem) =>
            TestTokens.Hs256(claims("alice", ""), pem));
        yield return Case("other claims than were signed", AuthRule.TokenSignature, static (claims, _) =>
        {
            string[] parts = TestTokens.Hs256(claims("alice", "")).Split('.');
            return $"{parts[0]}.{TestTokens.Encode(claims("root", ""))}.{parts[2]}";
        });
        yield return Case("a key that it brings", AuthRule.TokenSignature, static (claims, _) =>
        {
            using RSA own = RSA.Create(2048);
            string set = TestTokens.KeySet(own, "x");
            string jwk = set[set.IndexOf("{\"kty\":\"RSA\"", StringComparison.Ordinal)..^2].ReplaceLineEndings("");
            return TestTokens.Rs256(claims("alice", ""), own, $$"""{"alg":"RS256","jwk":{{jwk}}}""");
        });
        yield return Case("a key id that nobody has", AuthRule.TokenKeyUnknown, static (claims, _) =>
            TestTokens.Es256(claims("alice", ""), Ec, """{"alg":"ES256","kid":"ec2"}"""));
        yield return Case("no end", AuthRule.TokenEndless, static (_, _) => TestTokens.Hs256("""{"sub":"alice"}"""));
        yield return Case("an end that is no time", AuthRule.TokenMalformed, static (_, _) =>
            TestTokens.Hs256("""{"sub":"alice","exp":1e300}"""));
        yield return Case("an end that has passed", AuthRule.TokenExpired, static (_, _) =>
            TestTokens.Hs256("""{"sub":"alice","exp":1700000000}"""));
        yield return Case("a begin to come", AuthRule.TokenNotYetValid, static (claims, _) =>
            TestTokens.Hs256(claims("alice", ",\"nbf\":1900000000")));
        yield return Case("an audience, where there is none", AuthRule.TokenAudience, static (claims, _) =>
            TestTokens.Hs256(claims("alice", ",\"aud\":\"chat\"")));
        yield return Case("no uid", AuthRule.TokenUid, static (_, _) => TestTokens.Hs256("""{"exp":1900000000}"""));
        yield return Case("a reserved uid", AuthRule.TokenUid, static (claims, _) => TestTokens.Hs256(claims("all", "")));
        yield return Case("what cannot be a uid", AuthRule.TokenUid, static (claims, _) => TestTokens.Hs256(claims("a:b", "")));
        yield return Case("half a character", AuthRule.TokenMalformed, static (claims, _) => TestTokens.Hs256(claims("\\ud800", "")));
        yield return Case("a uid that is a list", AuthRule.TokenMalformed, static (_, _) =>
            TestTokens.Hs256("""{"sub":["a"],"exp":1900000000}"""));
        yield return Case("rights that are none", AuthRule.TokenRights, static (claims, _) =>
            TestTokens.Hs256(claims("alice", ",\"to\":\"somebody\"")));

        static TestCaseData Case(string what, AuthRule rule, Func<Func<string, string, string>, string, string?> make) =>
            new TestCaseData(rule, make).SetArgDisplayNames(what);
    }

    [TestCaseSource(nameof(Wrong))]
    public void WhoHasAWrongToken_LearnsNothing_AndTheLogSaysWhy(object rule, Delegate make)
    {
        string? token = ((Func<Func<string, string, string>, string, string?>)make)(
            (uid, more) => _room.Claims(uid, more), Rsa.ExportSubjectPublicKeyInfoPem());
        string answer = _room.Refused(token is null ? "" : $"Authorization: Bearer {token}\r\n");
        string[] parts = answer.Split("\r\n\r\n");
        Assert.That(parts[0], Does.StartWith("HTTP/1.1 401 Unauthorized\r\n").And.Contain("\r\nWWW-Authenticate: Bearer\r\n"));
        Assert.That(parts[1], Is.EqualTo("This server has to know who you are.\n"), "the same for everybody");
        string line = _room.Log.WaitFor(" answered 401 by rule ");
        Assert.That(line, Does.Contain($" by rule {rule} "));
        AssertNowhere(token);
        Assert.That(_room.Server.Directory.UidCount, Is.Zero);
    }

    [Test]
    public void TwoTokens_AreNone()
    {
        string token = TestTokens.Hs256(_room.Claims("alice")), bearer = $"Authorization: Bearer {token}\r\n";
        string offer = $"Sec-WebSocket-Protocol: base64url.bearer.rawws.{TestTokens.Encode(token)}\r\n";
        foreach ((string fields, string target) in (ReadOnlySpan<(string, string)>)
            [(bearer + bearer, "/"), (bearer, $"/?token={token}"), ("", $"/?token={token}&token={token}"), (bearer + offer, "/")])
            Assert.That(_room.Refused(fields, target), Does.StartWith("HTTP/1.1 401 "));
        TestServer.Eventually(
            () => _room.Log.All.Count(static line => line.Text.Contains(" 401 by rule TokenDoubled after", StringComparison.Ordinal)) == 4,
            "the log says why");
        using RawClient client = _room.Ask("Authorization: Basic YTpi\r\n", $"/?token={token}");
        Assert.That(client.ReadHead(), Does.StartWith("HTTP/1.1 101 "), "of another scheme it is for somebody else");
    }

    [Test]
    public async Task IssuerAndAudience_MustBeOurs()
    {
        await using AuthRoom room = await AuthRoom.Open(new AuthSettings
        {
            Kind = AuthKind.Jwt,
            KeyFiles = [Secret],
            Issuers = ["https://id.example"],
            Audiences = ["chat", "talk"],
            UidClaim = "user",
        });
        foreach ((string more, string expected) in (ReadOnlySpan<(string, string)>)
        [
            ("\"iss\":\"https://id.example\",\"aud\":\"chat\"", "HTTP/1.1 101 "),
            ("\"iss\":\"https://id.example\",\"aud\":[\"x\",\"talk\"]", "HTTP/1.1 101 "),
            ("\"iss\":\"https://id.example\",\"aud\":\"Chat\"", "TokenAudience"),
            ("\"iss\":\"https://id.example\",\"aud\":\"chat/\"", "TokenAudience"),
            ("\"iss\":\"https://id.example\",\"aud\":[]", "TokenAudience"),
            ("\"iss\":\"https://id.example\"", "TokenAudience"),
            ("\"iss\":\"https://id.example/\",\"aud\":\"chat\"", "TokenIssuer"),
            ("\"aud\":\"chat\"", "TokenIssuer"),
        ])
        {
            string token = TestTokens.Hs256($$"""{"user":"alice","exp":{{room.Now + 100}},{{more}}}""");
            using RawClient client = room.Ask($"Authorization: Bearer {token}\r\n");
            string head = client.ReadHead();
            if (expected[0] == 'H') Assert.That(head, Does.StartWith(expected), more);
            else room.Log.WaitFor("by rule " + expected);
        }
    }

    [Test]
    public void AClock_MayBeSomeSecondsBehind() =>
        Assert.That(Uid(TestTokens.Hs256(_room.Claims("alice", $",\"nbf\":{_room.Now + 5}"))), Is.EqualTo("alice"));

    // A minute before its end a connection is told so, and then it ends, whatever it does.
    [Test]
    public void AConnection_EndsWithItsToken()
    {
        using RawClient alice = _room.Enter(TestTokens.Hs256(_room.Claims("alice", seconds: 100)));
        TestServer.Eventually(() => _room.Server.Directory.Find("alice").Length == 1, "she is there");
        _room.Time.Advance(TimeSpan.FromSeconds(38));
        alice.SendText("alice:nothing yet");
        Assert.That(alice.ReadText(), Is.EqualTo("nothing yet"));
        _room.Time.Advance(TimeSpan.FromSeconds(2));
        Assert.That(alice.ReadText(), Is.EqualTo("error:token-expires:60"));
        _room.Time.Advance(TimeSpan.FromSeconds(59));
        alice.SendText("alice:still there");
        Assert.That(alice.ReadText(), Is.EqualTo("still there"), "it is told once");
        _room.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.That(alice.ReadClose(answer: true), Is.EqualTo(((ushort?)3000, "token expired: reconnect with a new one")));
        _room.Log.WaitFor("uid \"alice\", ended: closed by server: TokenExpired, code 3000");
        Assert.That(ServerCloseCodes.IsFinal(3000), Is.False);
    }

    [Test]
    public void AShortToken_IsToldOfAtOnce_AndWhoHasGoneIsForgotten()
    {
        using RawClient alice = _room.Enter(TestTokens.Hs256(_room.Claims("alice", seconds: 30)));
        using (RawClient bob = _room.Enter(TestTokens.Hs256(_room.Claims("bob", seconds: 30))))
        {
            bob.Send(Opcode.Close, [3, 232]);
            bob.ReadClose();
        }

        TestServer.Eventually(() => _room.Server.Directory.UidCount == 1, "he has gone");
        _room.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.That(alice.ReadText(), Is.EqualTo("error:token-expires:29"));
        _room.Time.Advance(TimeSpan.FromSeconds(29));
        Assert.That(alice.ReadClose(answer: true).Code, Is.EqualTo(3000));
    }

    [TestCase("\"all\"", "bob:b all:a")]
    [TestCase("\"none\"", "")]
    [TestCase("[]", "")]
    [TestCase("[\"bob\"]", "bob:b")]
    [TestCase("[\"all\",\"carol\"]", "all:a")]
    public void AClaim_SaysToWhomOneMaySend(string to, string allowed)
    {
        using RawClient bob = _room.Enter(TestTokens.Hs256(_room.Claims("bob")));
        using RawClient alice = _room.Enter(TestTokens.Hs256(_room.Claims("alice", $",\"to\":{to}")));
        TestServer.Eventually(() => _room.Server.Directory.UidCount == 2, "they are there");
        foreach (string message in (ReadOnlySpan<string>)["bob:b", "all:a"])
        {
            alice.SendText(message);
            if (!allowed.Contains(message, StringComparison.Ordinal))
                Assert.That(alice.ReadText(), Is.EqualTo($"error:forbidden:{message[..3]}"));
            else Assert.That(bob.ReadText(), Is.EqualTo(message[4..]));
            if (message == "all:a" && allowed.Contains(message, StringComparison.Ordinal)) Assert.That(alice.ReadText(), Is.EqualTo("a"));
        }

        alice.SendText("no colon");
        Assert.That(alice.ReadText(), Is.EqualTo("error:no-colon:write uid:body"));
        alice.SendText("@x:y");
        Assert.That(alice.ReadText(), Is.EqualTo("error:reserved:@x"));
        alice.SendText("ping"); // life, and nothing else
        bob.SendText("alice:to whom may not send");
        Assert.That(alice.ReadText(), Is.EqualTo("to whom may not send"));
    }

    private static JwtKeyFile FileOf(string folder, string name) => new(Path.Combine(folder, name), false, null);

    private JwtKeyFile File(string name) => FileOf(_folder, name);

    private void Write(string name, string text) => System.IO.File.WriteAllText(Path.Combine(_folder, name), text);

    private string Uid(string token)
    {
        using RawClient client = _room.Enter(token);
        TestServer.Eventually(() => _room.Server.Directory.UidCount == 1, "it is there");
        return Encoding.UTF8.GetString(_room.Server.Directory.GetConnections().Single().Uid.Span);
    }

    // Not even a part of it.
    private void AssertNowhere(string? token)
    {
        string log = string.Join('\n', _room.Log.All.Select(static line => line.Text));
        foreach (string part in token?.Split('.') ?? [])
            if (part.Length > 8) Assert.That(log, Does.Not.Contain(part[..8]));
    }
}
