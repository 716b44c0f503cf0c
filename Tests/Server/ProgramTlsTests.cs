// The program with TLS: its addresses, its certificates, what it says of wrong ones, and how it reads them again.

using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;
using RawWs.Frame;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

public sealed partial class ProgramTlsTests
{
    private const int Sighup = 1;

    private string _folder = "";

    private string Certificate => Path.Combine(_folder, "a.crt");

    private string Key => Path.Combine(_folder, "a.key");

    [SetUp]
    public void MakeFolder()
    {
        _folder = Directory.CreateTempSubdirectory("rawws-tls").FullName;
        Write("old.test");
    }

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void PlainAndTls_AreServedTogether([Values("epoll", "socket")] string transport)
    {
        using RunningProgram program = RunningProgram.Start("--listen", "ws://127.0.0.1:0", "--listen", "wss://127.0.0.1:0",
            "--app", "echo", "--transport", transport, "--tls-cert", Certificate, "--tls-key", Key);
        using (RawClient client = RawClient.Open(Port(program, 0)))
        {
            client.SendText("plain");
            Assert.That(client.ReadText(), Is.EqualTo("plain"));
        }

        AssertEchoes(Port(program, 1), "CN=old.test");
        program.Stop();
        Assert.That(program.ExitCode, Is.Zero, program.Errors);
    }

    [Test]
    [Platform("Linux")]
    public void Sighup_HasTheCertificatesReadAgain_AndABrokenPairChangesNothing()
    {
        using RunningProgram program =
            RunningProgram.Start("--listen", "wss://127.0.0.1:0", "--app", "echo", "--tls-cert", Certificate, "--tls-key", Key);
        int port = Port(program, 0);
        using TlsClient old = TlsClient.Connect(port);
        old.Open();
        Write("new.test");
        program.Signal(Sighup);
        WaitForLine(program, "the certificates are read again");
        AssertEchoes(port, "CN=new.test");

        File.WriteAllText(Key, "broken");
        program.Signal(Sighup);
        WaitForLine(program, "those before stay: \"" + Key + "\" has no private key in PEM");
        AssertEchoes(port, "CN=new.test");
        old.Tls.Write(RawClient.Frame(Opcode.Text, "Hello"u8));
        Assert.That(old.Read(7), Is.EqualTo((byte[])[0x81, 0x05, .. "Hello"u8]), "who was there is there");
    }

    [Test]
    public void WhatIsWrong_IsOneLine_AndExitCode2()
    {
        const string Wss = "wss://127.0.0.1:0";
        AssertWrong("needs a certificate and its key", "--listen", Wss);
        AssertWrong("each certificate needs its key", "--listen", Wss, "--tls-cert", Certificate);
        AssertWrong("no address is for TLS", "--listen", "127.0.0.1:0", "--tls-cert", Certificate, "--tls-key", Key);
        AssertWrong("is not there", "--listen", Wss, "--tls-cert", Certificate + "x", "--tls-key", Key);
        AssertWrong("has no certificate in PEM", "--listen", Wss, "--tls-cert", Key, "--tls-key", Key);
        AssertWrong("\"https://127.0.0.1:0\" is not allowed", "--listen", "https://127.0.0.1:0");
        string key = File.ReadAllText(Key);
        Write("other.test");
        File.WriteAllText(Key, key);
        AssertWrong("is not the key of", "--listen", Wss, "--tls-cert", Certificate, "--tls-key", Key);
        Write("late.test", until: 0, from: -9);
        AssertWrong("has expired", "--listen", Wss, "--tls-cert", Certificate, "--tls-key", Key);
    }

    // The port of its address of this number.
    private static int Port(RunningProgram program, int index)
    {
        WaitForLine(program, "listening on ");
        return int.Parse(Address().Matches(program.Output)[index].Groups[1].Value, CultureInfo.InvariantCulture);
    }

    private static void WaitForLine(RunningProgram program, string text) =>
        TestServer.Eventually(() => program.CountLines(text) > 0, $"it says \"{text}\":\n{program.Output}");

    [GeneratedRegex(@"127\.0\.0\.1:(\d+)")]
    private static partial Regex Address();

    private static void AssertWrong(string words, params string[] arguments)
    {
        using RunningProgram program = RunningProgram.Start(arguments);
        program.WaitForExit();
        string[] lines = program.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.That((program.ExitCode, lines.Length), Is.EqualTo((2, 1)), program.Errors);
        Assert.That(lines[0], Does.StartWith("rawws: --").And.Contain(words));
    }

    private static void AssertEchoes(int port, string shown)
    {
        using TlsClient client = TlsClient.Connect(port);
        Assert.That(client.Shown!.Subject, Is.EqualTo(shown));
        client.Open();
        client.Tls.Write(RawClient.Frame(Opcode.Text, "Hello"u8));
        Assert.That(client.Read(7), Is.EqualTo((byte[])[0x81, 0x05, .. "Hello"u8]));
    }

    private void Write(string name, int from = -1, int until = 30)
    {
        using X509Certificate2 certificate = TestCertificate.Make(name, from: from, until: until);
        TestCertificate.Write(certificate, _folder, "a");
    }
}
