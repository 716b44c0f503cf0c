// What the settings refuse, each with one line that says what is wrong, where, and what is allowed or near. What strangers could have
// written is escaped.

namespace RawWs.Tests.Server;

public partial class SettingsTests
{
    [TestCase("null")]
    [TestCase("file://")]
    [TestCase("*")]
    [TestCase("ionic://localhost")]
    [TestCase("https://xn--bcher-kva.example")]
    [TestCase("http://[::1]:8080")]
    [TestCase("HTTPS://Example.com:443")]
    public void AnOriginThatCanMatch_IsTaken(string origin) =>
        Assert.That(Good(["--allowed-origin", origin]).Server.AllowedOrigins[0], Is.EqualTo(origin));

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
    [TestCase("--log-level", "")]
    [TestCase("--log-level", "info,")]
    [TestCase("--log-level", "info,debug")]
    [TestCase("--log-level", "RawWs.Frame=trace")]
    [TestCase("--log-level", "=trace")]
    [TestCase("--log-level", "RawWs.Frames=")]
    [TestCase("--log-level", "RawWs.Frames=trace=debug")]
    [TestCase("--log-level", "RawWs=info,rawws=debug")]
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

    // A word is no option. It may be a command that was meant, an option without its hyphens, or a value that stands alone.
    [TestCase("explian", "\"explian\" is neither a command nor the value of an option; did you mean explain? See --help")]
    [TestCase("config-check", "\"config-check\" is neither a command nor the value of an option; did you mean config? See --help")]
    [TestCase("loops", "\"loops\" is neither a command nor the value of an option; did you mean --loops? See --help")]
    [TestCase("loops=2", "\"loops=2\" is neither a command nor the value of an option; did you mean --loops? See --help")]
    [TestCase("127.0.0.1:2001", "\"127.0.0.1:2001\" is neither a command nor the value of an option; see --help")]
    [TestCase("", "\"\" is neither a command nor the value of an option; see --help")]
    public void AStrayWord_IsNotCalledAnOption(string word, string line) => Assert.That(Wrong([word]), Is.EqualTo(line));

    // Here the help of the command is meant.
    [TestCase("config check x", "\"x\" is neither a command nor the value of an option; see rawws config check --help")]
    [TestCase("config chekc", "\"chekc\" is neither a command nor the value of an option; did you mean check? See rawws config --help")]
    [TestCase("token create y --uid a", "\"y\" is neither a command nor the value of an option; see rawws token create --help")]
    [TestCase("token create --uit a", "--uit: there is no such option; did you mean --uid? See rawws token create --help")]
    [TestCase("config check --lops 1", "--lops: there is no such option; did you mean --loops? See rawws config check --help")]
    public void WhatACommandDoesNotKnow_IsToldWithItsHelp(string arguments, string line) =>
        Assert.That(Wrong(arguments.Split(' ')), Is.EqualTo(line));

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

    [Test]
    public void AWrongVariable_IsOneLine_AndAnUnknownOneIsToldOf()
    {
        Assert.That(Wrong([], ("LOOPS", "many")), Does.Contain("RAWWS_LOOPS").And.Contain("many"));
        Assert.That(string.Join(' ', Read([], out _, out _, ("PORT", "tcp://10.0.0.1")).Sources!.Ignored), Is.EqualTo("RAWWS_PORT"));
    }

    [Test]
    public void AStrangersText_IsEscaped() => Assert.That(Wrong(["--loops", "1\u001b[2J\n2"]), Does.Not.Contain("\u001b"));
}
