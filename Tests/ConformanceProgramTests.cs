// The conformance suite as a program, where its run doesn't reach the end: what it says, its exit code, and the reports of what was run.

using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using RawWs.Conformance;
using RawWs.Conformance.Broken;
using RawWs.Server.Applications;
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
        Assert.That(
            suite.Errors,
            Does.Match(
                $@"\Aconformance: the server at ws://127\.0\.0\.1:{port}/ is gone \(connection refused\) "
                + @"after \d+ cases, in case [a-z0-9-]+/.+\n\z"));
        CheckReports("is gone");
    }

    [Test]
    [Platform(Exclude = "Win", Reason = "there is no signal to send")]
    public void AnInterrupt_StopsTheRun_AndWhatWasRunIsReported([Values(2, 15)] int signal)
    {
        // No Ping is ever answered, and for an hour no row loses patience: the run can't end by itself.
        using RunningProgram server = RunningProgram.StartOther(
            "dotnet", typeof(BrokenServer).Assembly.Location, "0", "--break", "pings-unanswered");
        using RunningProgram suite = StartSuite(server.WaitForPort(), "--junit", JUnit, "--html", Html, "--verbose", "--timeout", "3600");
        TestServer.Eventually(() => suite.CountLines("passed ") >= 10, "the run is on");
        suite.Signal(signal);
        suite.WaitForExit();
        Assert.That(suite.ExitCode, Is.EqualTo(2));
        Assert.That(suite.Errors, Does.Match(@"\Aconformance: stopped after \d+ of \d+ cases\n\z"));
        CheckReports("stopped after");
    }

    [Test]
    public void AReportThatCannotBeWritten_IsToldBeforeTheRun(
        [Values("--junit", "--html")] string option, [Values("missing/report", ".")] string name)
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
    public void AServerWhose101BreaksAMust_IsJudged([Values("accept-without-key", "extension-unasked", "subprotocol-unasked")] string rule)
    {
        using RunningProgram server = RunningProgram.StartOther("dotnet", typeof(BrokenServer).Assembly.Location, "0", "--break", rule);
        using RunningProgram suite = StartSuite(server.WaitForPort(), "--junit", JUnit, "--html", Html);
        suite.WaitForExit();
        Assert.That(suite.Errors, Is.Empty);
        Assert.That(suite.ExitCode, Is.EqualTo(1));
        XElement report = XDocument.Load(JUnit).Root!;
        Assert.That(report.Attribute("tests")!.Value, Is.EqualTo($"{Suite.All.Count}"));
        IEnumerable<string> failed = report.Descendants("testcase").Where(static row => row.Element("failure") is not null)
            .Select(static row => row.Attribute("name")!.Value);
        Assert.That(failed, Has.Some.StartsWith("a plain request (").And.Some.StartsWith("text of 0 "));
        Assert.That(File.ReadAllText(Html), Does.Contain("</html>"));
    }

    [Test]
    public async Task WhatIsNotNegotiated_IsNotPassed()
    {
        await using TestServer server = await TestServer.Start(Setup.All[0], new EchoApplication());
        using RunningProgram suite = StartSuite(server.Port, "--only", "compression", "--junit", JUnit);
        suite.WaitForExit();
        Assert.That(suite.ExitCode, Is.EqualTo(2));
        Assert.That(suite.Errors, Does.StartWith("conformance: nothing was judged"));
        Assert.That(File.ReadAllBytes(JUnit)[0], Is.EqualTo((byte)'<'), "no byte order mark");
    }

    [TestCase("--timeout", "NaN", "--timeout NaN: 0.1 to 3600 seconds")]
    [TestCase("--timeout", "0", "--timeout 0: 0.1 to 3600 seconds")]
    [TestCase("--ca", "", "the name of a file is needed")]
    [TestCase("--ca", "/", "--ca / cannot be read: ")]
    public void AWrongValue_IsOneLine(string option, string value, string problem)
    {
        using RunningProgram suite = RunningProgram.StartOther(
            "dotnet", typeof(Arguments).Assembly.Location, "wss://127.0.0.1:1/", option, value);
        suite.WaitForExit();
        Assert.That((suite.ExitCode, suite.Output), Is.EqualTo((2, "")));
        Assert.That(suite.Errors, Does.Contain(problem).And.Match(@"\A.+\n\z"));
    }

    [Test]
    public void TheList_IsOfTheChosenSection()
    {
        using RunningProgram suite = RunningProgram.StartOther("dotnet", typeof(Arguments).Assembly.Location, "--list", "--only", "5.2");
        suite.WaitForExit();
        Assert.That((suite.ExitCode, suite.Errors), Is.EqualTo((0, "")));
        Assert.That(suite.Output.TrimEnd().Split('\n'), Has.Length.EqualTo(Suite.Select("5.2").Count).And.All.Contains(" §5.2"));
    }

    [Test]
    public async Task WhatIsNoWebSocketServer_CouldNotBeTested(
        [Values("HTTP/1.1 404 Not Found", "HTTP/1.1 200 OK", "SSH-2.0-server")] string answer)
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        using RunningProgram suite = StartSuite(((IPEndPoint)listener.LocalEndpoint).Port);
        using (Socket accepted = await listener.AcceptSocketAsync().WaitAsync(TestServer.Patience))
        {
            await accepted.SendAsync(Encoding.ASCII.GetBytes($"{answer}\r\n\r\n"));
            suite.WaitForExit();
        }

        Assert.That(suite.ExitCode, Is.EqualTo(2));
        Assert.That(suite.Output, Is.Empty);
        Assert.That(suite.Errors, Does.Match($@"\Aconformance: ws://.+ answer.*{Regex.Escape(answer)}.*\n\z"));
    }

    [Test]
    public async Task ServerThatListensAgain_IsNotGone()
    {
        using Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        Task<Connection> connecting = Connection.ConnectAsync(
            new Target("127.0.0.1", ((IPEndPoint)listener.LocalEndPoint!).Port, "/", TestServer.Patience));
        listener.Listen();
        using Connection connection = await connecting;
        Assert.That(connection.End, Is.EqualTo(StreamEnd.None));
    }

    private static RunningProgram StartSuite(int port, params string[] options) =>
        RunningProgram.StartOther("dotnet", [typeof(Arguments).Assembly.Location, $"ws://127.0.0.1:{port}/", .. options]);

    // As many cases as were run, and one more, in error, that says why it was not all of them.
    private void CheckReports(string why)
    {
        XElement report = XDocument.Load(JUnit).Root!;
        XElement[] cases = [.. report.Descendants("testcase")], errors = [.. report.Descendants("error")];
        Assert.That(cases, Has.Length.InRange(11, Suite.All.Count));
        Assert.That(report.Attribute("errors")!.Value, Is.EqualTo("1"));
        Assert.That(errors.Select(static error => error.Attribute("message")!.Value), Has.Exactly(1).Contains(why));
        Assert.That(report.Elements("testsuite")
            .Sum(static suite => (int)suite.Attribute("tests")!), Is.EqualTo(cases.Length).And.EqualTo((int)report.Attribute("tests")!));
        string page = File.ReadAllText(Html);
        Assert.That(page, Does.Contain(why).And.Contain("</html>"));
        Assert.That(page.Split("<tr data-outcome=").Length - 1, Is.EqualTo(cases.Length - 1));
    }
}
