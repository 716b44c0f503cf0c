// `rawws config`: every problem with its place, the values with their sources, and the pages that are made of the table of settings.

using System.Text.RegularExpressions;
using RawWs.Server.Console.Settings;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

public sealed partial class ConfigCommandTests
{
    private string _directory = "";

    private static IEnumerable<Setting> All => SettingTable.All;

    private static IEnumerable<string> WithDefaults =>
        All.Where(static setting => SettingPages.DefaultValueOf(setting) is not null).Select(static setting => setting.Name);

    [SetUp]
    public void MakeDirectory() => _directory = Directory.CreateTempSubdirectory("rawws-config-").FullName;

    [TearDown]
    public void DeleteDirectory() => Directory.Delete(_directory, recursive: true);

    [Test]
    public void Check_NamesEveryProblem_WithFileLineAndKey()
    {
        Write("""
            {
              // a comment
              "max-mesage": 1,

              "loops": "many", "heartbeat": 5,
              "listen": [
                "x"],
              "heartbeat": 6
            }
            """);
        (int exitCode, string output, string error) = Run(["config", "check", "--drain", "x"], ("SEND_TIMEOUT", "y"));
        Assert.That(exitCode, Is.EqualTo(2));
        Assert.That(output, Is.Empty);
        string[] lines = error.Split('\n');
        Assert.That(lines[0], Does.StartWith("rawws.json, line 3: \"max-mesage\": there is no such setting; did you mean"));
        Assert.That(lines[1], Does.StartWith("rawws.json, line 8: \"heartbeat\": is there twice"));
        Assert.That(lines[2..], Has.Length.EqualTo(4));
        Assert.That(lines[2], Does.StartWith("rawws.json, line 6: \"listen\": \"x\" is not allowed"));
        Assert.That(lines, Has.One.StartsWith("rawws.json, line 5: \"loops\": \"many\" is not allowed"));
        Assert.That(lines, Has.One.StartsWith("--drain: \"x\" is not allowed"));
        Assert.That(lines, Has.One.StartsWith("RAWWS_SEND_TIMEOUT: \"y\" is not allowed"));
    }

    [Test]
    public void Check_OfAFileThatIsNoJson_SaysWhere()
    {
        Write("{\n \"loops\": 1\n \"drain\": 2\n}");
        Assert.That(Run(["config", "check"]).Errors,
            Does.StartWith("rawws.json: is not the JSON that is needed").And.Contain("LineNumber: 2"));
        Assert.That(Run(["config", "check", "--config", "none.json"]).Errors, Is.EqualTo(
            "--config: \"none.json\": is not there; a file with settings in JSON is needed"));
    }

    [Test]
    public void Check_OfGoodSettings_SaysSo_AndNamesWhatIsIgnored()
    {
        (int exitCode, string output, string error) = Run(["config", "check", "--compression-level", "3"], ("PORT", "1"), ("LOPS", "2"));
        Assert.That((exitCode, error), Is.EqualTo((0, "")));
        Assert.That(output, Is.EqualTo("the settings are good\n"
            + "the environment's RAWWS_PORT is no setting and is ignored; did you mean RAWWS_LISTEN?\n"
            + "the environment's RAWWS_LOPS is no setting and is ignored; did you mean RAWWS_LOOPS?\n"
            + "--compression-level has no effect without --compression on\n"));
    }

    // What is wrong between settings is told too, though each is good alone.
    [Test]
    public void Check_FindsConflicts()
    {
        Assert.That(Run(["config", "check", "--ping-text", "x"]), Is.EqualTo((2, "", "--ping-text: needs --heartbeat 0")));
        Assert.That(Run(["config", "check", "--listen", "wss://127.0.0.1:0"]).Errors, Does.Contain("--tls-cert"));
    }

    [Test]
    public void Show_HasEverySetting_WithItsSource()
    {
        Write("{ \"max-message\": \"64KiB\",\n \"loops\": 2, \"drain\": 3 }");
        (int exitCode, string output, string error) =
            Run(["config", "show", "--drain", "4", "--allowed-host", "a.example", "--allowed-host", "b.example"], ("LOOPS", "1"));
        Assert.That((exitCode, error), Is.EqualTo((0, "")));
        Dictionary<string, string> rows = output.TrimEnd().Split('\n').Select(static line => Columns().Split(line))
            .ToDictionary(static row => row[0], static row => string.Join(" = ", row[1..]));
        Assert.That(rows.Keys, Is.EquivalentTo(All.Select(static setting => setting.Name).Append("config")));
        Assert.That(rows["max-message"], Is.EqualTo("rawws.json, line 1: \"max-message\" = 64KiB"));
        Assert.That(rows["loops"], Is.EqualTo("RAWWS_LOOPS = 1"));
        Assert.That(rows["drain"], Is.EqualTo("--drain = 4"));
        Assert.That(rows["allowed-host"], Is.EqualTo("--allowed-host = a.example b.example"));
        Assert.That(rows["heartbeat"], Is.EqualTo("default = 10 s"));
        Assert.That(rows["config"], Is.EqualTo("rawws.json"));
    }

