// The conformance suite as a program, where its run doesn't reach the end: what it says, its exit code, and the reports of what was run.

using System.Net;
using System.Net.Sockets;
using System.Xml.Linq;
using RawWs.Conformance;
using RawWs.Conformance.Broken;
using RawWs.Tests.Support;

namespace RawWs.Tests;

public sealed class ConformanceProgramTests
{
    private string _folder = "";

    private string JUnit => Path.Combine(_folder, "report.xml");

    private string Html => Path.Combine(_folder, "report.html");

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory().FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void AServerThatDies_IsToldAsGone_AndWhatWasRunIsReported()
    {
        using RunningProgram server = RunningProgram.StartOther("dotnet", typeof(BrokenServer).Assembly.Location, "0");
        int port = server.WaitForPort();
        using RunningProgram suite = StartSuite(port, "--junit", JUnit, "--html", Html, "--verbose");
        TestServer.Eventually(() => suite.CountLines("passed ") >= 10, "the run is on");
        server.Kill();
        suite.WaitForExit();
        Assert.That(suite.ExitCode, Is.EqualTo(2));
        Assert.That(suite.Errors, Does.Match($@"\Aconformance: the server at ws://127\.0\.0\.1:{port}/ is gone \(connection refused\) after \d+ cases, in case [a-z0-9-]+/.+\n\z"));
        CheckReports("is gone");
    }

    [Test]
    [Platform(Exclude = "Win", Reason = "there is no signal to send")]
    public void AnInterrupt_StopsTheRun_AndWhatWasRunIsReported([Values(2, 15)] int signal)
    {
        // No Ping is ever answered, and for an hour no row loses patience: the run can't end by itself.
        using RunningProgram server = RunningProgram.StartOther("dotnet", typeof(BrokenServer).Assembly.Location, "0", "--break", "pings-unanswered");
        using RunningProgram suite = StartSuite(server.WaitForPort(), "--junit", JUnit, "--html", Html, "--verbose", "--timeout", "3600");
        TestServer.Eventually(() => suite.CountLines("passed ") >= 10, "the run is on");
        suite.Signal(signal);
        suite.WaitForExit();
        Assert.That(suite.ExitCode, Is.EqualTo(2));
        Assert.That(suite.Errors, Does.Match(@"\Aconformance: stopped after \d+ of \d+ cases\n\z"));
        CheckReports("stopped after");
    }

    [Test]
    public void AReportThatCannotBeWritten_IsToldBeforeTheRun([Values("--junit", "--html")] string option, [Values("missing/report", ".")] string name)
    {
        // Nobody listens: what is told is what was noticed first.
        using RunningProgram suite = StartSuite(1, option, Path.Combine(_folder, name));
        suite.WaitForExit();
        Assert.That(suite.ExitCode, Is.EqualTo(2));
        Assert.That(suite.Output, Is.Empty);
        Assert.That(suite.Errors, Does.Match($@"\Aconformance: {option} .+ cannot be written: .+\n\z"));
    }

    [Test]
    public void AReportIsLeftAlone_WhenNothingIsRun()
    {
        File.WriteAllText(JUnit, "the last run's");
        using RunningProgram suite = StartSuite(1, "--junit", JUnit, "--html", Html);
        suite.WaitForExit();
        Assert.That(suite.ExitCode, Is.EqualTo(2));
        Assert.That(suite.Errors, Does.Contain("no connection"));
        Assert.That(File.ReadAllText(JUnit), Is.EqualTo("the last run's"));
        Assert.That(File.Exists(Html), Is.False);
    }

    [Test]
    public async Task ServerThatListensAgain_IsNotGone()
    {
        using Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        Task<Connection> connecting = Connection.ConnectAsync(new Target("127.0.0.1", ((IPEndPoint)listener.LocalEndPoint!).Port, "/", TestServer.Patience));
        listener.Listen();
        using Connection connection = await connecting;
        Assert.That(connection.End, Is.EqualTo(StreamEnd.None));
    }

    private static RunningProgram StartSuite(int port, params string[] options) =>
        RunningProgram.StartOther("dotnet", [typeof(Suite).Assembly.Location, $"ws://127.0.0.1:{port}/", .. options]);

    // As many cases as were run, and one more, in error, that says why it was not all of them.
    private void CheckReports(string why)
    {
        XElement report = XDocument.Load(JUnit).Root!;
        XElement[] cases = [.. report.Descendants("testcase")], errors = [.. report.Descendants("error")];
        Assert.That(cases, Has.Length.InRange(11, Suite.All.Count));
        Assert.That(report.Attribute("errors")!.Value, Is.EqualTo("1"));
        Assert.That(errors.Select(static error => error.Attribute("message")!.Value), Has.Exactly(1).Contains(why));
        Assert.That(report.Elements("testsuite").Sum(static suite => (int)suite.Attribute("tests")!), Is.EqualTo(cases.Length).And.EqualTo((int)report.Attribute("tests")!));
        string page = File.ReadAllText(Html);
        Assert.That(page, Does.Contain(why).And.Contain("</html>"));
        Assert.That(page.Split("<tr data-outcome=").Length - 1, Is.EqualTo(cases.Length - 1));
    }
}
