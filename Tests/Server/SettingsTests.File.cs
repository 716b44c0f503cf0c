// The file with settings: what it may hold, and that one which is there and cannot be used is told, whatever it is.

using Microsoft.Extensions.Time.Testing;
using RawWs.Server.Console.Settings;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

public partial class SettingsTests
{
    private readonly FakeTimeProvider _time = new();

    // JSON has types of its own: a switch is true or false, a number is a number.
    [TestCase("compression", "true", "on")]
    [TestCase("compression-takeover", "false", "off")]
    [TestCase("io-uring", "false", "off")]
    [TestCase("loops", "3", "3")]
    [TestCase("loops", "3.0", "3")]
    [TestCase("heartbeat", "0.5", "0.5")]
    [TestCase("heartbeat", "5e-1", "0.5")]
    [TestCase("max-message", "2048", "2048")]
    [TestCase("listen", "2001", "127.0.0.1:2001")]
    [TestCase("listen", "[2001, \"[::1]:0\"]", "127.0.0.1:2001,[::1]:0")]
    [TestCase("subprotocol", "\"chat.v1\"", "chat.v1")]
    public void AFile_MayHaveJsonsOwnTypes(string name, string json, string text)
    {
        RunSettings byVariable = Good([], (name.ToUpperInvariant().Replace('-', '_'), text));
        File.WriteAllText(SettingsFile, $$"""{ "{{name}}": {{json}} }""");
        Assert.That(Shown(Good([])), Is.EqualTo(Shown(byVariable)));
    }

    [TestCase("""{ "loops": true }""", "\"true\"")]
    [TestCase("""{ "heartbeat": 0, "ping-text": true }""", "ping-text")]
    [TestCase("""{ "compression": 1 }""", "\"1\"")]
    [TestCase("""{ "compression": null }""", "compression")]
    [TestCase("""{ "compression": "yes" }""", "\"yes\"")]
    [TestCase("""{ "subprotocol": ["a", null] }""", "subprotocol")]
    [TestCase("""{ "subprotocol": ["a", ["b"]] }""", "subprotocol")]
    [TestCase("""{ "subprotocol": [true] }""", "subprotocol")]
    [TestCase("""{ "loops": 1, "loops": 2 }""", "loops")]
    [TestCase("""{ "loops": 1, "Loops": 2 }""", "Loops")]
    [TestCase("""{ "loops": 1 } { "loops": 2 }""", "rawws.json")]
    [TestCase("""{ "loops": 99999999999999999999999999999999999999999999 }""", "loops")]
    [TestCase("""{ "loops": 1e400 }""", "loops")]
    [TestCase("""{ "loops": "\ud800" }""", "rawws.json")]
    public void AWrongTypeInAFile_IsOneLine_WithTheFileAndTheKey(string json, string named)
    {
        File.WriteAllText(SettingsFile, json);
        Assert.That(Wrong([]), Does.Contain(named).And.Contain("rawws.json"));
    }

    [Test]
    public void AFile_MayHaveAMarkAtItsBeginning_Comments_AndCommasAtTheEnd()
    {
        File.WriteAllText(SettingsFile, "{ /* as many as the machine has */ \"loops\": 3, // three\n }",
            new System.Text.UTF8Encoding(encoderShouldEmitUTF8Identifier: true));
        Assert.That(Good([]).Server.Loops, Is.EqualTo(3));
    }

    // What is there and cannot be used is told, with its name: the server must not run with other settings than the ones written.
    [Test]
    public void ADirectory_InPlaceOfTheFile_IsOneLine()
    {
        Directory.CreateDirectory(SettingsFile);
        Assert.That(Wrong([]), Does.Contain("rawws.json").And.Contain("directory"));
        Assert.That(Wrong(["--config", "."]), Does.Contain("--config").And.Contain("directory"));
        Assert.That(Wrong([], ("CONFIG", ".")), Does.Contain("RAWWS_CONFIG").And.Contain("directory"));
    }

    [Test]
    public void ALinkThatLeadsNowhere_IsOneLine()
    {
        File.CreateSymbolicLink(SettingsFile, Path.Combine(_directory, "gone.json"));
        Assert.That(Wrong([]), Does.Contain("rawws.json"));
    }

    [Test]
    public void AFile_IsNotReadPastItsLargestSize()
    {
        File.WriteAllText(SettingsFile, "{ \"loops\": 3 }" + new string(' ', 1024 * 1024));
        Assert.That(Wrong([]), Does.Contain("rawws.json").And.Contain("1 MiB"));
    }

    [Test]
    [Platform(Exclude = "Win")]
    public async Task APipeThatNobodyWritesTo_IsWaitedForAWhile([Values] bool named)
    {
        Assert.That(Tools.Run("mkfifo", SettingsFile).ExitCode, Is.Zero);
        Task<string> reading = Task.Run(() => Wrong(named ? ["--config", "rawws.json"] : []));
        TestServer.Eventually(
            () =>
            {
                _time.Advance(TimeSpan.FromSeconds(1));
                return reading.IsCompleted;
            },
            "it gives up");
        Assert.That(await reading, Does.Contain("rawws.json").And.Contain("5 seconds"));
        // Who still waits in open is let go.
        await using FileStream end = new(SettingsFile, FileMode.Open, FileAccess.ReadWrite);
    }

    // Bash's --config <(...) is one.
    [Test]
    [Platform(Exclude = "Win")]
    public async Task APipeThatSomebodyWritesTo_IsRead()
    {
        Assert.That(Tools.Run("mkfifo", SettingsFile).ExitCode, Is.Zero);
        Task writing = Task.Run(() => File.WriteAllText(SettingsFile, """{ "loops": 3 }"""));
        Assert.That(Good([]).Server.Loops, Is.EqualTo(3));
        await writing;
    }

    [Test]
    public void AFile_IsUtf8([Values("utf-8", "utf-16", "latin-1")] string encoding)
    {
        string json = """{ "heartbeat": 0, "ping-text": "é" }""";
        File.WriteAllBytes(SettingsFile, encoding switch
        {
            "utf-8" => [.. System.Text.Encoding.UTF8.GetBytes(json)],
            "utf-16" => [0xFF, 0xFE, .. System.Text.Encoding.Unicode.GetBytes(json)],
            _ => System.Text.Encoding.Latin1.GetBytes(json),
        });
        if (encoding == "utf-8") Assert.That(Good([]).Server.PingText, Is.EqualTo("é"));
        else Assert.That(Wrong([]), Does.Contain("rawws.json").And.Contain("UTF-8"));
    }
}
