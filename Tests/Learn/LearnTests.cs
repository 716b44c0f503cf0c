// `rawws learn`: the stages and the hints, the whole course against a server whose faults are mended one by one, where it goes on, and the
// server of docs/build-your-own.md.

using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;
using RawWs.Conformance;
using RawWs.Conformance.Broken;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Server.Console.Learn;
using RawWs.Tests.Support;

namespace RawWs.Tests.Learn;

public sealed partial class LearnTests
{
    private string _folder = "";

    private string State => Path.Combine(_folder, "state.json");

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("rawws-learn-").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void TheStages_HaveEveryCaseOnce_ButTheOpenOnes_AndFewOfManyMessages()
    {
        string[] ids = [.. Course.Cases.Select(static item => item.Id)];
        Assert.That(ids, Is.Unique);
        string[] all = [.. Suite.All.Where(static item => item.Kind != Kind.Informational).Select(static item => item.Id)];
        Assert.That(ids, Is.SubsetOf(all));
        Dictionary<string, Case> suite = Suite.All.ToDictionary(static item => item.Id);
        Assert.That(all.Except(ids).Select(id => suite[id]), Is.All.InstanceOf<CompressionCase>());
        Assert.That(Course.Stages.Select(static stage => stage.Cases.Count), Is.All.GreaterThan(10));
    }

    [Test]
    public void EveryCaseHasAHint_AndEveryHintACase() =>
        Assert.That(Course.Cases.Select(Hints.Of).Distinct(), Is.EquivalentTo(Hints.Ids));

    [Test]
    public async Task TheWholeCourse_StopsAtEachFault_AndGoesOnWhenItIsMended()
    {
        Dictionary<string, Case> suite = Suite.All.ToDictionary(static item => item.Id);
        List<Break> faults = [.. Break.All];
        await using BrokenServer server = new(0, Names(faults));
        int last = 0, stops = 0;
        while (true)
        {
            // A fault shows in many cases by an answer that never comes. When none is left nothing is waited for in vain.
            string patience = faults.Count > 0 ? "0.5" : "30";
            (int exitCode, string output, string errors) = Learn(Url(server.Port), "--timeout", patience);
            Assert.That(errors, Is.Empty);
            if (exitCode == 0) break;
            Assert.That(exitCode, Is.EqualTo(1));
            string id = FailedId().Match(output).Groups[1].Value;
            int index = Course.Find(id);
            Assert.That(index, Is.GreaterThanOrEqualTo(last), "it goes on where it stopped");
            last = index;
            stops++;
            // One of those that this case is there for; else the one that the course would have found first.
            Break mended = faults.Find(fault => fault.Catches(suite[id])) ?? faults.MinBy(FirstCatch)
                ?? throw new AssertionException($"{id} fails, and nothing is broken any more:\n{output}");
            faults.Remove(mended);
            server.Broken = Names(faults);
        }

        TestContext.Out.WriteLine($"{stops} stops");
        Assert.That(faults.Select(static fault => fault.Name), Is.Empty, "the course was passed with these");
        Assert.That(File.ReadAllText(State).Trim(), Is.EqualTo("{}"));

        int FirstCatch(Break fault) => fault.Cases.Min(static item => Course.Find(item.Id) is var at && at < 0 ? int.MaxValue : at);
        static HashSet<string> Names(IEnumerable<Break> faults) => [.. faults.Select(static fault => fault.Name)];
    }

    [Test]
    public async Task AFailure_IsShownWithItsBytes_AHint_AndTheSection_InBothLanguages()
    {
        await using BrokenServer server = new(0, new HashSet<string> { "lengths-not-minimal-accepted" });
        (int exitCode, string output, _) = Learn(Url(server.Port), "--from", "lengths", "--timeout", "1");
        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(output, Does.Contain("FAILS framing/0 bytes with a length of 16 bits")
            .And.Contain("Hint: A length must be in its shortest form")
            .And.Contain("RFC 6455 §5.2").And.Contain("rawws explain NonMinimalLength")
            .And.Contain("From the client, byte").And.Contain(">>> breaks NonMinimalLength").And.Contain("From the server, byte"));
        (exitCode, output, _) = Learn(Url(server.Port), "--timeout", "1", "--lang", "zh");
        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(output, Does.StartWith("从 framing/0 bytes with a length of 16 bits 继续").And.Contain("提示：长度必须用最短的形式")
            .And.Contain("客户端，第"));
        (exitCode, output, _) = Learn(Url(server.Port), "--timeout", "1", "--from", "10");
        Assert.That(exitCode, Is.EqualTo(0));
        Assert.That(output, Does.StartWith("Stage 10 of 10"));
    }

