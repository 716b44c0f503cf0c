// Publishing the program for a system (`dotnet publish -r`): it works with locked lock files, as under CI=true, it changes no file of the
// sources, and what it makes runs.

using RawWs.Tests.Support;

namespace RawWs.Tests;

public sealed class PublishTests
{
    [Test]
    public void ForASystem_LeavesTheSourcesAsTheyWere_AndRuns()
    {
        using SourceCopy copy = new();
        string output = copy.Publish("bin");
        (int exitCode, string text, string errors) = Dotnet.Run(Path.Combine(output, "rawws.dll"), "--version");
        Assert.That((exitCode, text, errors), Is.EqualTo((0, text, "")));
        Assert.That(text, Does.StartWith("0."));
    }

    // The lock files of what is published have each of the systems: others than the one above are not built here.
    [TestCase("Frame")]
    [TestCase("Handshake")]
    [TestCase("Server")]
    [TestCase("Server/Nats")]
    [TestCase("Server/Console")]
    public void TheLockFile_KnowsEverySystem(string folder)
    {
        string systems = Repository.Read("Directory.Build.props").Split("<PublishedRuntimes>")[1].Split('<')[0];
        string locked = Repository.Read($"{folder}/packages.lock.json");
        foreach (string system in systems.Split(';')) Assert.That(locked, Does.Contain($"\"net10.0/{system}\""));
    }
}
