// The sample of docs/library.md that needs a server of NATS.

using RawWs.Benchmarks.Backplane;
using RawWs.Tests.Support;

namespace RawWs.Tests.Cluster;

[Parallelizable(ParallelScope.Self)]
public sealed class LibrarySampleTests
{
    [Test]
    public void TheSampleOfSeveralServers_PrintsWhatItShould_AndStandsInItsPage()
    {
        Tools.Require("nats-server");
        using NatsServer nats = new();
        (int exitCode, string output, string errors) = Dotnet.Run(Dotnet.PathOf("RawWs.Samples"), "library", "Several", nats.Url);
        Assert.That((exitCode, output.ReplaceLineEndings("\n"), errors),
            Is.EqualTo((0, "Delivered\nhello\ntwo\n1 kicked\n4100 kicked\n", "")));
        string marked = ReadmeTests.Marked(Repository.Read("Tests/Samples/Library/Several.cs"), "Sample");
        Assert.That(Repository.Read("docs/library.md"), Does.Contain($"```csharp\n{marked}\n```"));
    }
}
