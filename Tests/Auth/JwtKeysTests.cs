// Keys: which files are taken, and which are not and why; that new ones are read without losing the old; that one ends with its date.

using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Microsoft.IdentityModel.Tokens;
using RawWs.Server.Console;
using RawWs.Server.Console.Auth;
using RawWs.Tests.Support;

namespace RawWs.Tests.Auth;

public sealed class JwtKeysTests
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 29, 12, 0, 0, TimeSpan.Zero);

    private string _folder = "";

    private string Path => System.IO.Path.Combine(_folder, "key");

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("rawws-keys").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void PublicKeys_AreTaken_AsPem_AsCertificates_AndAsSets()
    {
        using RSA rsa = RSA.Create(2048);
        using ECDsa ec = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 certificate = TestCertificate.Make("id.test", rsaBits: 2048);
        (string Text, string Algorithm, string? Id)[] good =
        [
            (rsa.ExportSubjectPublicKeyInfoPem(), "RS256", null), (rsa.ExportRSAPublicKeyPem(), "RS256", null),
            (certificate.ExportCertificatePem(), "RS256", null), (ec.ExportSubjectPublicKeyInfoPem(), "ES256", null),
            (TestTokens.KeySet(rsa, "r"), "RS256", "r"), ("\uFEFF" + TestTokens.KeySet(ec, "e"), "ES256", "e"),
        ];
        foreach ((string text, string algorithm, string? id) in good)
        {
            File.WriteAllText(Path, text);
            JwtKey key = JwtKey.Read(new JwtKeyFile(Path, false, null)).Single();
            Assert.That((key.Algorithm, key.Id), Is.EqualTo((algorithm, id)), text);
        }

        File.WriteAllText(Path, TestTokens.Secret + "\r\n");
        Assert.That(JwtKey.Read(new JwtKeyFile(Path, true, null)).Single().Algorithm, Is.EqualTo("HS256"));
        File.WriteAllText(Path, "{a-text-that-begins-as-JSON-does-and-is-none");
        Assert.That(JwtKey.Read(new JwtKeyFile(Path, true, null)).Single().Algorithm, Is.EqualTo("HS256"));
    }

    // RFC 7517 has both kinds in one form. A secret in a file that passes for public is a mistake, and so is the rest.
    [Test]
    public void ASecretInASet_IsForTheSettingOfSecrets()
    {
        using RSA rsa = RSA.Create(2048);
        const string Oct = """{"kty":"oct","kid":"s","k":"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY"}""";
        foreach (string text in (string[])[Oct, $$"""{"keys":[{{Oct}}]}""", TestTokens.KeySet(rsa, "r").Replace("[", $"[{Oct},")])
        {
            File.WriteAllText(Path, text);
            JwtKeyException told = Assert.Throws<JwtKeyException>(() => JwtKey.Read(new JwtKeyFile(Path, false, null)))!;
            Assert.That(told.Message, Is.EqualTo($"\"{Path}\" has a secret (\"oct\"), which belongs in a file of --jwt-secret"));
            JwtKey key = JwtKey.Read(new JwtKeyFile(Path, true, null)).Single();
            Assert.That((key.Algorithm, key.Id), Is.EqualTo(("HS256", "s")), "what is no secret is passed over");
            Assert.That(((SymmetricSecurityKey)key.Key).Key, Is.EqualTo("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"u8.ToArray()));
        }
    }

    [Test]
    public void WhatCannotBeAKey_IsRefused_WithTheReason_AndNothingOfIt()
    {
        using RSA rsa = RSA.Create(2048), small = RSA.Create(1024);
        using ECDsa ec = ECDsa.Create(ECCurve.NamedCurves.nistP256), large = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        (string Text, bool IsSecret, string Reason)[] wrong =
        [
            ("", false, "has 0 bytes"), ("nothing", false, "has no keys that can be read"), ("{}", false, "has no key that can be used"),
            ("{\"keys\":[]}", false, "has no key that can be used"), ("{\"keys\":7}", false, "has no keys that can be read"),
            (rsa.ExportPkcs8PrivateKeyPem(), false, "has a private key"), (ec.ExportECPrivateKeyPem(), false, "has a private key"),
            ("""{"keys":[{"kty":"RSA","n":"AA","e":"AQAB","d":"AA"}]}""", false, "has a private key (\"d\")"),
            ("""{"keys":[{"kty":"oct","k":"c2hvcnQ"}]}""", true, "a secret of less than 32 bytes"),
            (TestTokens.KeySet(rsa, "r"), true, "has no secret that can be used"), ("{\"keys\":7}", true, "has no secret"),
            ("""{"kty":"RSA","n":"AA","e":"AQAB","d":"AA"}""", true, "has a private key (\"d\")"),
            ("""{"keys":[{"kty":"RSA","n":"AA"}]}""", false, "has no keys that can be read"),
            (small.ExportSubjectPublicKeyInfoPem(), false, "an RSA key of 1024 bits"),
            (large.ExportSubjectPublicKeyInfoPem(), false, "an EC key on another curve"),
            ("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----", false,
                "of another kind"),
            ("short", true, "has no secret"), (rsa.ExportSubjectPublicKeyInfoPem(), true, "has no secret"),
            (Convert.ToBase64String(rsa.ExportSubjectPublicKeyInfo()), true, "has a public key in base64"),
            ("a secret with spaces in it, which is long enough", true, "has no secret"),
        ];
        foreach ((string text, bool isSecret, string reason) in wrong)
        {
            File.WriteAllText(Path, text);
            JwtKeyException told = Assert.Throws<JwtKeyException>(() => JwtKey.Read(new JwtKeyFile(Path, isSecret, null)))!;
            Assert.That(told.Message, Does.StartWith($"\"{Path}\" ").And.Contain(reason), text);
            if (text.Length > 40) Assert.That(told.Message, Does.Not.Contain(text[30..40]));
        }

        Assert.Throws<JwtKeyException>(() => JwtKey.Read(new JwtKeyFile(Path + "x", false, null)));
        Assert.Throws<JwtKeyException>(() => JwtKey.Read(new JwtKeyFile(_folder, false, null)));
    }

    // Its own text has a length, and what it leads to may have no end.
    [Test]
    [Platform("Linux")]
    public void ALinkToADevice_IsNotRead()
    {
        string link = Path + ".link";
        File.CreateSymbolicLink(link, "/dev/null");
        JwtKeyException told = Assert.Throws<JwtKeyException>(() => JwtKey.Read(new JwtKeyFile(link, false, null)))!;
        Assert.That(told.Message, Does.Contain("has 0 bytes"));
    }

    [TestCase("a.pem", "a.pem", null)]
    [TestCase("a@b.pem", "a@b.pem", null)]
    [TestCase("old.pem@2027-01-31", "old.pem", "2027-01-31T00:00:00Z")]
    [TestCase("old.pem@2027-01-31T12:30Z", "old.pem", "2027-01-31T12:30:00Z")]
    [TestCase("a@b@2027-01-31T12:30:01Z", "a@b", "2027-01-31T12:30:01Z")]
    [TestCase("2027-01-31", "2027-01-31", null)]
    public void AFile_MayHaveAnEnd(string text, string path, string? until)
    {
        Assert.That(JwtKeyFile.TryPublic(text, out JwtKeyFile file));
        Assert.That((file.Path, file.Until?.ToString("yyyy-MM-ddTHH:mm:ssZ", null)), Is.EqualTo((path, until)));
        Assert.That(JwtKeyFile.TryPublic("@2027-01-31", out _), Is.False);
        Assert.That(JwtKeyFile.TryPublic("a\nb", out _), Is.False);
    }

    [Test]
    public async Task APreviousKey_CountsUntilItsEnd_AndWithoutKeysNobodyIsReady()
    {
        const string Old = "the-old-secret-of-more-than-32-characters";
        string old = Path + ".old";
        File.WriteAllText(Path, TestTokens.Secret);
        File.WriteAllText(old, Old);
        FakeTimeProvider time = new(Noon);
        AuthSettings settings = new()
        {
            Kind = AuthKind.Jwt,
            KeyFiles = [new JwtKeyFile(Path, true, Noon.AddHours(2)), new JwtKeyFile(old, true, Noon.AddHours(1))],
        };
        JwtAuthority authority = new(settings, new JwtKeys(settings.KeyFiles), time);
        string claims = $$"""{"sub":"alice","exp":{{Noon.AddDays(1).ToUnixTimeSeconds()}}}""";
        string byNew = TestTokens.Hs256(claims), byOld = TestTokens.Hs256(claims, Old);
        Assert.That((await Rule(byNew), await Rule(byOld), authority.FindUnready()), Is.EqualTo(((AuthRule?)null, (AuthRule?)null,
            (string?)null)));
        time.Advance(TimeSpan.FromHours(1));
        Assert.That((await Rule(byNew), await Rule(byOld)), Is.EqualTo(((AuthRule?)null, (AuthRule?)AuthRule.TokenSignature)));
        time.Advance(TimeSpan.FromHours(1));
        Assert.That((await Rule(byNew), authority.FindUnready()),
            Is.EqualTo(((AuthRule?)AuthRule.TokenKeyUnknown, "no key for tokens counts any more")));

        async Task<AuthRule?> Rule(string token) => (await authority.CheckAsync(token)).Refusal?.Rule;
    }

    [Test]
    public void AKeyThatHasEnded_IsToldOf_WhenItIsRead()
    {
        File.WriteAllText(Path, TestTokens.Secret);
        FakeTimeProvider time = new(Noon);
        using RecordedLog log = new(LogLevel.Information);
        JwtKeyFile[] files =
            [new JwtKeyFile(Path, true, Noon.AddHours(1)), new JwtKeyFile(Path, true, Noon), new JwtKeyFile(Path, true, null)];
        JwtKeys keys = new(files);
        using FileWatch watch = JwtKeyWatch.Begin(keys, time, log.CreateLogger("x"));
        string ended = $"the keys of {Path} have counted until 2026-11-29 12:00:00 UTC, and count no more";
        Assert.That(log.All.Select(static line => (line.Level, line.Text)), Is.EqualTo(new[] { (LogLevel.Warning, ended) }));
        time.Advance(TimeSpan.FromHours(1));
        watch.Reload();
        Assert.That(log.All.Skip(1).Select(static line => line.Text), Is.EqualTo(new[]
        {
            $"the keys for tokens are read again, 1 of them count: {Path}, {Path}, {Path}",
            ended.Replace("12:00:00", "13:00:00", StringComparison.Ordinal), ended,
        }));
    }

    [Test]
    public void ChangedFiles_AreReadAgain_WhenTheyHaveSettled_AndABrokenOneChangesNothing()
    {
        FakeTimeProvider time = new(Noon);
        RecordedLog log = new(LogLevel.Information);
        File.WriteAllText(Path, TestTokens.Secret);
        JwtKeys keys = new([new JwtKeyFile(Path, true, null)]);
        using FileWatch watch = JwtKeyWatch.Begin(keys, time, log.CreateLogger("x"));
        time.Advance(FileWatch.Interval * 3);
        Assert.That(log.All, Is.Empty);
        JwtKey before = keys.Find("HS256", null, Noon).Single();
        File.WriteAllText(Path, "half");
        time.Advance(FileWatch.Interval * 2);
        log.WaitFor("those before stay: \"" + Path + "\" has no secret");
        Assert.That(keys.Find("HS256", null, Noon).Single(), Is.SameAs(before));
        File.WriteAllText(Path, new string('n', 40));
        time.Advance(FileWatch.Interval);
        Assert.That(keys.Find("HS256", null, Noon).Single(), Is.SameAs(before), "it may still be written");
        time.Advance(FileWatch.Interval);
        log.WaitFor("the keys for tokens are read again, 1 of them count: " + Path);
        Assert.That(keys.Find("HS256", null, Noon).Single(), Is.Not.SameAs(before));
    }
}
