// What may know what: Frame the base library only, Handshake System.IO.Pipelines besides, and the server both and the face of a log.

using System.Reflection;

namespace RawWs.Tests;

public sealed class ReferencesTests
{
    [Test]
    public void Frame_KnowsTheBaseLibraryOnly() => Check(typeof(RawWs.Frame.Opcode).Assembly, []);

    [Test]
    public void Handshake_KnowsPipelinesBesides() => Check(typeof(RawWs.Handshake.UpgradeRequest).Assembly, ["System.IO.Pipelines"]);

    [Test]
    public void Server_HasNoForeignWebSocketOnItsPath()
    {
        IEnumerable<string?> names = typeof(RawWs.Server.WebSocketServer).Assembly.GetReferencedAssemblies()
            .Select(static name => name.Name);
        Assert.That(names, Has.None.StartsWith("System.Net.WebSockets").And.None.StartsWith("Microsoft.AspNetCore"));
        Assert.That(names, Does.Contain("RawWs.Frame").And.Contain("RawWs.Handshake"));
    }

    [Test]
    public void Server_NeedsTheFaceOfALog_AndNoMore() => Assert.That(
        typeof(RawWs.Server.WebSocketServer).Assembly.GetReferencedAssemblies().Select(static name => name.Name!)
            .Where(static name => !name.StartsWith("System.", StringComparison.Ordinal)),
        Is.EquivalentTo(["RawWs.Frame", "RawWs.Handshake", "Microsoft.Extensions.Logging.Abstractions"]));

    private static void Check(Assembly assembly, string[] besides)
    {
        // The base library: what comes with the runtime and does no input or output over a network.
        string[] foreign =
            ["System.Net.Sockets", "System.Net.WebSockets", "System.Net.Http", "Microsoft.", "RawWs.", "rawws", "System.IO.Pipelines"];
        IEnumerable<string> names = assembly.GetReferencedAssemblies().Select(static name => name.Name!).Except(besides);
        Assert.That(names.Where(name => foreign.Any(word => name.StartsWith(word, StringComparison.Ordinal))), Is.Empty);
    }
}
