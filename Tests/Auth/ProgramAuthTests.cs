// The program with --auth: its settings, SIGHUP, /readyz, what it loads, `rawws token`, and clients and back-ends that others have written.

using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using RawWs.Frame;
using RawWs.Tests.Support;

namespace RawWs.Tests.Auth;

public sealed class ProgramAuthTests
{
    private const int Sighup = 1;
    private const string Another = "another-secret-of-more-than-32-characters";

    private string _folder = "";

    private string Secret => Path.Combine(_folder, "secret");

    private static string Claims => $$"""{"sub":"alice","exp":{{TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() + 1000}}}""";

    [SetUp]
    public void MakeFolder()
    {
        _folder = Directory.CreateTempSubdirectory("rawws-auth").FullName;
        File.WriteAllText(Secret, TestTokens.Secret);
    }

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    [Platform("Linux")]
    public async Task TheProgram_AsksForTokens_ReadsKeysAgain_AndSaysWhenThereAreNone()
    {
        using RunningProgram program = RunningProgram.Start(
            "--listen", "127.0.0.1:0", "--auth", "jwt", "--jwt-secret", Secret, "--admin", "127.0.0.1:0", "--log-level", "trace");
        int port = program.WaitForPort();
        using HttpClient http = new();
        http.BaseAddress = program.AdminAddress;
        Assert.That(await Ready(), Is.EqualTo("ready\n"));
        string token = TestTokens.Hs256(Claims);
        using RawClient alice = RawClient.Open(port, $"/?token={token}");
        // Who asks for the reason (ReadableRefusals) does not get it either.
        Assert.That(Answer(port, "", "Sec-WebSocket-Protocol: rawws.why.v1\r\n"), Does.StartWith("HTTP/1.1 401 "));
        Assert.That(Answer(port, TestTokens.Hs256(Claims, Another)), Does.StartWith("HTTP/1.1 401 "));

        File.WriteAllText(Secret, Another);
        program.Signal(Sighup);
        TestServer.Eventually(() => program.CountLines("the keys for tokens are read again, 1 of them count") == 1, "they are read");
        Assert.That(Answer(port, token), Does.StartWith("HTTP/1.1 401 "));
        File.WriteAllText(Secret, "broken");
        program.Signal(Sighup);
        TestServer.Eventually(() => program.CountLines("those before stay") == 1, "the log says so");
        Assert.That(Answer(port, TestTokens.Hs256(Claims, Another)), Does.StartWith("HTTP/1.1 101 "));
        alice.SendText("alice:still here");
        Assert.That(alice.ReadText(), Is.EqualTo("still here"));
        Assert.That(await http.GetStringAsync(new Uri("/metrics", UriKind.Relative)),
            Does.Match("refusals_total\\{[^}]*401[^}]*TokenMalformed[^}]*\\} 1").And.Match("reason=\"TokenSignature\"[^}]*\\} 2"));
        program.Stop();
        Assert.That(program.Output, Does.Not.Contain(token[..20]).And.Not.Contain("uids are not authenticated").And.Not.Contain(Another));

        async Task<string> Ready()
        {
            using HttpResponseMessage answer = await http.GetAsync(new Uri("/readyz", UriKind.Relative));
            return await answer.Content.ReadAsStringAsync();
        }
    }

    [Test]
    public async Task WithoutAKeyThatCounts_ItIsNotReady()
    {
        using RunningProgram program = RunningProgram.Start(
            "--listen", "127.0.0.1:0", "--auth", "jwt", "--jwt-secret", Secret + "@2026-01-31", "--admin", "127.0.0.1:0");
        program.WaitForPort();
        using HttpClient http = new();
        Uri ready = new(program.AdminAddress, "/readyz");
        using HttpResponseMessage answer = await http.GetAsync(ready);
        Assert.That((answer.StatusCode, await answer.Content.ReadAsStringAsync()),
            Is.EqualTo((HttpStatusCode.ServiceUnavailable, "no key for tokens counts any more\n")));
        Assert.That(program.Output, Does.Contain($"the keys of {Secret} have counted until 2026-01-31 00:00:00 UTC, and count no more"));
    }

