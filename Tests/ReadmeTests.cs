// The README's example of embedding the server, as it stands there, compiled and run.

using RawWs.Frame;
using RawWs.Handshake;
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

    [Test]
    public void TheExample_StandsInTheReadme()
    {
        string source = File.ReadAllText(Repository.At("Tests", "ReadmeTests.cs"));
        string marked = source[(source.LastIndexOf("// README begins\n", StringComparison.Ordinal) + 17)..source.LastIndexOf("// README ends", StringComparison.Ordinal)];
        string readme = File.ReadAllText(Repository.At("README.md"));
        Assert.That(readme, Does.Contain(marked.TrimEnd()));
    }
}

// README begins
internal sealed class Shout : IWebSocketApplication
{
    public ValueTask<UpgradeDecision> OnUpgrade(UpgradeRequest request) => new(UpgradeDecision.Accept());

    public ValueTask OnMessage(WebSocketConnection connection, MessageKind kind, ReadOnlyMemory<byte> message)
    {
        connection.TrySend(kind, message.Span);
        return ValueTask.CompletedTask;
    }
}

// README ends
