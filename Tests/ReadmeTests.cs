// The examples of the READMEs, as they stand there, compiled and run: embedding the server here, the others in files of their own.

using RawWs.Server;
using RawWs.Tests.Support;

namespace RawWs.Tests;

public sealed class ReadmeTests
{
    [Test]
    public async Task TheExample_Works()
    {
        await using TestServer server = await TestServer.Start(Setup.All[0], new Shout());
        using RawClient client = RawClient.Open(server.Port);
        client.SendText("hello");
        Assert.That(client.ReadText(), Is.EqualTo("hello"));
    }

    [TestCase("frame", "810548656C6C6F\n")]
    [TestCase(
        "handshake",
        "HTTP/1.1 101 Switching Protocols\nUpgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\n"
        + "\n")]
    [TestCase("server", "hello\n")]
    [TestCase("hosting", "hello\n")]
    public void ThePackagesExample_PrintsWhatItsReadmeSays(string sample, string printed)
    {
        (int exitCode, string output, string errors) = Dotnet.Run(Dotnet.PathOf("RawWs.Samples"), sample);
        Assert.That((exitCode, output.ReplaceLineEndings("\n"), errors), Is.EqualTo((0, printed, "")));
    }

    [TestCase(
        "Greeting",
        "1 address\nAnn comes from 127.0.0.1 to 127.0.0.1:PORT\nwelcome, Ann\nh\nAnn has gone: PeerClosed, 1000, by Peer\nstopped\n")]
    [TestCase("Sending", "I count\n010203\ngo\n1\n2\n3\n")]
    [TestCase("Closing", "ApplicationClosed, clean: True\nthe work is Canceled\n")]
    [TestCase(
        "Directory",
        "ann has joined\n1 here: ann\nbob has joined\n2 here: ann, bob\nDelivered\nann calls\ngood evening\ngood evening\n1 kicked\n"
        + "4100 kicked\n")]
    [TestCase("Adapting", "as it came\n")]
    [TestCase("Presence", "nobody else is\nann is online\nann is offline\nenough\n")]
    public void TheLibrarysSample_PrintsWhatItShould_AndStandsInItsPage(string sample, string printed)
    {
        (int exitCode, string output, string errors) = Dotnet.Run(Dotnet.PathOf("RawWs.Samples"), "library", sample);
        string seen = System.Text.RegularExpressions.Regex.Replace(output.ReplaceLineEndings("\n"), "(?<=127.0.0.1:)[0-9]+", "PORT");
        Assert.That((exitCode, seen, errors), Is.EqualTo((0, printed, "")));
        string marked = Marked(Repository.Read($"Tests/Samples/Library/{sample}.cs"), "Sample");
        Assert.That(Repository.Read("docs/library.md"), Does.Contain($"```csharp\n{marked}\n```"));
    }

    [Test]
    public void EverySampleOfTheLibrarysPage_IsOneOfThese() => Assert.That(
        Repository.Read("docs/library.md").Split("```csharp").Length - 1,
        Is.EqualTo(Directory.GetFiles(Repository.At("Tests", "Samples", "Library"), "*.cs")
            .Count(static path => File.ReadAllText(path).Contains("// Sample begins"))));

    [TestCase("Tests/ReadmeTests.cs", "README.md")]
    [TestCase("Tests/Samples/HostingSample.cs", "README.md")]
    [TestCase("Tests/Benchmarks/AnotherParser.cs", "Benchmarks/README.md")]
    public void TheExample_StandsInTheReadme(string source, string readme) =>
        Assert.That(Repository.Read(readme), Does.Contain(Marked(Repository.Read(source))));

    [TestCase("Frame")]
    [TestCase("Handshake")]
    [TestCase("Server")]
    [TestCase("Server/Hosting")]
    [TestCase("Server/Nats")]
    public void ThePackagesExample_StandsInItsReadme(string package)
    {
        string source = Repository.Read($"Tests/Samples/{Path.GetFileName(package)}Sample.cs");
        string usings = string.Concat(source.Split('\n').Where(static line => line.StartsWith("using ", StringComparison.Ordinal))
            .Select(static line => line + "\n"));
        Assert.That(Repository.Read($"{package}/README.md"), Does.Contain($"```csharp\n{usings}\n{Marked(source)}\n```"));
    }

    // What stands between each pair of marks, moved to the left; an empty line is between two pairs.
    internal static string Marked(string source, string word = "README")
    {
        List<string> parts = [];
        string[] lines = source.Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            if (lines[i].Trim() != $"// {word} begins") continue;
            int indent = lines[i].IndexOf('/', StringComparison.Ordinal);
            IEnumerable<string> marked = lines.Skip(i + 1).TakeWhile(line => line.Trim() != $"// {word} ends");
            parts.Add(string.Join('\n', marked.Select(line => line.Length > indent ? line[indent..] : line)).TrimEnd());
        }

        Assert.That(parts, Is.Not.Empty);
        return string.Join("\n\n", parts);
    }
}

// README begins
internal sealed class Shout : IWebSocketApplication
{
    public ValueTask<UpgradeDecision> OnUpgrade(UpgradeContext context) => new(UpgradeDecision.Accept());

    public ValueTask OnMessage(WebSocketConnection connection, WebSocketMessage message)
    {
        connection.TrySend(message);
        return ValueTask.CompletedTask;
    }
}

// README ends