    [TestCase("--auth jwt", "--auth jwt: needs a key to check tokens with (--jwt-key, --jwt-secret)")]
    [TestCase("--jwt-secret SECRET", "--jwt-key, --jwt-secret: needs --auth jwt")]
    [TestCase("--jwt-issuer x", "--jwt-issuer: needs --auth jwt")]
    [TestCase("--jwt-audience x", "--jwt-audience: needs --auth jwt")]
    [TestCase("--jwt-uid-claim x", "--jwt-uid-claim: needs --auth jwt")]
    [TestCase("--jwt-to-claim x", "--jwt-to-claim: needs --auth jwt")]
    [TestCase("--auth jwt --jwt-secret SECRET --auth-url http://127.0.0.1/", "--auth-url: cannot be there together with --auth jwt")]
    [TestCase("--auth-timeout 1", "--auth-timeout, --auth-max-requests: need --auth-url")]
    [TestCase("--auth-url http://a:b@127.0.0.1/", "--auth-url: \"http://a:b@127.0.0.1/\" is not allowed")]
    [TestCase("--auth jwt --jwt-secret SECRET --introduce query", "--introduce: has no meaning with --auth")]
    [TestCase("--auth jwt --jwt-secret SECRETx", "is not there")]
    [TestCase("--auth jwt --jwt-key SECRET", "has no keys that can be read")]
    [TestCase("--auth basic", "allowed: none, jwt")]
    public void WhatIsWrong_IsOneLine(string arguments, string problem)
    {
        string[] words = arguments.Replace("SECRET", Secret, StringComparison.Ordinal).Split(' ');
        Assert.That(Read(words, out string output, out string error), Is.EqualTo(2));
        Assert.That((output, error.Split('\n').Length), Is.EqualTo(("", 1)));
        Assert.That(error, Does.Contain(problem).And.Not.Contain(TestTokens.Secret));
    }

    [Test]
    [Platform("Linux")]
    public void WithoutTheSetting_NothingOfItIsLoaded()
    {
        using RunningProgram program = RunningProgram.Start("--listen", "127.0.0.1:0");
        program.WaitForPort();
        Assert.That(File.ReadAllText($"/proc/{program.Id}/maps"), Does.Not.Contain("IdentityModel").And.Not.Contain("System.Net.Http.dll"));
        program.Stop();
    }

    [Test]
    public void Token_MakesWhatItChecks_AndTheServerLetsIn()
    {
        File.WriteAllText(Secret, TestTokens.Secret + "\n");
        string token = Good($"token create --secret {Secret} --uid alice --to bob --to all --audience chat --issuer me").Trim();
        string check = $"token check {token} --jwt-secret {Secret} --jwt-audience chat --jwt-issuer me";
        Assert.That(Good(check), Does.Contain("\"alg\":\"HS256\"").And.Contain("\"sub\":\"alice\"").And.Contain("\"to\":[\"bob\",\"all\"]")
            .And.Contain("verdict  let in as \"alice\" until ").And.Contain("may send to some only"));
        Assert.That(Read(check.Replace("chat", "talk", StringComparison.Ordinal).Split(' '), out string refused, out _), Is.EqualTo(1));
        Assert.That(refused, Does.Contain("verdict  refused by rule TokenAudience: "));
        Assert.That(Read(["token", "check", "garbage", "--jwt-secret", Secret], out refused, out _), Is.EqualTo(1));
        Assert.That(refused, Does.Contain("verdict  refused by rule TokenMalformed: "));
        foreach (string wrong in (string[])
        [
            $"token create --secret {Secret}", "token create --uid alice", $"token create --secret {Secret} --uid all",
            $"token create --secret {Secret} --uid a --expires never", $"token create --key {Secret} --uid a", "token check x",
            "token check y --jwt-secret x",
        ])
        {
            Assert.That(Read(wrong.Split(' '), out _, out string error), Is.EqualTo(2), wrong);
            Assert.That(error, Does.StartWith("token c").And.Not.Contain(TestTokens.Secret));
        }
    }

