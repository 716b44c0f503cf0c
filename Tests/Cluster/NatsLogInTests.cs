// The ways to log in to NATS, and TLS, against a real server that lets nobody else in. What a wrong secret gets is a sentence, and exit
// code 1.

using System.Security.Cryptography.X509Certificates;
using NATS.NKeys;
using RawWs.Server;
using RawWs.Tests.Support;

namespace RawWs.Tests.Cluster;

[Platform("Linux")]
[Parallelizable(ParallelScope.Self)]
public sealed class NatsLogInTests
{
    private string _folder = "";

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("rawws-log-in-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void AUserAndAPassword_InTheAddressOrInAFile()
    {
        using ClusterPrograms nats = Nats("authorization { user: me, password: pass-phrase }");
        AtOnce(
            () => Starts($"nats://me:pass-phrase@127.0.0.1:{nats.Port}"),
            () => Starts(nats.Url, "--backplane-user", "me", "--backplane-password-file", Write("right", "pass-phrase\n")),
            () => DoesNotStart(nats.Url),
            () => DoesNotStart(nats.Url, "--backplane-user", "me", "--backplane-password-file", Write("wrong", "wrong-phrase\n")));
    }

    [Test]
    public void AToken_InTheAddressOrInAFile()
    {
        using ClusterPrograms nats = Nats("authorization { token: pass-phrase }");
        AtOnce(
            () => Starts($"nats://pass-phrase@127.0.0.1:{nats.Port}"),
            () => Starts(nats.Url, "--backplane-token-file", Write("right", "pass-phrase\n")),
            () => DoesNotStart(nats.Url, "--backplane-token-file", Write("wrong", "wrong-phrase\n")));
    }

    [Test]
    public void AKey()
    {
        using KeyPair right = KeyPair.CreatePair(PrefixByte.User), wrong = KeyPair.CreatePair(PrefixByte.User);
        using ClusterPrograms nats = Nats($"authorization {{ users: [ {{ nkey: {right.GetPublicKey()} }} ] }}");
        string rightFile = Write("right", $"{right.GetSeed()}\n"), wrongFile = Write("wrong", $"{wrong.GetSeed()}\n");
        AtOnce(
            () => Starts(nats.Url, "--backplane-nkey-file", rightFile),
            () => DoesNotStart(nats.Url),
            () => DoesNotStart(nats.Url, "--backplane-nkey-file", wrongFile));
    }

    [Test]
    public void ACredentialsFile()
    {
        using NatsOperator right = new(), wrong = new();
        using ClusterPrograms nats = Nats(right.Configuration);
        Starts(nats.Url, "--backplane-creds-file", Write("right", right.Credentials()));
        DoesNotStart(nats.Url);
        DoesNotStart(nats.Url, "--backplane-creds-file", Write("wrong", wrong.Credentials()));
        const string Seed = "-----BEGIN USER NKEY SEED";
        string mixed = right.Credentials().Split(Seed)[0] + Seed + right.Credentials().Split(Seed)[1];
        DoesNotStart(nats.Url, "--backplane-creds-file", Write("mixed", mixed)); // one user's JWT, and another one's seed
    }

    [Test]
    public void Tls_WithACertificateOnBothSides()
    {
        using X509Certificate2 certificate = TestCertificate.Make("localhost");
        PemFiles pem = TestCertificate.Write(certificate, _folder);
        using ClusterPrograms nats = Nats(
            $"tls {{ cert_file: \"{pem.Certificate}\", key_file: \"{pem.Key}\", ca_file: \"{pem.Certificate}\", verify: true }}");
        string[] own = ["--backplane-cert", pem.Certificate, "--backplane-key", pem.Key];
        string url = $"tls://localhost:{nats.Port}";
        AtOnce(
            () => Starts(url, ["--backplane-ca", pem.Certificate, .. own]),
            () => DoesNotStart(url, own),
            () => DoesNotStart(url, "--backplane-ca", pem.Certificate));
    }

    // docs/ops/cluster.md: that user may do all that nodes do, and TLS is what it should be.
    [Test]
    public void TheConfigurationOfThePage_IsEnoughForTwoNodes()
    {
        using X509Certificate2 certificate = TestCertificate.Make("localhost");
        PemFiles pem = TestCertificate.Write(certificate, _folder);
        string configuration = Repository.Read("docs/ops/cluster.md").Split("```\n# nats.conf\n")[1].Split("```")[0]
            .Replace("$2y$11$…", "pass-phrase", StringComparison.Ordinal)
            .Replace("/etc/nats/nats.crt", pem.Certificate, StringComparison.Ordinal)
            .Replace("/etc/nats/nats.key", pem.Key, StringComparison.Ordinal);
        using ClusterPrograms nats = Nats(configuration);
        string[] logIn = ["--backplane-ca", pem.Certificate, "--backplane-user", "rawws",
            "--backplane-password-file", Write("password", "pass-phrase\n")];
        string url = $"tls://localhost:{nats.Port}";
        using RunningProgram first = ClusterPrograms.Program(url, ["--node-id", "one", .. logIn]);
        using RunningProgram second = ClusterPrograms.Program(url, ["--node-id", "two", .. logIn]);
        using RunningProgram other = ClusterPrograms.Program(url, [.. logIn, "--cluster", "other"]);
        using ProgramNode one = new(first), two = new(second);
        RawClient ann = one.Enter("ann"), bob = two.Enter("bob");
        one.Knows(2);
        ann.SendText("bob:hi");
        Assert.That(bob.ReadText(), Is.EqualTo("hi"));
        Assert.That(one.Get("/v1/uids/bob"), Does.Contain("{\"node\":\"two\",\"connections\":1}"));
        Assert.That(one.Metric("rawws_cluster_nats_errors_total"), Is.Zero, "it may do all that it does");
        other.WaitForExit();
        Assert.That(other.Errors.Trim(), Does.StartWith(
            "rawws: cannot start: the node cannot join the cluster: NATS has told an error: Permissions Violation for ")
            .And.EndWith("; what a node needs is to publish and to subscribe \"other.>\" and \"_INBOX.>\"."));
    }

    // The same, and what the page adds for uids that one connection may have.
    [Test]
    public void TheConfigurationOfThePage_IsEnoughForUidsOfOneConnection()
    {
        string page = Repository.Read("docs/ops/cluster.md");
        Assert.That(page, Does.Contain("it also needs `jetstream { }`, and the user may publish `\"$JS.>\"` and `\"$KV.>\"` too"));
        string configuration = page.Split("```\n# nats.conf\n")[1].Split("```")[0].Split("tls {")[0]
            .Replace("$2y$11$…", "pass-phrase", StringComparison.Ordinal)
            .Replace("publish: [", "publish: [\"$JS.>\", \"$KV.>\", ", StringComparison.Ordinal);
        using ClusterPrograms nats = Nats(configuration + "jetstream { }\n");
        string url = $"nats://rawws:pass-phrase@127.0.0.1:{nats.Port}";
        using ProgramNode node = new(ClusterPrograms.Program(url, "--duplicate-uid", "reject"));
        node.Enter("ann");
        Assert.That(node.Metric("rawws_cluster_nats_errors_total"), Is.Zero, "it may do all that it does");
    }

    private ClusterPrograms Nats(string configuration) => new("--config", Write("nats.conf", configuration));

    // Each is a process that waits most of its time.
    private static void AtOnce(params Action[] tries) => Task.WaitAll([.. tries.Select(static one => Task.Factory.StartNew(
        one, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))]);

    private static void Starts(string url, params string[] arguments)
    {
        using RunningProgram program = ClusterPrograms.Program(url, arguments);
        Assert.That(program.WaitForPortOrExit(), Is.Not.Null, () => program.Errors);
        program.Stop();
        Assert.That((program.ExitCode, program.Errors), Is.EqualTo((0, "")));
    }

    private static void DoesNotStart(string url, params string[] arguments)
    {
        using RunningProgram program = ClusterPrograms.Program(url, arguments);
        program.WaitForExit();
        Assert.That((program.ExitCode, program.CountLines("listening")), Is.EqualTo((1, 0)));
        Assert.That(program.Errors, Does.StartWith($"rawws: cannot start: NATS cannot be reached at {url} (--backplane): ")
            .And.Not.Contain("phrase"));
        Assert.That(program.Errors.Trim().Split('\n'), Has.Length.EqualTo(1));
    }

    private string Write(string name, string text)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }
}
