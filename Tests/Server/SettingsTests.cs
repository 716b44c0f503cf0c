// The command line, the environment and the file: what each may say, who wins, and the one line for what is wrong.

using System.Net;
using Microsoft.Extensions.Logging;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Server.Console.Settings;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixture]
public partial class SettingsTests
{
    private string _directory = "";

    private string SettingsFile => Path.Combine(_directory, "rawws.json");

    [SetUp]
    public void MakeDirectory() => _directory = Directory.CreateTempSubdirectory("rawws-settings-").FullName;

    [TearDown]
    public void DeleteDirectory() => Directory.Delete(_directory, recursive: true);

    [Test]
    public void Defaults_AreThoseOfTheHelp()
    {
        RunSettings settings = Good([]);
        ServerOptions server = settings.Server;
        Assert.That(server.ListenEndPoints, Is.EqualTo(new[] { new IPEndPoint(IPAddress.Loopback, 2000) }));
        Assert.That(server.Heartbeat, Is.EqualTo(TimeSpan.FromSeconds(10)));
        Assert.That(server.PingInterval, Is.EqualTo(TimeSpan.FromSeconds(25)));
        Assert.That((server.MessageBytesMax, server.FragmentsMax, server.SendBufferBytesMax), Is.EqualTo((1 << 20, 1024, 1 << 20)));
        Assert.That((server.HandshakeTimeout.TotalSeconds, server.MessageTimeout.TotalSeconds), Is.EqualTo((10, 30)));
        Assert.That((server.SendTimeout.TotalSeconds, server.CloseTimeout.TotalSeconds), Is.EqualTo((30, 5)));
        Assert.That((settings.Application, settings.DuplicateUid), Is.EqualTo((ApplicationKind.Router, DuplicateUid.Share)));
        Assert.That((settings.Drain.TotalSeconds, settings.LogLevels.Everything), Is.EqualTo((5, LogLevel.Information)));
    }

    [TestCase("127.0.0.1:0", null)]
    [TestCase("*:0", "send to every uid, send to all (--clients-broadcast, --all-rate), open as many connections from one address as there "
        + "is room for (--max-connections-per-address), send as many messages as they can (--message-rate)")]
    [TestCase("*:0 --clients-broadcast off --max-connections-per-address 9 --message-rate 5/50 --introduce none",
        "open 9 connections from one address, send messages 5 times a second on each")]
    [TestCase("[::]:0 --app echo --message-rate 7 --max-connections-per-address 1",
        "open 1 connections from one address, send messages 7 times a second on each")]
    [TestCase("*:0 --all-rate 3 --max-connections-per-address 1 --message-rate 7 --introduce none",
        "send to all 3 times a second (--clients-broadcast, --all-rate), open 1 connections from one address, "
        + "send messages 7 times a second on each")]
    public void WhatStrangersMayDo_IsSaid(string arguments, string? expected) =>
        Assert.That(Good(["--listen", .. arguments.Split(' ')]).DescribeStrangers(), Is.EqualTo(expected));