    // The server of the page, as it stands there.
    [Test]
    public void TheServerOfThePage_PassesItsFourStages()
    {
        string page = Repository.Read("docs", "build-your-own.md"), script = Path.Combine(_folder, "echo.mjs");
        File.WriteAllText(script, Program().Match(page).Groups[1].Value);
        using RunningProgram server = RunningProgram.StartOther(Tools.Require("node"), script, "0");
        string url = Url(server.WaitForPort());
        (int exitCode, string output, _) = Learn(url);
        Assert.That(exitCode, Is.EqualTo(1));
        for (int i = 1; i <= 4; i++)
            Assert.That(output, Does.Match($@"Stage {i} of 10, .+: (\d+) of \1 cases pass\.\n"));
        Assert.That(output, Does.Contain("FAILS fragmentation/text in two fragments")
            .And.Contain("Hint: A message may come in several frames"));
        server.Kill();
        server.WaitForExit();
        (exitCode, _, string errors) = Learn(url);
        Assert.That(exitCode, Is.EqualTo(2));
        Assert.That(errors, Does.Match("^learn: nobody listens at ws://.+; start your server"));
    }

    [Test]
    public void ThePage_NamesEveryStage_AndEveryOption()
    {
        string page = Repository.Read("docs", "build-your-own.md");
        foreach ((int i, Stage stage) in Course.Stages.Index()) Assert.That(page, Does.Contain($"| {i + 1} `{stage.Name}` |"));
        foreach (System.CommandLine.Option option in LearnCommand.Describe(null).Options)
            Assert.That(page, Does.Contain($"`{option.Name}"));
    }