    // A key that checks and does not sign, one that is too short, one on another curve.
    [Test]
    public void Token_IsNotMade_WithAKeyThatCannotSign()
    {
        using RSA rsa = RSA.Create(2048), small = RSA.Create(1024);
        using ECDsa ec = ECDsa.Create(ECCurve.NamedCurves.nistP256), large = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        (string Text, string Reason)[] wrong =
        [
            (rsa.ExportSubjectPublicKeyInfoPem(), "has a public key, which only checks"),
            (rsa.ExportRSAPublicKeyPem(), "has a public key, which only checks"),
            (ec.ExportSubjectPublicKeyInfoPem(), "has a public key, which only checks"),
            (small.ExportPkcs8PrivateKeyPem(), "has an RSA key of 1024 bits; what is needed is an RSA key of 2048 bits or more"),
            (small.ExportRSAPrivateKeyPem(), "has an RSA key of 1024 bits"),
            (large.ExportPkcs8PrivateKeyPem(), "has an EC key on another curve"),
            (rsa.ExportEncryptedPkcs8PrivateKeyPem("x", new PbeParameters(PbeEncryptionAlgorithm.Aes128Cbc, HashAlgorithmName.SHA256, 1)),
                "has no private key in PEM"),
            ("-----BEGIN PRIVATE KEY-----\nnothing\n-----END PRIVATE KEY-----", "has no private key in PEM"),
        ];
        string key = Path.Combine(_folder, "key.pem");
        foreach ((string text, string reason) in wrong)
        {
            File.WriteAllText(key, text);
            Assert.That(Read(["token", "create", "--key", key, "--uid", "a"], out string output, out string error), Is.EqualTo(2), error);
            Assert.That((output, error.Split('\n').Length), Is.EqualTo(("", 1)), error);
            Assert.That(error, Does.StartWith($"token create: \"{key}\" ").And.Contain(reason));
        }

        File.WriteAllText(key, ec.ExportSubjectPublicKeyInfoPem() + "\n" + ec.ExportECPrivateKeyPem());
        Assert.That(Good($"token create --key {key} --uid a"), Does.Match(@"\A[\w-]+\.[\w-]+\.[\w-]+\n\z"), "both halves in one file");
    }

    // What the docs say about openssl, with the keys that it makes.
    [TestCase("genrsa -out K 2048")]
    [TestCase("ecparam -genkey -name prime256v1 -noout -out K")]
    public void Token_SignsWithTheKeysOfOpenssl(string make)
    {
        string openssl = Tools.Require("openssl");
        string key = Path.Combine(_folder, "private.pem"), publicKey = Path.Combine(_folder, "public.pem");
        Run(openssl, make.Replace("K", key, StringComparison.Ordinal));
        Run(openssl, $"pkey -in {key} -pubout -out {publicKey}");
        string token = Good($"token create --key {key} --uid 7 --key-id k1 --to none").Trim();
        Assert.That(Good($"token check {token} --jwt-key {publicKey}"), Does.Contain("\"kid\":\"k1\"").And.Contain("let in as \"7\""));
    }

