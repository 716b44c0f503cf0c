// OpenSSL's own client: what it finds of protocols, ALPN, renegotiation, tickets and alerts. Where there is no openssl it is skipped.

using System.Diagnostics;
using System.Net;
using RawWs.Server;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixture(TransportKind.Auto)]
[TestFixture(TransportKind.Socket)]
public sealed class TlsForeignTests(TransportKind transport)
{
    private const string Request = "GET / HTTP/1.1\r\n" + RawClient.Upgrade + "\r\n";

    [TestCase("-tls1_2", "TLSv1.2")]
    [TestCase("-tls1_3", "TLSv1.3")]
    public async Task AnUpgrade_IsAnswered(string protocol, string shown)
    {
        (string output, _) = await Talk($"{protocol} -alpn http/1.1", Request, static said => said.Contains("HTTP/1.1 101"));
        Assert.That(output, Does.Contain(shown).And.Contain("ALPN protocol: http/1.1"));
        Assert.That(output, Does.Contain("Secure Renegotiation IS").Or.Contain(shown));
    }

    [TestCase("-tls1")]
    [TestCase("-tls1_1")]
    public async Task AnOldProtocol_IsRefused_WithAnAlertAndAReason(string protocol)
    {
        // SECLEVEL 0, or the client does not even offer it.
        (string output, string log) = await Talk($"{protocol} -cipher DEFAULT@SECLEVEL=0", "", static _ => false);
        Assert.That(output, Does.Contain("alert protocol version").Or.Contain("unsupported protocol").Or.Contain("alert"), output);
        Assert.That(log, Does.Contain("TlsFailed"));
    }

    [Test]
    public async Task AnotherApplicationProtocol_IsRefused()
    {
        (string output, string log) = await Talk("-alpn h2", "", static _ => false);
        Assert.That(output, Does.Contain("no application protocol"), output);
        Assert.That(log, Does.Contain("TlsFailed"));
    }

    // "R" makes s_client begin anew. TLS 1.3 has no such thing.
    [Test]
    public async Task ARenegotiation_IsRefused()
    {
        (string output, string log) = await Talk("-tls1_2", "R\n", static _ => false, isCommand: true);
        Assert.That(output, Does.Contain("RENEGOTIATING"), output);
        Assert.That(output, Does.Not.Contain("HTTP/1.1"), output);
        Assert.That(log, Does.Contain("TlsFailed").Or.Contain("PeerVanished"), log);
    }

    // A client gets one ticket, which is of use, so that it needs no signature when it comes back. Then it gets the next.
    [Test]
    public async Task ASession_IsResumed_ByOneTicket()
    {
        string session = Path.GetTempFileName();
        try
        {
            (string first, _) = await Talk($"-tls1_3 -sess_out {session}", Request, static said => said.Contains("HTTP/1.1 101"));
            (string second, _) = await Talk($"-tls1_3 -sess_in {session}", Request, static said => said.Contains("HTTP/1.1 101"));
            Assert.That(second, Does.Contain("Reused, TLSv1.3"));
            Assert.That((CountTickets(first), CountTickets(second)), Is.EqualTo((1, 1)));
        }
        finally
        {
            File.Delete(session);
        }

        static int CountTickets(string said) => said.Split("NewSessionTicket").Length - 1;
    }

    // What comes before the handshake is over could be somebody else's, sent again.
    [Test]
    public async Task EarlyData_IsNotOffered()
    {
        (string output, _) = await Talk("-tls1_3", Request, static said => said.Contains("HTTP/1.1 101"));
        Assert.That(output, Does.Contain("Early data was not sent").And.Not.Contain("Max Early Data: 1"));
    }

    // A key update of the peer's is followed, and answered where it asks for that. "K" makes s_client send one that does, "k" one that
    // does not.
    [TestCase("k\n")]
    [TestCase("K\n")]
    public async Task AKeyUpdate_IsFollowed(string command)
    {
        (string output, string log) = await Talk(
            "-tls1_3", command + Request.Replace("\r\n", "\n", StringComparison.Ordinal), static said => said.Contains("HTTP/1.1 101"),
            isCommand: true);
        Assert.That(output, Does.Contain("KEYUPDATE"), output);
        Assert.That(log, Does.Not.Contain("TlsFailed"), log);
    }

    // Returns what the client printed, and the server's log, once it says enough or has ended.
    private async Task<(string Output, string Log)> Talk(
        string options, string input, Func<string, bool> isEnough, bool isCommand = false)
    {
        Tools.Require("openssl");
        using RecordedLog log = new(Microsoft.Extensions.Logging.LogLevel.Information);
        await using TestServer server = await TestServer.Start(new Setup(transport, 1), new ReportedEcho(), given => given with
        {
            ListenEndPoints = [],
            TlsEndPoints = [new IPEndPoint(IPAddress.Loopback, 0)],
            Certificates = TestCertificate.ForLocalhost,
            LoggerFactory = log,
        });
        ProcessStartInfo start = new("openssl", $"s_client -connect 127.0.0.1:{server.Port} -servername localhost -msg "
            + $"{(isCommand ? "-crlf" : "-ign_eof -crlf")} {options}")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        System.Text.StringBuilder output = new();
        process.OutputDataReceived += Add;
        process.ErrorDataReceived += Add;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        foreach (string line in input.Replace("\r\n", "\n", StringComparison.Ordinal).Split('\n').SkipLast(1))
        {
            await process.StandardInput.WriteLineAsync(line);
            await process.StandardInput.FlushAsync();
            // A command must be the first byte of what the client reads at once.
            if (line.Length == 1)
                TestServer.Eventually(() => process.HasExited || Text().Contains("UPDATE") || Text().Contains("RENEG"), "");
        }

        try
        {
            TestServer.Eventually(() => process.HasExited || isEnough(Text()), "it says enough, or ends");
        }
        finally
        {
            if (!process.HasExited) process.Kill();
            await process.WaitForExitAsync();
        }

        TestServer.Eventually(() => server.Server.Count == 0, "the connection ends");
        return (Text(), string.Join('\n', log.All.Select(static line => line.Text)));

        string Text()
        {
            lock (output) return output.ToString();
        }

        void Add(object sender, DataReceivedEventArgs line)
        {
            lock (output) output.AppendLine(line.Data);
        }
    }
}
