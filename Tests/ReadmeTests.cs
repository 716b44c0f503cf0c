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
    [TestCase("handshake", "HTTP/1.1 101 Switching Protocols\nUpgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\n\n")]
    [TestCase("server", "hello\n")]
    [TestCase("hosting", "hello\n")]
    public void ThePackagesExample_PrintsWhatItsReadmeSays(string sample, string printed)
    {
        (int exitCode, string output, string errors) = Dotnet.Run(Dotnet.PathOf("RawWs.Samples"), sample);
        Assert.That((exitCode, output.ReplaceLineEndings("\n"), errors), Is.EqualTo((0, printed, "")));
    }

    [TestCase("Tests/ReadmeTests.cs", "README.md")]
    [TestCase("Tests/Samples/HostingSample.cs", "README.md")]
    [TestCase("Tests/Benchmarks/AnotherParser.cs", "Benchmarks/README.md")]
    public void TheExample_StandsInTheReadme(string source, string readme) =>
        Assert.That(Repository.Read(readme), Does.Contain(Marked(Repository.Read(source))));

    [TestCase("Frame")]
    [TestCase("Handshake")]
    [TestCase("Server")]
    [TestCase("Server/Hosting")]
    public void ThePackagesExample_StandsInItsReadme(string package)
    {
        string source = Repository.Read($"Tests/Samples/{Path.GetFileName(package)}Sample.cs");
        string usings = string.Concat(source.Split('\n').Where(static line => line.StartsWith("using ", StringComparison.Ordinal)).Select(static line => line + "\n"));
        Assert.That(Repository.Read($"{package}/README.md"), Does.Contain($"```csharp\n{usings}\n{Marked(source)}\n```"));
    }

    // What stands between each pair of marks, moved to the left; an empty line is between two pairs.
    private static string Marked(string source)
    {
        List<string> parts = [];
        string[] lines = source.Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            if (lines[i].Trim() != "// README begins") continue;
            int indent = lines[i].IndexOf('/', StringComparison.Ordinal);
            IEnumerable<string> marked = lines.Skip(i + 1).TakeWhile(static line => line.Trim() != "// README ends");
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