    // Node's own WebSocket speaks as a browser's does: it has no header fields, and wants a subprotocol to be chosen.
    [Test]
    public void Node_HasItsTokenInASubprotocol_AndPhpMakesIt()
    {
        string php = Tools.Require("php"), node = Tools.Require("node");
        string script = Repository.Read("docs", "ops", "auth.md").Split("```php\n")[1].Split("```")[0];
        File.WriteAllText(Path.Combine(_folder, "token.php"), script);
        string token = Run(php, "token.php");
        using RunningProgram program = RunningProgram.Start("--listen", "127.0.0.1:0", "--auth", "jwt", "--jwt-secret", Secret);
        string page = $$"""
            const token = "{{token}}";
            const offer = "base64url.bearer.rawws." + btoa(token).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
            const socket = new WebSocket("ws://127.0.0.1:{{program.WaitForPort()}}/", ["rawws", offer]);
            socket.onopen = () => socket.send("alice:hello from " + socket.protocol);
            socket.onmessage = event => { console.log(event.data); socket.close(); };
            socket.onerror = () => console.log("error");
            """;
        File.WriteAllText(Path.Combine(_folder, "page.js"), page);
        string[] flag = Run(node, "--version").StartsWith("v20", StringComparison.Ordinal) ? ["--experimental-websocket"] : [];
        Assert.That(Run(node, [.. flag, "page.js"]), Is.EqualTo("hello from rawws\n"));
        program.Stop();
    }

    [Test]
    public void ABackendInPhp_DecidesByItsSession()
    {
        string php = Tools.Require("php");
        string script = Repository.Read("docs", "ops", "auth.md").Split("```php\n")[2].Split("```")[0];
        File.WriteAllText(Path.Combine(_folder, "auth.php"), script);
        File.WriteAllText(Path.Combine(_folder, "sess_0123456789abcdefghijklmnop"), "user|s:5:\"alice\";");
        int backend = Ports.Free();
        using RunningProgram server = RunningProgram.StartOther(
            php, "-d", $"session.save_path={_folder}", "-S", $"127.0.0.1:{backend}", "-t", _folder);
        TestServer.Eventually(() => Ports.IsListening(backend), "PHP listens");
        using RunningProgram program = RunningProgram.Start("--listen", "127.0.0.1:0", "--auth-url",
            $"http://127.0.0.1:{backend}/auth.php", "--auth-timeout", "20", "--handshake-timeout", "30");
        using RawClient alice = RawClient.Connect(program.WaitForPort());
        alice.Send($"GET / HTTP/1.1\r\n{RawClient.Upgrade}Cookie: PHPSESSID=0123456789abcdefghijklmnop\r\n\r\n");
        Assert.That(alice.ReadHead(), Does.StartWith("HTTP/1.1 101 "), program.Output);
        alice.Send(Opcode.Text, "alice:hello"u8);
        Assert.That(alice.ReadText(), Is.EqualTo("hello"));
        Assert.That(Answer(program.WaitForPort(), ""), Does.StartWith("HTTP/1.1 401 "));
        program.Stop();
        Assert.That(program.Output, Does.Contain("by rule BackendRefused").And.Not.Contain("0123456789abcdef"));
    }

    [Test]
    public void TheDocs_HaveEachRefusal()
    {
        string docs = Repository.Read("docs", "ops", "auth.md");
        foreach (string rule in Enum.GetNames<RawWs.Server.Console.Auth.AuthRule>()) Assert.That(docs, Does.Contain($"| `{rule}` |"));
    }

    private static string Answer(int port, string token, string fields = "")
    {
        using RawClient client = RawClient.Connect(port);
        client.Send($"GET /?token={token} HTTP/1.1\r\n{RawClient.Upgrade}{fields}\r\n");
        return client.ReadHead();
    }

    private string Good(string arguments)
    {
        Assert.That(Read(arguments.Split(' '), out string output, out string error), Is.Zero, error);
        return output;
    }

    private int Read(string[] arguments, out string output, out string error)
    {
        (int exitCode, output, error) = CommandRun.Of(arguments, _folder);
        return exitCode;
    }

    private string Run(string program, string arguments) => Run(program, arguments.Split(' '));

    private string Run(string program, string[] arguments)
    {
        (int exitCode, string output, string errors) =
            Tools.Run(new ProcessStartInfo(program, arguments) { WorkingDirectory = _folder }, TestServer.Patience);
        Assert.That(exitCode, Is.Zero, output + errors);
        return output;
    }
}
