// The corpora of the fuzz targets that look at Frame and Handshake: every file is run once, against its oracle.

using RawWs.Fuzz;
using RawWs.Tests.Support;

namespace RawWs.Tests.Mutation;

public sealed class CorpusTests
{
    private delegate void Target(ReadOnlySpan<byte> input);

    private static IEnumerable<string> Files() =>
        new[] { "header", "protocol", "request", "extensions", "utf8", "masking" }.SelectMany(static target =>
            Directory.GetFiles(Repository.At("Tests", "Fuzz", "Corpus", target)).Order(StringComparer.Ordinal)
                .Select(file => $"{target}/{Path.GetFileName(file)}"));

    [TestCaseSource(nameof(Files))]
    public void File_Holds(string file)
    {
        byte[] input = File.ReadAllBytes(Repository.At("Tests", "Fuzz", "Corpus", file));
        Target run = file[..file.IndexOf('/', StringComparison.Ordinal)] switch
        {
            "header" => HeaderTarget.Run,
            "protocol" => ProtocolTarget.Run,
            "request" => UpgradeTarget.Run,
            "extensions" => ExtensionsTarget.Run,
            "utf8" => Utf8Target.Run,
            _ => MaskingTarget.Run,
        };
        Assert.DoesNotThrow(() => run(input));
    }
}
