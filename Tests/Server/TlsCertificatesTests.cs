// Certificates: read from files, chosen by name, replaced while connections live, and never by a broken pair.

using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Console;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

public sealed class TlsCertificatesTests
{
    private string _folder = "";

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("rawws-tls").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public async Task TheName_ChoosesTheCertificate()
    {
        PemFiles[] files = [Write("a.test", "a"), Write("b.test", "b"), Write("*.c.test", "c")];
        await using TestServer server = await Start(TlsCertificates.FromFiles(files));
        Assert.That(ShownTo(server, "a.test"), Is.EqualTo("CN=a.test"));
        Assert.That(ShownTo(server, "b.test"), Is.EqualTo("CN=b.test"));
        Assert.That(ShownTo(server, "B.Test"), Is.EqualTo("CN=b.test"));
        Assert.That(ShownTo(server, "x.c.test"), Is.EqualTo("CN=*.c.test"));
        Assert.That(ShownTo(server, "elsewhere.test"), Is.EqualTo("CN=a.test"), "the first is for all others");
        Assert.That(ShownTo(server, "127.0.0.1"), Is.EqualTo("CN=a.test"), "an address is no name");
    }

    [Test]
    public void AKeyOfRsa_IsSlow_AndOneOfEcIsNot()
    {
        Assert.That(TlsCertificates.FromFiles([Write("a.test", "a")]).IsHandshakeSlow, Is.False);
        Assert.That(TlsCertificates.FromFiles([Write("a.test", "a"), Write("b.test", "b", rsaBits: 2048)]).IsHandshakeSlow);
    }

