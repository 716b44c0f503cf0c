// The settings about other servers: what each means, what is wrong with them and between them, and that no secret is shown.

using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using NATS.NKeys;
using RawWs.Server;
using RawWs.Server.Console.Cluster;
using RawWs.Server.Console.Settings;
using RawWs.Server.Nats;
using RawWs.Tests.Support;

namespace RawWs.Tests.Cluster;

public sealed class BackplaneSettingsTests
{
    private const string Url = "nats://127.0.0.1:4222";

    private static readonly string Seed = MakeSeed();

    private string _folder = "";

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("rawws-backplane-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    [TestCase("nats://a", "nats://a:4222", false)]
    [TestCase("nats://a:1, tls://b:2/", "nats://a:1,tls://b:2", true)]
    [TestCase("tls://[::1]:4222", "tls://[::1]:4222", true)]
    [TestCase("nats://me:pa%40ss@a,nats://me:pa%40ss@b", "nats://a:4222,nats://b:4222", false)]
    public void AnAddress_IsShownWithoutItsSecrets(string text, string shown, bool isTls)
    {
        Assert.That(BackplaneAddress.TryParse(text, out BackplaneAddress address));
        Assert.That((address.ToString(), address.Urls, address.IsTls), Is.EqualTo((shown, shown, isTls)));
    }

    [TestCase("nats://me:pa%40ss@a", "me", "pa@ss", null)]
    [TestCase("nats://s3cret@a,nats://b", null, null, "s3cret")]
    [TestCase("nats://a", null, null, null)]
    public void AnAddress_MaySayWhoLogsIn(string text, string? user, string? password, string? token)
    {
        BackplaneAddress address = Good("--backplane", text).Backplane.Address!;
        Assert.That((address.User, address.Password, address.Token), Is.EqualTo((user, password, token)));
    }

    [TestCase("", "")]
    [TestCase("a:4222", "")]
    [TestCase("http://a:4222", "")]
    [TestCase("nats://", "")]
    [TestCase("nats://a,", "")]
    [TestCase("nats://a:0", "nothing else")]
    [TestCase("nats://a:65536", "")]
    [TestCase("nats://a/path", "nothing else")]
    [TestCase("nats://a?b", "nothing else")]
    [TestCase("nats://me:pass-phrase@a,nats://me:other-phrase@b", "the same user and password")]
    [TestCase("nats://me:pass:phrase@a", "a user, a colon and a password")]
    [TestCase("nats://:pass-phrase@a", "a user, a colon and a password")]
    [TestCase("nats://@a", "there is a token")]
    [TestCase("me:pass-phrase@a", "")]
    [TestCase("natz://me:pass-phrase@a", "")]
    [TestCase("nats://me:pass-phrase,1@a", "")]
    [TestCase("nats://me:pass-phrase@a/b@c/d", "nothing else")]
    public void WhatIsNoAddress_IsOneLine_WithoutItsSecrets(string text, string reason)
    {
        string line = Wrong("--backplane", text);
        Assert.That(line, Does.StartWith("--backplane: ").And.Contain(" is not allowed").And.Contain(reason)
            .And.Contain("allowed: nats://HOST:PORT").And.Not.Contain("phrase"));
    }

    [Test]
    public void AnAddressWithoutItsOption_ShowsNoSecretEither() =>
        Assert.That(Wrong("nats://me:pass-phrase@a"), Does.Contain("nats://***@a").And.Not.Contain("phrase"));

    [Test]
    public void ConfigShow_HasTheAddresses_AndNoSecret()
    {
        string shown = CommandRun.Of(["config", "show", "--backplane", "nats://me:pass-phrase@a:1,nats://me:pass-phrase@b:2"]).Output;
        Assert.That(shown, Does.Contain("nats://***@a:1,nats://***@b:2").And.Not.Contain("phrase"));
    }

    [Test]
    public void EachSetting_IsTaken()
    {
        string password = Write("password", "pass-phrase\n");
        BackplaneSettings settings = Good("--backplane", Url, "--cluster", "my.chat-1", "--node-id", "one", "--backplane-user", "me",
            "--backplane-password-file", password, "--backplane-answer-within", "0.5", "--backplane-ready", "on",
            "--claim-replicas", "3", "--duplicate-uid", "reject").Backplane;
        Assert.That((settings.Cluster, settings.NodeId, settings.User, settings.Password!.Text), Is.EqualTo(
            ("my.chat-1", "one", "me", "pass-phrase")));
        Assert.That((settings.AnswerWithin.TotalSeconds, settings.CountsForReadiness, settings.Replicas), Is.EqualTo((0.5, true, 3)));
        Assert.That(settings.ToString(), Does.Not.Contain("phrase"));
        Assert.That(Good("--backplane", Url, "--backplane-token-file", password).Backplane.Token!.Text, Is.EqualTo("pass-phrase"));
        string seed = Write("seed", $"# my key\n{Seed}\n");
        Assert.That(Good("--backplane", Url, "--backplane-nkey-file", seed).Backplane.NKeyFile, Is.EqualTo(seed));
        string credentials = Write("creds", $"-----BEGIN NATS USER JWT-----\nx\n-----BEGIN USER NKEY SEED-----\n{Seed}\n");
        Assert.That(Good("--backplane", Url, "--backplane-creds-file", credentials).Backplane.CredentialsFile, Is.EqualTo(credentials));
    }

    [Test]
    public void CertificatesAreLookedAt()
    {
        using X509Certificate2 certificate = TestCertificate.Make("localhost");
        PemFiles pem = TestCertificate.Write(certificate, _folder);
        BackplaneSettings settings = Good("--backplane", Url, "--backplane-ca", pem.Certificate,
            "--backplane-cert", pem.Certificate, "--backplane-key", pem.Key).Backplane;
        Assert.That((settings.AuthoritiesFile, settings.CertificateFile, settings.KeyFile),
            Is.EqualTo((pem.Certificate, pem.Certificate, pem.Key)));
        string other = Write("other", "no certificate");
        Assert.That(Wrong("--backplane", Url, "--backplane-ca", other),
            Does.StartWith("--backplane-ca: ").And.Contain("no certificate in PEM"));
        Assert.That(Wrong("--backplane", Url, "--backplane-ca", other + "?"), Does.StartWith("--backplane-ca: "));
        Assert.That(Wrong("--backplane", Url, "--backplane-cert", other, "--backplane-key", pem.Key),
            Does.StartWith("--backplane-cert, --backplane-key: "));
        Assert.That(Wrong("--backplane", Url, "--backplane-cert", pem.Certificate),
            Is.EqualTo("--backplane-cert, --backplane-key: each needs the other"));
    }

    // Whoever reads what is no plain file may read for ever. This one ends at once, should it be read all the same.
    [TestCase("--backplane-ca", "/dev/null", "the file has 0 bytes, and may have 1 to 1048576")]
    [TestCase("--backplane-cert", "/dev/null", "the file has 0 bytes")]
    [TestCase("--backplane-key", "/dev/null", "the file has 0 bytes")]
    [TestCase("--backplane-token-file", "/dev/null", "the file has 0 bytes")]
    [TestCase("--backplane-ca", "/proc", "there is no such file")]
    [TestCase("--backplane-ca", "/nowhere", "there is no such file")]
    [Platform("Linux")]
    public void WhatIsNoPlainFile_IsNotRead(string option, string path, string reason)
    {
        using X509Certificate2 certificate = TestCertificate.Make("localhost");
        PemFiles pem = TestCertificate.Write(certificate, _folder);
        string link = Path.Combine(_folder, "link");
        File.CreateSymbolicLink(link, path);
        string[] other = option == "--backplane-cert" ? ["--backplane-key", pem.Key]
            : option == "--backplane-key" ? ["--backplane-cert", pem.Certificate] : [];
        foreach (string named in (string[])[path, link])
            Assert.That(Wrong(["--backplane", Url, option, named, .. other]), Does.StartWith($"{option}: \"{named}\"").And.Contain(reason));
    }

    [Test]
    public void ACertificateFile_HasSoManyBytesAtMost_AndMayBeALink()
    {
        using X509Certificate2 certificate = TestCertificate.Make("localhost");
        PemFiles pem = TestCertificate.Write(certificate, _folder);
        string text = File.ReadAllText(pem.Certificate), longest = Write("longest", text.PadRight(1024 * 1024, '\n'));
        string link = Path.Combine(_folder, "link");
        File.CreateSymbolicLink(link, longest);
        Assert.That(Good("--backplane", Url, "--backplane-ca", link).Backplane.AuthoritiesFile, Is.EqualTo(link));
        Assert.That(Wrong("--backplane", Url, "--backplane-ca", Write("longer", text.PadRight((1024 * 1024) + 1, '\n'))),
            Does.StartWith("--backplane-ca: ").And.EndWith(": the file has 1048577 bytes, and may have 1 to 1048576"));
    }

    [Test]
    public void SoManyServers_AndNoMore()
    {
        string[] servers = [.. Enumerable.Range(0, 65).Select(static i => $"nats://10.0.0.{i}")];
        Assert.That(Good("--backplane", string.Join(',', servers[..64])).Backplane.Address!.Urls.Split(','), Has.Length.EqualTo(64));
        Assert.That(Wrong("--backplane", string.Join(',', servers)), Does.StartWith("--backplane: ")
            .And.Contain(" is not allowed: there are 65 servers, and 64 at most may be named; allowed: "));
    }

    [TestCase("--cluster", "my chat")]
    [TestCase("--cluster", "a..b")]
    [TestCase("--cluster", "a.*")]
    [TestCase("--cluster", "rawws.node")]
    [TestCase("--node-id", "a.b")]
    [TestCase("--node-id", "")]
    [TestCase("--node-id", "01234567890123456789012345678901234567890123456789012345678901234")]
    [TestCase("--backplane-answer-within", "0")]
    [TestCase("--backplane-answer-within", "0.09")]
    [TestCase("--backplane-answer-within", "60.1")]
    [TestCase("--backplane-ready", "yes")]
    [TestCase("--claim-replicas", "2")]
    [TestCase("--claim-replicas", "7")]
    [TestCase("--backplane-password-file", "FILE")]
    [TestCase("--backplane-token-file", "FILE")]
    [TestCase("--backplane-nkey-file", "FILE")]
    [TestCase("--backplane-creds-file", "FILE")]
    public void AWrongValue_IsOneLine(string option, string value) => Assert.That(
        Wrong("--backplane", Url, option, value), Does.StartWith($"{option}: \"{value}\" is not allowed").And.Contain("allowed: "));

    [TestCase("--backplane-token-file", "one\ntwo\n", "the file has 2 lines")]
    [TestCase("--backplane-token-file", "", "the file has 0 bytes")]
    [TestCase("--backplane-nkey-file", "pass-phrase\n", "the seed of a user")]
    [TestCase("--backplane-creds-file", "pass-phrase\n", "no JWT and seed")]
    public void AWrongFile_IsOneLine_WithoutWhatIsInIt(string option, string text, string reason)
    {
        string line = Wrong("--backplane", Url, option, Write("secret", text));
        Assert.That(line, Does.StartWith(option).And.Contain(reason).And.Not.Contain("phrase"));
    }

    [TestCase("0.1"), TestCase("60")]
    public void TheTimeForAnAnswer_IsFromATenthOfASecondToAMinute(string seconds) => Assert.That(
        Good("--backplane", Url, "--backplane-answer-within", seconds).Backplane.AnswerWithin.TotalSeconds,
        Is.EqualTo(double.Parse(seconds, CultureInfo.InvariantCulture)));

    // A seed has a checksum: each letter counts.
    [Test]
    public void ASeedWithOneWrongLetter_IsOneLine()
    {
        for (int at = 2; at < Seed.Length - 1; at += 5) // the last letter has bits that mean nothing
        {
            string wrong = $"{Seed[..at]}{(Seed[at] == 'A' ? 'B' : 'A')}{Seed[(at + 1)..]}", file = Write("seed", wrong);
            string line = Wrong("--backplane", Url, "--backplane-nkey-file", file);
            Assert.That(line, Does.StartWith("--backplane-nkey-file: ")
                .And.Contain("the line that begins with SU is no seed: its checksum is wrong").And.Not.Contain(wrong[2..]));
        }
    }

    [TestCase(0.09, 1), TestCase(60.1, 1), TestCase(2, 0), TestCase(2, 2), TestCase(2, 7)]
    public void TheLibrary_RefusesWhatIsOutOfRange(double seconds, int replicas) => Assert.That(
        () => new NatsBackplane(new NatsBackplaneOptions { AnswerWithin = TimeSpan.FromSeconds(seconds), ClaimReplicas = replicas }),
        Throws.InstanceOf<ArgumentOutOfRangeException>());

    [TestCase("rawws.node"), TestCase("a..b"), TestCase("01234567890123456789012345678901.01234567890123456789012345678901")]
    public void TheLibrary_RefusesANameThatIsNoPartOfASubject(string cluster) => Assert.That(
        () => new NatsBackplane(new NatsBackplaneOptions { Cluster = cluster }), Throws.ArgumentException);

    [TestCase("--cluster x", "--cluster: needs --backplane")]
    [TestCase("--node-id x", "--node-id: needs --backplane")]
    [TestCase("--backplane-user x", "--backplane-user: needs --backplane")]
    [TestCase("--backplane-ca x", "--backplane-ca: needs --backplane")]
    [TestCase("--backplane-cert x", "--backplane-cert: needs --backplane")]
    [TestCase("--backplane-key x", "--backplane-key: needs --backplane")]
    [TestCase("--backplane-answer-within 1", "--backplane-answer-within: needs --backplane")]
    [TestCase("--claim-replicas 3", "--claim-replicas: needs --backplane")]
    [TestCase("--backplane-ready on", "--backplane-ready: needs --backplane")]
    [TestCase($"--backplane {Url} --app echo", "--backplane: needs --app router; nothing else sends to other servers")]
    [TestCase($"--backplane {Url} --max-message 16777217", "--max-message: 16 MiB at most with --backplane")]
    [TestCase($"--backplane {Url} --claim-replicas 3",
        "--claim-replicas: needs --duplicate-uid replace or reject; nothing is claimed where uids are shared")]
    [TestCase($"--backplane {Url} --backplane-user x", "--backplane-user, --backplane-password-file: each needs the other")]
    [TestCase($"--backplane {Url} --backplane-key x", "--backplane-cert, --backplane-key: each needs the other")]
    public void WhatDoesNotGoTogether_IsASentence(string arguments, string sentence) =>
        Assert.That(Wrong(arguments.Split(' ')), Is.EqualTo(sentence));

    // Else a client whose uid is claimed slowly would be told that its handshake has taken too long, and no setting would be named.
    [TestCase("reject", "10", "10")]
    [TestCase("replace", "60", "59.5")]
    [TestCase("reject", "2", "1.25")]
    public void AClaim_MustBeDecidedWithinTheHandshake(string duplicates, string answer, string handshake)
    {
        string[] arguments = ["--backplane", Url, "--backplane-answer-within", answer, "--handshake-timeout", handshake];
        Assert.That(Wrong([.. arguments, "--duplicate-uid", duplicates]), Is.EqualTo("--backplane-answer-within: must be shorter than "
            + "--handshake-timeout with --duplicate-uid replace or reject, for a handshake waits for the claim of its uid; they are "
            + $"{answer} s and {handshake} s"));
        Good([.. arguments, "--duplicate-uid", "share"]);
        Good("--backplane", Url, "--backplane-answer-within", "9.9", "--duplicate-uid", duplicates);
    }

    [Test]
    public void TheLongestMessage_OfABackplane_Is16MiB() => Assert.That(
        Good("--backplane", Url, "--max-message", "16777216").Server.MessageBytesMax, Is.EqualTo(16 * 1024 * 1024));

    [Test]
    public void TwoWaysToLogIn_AreOneTooMany() => Assert.That(
        Wrong("--backplane", "nats://s3cret@a", "--backplane-token-file", Write("token", "x")),
        Is.EqualTo("--backplane: there are 2 ways to log in, and one is needed at most: a token in the address, --backplane-token-file"));

    private static string MakeSeed()
    {
        using KeyPair pair = KeyPair.CreatePair(PrefixByte.User);
        return pair.GetSeed();
    }

    private string Write(string name, string text)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }

    private static RunSettings Good(params string[] arguments)
    {
        CommandRun run = CommandRun.Of(arguments);
        Assert.That(run.Errors, Is.Empty);
        return run.Result.Settings!;
    }

    private static string Wrong(params string[] arguments)
    {
        CommandRun run = CommandRun.Of(arguments);
        Assert.That((run.Result.Settings, run.ExitCode), Is.EqualTo(((RunSettings?)null, 2)));
        Assert.That(run.Errors.TrimEnd().Split('\n'), Has.Length.EqualTo(1), run.Errors);
        return run.Errors.TrimEnd();
    }
}
