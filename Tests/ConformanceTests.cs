// The conformance suite: against our server on both transports, where every case has to pass; and against a server that breaks one rule at
// a time, where the cases that are there to notice it have to fail. Each case has a switch that makes it fail, so none passes by asking
// nothing.

using System.IO.Compression;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using RawWs.Conformance;
using RawWs.Conformance.Broken;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Tests.Support;

namespace RawWs.Tests;

public sealed class ConformanceTests
{
    // A switched-off rule shows in many cases by an answer that never comes, so that their deadline is short: it can't make a case pass.
    private static readonly TimeSpan PatienceWithTheBroken = TimeSpan.FromSeconds(1);

    private static IEnumerable<TransportKind> Transports =>
        OperatingSystem.IsLinux() ? [TransportKind.Epoll, TransportKind.Socket] : [TransportKind.Socket];

    private static IEnumerable<Break> Breaks => Break.All;

    [TestCaseSource(nameof(Transports))]
    public async Task OurServer_PassesEveryCase(TransportKind transport)
    {
        IReadOnlyList<Result> results = await RunAgainstOurs(transport, Suite.All, takeover: true);
        Assert.That(results.Where(static result => result.Outcome == Outcome.NotNegotiated).Select(Line), Is.Empty);
        Assert.That(ConformanceTable.Of(results), Is.EqualTo(
            ConformanceTable.Column(transport == TransportKind.Epoll ? "RawWs, epoll" : "RawWs, socket")), "docs/conformance.md");
    }

    // Over TLS a peer sees the same of the protocol. The certificate is its own authority.
    [TestCaseSource(nameof(Transports))]
    public async Task OurServer_PassesEveryCase_OverTls(TransportKind transport)
    {
        using X509Certificate2 certificate = TestCertificate.Make("localhost");
        IReadOnlyList<Result> results = await RunAgainstOurs(transport, Suite.All, takeover: true, certificate);
        Assert.That(results.Where(static result => result.Outcome == Outcome.NotNegotiated).Select(Line), Is.Empty);
    }

    [Test]
    public Task OurServer_PassesEveryCompressedCase_WithoutTakeover() =>
        RunAgainstOurs(TransportKind.Auto, [.. Suite.Select(Chapters.Negotiation), .. Suite.Select(Chapters.Compression)], takeover: false);

    private static async Task<IReadOnlyList<Result>> RunAgainstOurs(
        TransportKind transport, IReadOnlyList<Case> cases, bool takeover, X509Certificate2? certificate = null)
    {
        IPEndPoint[] endPoint = [new(IPAddress.Loopback, 0)];
        await using TestServer server =
            await TestServer.Start(new Setup(transport, 1, IoUring: true), new EchoApplication(), options => options with
            {
                Compression = true,
                CompressionTakeover = takeover,
                CompressionBytesMin = 1,
                ListenEndPoints = certificate is null ? endPoint : [],
                TlsEndPoints = certificate is null ? [] : endPoint,
                Certificates = certificate is null ? null : new TlsCertificates([TestCertificate.Context(certificate)]),
            });
        TlsTrust? trust = certificate is null ? null : new TlsTrust([certificate], Anybody: false);
        IReadOnlyList<Result> results = await Suite.RunAsync(TargetAt(server.Port, TestServer.Patience) with { Tls = trust }, cases);
        Assert.That(results, Is.Not.Empty);
        Assert.That(Failures(results), Is.Empty);
        TestContext.Out.WriteLine(
            $"{Run.Count(results, Outcome.Passed)} passed, {Run.Count(results, Outcome.NotNegotiated)} not negotiated, "
            + $"{Run.Count(results, Outcome.Noted)} noted");
        TestServer.Eventually(() => server.Server.Count == 0, "every connection is gone");
        return results;
    }

    [Test]
    public async Task TheServerThatCanBeBroken_PassesEveryCase_WhenItIsNot()
    {
        await using BrokenServer server = new(0, new HashSet<string>());
        IReadOnlyList<Result> results = await Suite.RunAsync(TargetAt(server.Port, TestServer.Patience), Suite.All);
        Assert.That(results.Where(static result => result.Outcome is Outcome.Failed or Outcome.NotNegotiated).Select(Line), Is.Empty);
    }