    // Each flag changes something, and the default is not what it changes it to.
    [TestCase("listen", "[::1]:0")]
    [TestCase("listen", "localhost:0")]
    [TestCase("listen", "*:0")]
    [TestCase("listen", "unix:/run/rawws.sock,mode=660")]
    [TestCase("trusted-proxy", "10.0.0.0/8")]
    [TestCase("forwarded-field", "forwarded")]
    [TestCase("tls-max-handshakes", "7")]
    [TestCase("app", "echo")]
    [TestCase("introduce", "query")]
    [TestCase("auth-url", "http://127.0.0.1/auth")]
    [TestCase("duplicate-uid", "reject")]
    [TestCase("heartbeat", "0.5")]
    [TestCase("ping-interval", "1")]
    [TestCase("max-message", "64KiB")]
    [TestCase("max-fragments", "7")]
    [TestCase("send-buffer", "2 MiB")]
    [TestCase("max-connections", "17")]
    [TestCase("slow-consumer", "drop-oldest")]
    [TestCase("slow-consumer", "drop-newest")]
    [TestCase("max-connections-per-address", "17")]
    [TestCase("max-connections-per-uid", "17")]
    [TestCase("handshake-rate", "17")]
    [TestCase("message-rate", "17/34")]
    [TestCase("byte-rate", "64KiB / 1 MiB")]
    [TestCase("all-rate", "1/5")]
    [TestCase("over-rate", "close")]
    [TestCase("clients-broadcast", "off")]
    [TestCase("max-memory", "1GiB")]
    [TestCase("handshake-timeout", "1.25")]
    [TestCase("message-timeout", "1")]
    [TestCase("send-timeout", "1")]
    [TestCase("close-timeout", "1")]
    [TestCase("allowed-origin", "https://example.com")]
    [TestCase("allowed-host", "example.com")]
    [TestCase("subprotocol", "chat.v1")]
    [TestCase("lab", "all")]
    [TestCase("scenarios", "on")]
    [TestCase("compression", "on")]
    [TestCase("compression-level", "6")]
    [TestCase("compression-min-bytes", "1KiB")]
    [TestCase("compression-takeover", "on")]
    [TestCase("compression-window", "12")]
    [TestCase("transport", "socket")]
    [TestCase("io-uring", "off")]
    [TestCase("loops", "9")]
    [TestCase("drain", "0")]
    [TestCase("drain-wait", "5")]
    [TestCase("drain-spread", "5")]
    [TestCase("close-code-on-drain", "1012")]
    [TestCase("admin", "2001")]
    [TestCase("backplane", "nats://127.0.0.1:4222")]
    [TestCase("log-format", "json")]
    [TestCase("log-level", "warning")]
    [TestCase("log-level", "RawWs.Frames=trace")]
    [TestCase("log-level", "warn, RawWs.Frames=trace")]
    public void EachSetting_MeansTheSame_FromFlagVariableAndFile(string name, string value)
    {
        RunSettings byFlag = Good(["--" + name, value]);
        RunSettings byVariable = Good([], (name.ToUpperInvariant().Replace('-', '_'), value));
        File.WriteAllText(Path.Combine(_directory, "rawws.json"), $$"""{ "{{name}}": "{{value}}" }""");
        RunSettings byFile = Good([]);

        Assert.That(Shown(byFlag), Is.Not.EqualTo(Shown(new RunSettings())));
        Assert.That(Shown(byVariable), Is.EqualTo(Shown(byFlag)));
        Assert.That(Shown(byFile), Is.EqualTo(Shown(byFlag)));
    }

    [Test]
    public void EveryRowOfTheTable_HasACaseAbove()
    {
        HashSet<string> cases = [.. typeof(SettingsTests).GetMethod(nameof(EachSetting_MeansTheSame_FromFlagVariableAndFile))!
            .GetCustomAttributes(typeof(TestCaseAttribute), false).Select(static row => (string)((TestCaseAttribute)row).Arguments[0]!)];
        // They need others beside them: tests of their own.
        cases.UnionWith(["ping-text", "admin-token-file", "tls-cert", "tls-key", "auth", "auth-timeout", "auth-max-requests"]);
        cases.UnionWith(["cluster", "node-id", "backplane-user", "backplane-password-file", "backplane-token-file", "backplane-nkey-file"]);
        cases.UnionWith(["backplane-creds-file", "backplane-ca", "backplane-cert", "backplane-key", "backplane-answer-within"]);
        cases.UnionWith(["backplane-ready", "claim-replicas"]);
        cases.UnionWith(["jwt-key", "jwt-secret", "jwt-issuer", "jwt-audience", "jwt-uid-claim", "jwt-to-claim"]);
        Assert.That(SettingTable.All.Select(static setting => setting.Name), Is.EquivalentTo(cases));
    }