    [Test]
    public void Show_MasksAPasswordInAUrl()
    {
        string output = Run(["config", "show", "--heartbeat", "0", "--ping-text", "https://me:pass-phrase@example.com/x"]).Output;
        Assert.That(output, Does.Contain("https://***@example.com/x").And.Not.Contain("pass-phrase"));
    }

    [Test]
    public void Show_OfWrongSettings_ShowsThem_AndSaysWhatIsWrong()
    {
        (int exitCode, string output, string error) = Run(["config", "show", "--loops", "many"]);
        Assert.That(exitCode, Is.EqualTo(2));
        Assert.That(output, Does.Match(@"(?m)^loops +--loops +many$"));
        Assert.That(error, Does.StartWith("--loops: \"many\" is not allowed"));
    }

    // The printed file changes nothing; and without the marks of its comments it sets what is the default anyhow.
    [Test]
    public void Defaults_AreAFileThatCanBeUsed()
    {
        string text = Run(["config", "defaults"]).Output;
        foreach (Setting setting in All) Assert.That(text, Does.Contain($"  // \"{setting.Name}\": "));
        Write(text);
        Assert.That(Run(["config", "check"]), Is.EqualTo((0, "the settings are good\n", "")));
        string[] names = [.. WithDefaults];
        Write(CommentedOut().Replace(text, mark => names.Contains(mark.Groups[1].Value) ? $"  {mark.Groups[2].Value}" : mark.Value));
        Assert.That(Run(["config", "check"]), Is.EqualTo((0, "the settings are good\n", "")));
        Assert.That(CommentedOut().Matches(File.ReadAllText(Path.Combine(_directory, "rawws.json"))),
            Has.Count.EqualTo(All.Count() - names.Length));
    }

    // So the default that the help tells is the one that holds.
    [TestCaseSource(nameof(WithDefaults))]
    public void TheDefaultOfTheHelp_ChangesNothing(string name)
    {
        Setting setting = SettingTable.Find(name)!;
        RunSettings settings = setting.Apply(new RunSettings(), [SettingPages.DefaultValueOf(setting)!], out _)!;
        Assert.That(SettingsTests.Shown(settings), Is.EqualTo(SettingsTests.Shown(new RunSettings())));
    }

    [Test]
    public void Variables_AreAllThere()
    {
        string text = Run(["config", "env"]).Output;
        Assert.That(Variable().Matches(text).Select(static variable => variable.Groups[1].Value),
            Is.EqualTo(All.Select(static setting => "RAWWS_" + setting.Name.ToUpperInvariant().Replace('-', '_')).Prepend("RAWWS_CONFIG")));
        Assert.That(text, Does.Contain("\n#RAWWS_MAX_MESSAGE=1 MiB\n"));
        Assert.That(text.Split('\n').Where(static line => line.Length > 0), Has.All.StartsWith("#"));
    }

    // To write the page anew: RAWWS_WRITE_DOCS=1.
    [Test]
    public void TheDocument_IsInTheDocs()
    {
        (int exitCode, string output, string error) = Run(["config", "doc"]);
        Assert.That((exitCode, error), Is.EqualTo((0, "")));
        if (Repository.WritesDocs)
            File.WriteAllText(Repository.At("docs", "ops", "settings.md"), output);
        Assert.That(Repository.Read("docs/ops/settings.md"), Is.EqualTo(output));
    }

    [Test]
    public void WhatIsNoCommand_IsOneLine()
    {
        Assert.That(Run(["config"]).ExitCode, Is.EqualTo(2));
        Assert.That(Run(["config", "chekc"]).ExitCode, Is.EqualTo(2));
        Assert.That(Run(["config", "check", "--lops", "1"]).Errors, Does.Contain("did you mean --loops?"));
    }

    private void Write(string json) => File.WriteAllText(Path.Combine(_directory, "rawws.json"), json);

    private (int ExitCode, string Output, string Errors) Run(string[] arguments, params (string Name, string Value)[] variables)
    {
        CommandRun run = CommandRun.Of(arguments, _directory, variables);
        Assert.That(run.Result.Settings, Is.Null, "there is nothing to run");
        return (run.ExitCode, run.Output, run.Errors);
    }

    [GeneratedRegex("  +")]
    private static partial Regex Columns();

    [GeneratedRegex("(?m)^  // (?=\"([a-z-]+)\": )(.*)$")]
    private static partial Regex CommentedOut();

    [GeneratedRegex("(?m)^#(RAWWS_[A-Z_]+)=")]
    private static partial Regex Variable();
}