    // RSA's handshake runs on another thread, whatever comes meanwhile.
    [Test]
    public async Task ManyHandshakesOfRsa_AreMade([Values(TransportKind.Auto, TransportKind.Socket)] TransportKind transport)
    {
        await using TestServer server = await Start(TlsCertificates.FromFiles([Write("localhost", "a", rsaBits: 2048)]), transport);
        // On threads of their own: the pool's would wait for the server, which needs one of them.
        await Task.WhenAll(Enumerable.Range(0, 40).Select(i => Task.Factory.StartNew(
            () => Talk(i), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
        server.HoldsNothing();

        void Talk(int i)
        {
            if (i % 4 == 0)
            {
                TlsClient.ConnectSocket(server.Port).Dispose(); // who leaves at once
                return;
            }

            using TlsClient client = TlsClient.Connect(server.Port, bytesPerSegment: i % 4 == 1 ? 50 : int.MaxValue);
            client.Open();
            client.Tls.Write(RawClient.Frame(Opcode.Text, "Hello"u8));
            Assert.That(client.Read(7), Is.EqualTo((byte[])[0x81, 0x05, .. "Hello"u8]));
        }
    }

    [Test]
    public async Task AReload_IsInForceForTheNextHandshake_AndHarmsNobody()
    {
        const int Clients = 200;
        PemFiles files = Write("old.test", "a");
        TlsCertificates certificates = TlsCertificates.FromFiles([files]);
        await using TestServer server = await Start(certificates);
        List<TlsClient> clients = [.. Enumerable.Range(0, Clients).Select(_ => TlsClient.Connect(server.Port))];
        try
        {
            foreach (TlsClient client in clients) client.Open();
            Write("new.test", "a");
            certificates.Reload();
            Assert.That(ShownTo(server, "new.test"), Is.EqualTo("CN=new.test"));
            foreach (TlsClient client in clients)
            {
                client.Tls.Write(RawClient.Frame(Opcode.Text, "Hello"u8));
                Assert.That(client.Read(7), Is.EqualTo((byte[])[0x81, 0x05, .. "Hello"u8]));
            }

            File.WriteAllText(files.Key, "broken");
            Assert.That(certificates.Reload, Throws.TypeOf<TlsCertificateException>());
            Assert.That(ShownTo(server, "new.test"), Is.EqualTo("CN=new.test"), "what was in force stays");
        }
        finally
        {
            foreach (TlsClient client in clients) client.Dispose();
        }
    }

    [Test]
    public void AChangedFile_IsReadAgain_WhenItHasSettled()
    {
        PemFiles files = Write("old.test", "a");
        TlsCertificates certificates = TlsCertificates.FromFiles([files]);
        FakeTimeProvider time = new();
        using RecordedLog log = new(LogLevel.Information);
        using FileWatch watch = CertificateWatch.Begin(certificates, time, log.CreateLogger("x"));
        time.Advance(FileWatch.Interval * 3);
        Assert.That(log.All, Is.Empty, "nothing has changed");

        // The certificate is there, and its key not yet: nobody is told of a broken pair that is none.
        X509Certificate2 next = TestCertificate.Make("new.test");
        File.WriteAllText(files.Certificate, next.ExportCertificatePem());
        time.Advance(FileWatch.Interval);
        File.WriteAllText(files.Key, TestCertificate.KeyPem(next));
        time.Advance(FileWatch.Interval);
        Assert.That(log.All, Is.Empty);
        time.Advance(FileWatch.Interval);
        Assert.That(log.All.Single().Text, Does.StartWith("the certificates are read again"));

        File.WriteAllText(files.Key, TestCertificate.KeyPem(TestCertificate.Make("other.test")));
        time.Advance(FileWatch.Interval * 5);
        Assert.That(log.All, Has.Count.EqualTo(2), "it is told once");
        Assert.That(log.All[1].Level, Is.EqualTo(LogLevel.Error));
        Assert.That(log.All[1].Text, Does.Contain("is not the key of"));
    }

    [Test]
    public void WhatIsWrong_IsASentence()
    {
        PemFiles good = Write("a.test", "a"), other = Write("b.test", "b", rsaBits: 2048);
        string folder = _folder, text = Path.Combine(_folder, "text");
        File.WriteAllText(text, "no PEM");
        File.WriteAllText(text + "2", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----");
        File.WriteAllText(text + "3", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----");
        Assert.That(Wrong(new PemFiles(folder + "/none", good.Key)), Is.EqualTo($"\"{folder}/none\" is not there"));
        Assert.That(Wrong(new PemFiles(good.Certificate, folder + "/none")), Is.EqualTo($"\"{folder}/none\" is not there"));
        Assert.That(Wrong(new PemFiles(folder, good.Key)), Is.EqualTo($"\"{folder}\" is a directory; a file in PEM is needed"));
        Assert.That(Wrong(new PemFiles(text, good.Key)), Is.EqualTo($"\"{text}\" has no certificate in PEM"));
        Assert.That(Wrong(new PemFiles(good.Certificate, text)), Is.EqualTo($"\"{text}\" has no private key in PEM"));
        Assert.That(Wrong(new PemFiles(good.Certificate, text + "2")), Does.StartWith($"\"{text}2\" has no private key that can be read"));
        Assert.That(Wrong(new PemFiles(good.Certificate, text + "3")), Does.Contain("passphrase"));
        Assert.That(Wrong(new PemFiles(good.Certificate, other.Key)),
            Is.EqualTo($"\"{other.Key}\" is not the key of \"{good.Certificate}\""));
        Assert.That(Wrong(Write("late.test", "late", until: 0, from: -9)), Does.Contain("has expired: it was valid until "));
        Assert.That(Wrong(Write("early.test", "early", from: 5)), Does.Contain("is not valid yet: it will be from "));
        Assert.That(Assert.Throws<TlsCertificateException>(static () => TlsCertificates.FromFiles([]))!.Message,
            Does.Contain("at least one"));
    }

    [Test]
    public async Task PastTheBoundOfHandshakes_NewcomersAreClosed()
    {
        await using TestServer server = await Start(
            TestCertificate.ForLocalhost, change: static options => options with { TlsHandshakesMax = 2 });
        using (TlsClient.ConnectSocket(server.Port))
        using (TlsClient.ConnectSocket(server.Port))
        {
            TestServer.Eventually(() => server.Server.Count == 2, "two are there");
            using var third = TlsClient.ConnectSocket(server.Port);
            Assert.That(third.Receive(new byte[1]), Is.Zero, "the third is closed");
        }

        TestServer.Eventually(() => server.Server.Count == 0, "they have gone");
        using TlsClient client = TlsClient.Connect(server.Port);
        client.Open();
        using TlsClient another = TlsClient.Connect(server.Port);
        another.Open();
        using TlsClient further = TlsClient.Connect(server.Port);
        further.Open(); // who is through counts no more
    }

    [Test]
    public async Task AHandshakeThatTakesTooLong_IsReset_WithAReason()
    {
        FakeTimeProvider time = new();
        using RecordedLog log = new(LogLevel.Information);
        await using TestServer server = await Start(
            TestCertificate.ForLocalhost, change: options => options with { TimeProvider = time, LoggerFactory = log });
        using var socket = TlsClient.ConnectSocket(server.Port);
        socket.Send((byte[])[22, 3, 1, 0, 100, 1]);
        TestServer.Eventually(() => server.Server.Budget.HeldBytes > 0, "it has come");
        server.Pass(time, seconds: 10.1);
        Assert.That(() => socket.Receive(new byte[1]), Throws.TypeOf<System.Net.Sockets.SocketException>());
        log.WaitFor("TlsFailed", "TLS handshake timeout");
    }

    [Test]
    public void Options_NameWhatIsMissing()
    {
        ServerOptions options = new() { TlsEndPoints = [new IPEndPoint(IPAddress.Loopback, 0)] };
        Assert.That(options.FindError(), Does.StartWith("Certificates: "));
        Assert.That((options with { Certificates = TestCertificate.ForLocalhost }).FindError(), Is.Null);
        Assert.That((options with { Certificates = TestCertificate.ForLocalhost, ListenEndPoints = [] }).FindError(), Is.Null);
        Assert.That((options with { Certificates = TestCertificate.ForLocalhost, TlsHandshakesMax = 0 }).FindError(),
            Does.StartWith("TlsHandshakesMax: "));
    }

    private static string? Wrong(PemFiles files) =>
        Assert.Throws<TlsCertificateException>(() => TlsCertificates.FromFiles([files]))!.Message;

    private static string ShownTo(TestServer server, string name)
    {
        using TlsClient client = TlsClient.Connect(server.Port, name: name);
        return client.Shown!.Subject;
    }

    private PemFiles Write(string name, string file, int rsaBits = 0, int from = -1, int until = 30)
    {
        using X509Certificate2 certificate = TestCertificate.Make(name, rsaBits, from, until);
        return TestCertificate.Write(certificate, _folder, file);
    }

    private static Task<TestServer> Start(TlsCertificates certificates, TransportKind transport = TransportKind.Auto,
        Func<ServerOptions, ServerOptions>? change = null) => TestServer.Start(
        new Setup(transport, 1), new ReportedEcho(), options =>
        {
            options = options with
            {
                ListenEndPoints = [],
                TlsEndPoints = [new IPEndPoint(IPAddress.Loopback, 0)],
                Certificates = certificates,
            };
            return change is null ? options : change(options);
        });
}