    [Test]
    public void Precedence_IsFlagThenVariableThenFile()
    {
        File.WriteAllText(Path.Combine(_directory, "rawws.json"), """{ "loops": 2, "max-fragments": 2, "drain": 2 }""");
        RunSettings settings = Good(["--loops", "4"], ("LOOPS", "3"), ("MAX_FRAGMENTS", "3"));
        Assert.That((settings.Server.Loops, settings.Server.FragmentsMax, settings.Drain.TotalSeconds), Is.EqualTo((4, 3, 2)));
    }

    [Test]
    public void Lists_ComeWholeFromTheHighestSource()
    {
        File.WriteAllText(
            Path.Combine(_directory, "rawws.json"), """{ "subprotocol": ["x", "y", "z"], "allowed-host": ["a.example", "b.example"] }""");
        RunSettings settings = Good(["--subprotocol", "a", "--subprotocol", "b"], ("SUBPROTOCOL", "c"),
            ("ALLOWED_ORIGIN", "https://a.example, https://b.example"));
        Assert.That(string.Join(' ', settings.Server.Subprotocols), Is.EqualTo("a b"));
        Assert.That(string.Join(' ', settings.Server.AllowedHosts), Is.EqualTo("a.example b.example"));
        Assert.That(string.Join(' ', settings.Server.AllowedOrigins), Is.EqualTo("https://a.example https://b.example"));
    }

    [Test]
    public void Config_NamesTheFile_ByFlagOrVariable()
    {
        File.WriteAllText(Path.Combine(_directory, "rawws.json"), """{ "loops": 2 }""");
        File.WriteAllText(Path.Combine(_directory, "other.json"), """{ "loops": 3 }""");
        Assert.That(Good(["--config", "other.json"]).Server.Loops, Is.EqualTo(3));
        Assert.That(Good([], ("CONFIG", "other.json")).Server.Loops, Is.EqualTo(3));
    }

    [Test]
    public void PingText_NeedsAHeartbeatOfZero()
    {
        Assert.That(Good(["--heartbeat", "0", "--ping-text", "ping"]).Server.PingText, Is.EqualTo("ping"));
        Assert.That(Wrong(["--ping-text", "ping"]), Does.Contain("ping-text"));
    }

    [TestCase("compression-takeover", "on")]
    [TestCase("compression-window", "12")]
    [TestCase("compression-level", "6")]
    [TestCase("compression-min-bytes", "1")]
    public void WhatNeedsCompression_IsKnownToDoNothingWithoutIt(string setting, string value)
    {
        Assert.That(Good([$"--{setting}", value]).FindWithoutEffect(), Is.EqualTo(setting));
        Assert.That(Good([$"--{setting}", value, "--compression", "on"]).FindWithoutEffect(), Is.Null);
        Assert.That(Good([]).FindWithoutEffect(), Is.Null);
    }

    [Test]
    public void Introduce_IsFirstMessageOnLoopbackOnly()
    {
        Assert.That(Good([]).EffectiveIntroduce, Is.EqualTo(Introduce.FirstMessage));
        Assert.That(Good(["--listen", "127.0.0.1:0", "--listen", "0.0.0.0:0"]).EffectiveIntroduce, Is.EqualTo(Introduce.Query));
        Assert.That(Good(["--listen", "0.0.0.0:0", "--introduce", "first-message"]).EffectiveIntroduce, Is.EqualTo(Introduce.FirstMessage));
    }

    // A named host or origin means that the world is outside, whatever the address is: a proxy is in front.
    [TestCase("--allowed-host", "chat.example.com")]
    [TestCase("--allowed-origin", "https://example.com")]
    [TestCase("--allowed-origin", "*")]
    public void Introduce_IsByQuery_WhereTheWorldIsOutside(string option, string value)
    {
        Assert.That(Good([option, value]).EffectiveIntroduce, Is.EqualTo(Introduce.Query));
        Assert.That(Good([option, value, "--introduce", "first-message"]).EffectiveIntroduce, Is.EqualTo(Introduce.FirstMessage));
    }

