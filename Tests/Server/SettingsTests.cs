// The command line, the environment and the file: what each may say, who wins, and the one line for what is wrong.

using System.Net;
using Microsoft.Extensions.Logging;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Server.Console.Settings;
using RawWs.Server.Routing;

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
        Assert.That(server.Pages.Select(static page => page.Path), Is.EqualTo(["/"]));
        Assert.That((settings.Application, settings.DuplicateUid), Is.EqualTo((ApplicationKind.Router, DuplicateUid.Share)));
        Assert.That((settings.Drain.TotalSeconds, settings.LogLevel), Is.EqualTo((5, LogLevel.Information)));
    }

    // Each flag changes something, and the default is not what it changes it to.
    [TestCase("listen", "[::1]:0")]
    [TestCase("listen", "localhost:0")]
    [TestCase("listen", "*:0")]
    [TestCase("app", "echo")]
    [TestCase("introduce", "query")]
    [TestCase("duplicate-uid", "reject")]
    [TestCase("heartbeat", "0.5")]
    [TestCase("ping-interval", "1")]
    [TestCase("max-message", "64KiB")]
    [TestCase("max-fragments", "7")]
    [TestCase("send-buffer", "2 MiB")]
    [TestCase("max-connections", "17")]
    [TestCase("max-memory", "1GiB")]
    [TestCase("handshake-timeout", "1.25")]
    [TestCase("message-timeout", "1")]
    [TestCase("send-timeout", "1")]
    [TestCase("close-timeout", "1")]
    [TestCase("allowed-origin", "https://example.com")]
    [TestCase("allowed-host", "example.com")]
    [TestCase("subprotocol", "chat.v1")]
    [TestCase("compression", "on")]
    [TestCase("compression-level", "6")]
    [TestCase("compression-min-bytes", "1KiB")]
    [TestCase("compression-takeover", "on")]
    [TestCase("compression-window", "12")]
    [TestCase("transport", "socket")]
    [TestCase("io-uring", "off")]
    [TestCase("loops", "9")]
    [TestCase("drain", "0")]
    [TestCase("log-level", "warning")]
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
        cases.Add("ping-text"); // it needs a second setting beside it, and has a test of its own
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
        File.WriteAllText(Path.Combine(_directory, "rawws.json"), """{ "subprotocol": ["x", "y", "z"], "allowed-host": ["a.example", "b.example"] }""");
        RunSettings settings = Good(["--subprotocol", "a", "--subprotocol", "b"], ("SUBPROTOCOL", "c"), ("ALLOWED_ORIGIN", "https://a.example, https://b.example"));
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

    [TestCase("null")]
    [TestCase("file://")]
    [TestCase("*")]
    [TestCase("ionic://localhost")]
    [TestCase("https://xn--bcher-kva.example")]
    [TestCase("http://[::1]:8080")]
    [TestCase("HTTPS://Example.com:443")]
    public void AnOriginThatCanMatch_IsTaken(string origin) => Assert.That(Good(["--allowed-origin", origin]).Server.AllowedOrigins[0], Is.EqualTo(origin));

    // What can never match is a mistake, and is told at the start, with the reason.
    [TestCase("--allowed-origin", "https://example.com/chat", "path")]
    [TestCase("--allowed-origin", "https://example.com?a", "path")]
    [TestCase("--allowed-origin", "https://*.example.com", "*")]
    [TestCase("--allowed-origin", "https://b\u00fccher.example", "xn--")]
    [TestCase("--allowed-origin", "https://127.1", "127.0.0.1")]
    [TestCase("--allowed-origin", "https://0x7f000001", "127.0.0.1")]
    [TestCase("--allowed-origin", "wss://example.com", "https://example.com")]
    [TestCase("--allowed-origin", "ws://example.com", "http://example.com")]
    [TestCase("--allowed-origin", "file:///home/page.html", "file://")]
    [TestCase("--allowed-origin", "https://user@example.com", "host")]
    [TestCase("--allowed-origin", "https://example.com:99999", "port")]
    [TestCase("--allowed-origin", "https://", "host")]
    [TestCase("--allowed-origin", "NULL", "null")]
    [TestCase("--allowed-origin", "https://a b", "host")]
    [TestCase("--allowed-origin", "https://[::1%25eth0]", "host")]
    [TestCase("--allowed-host", "b\u00fccher.example", "xn--")]
    [TestCase("--allowed-host", "https://example.com", "name")]
    [TestCase("--allowed-host", "*.example.com", "*")]
    [TestCase("--allowed-host", "example..com", "name")]
    [TestCase("--allowed-host", "192.0.2.1", "address")]
    [TestCase("--allowed-host", "[::1]", "address")]
    [TestCase("--allowed-host", "127.1", "address")]
    [TestCase("--allowed-host", "*", "*")]
    public void AValueThatCanNeverMatch_IsOneLine_WithTheReason(string option, string value, string reason)
    {
        string line = Wrong([option, value]);
        Assert.That(line, Does.StartWith(option).And.Contain(" is not allowed: ").And.Contain(reason).And.Contain("allowed: "));
    }

    [TestCase("--max-message", "12x")]
    [TestCase("--max-message", "0")]
    [TestCase("--compression", "yes")]
    [TestCase("--compression-level", "10")]
    [TestCase("--compression-window", "8")]
    [TestCase("--compression-takeover", "")]
    [TestCase("--max-message", "1.5MiB")]
    [TestCase("--max-message", "9999999999999GiB")]
    [TestCase("--max-memory", "1023KiB")]
    [TestCase("--max-fragments", "-1")]
    [TestCase("--loops", "1025")]
    [TestCase("--heartbeat", "-1")]
    [TestCase("--heartbeat", "1e3")]
    [TestCase("--close-timeout", "0")]
    [TestCase("--close-timeout", "NaN")]
    [TestCase("--drain", "86401")]
    [TestCase("--listen", "127.0.0.1")]
    [TestCase("--listen", "127.1:2000")]
    [TestCase("--listen", "127.0.0.1:65536")]
    [TestCase("--listen", "::1:2000")]
    [TestCase("--listen", "[127.0.0.1]:2000")]
    [TestCase("--listen", "example.com:2000")]
    [TestCase("--transport", "kqueue")]
    [TestCase("--allowed-origin", "example.com")]
    [TestCase("--allowed-origin", "https://example.com/")]
    [TestCase("--allowed-host", "example.com:80")]
    [TestCase("--subprotocol", "a b")]
    [TestCase("--log-level", "loud")]
    public void AWrongValue_IsOneLine_WithOptionValueAndWhatIsAllowed(string option, string value)
    {
        string line = Wrong([option, value]);
        Assert.That(line, Does.Contain(option).And.Contain(value).And.Contain("allowed: "));
    }

    [TestCase("--no-such-option")]
    [TestCase("stray")]
    [TestCase("@rawws.rsp")]
    [TestCase("--loops")]
    [TestCase("--loops", "1", "--loops", "2")]
    [TestCase("--config", "missing.json")]
    public void WhatIsNoOption_IsOneLineToo(params string[] arguments) => Assert.That(Wrong(arguments), Does.Contain(arguments[0]));

    [TestCase("""{ "max-mesage": 1 }""", "max-mesage")]
    [TestCase("""{ "loops": {"a": 1} }""", "loops")]
    [TestCase("""{ "loops": [1, 2] }""", "loops")]
    [TestCase("""{ "loops": null }""", "loops")]
    [TestCase("""{ "loops": "many" }""", "many")]
    [TestCase("""{ "listen": [] }""", "listen")]
    [TestCase("""{ "listen": ["127.0.0.1:0", {"a": "b"}] }""", "listen")]
    [TestCase("""{ "listen": ["127.0.0.1:0", "x"] }""", "\"x\"")]
    [TestCase("[]", "rawws.json")]
    [TestCase("{", "rawws.json")]
    [TestCase("", "rawws.json")]
    public void AWrongFile_IsOneLine(string json, string named)
    {
        File.WriteAllText(Path.Combine(_directory, "rawws.json"), json);
        Assert.That(Wrong([]), Does.Contain(named));
    }

    // The runtime has put U+FFFD for each byte that is none of UTF-8's.
    [Test]
    public void AnArgumentOrAVariableThatIsNotUtf8_IsOneLine()
    {
        Assert.That(Wrong(["--heartbeat", "0", "--ping-text", "a\uFFFDb"]), Does.Contain("--ping-text").And.Contain("UTF-8"));
        Assert.That(Wrong(["--heartbeat", "0"], ("PING_TEXT", "a\uFFFDb")), Does.Contain("RAWWS_PING_TEXT").And.Contain("UTF-8"));
        Assert.That(Wrong([], ("CONFIG", "a\uFFFDb")), Does.Contain("RAWWS_CONFIG").And.Contain("UTF-8"));
    }

    [TestCase("2001", "127.0.0.1:2001")]
    [TestCase(":2001", "127.0.0.1:2001")]
    [TestCase("localhost:2001", "127.0.0.1:2001")]
    [TestCase("*:2001", "0.0.0.0:2001")]
    [TestCase("[::]:2001", "[::]:2001")]
    public void APortAlone_IsLoopbacks(string text, string meant) =>
        Assert.That(string.Join(' ', Good(["--listen", text]).Server.ListenEndPoints), Is.EqualTo(meant));

    [TestCase("--max-mesage", "--max-message")]
    [TestCase("--maxmessage", "--max-message")]
    [TestCase("--max-message-size", "--max-message")]
    [TestCase("--port", "--listen")]
    [TestCase("-port", "--listen")]
    [TestCase("--Compression", "--compression")]
    [TestCase("--hlep", "--help")]
    [TestCase("--cofnig", "--config")]
    [TestCase("loops", "--loops")]
    public void AnUnknownOption_IsToldWhichOneIsNear(string option, string near) =>
        Assert.That(Wrong([option, "7"]), Does.Contain(option).And.Contain($"did you mean {near}?").And.Contain("--help"));

    [Test]
    public void AnUnknownOption_WithNothingNearIt_IsSentToTheHelp() =>
        Assert.That(Wrong(["--frobnicate"]), Does.Contain("--frobnicate").And.Contain("--help").And.Not.Contain("mean"));

    [Test]
    public void AnUnknownKey_IsToldWhichOneIsNear()
    {
        File.WriteAllText(SettingsFile, """{ "maxMessage": 1 }""");
        Assert.That(Wrong([]), Does.Contain("maxMessage").And.Contain("did you mean \"max-message\"?").And.Contain("--help"));
    }

    [Test]
    public void AnUnknownOption_IsEscaped() => Assert.That(Wrong(["--\u001b[2J"]), Does.Not.Contain("\u001b"));

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
    public void AWrongVariable_IsOneLine_AndAnUnknownOneIsToldOf()
    {
        Assert.That(Wrong([], ("LOOPS", "many")), Does.Contain("RAWWS_LOOPS").And.Contain("many"));
        Assert.That(string.Join(' ', Read([], out _, out _, ("PORT", "tcp://10.0.0.1")).Ignored), Is.EqualTo("RAWWS_PORT"));
    }

    [Test]
    public void AStrangersText_IsEscaped() => Assert.That(Wrong(["--loops", "1\u001b[2J\n2"]), Does.Not.Contain("\u001b"));

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
        Dictionary<string, string> environment = variables.ToDictionary(static variable => variable.Name, static variable => variable.Value);
        using StringWriter outputWriter = new(), errorWriter = new();
        CommandLineResult result = new RawWs.Server.Console.Settings.CommandLine(environment, _directory, outputWriter, errorWriter, _time).Read(arguments);
        (output, error) = (outputWriter.ToString(), errorWriter.ToString());
        return result;
    }

    // Records compare lists by reference: what they hold is compared as text.
    private static string Shown(RunSettings settings) =>
        $"{settings with { Server = new() }} {settings.Server with { ListenEndPoints = [], AllowedHosts = [], AllowedOrigins = [], Subprotocols = [] }} "
        + $"{string.Join(' ', settings.Server.ListenEndPoints)} {string.Join(' ', settings.Server.AllowedHosts)} "
        + $"{string.Join(' ', settings.Server.AllowedOrigins)} {string.Join(' ', settings.Server.Subprotocols)}";
}