    // It takes the connection, and then nothing comes.
    [Test]
    public void AServerThatHangs_FailsTheCase()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        (int exitCode, string output, _) = Learn(Url(((IPEndPoint)listener.LocalEndpoint).Port), "--timeout", "0.1");
        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(output, Does.Contain("FAILS handshake/a plain request").And.Contain("did not come within 0.1 s")
            .And.Contain("From the client, byte 0: the request"));
    }

    [TestCase("--from", "1")]
    [TestCase("--all")]
    public void AHostThatNobodyKnows_IsNoFailureOfTheServer(params string[] options)
    {
        (int exitCode, string output, string errors) = Learn(["ws://nobody.invalid:9/", .. options]);
        Assert.That((exitCode, output), Is.EqualTo((2, "")));
        Assert.That(errors, Does.Contain("\"nobody.invalid\" cannot be found").And.Not.Contain("\n"));
    }

    [Test]
    public async Task WhatCame_IsShownWithItsQuotes()
    {
        await using BrokenServer server = new(0, new HashSet<string> { "version-status-400" });
        (int exitCode, string output, _) = Learn(Url(server.Port), "--timeout", "1");
        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(output, Does.Contain("answered with \"HTTP/1.1 400").And.Not.Contain("\\\""));
    }

    [Test]
    public async Task ACertificateThatIsNotTrusted_FailsTheCase_AndMayBeTaken()
    {
        using X509Certificate2 certificate = TestCertificate.Make("localhost");
        await using TestServer server = await TestServer.Start(Setup.All[0], new EchoApplication(), options => options with
        {
            ListenEndPoints = [],
            TlsEndPoints = [new IPEndPoint(IPAddress.Loopback, 0)],
            Certificates = new TlsCertificates([TestCertificate.Context(certificate)]),
        });
        string url = $"wss://127.0.0.1:{server.Port}/";
        Assert.That(Learn(url).Output, Does.Contain("no TLS"));
        Assert.That(Learn(url, "--insecure", "--from", "limits").ExitCode, Is.Zero);
    }

    [Test]
    public async Task AllOfIt_GoesPastFailures()
    {
        await using BrokenServer server = new(0, new HashSet<string> { "pong-without-payload", "utf8-asked-of-binary" });
        (int exitCode, string output, _) = Learn(Url(server.Port), "--all", "--timeout", "1");
        Assert.That(exitCode, Is.EqualTo(1));
        Assert.That(output, Does.Contain("FAILS pings/a Ping of 1 bytes (RFC 6455 §5.5.2): ").And.Contain("FAILS utf-8/binary with")
            .And.Contain("Stage 10 of 10"));
        Assert.That(File.Exists(State), Is.False);
    }

    [Test]
    public void TheList_NamesEveryCase()
    {
        (int exitCode, string output, _) = Learn("--list");
        Assert.That(exitCode, Is.Zero);
        foreach (Case item in Course.Cases) Assert.That(output, Does.Contain($"  {item.Id}\tRFC {item.Section}\n"));
    }

    [TestCase("", "the URL of your server is missing")]
    [TestCase("http://localhost/", "http://localhost/ is no ws:// or wss:// URL")]
    [TestCase("ws://localhost/ ws://localhost:1/", "one URL, not both")]
    [TestCase("ws://localhost/ --frmo 1", "there is no such option")]
    [TestCase("ws://localhost/ --from nowhere", "--from: \"nowhere\" is not allowed; allowed: handshake, text")]
    [TestCase("ws://localhost/ --from 11", "1 to 10; or a case of --list")]
    [TestCase("ws://localhost/ --from 2 --all", "--from, --all")]
    [TestCase("ws://localhost/ --timeout 0", "--timeout: \"0\" is not allowed; allowed: 0.1 to 3600 seconds")]
    [TestCase("ws://localhost/ --timeout NaN", "--timeout: \"NaN\" is not allowed; allowed: 0.1 to 3600 seconds")]
    [TestCase("ws://localhost/ --timeout 3601", "--timeout: \"3601\" is not allowed; allowed: 0.1 to 3600 seconds")]
    [TestCase("ws://localhost/ --lang fr", "--lang: \"fr\" is not allowed; allowed: en, zh")]
    [TestCase("ws://localhost/ --insecure", "--ca and --insecure are for wss://")]
    [TestCase("wss://localhost/ --ca nowhere.pem", "--ca \"nowhere.pem\": ")]
    public void WhatIsWrong_IsOneLine(string arguments, string problem)
    {
        (int exitCode, string output, string errors) = Learn(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.That((exitCode, output), Is.EqualTo((2, "")));
        Assert.That(errors, Does.Contain(problem).And.Not.Contain("\n"));
    }

    [Test]
    public void AFileThatIsSomethingElse_IsLeftAlone()
    {
        File.WriteAllText(State, "not ours");
        Assert.That(Learn("ws://127.0.0.1:1/").Errors, Does.EndWith("it is no file of this command"));
        Assert.That(File.ReadAllText(State), Is.EqualTo("not ours"));
    }

    [TestCase("--state")]
    [TestCase("--ca")]
    public void AFileWithoutAName_IsOneLine(string option)
    {
        (int exitCode, string output, string errors) = Learn(["wss://127.0.0.1:1/", option, ""], option == "--state" ? null : State);
        Assert.That((exitCode, output), Is.EqualTo((2, "")));
        Assert.That(errors, Is.EqualTo($"learn: {option} \"\": the name of a file is needed"));
    }

    // A name that no system has.
    [Test]
    public void AFileThatCannotBe_IsOneLine()
    {
        (int exitCode, _, string errors) = Learn(["wss://127.0.0.1:1/"], "a\0b");
        Assert.That(exitCode, Is.EqualTo(2));
        Assert.That(errors, Does.StartWith("learn: --state ").And.Not.Contain("\0").And.Not.Contain("\n"));
        (exitCode, _, errors) = Learn("wss://127.0.0.1:1/", "--ca", "a\0b");
        Assert.That(exitCode, Is.EqualTo(2));
        Assert.That(errors, Does.StartWith("learn: --ca ").And.Not.Contain("\0").And.Not.Contain("\n"));
    }

    private CommandRun Learn(params string[] arguments) => Learn(arguments, State);

    private static CommandRun Learn(string[] arguments, string? state) =>
        CommandRun.Of([LearnCommand.Name, .. arguments, .. state is null ? [] : (string[])["--state", state]]);

    private static string Url(int port) => $"ws://127.0.0.1:{port}/";

    [GeneratedRegex(@"^FAILS (.+)$", RegexOptions.Multiline)]
    private static partial Regex FailedId();

    [GeneratedRegex(@"```js\n(// echo\.mjs.+?)```", RegexOptions.Singleline)]
    private static partial Regex Program();
}
