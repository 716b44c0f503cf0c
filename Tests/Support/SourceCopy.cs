// The sources of what is published, copied to an empty folder: publishing leaves other outputs behind than the tests need. Disposing it
// removes the copy.

using System.Security.Cryptography;

namespace RawWs.Tests.Support;

internal sealed class SourceCopy : IDisposable
{
    private static readonly string[] Folders = ["Conformance", "Frame", "Handshake", "Server"];
    private static readonly string[] Outputs = ["bin", "obj"];

    public SourceCopy()
    {
        Root = Directory.CreateTempSubdirectory("rawws-publish-").FullName;
        IEnumerable<string> files = Directory.GetFiles(Repository.At(), "*.*").Where(static path =>
            Path.GetFileName(path) is "global.json" or ".editorconfig" || path.EndsWith(".props", StringComparison.Ordinal));
        foreach (string file in files.Concat(Folders.SelectMany(static folder => Sources(Repository.At(folder)))))
        {
            string target = Path.Combine(Root, Path.GetRelativePath(Repository.At(), file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }

    /// <summary>The folder.</summary>
    public string Root { get; }

    /// <summary>Publishes the program for linux-x64, with locked lock files, into a folder of this name beside the sources.</summary>
    /// <returns>The path of the folder. The test fails on an error, on a warning, and when a source has changed.</returns>
    public string Publish(string folder)
    {
        string before = Digest(), output = Path.Combine(Root, folder);
        (int exitCode, string text, string errors) = Dotnet.Run(
            "publish", Path.Combine(Root, "Server", "Console"), "-c", "Release", "-r", "linux-x64", "--nologo", "-p:CI=true", "-o", output);
        Assert.That(exitCode, Is.Zero, text + errors);
        Assert.That(text + errors, Does.Not.Contain("warning"));
        Assert.That(Digest(), Is.EqualTo(before));
        return output;
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);

    private static IEnumerable<string> Sources(string folder) =>
        Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Where(path =>
            !Path.GetRelativePath(folder, path).Split('/', '\\').Any(static name => Outputs.Contains(name)));

    // Every file of the sources with its contents.
    private string Digest() => string.Join(
        '\n', Folders.SelectMany(folder => Sources(Path.Combine(Root, folder))).Order(StringComparer.Ordinal)
        .Select(static path => $"{path} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path)))}"));
}