    [TestCaseSource(nameof(Breaks))]
    public async Task ABrokenRule_IsNoticedByEachOfItsCases(object rule)
    {
        Break broken = (Break)rule;
        Assert.That(broken.Cases, Is.Not.Empty);
        await using BrokenServer server = new(0, new HashSet<string> { broken.Name });
        IReadOnlyList<Result> results = await Suite.RunAsync(TargetAt(server.Port, PatienceWithTheBroken), broken.Cases);
        Assert.That(results.Where(static result => result.Outcome != Outcome.Failed).Select(Line), Is.Empty, broken.What);
    }

    [Test]
    public void EachCase_HasASwitchThatItNotices()
    {
        HashSet<string> noticed = [.. Break.All.SelectMany(static broken => broken.Cases).Select(static item => item.Id)];
        Assert.That(Suite.All.Where(item => item.Kind != Kind.Informational && !noticed.Contains(item.Id))
            .Select(static item => item.Id), Is.Empty);
    }

    [Test]
    public void CasesAreDistinct_AndAtLeast500_AndInTheOrderOfTheChapters()
    {
        Assert.That(Suite.All.Select(static item => item.Id), Is.Unique);
        Assert.That(Suite.All, Has.Count.GreaterThanOrEqualTo(500));
        Assert.That(Suite.All.Select(static item => Chapters.InOrder.ToList().IndexOf(item.Chapter)), Is.Ordered);
    }

    [Test]
    public void TheDocument_CountsRight()
    {
        Assert.That(ConformanceTable.Document, Does.Contain($" {Suite.All.Count:N0} cases").And.Contain(
            $"Another {Suite.All.Count(static item => item.Kind == Kind.Informational)} cases are informational")
            .And.Contain($"it lists all {Break.All.Count})"));
    }

    [Test]
    public void TheSuite_KnowsNothingOfTheServer()
    {
        IEnumerable<string> names = new[] { typeof(Suite).Assembly, typeof(BrokenServer).Assembly }.SelectMany(static assembly =>
            assembly.GetReferencedAssemblies()).Select(static name => name.Name!);
        Assert.That(names, Has.None.EqualTo("RawWs.Frame").And.None.EqualTo("RawWs.Handshake").And.None.EqualTo(
            "RawWs.Server").And.None.EqualTo("rawws").And.None.StartsWith("System.Net.WebSockets"));
    }

    [TestCase(8)]
    [TestCase(12)]
    [TestCase(15)]
    public void TheCodec_AgreesWithTheBaseLibrary_BothWays(int windowBits)
    {
        using Deflater deflater = new(windowBits, keepsContext: true);
        Inflater inflater = new(windowBits, keepsContext: true);
        using MemoryStream compressed = new(), expected = new();
        foreach (Message message in Messages.Mixed)
        {
            byte[] payload = deflater.Deflate(message.Payload);
            Assert.That(inflater.Inflate(payload).Span.SequenceEqual(message.Payload));
            compressed.Write([.. payload, 0x00, 0x00, 0xFF, 0xFF]);
            expected.Write(message.Payload);
        }

        Assert.That(inflater.FurthestReference, Is.GreaterThan(1 << (windowBits - 2)).And.LessThanOrEqualTo(1 << windowBits));
        compressed.Write([0x03, 0x00]); // a final block, so that the library sees an end
        compressed.Position = 0;
        using DeflateStream library = new(compressed, CompressionMode.Decompress);
        using MemoryStream inflated = new();
        library.CopyTo(inflated);
        Assert.That(inflated.ToArray().AsSpan().SequenceEqual(expected.ToArray()));
    }

    private static Target TargetAt(int port, TimeSpan timeout) => new("127.0.0.1", port, "/", timeout);

    private static IEnumerable<string> Failures(IReadOnlyList<Result> results) =>
        results.Where(static result => result.Outcome == Outcome.Failed).Select(Line);

    private static string Line(Result result) => $"{TextReport.Word(result.Outcome)}: {result.Case.Id}: {result.Detail}";
}