    [TestCase("2001", "127.0.0.1:2001")]
    [TestCase(":2001", "127.0.0.1:2001")]
    [TestCase("localhost:2001", "127.0.0.1:2001")]
    [TestCase("*:2001", "0.0.0.0:2001")]
    [TestCase("[::]:2001", "[::]:2001")]
    public void APortAlone_IsLoopbacks(string text, string meant) =>
        Assert.That(string.Join(' ', Good(["--listen", text]).Server.ListenEndPoints), Is.EqualTo(meant));

    // A message of the largest size in fragments of 1 KiB passes; what is set stays as it is set.
    [Test]
    public void Fragments_FollowTheLargestMessage()
    {
        Assert.That(Good([]).Server.FragmentsMax, Is.EqualTo(1024));
        Assert.That(Good(["--max-message", "4MiB"]).Server.FragmentsMax, Is.EqualTo(4096));
        Assert.That(Good(["--max-message", "64KiB"]).Server.FragmentsMax, Is.EqualTo(1024));
        Assert.That(Good(["--max-message", "1GiB"]).Server.FragmentsMax, Is.EqualTo(1024 * 1024));
        Assert.That(Good(["--max-message", "4MiB", "--max-fragments", "7"]).Server.FragmentsMax, Is.EqualTo(7));
        Assert.That(Good(["--max-fragments", "7", "--max-message", "4MiB"]).Server.FragmentsMax, Is.EqualTo(7));
    }

    [Test]
    public void Help_NamesEverySetting_AndExitsWith0()
    {
        CommandLineResult result = Read(["--help"], out string output, out string error);
        Assert.That((result.Settings, result.ExitCode, error), Is.EqualTo(((RunSettings?)null, 0, "")));
        foreach (Setting setting in SettingTable.All)
        {
            Assert.That(output, Does.Contain("--" + setting.Name));
            Assert.That(setting.Help, Does.Contain("Default: "), setting.Name);
        }
    }

    [Test]
    public void Version_IsOneLine_AndExitsWith0()
    {
        CommandLineResult result = Read(["--version"], out string output, out _);
        Assert.That((result.Settings, result.ExitCode), Is.EqualTo(((RunSettings?)null, 0)));
        Assert.That(output.Trim(), Does.Match(@"^\d+\.\d+\.\d+"));
    }

    private RunSettings Good(string[] arguments, params (string Name, string Value)[] variables)
    {
        CommandLineResult result = Read(arguments, out _, out string error, variables);
        Assert.That(error, Is.Empty);
        return result.Settings!;
    }

    private string Wrong(string[] arguments, params (string Name, string Value)[] variables)
    {
        CommandLineResult result = Read(arguments, out _, out string error, variables);
        Assert.That(result.Settings, Is.Null);
        Assert.That(result.ExitCode, Is.EqualTo(2));
        Assert.That(error.TrimEnd().Split('\n'), Has.Length.EqualTo(1), error);
        return error.TrimEnd();
    }

    private CommandLineResult Read(string[] arguments, out string output, out string error, params (string Name, string Value)[] variables)
    {
        CommandRun run = CommandRun.Of(arguments, _directory, variables, _time);
        (output, error) = (run.Output, run.Errors);
        return run.Result;
    }

    // Records compare lists by reference: what they hold is compared as text.
    internal static string Shown(RunSettings settings) =>
        $"{settings with { Server = new() }} "
            + $"{settings.Server with { ListenEndPoints = [], AllowedHosts = [], AllowedOrigins = [], Subprotocols = [] } with
            {
                Listeners = [],
                TrustedProxies = [],
            }} "
        + $"{string.Join(' ', settings.Server.ListenEndPoints)} {string.Join(' ', settings.Server.AllowedHosts)} "
        + $"{string.Join(' ', settings.Server.AllowedOrigins)} {string.Join(' ', settings.Server.Subprotocols)} "
        + $"{string.Join(' ', settings.Server.Listeners)} {string.Join(' ', settings.Server.TrustedProxies)}";
}
