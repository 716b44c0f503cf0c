// Publishing the program for a system (`dotnet publish -r`): it works with locked lock files, as under CI=true, it changes no file of the
// sources, and what it makes runs. It is done in a copy of the sources, because it leaves other outputs behind than the tests need.

using System.Security.Cryptography;
using RawWs.Tests.Support;

namespace RawWs.Tests;

public sealed class PublishTests
{
    private static readonly string[] Folders = ["Frame", "Handshake", "Server"];
    private static readonly string[] Outputs = ["bin", "obj"];

    private string _copy = "";

    [SetUp]
    public void CopyTheSources()
    {
        _copy = Directory.CreateTempSubdirectory("rawws-publish-").FullName;
        IEnumerable<string> files = Directory.GetFiles(Repository.At(), "*.*").Where(static path => Path.GetFileName(path) is "global.json" or ".editorconfig" || path.EndsWith(".props", StringComparison.Ordinal))
            .Concat(Folders.SelectMany(static folder => Sources(Repository.At(folder))));
        foreach (string file in files)
        {
            string target = Path.Combine(_copy, Path.GetRelativePath(Repository.At(), file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }

    [TearDown]
    public void RemoveTheCopy() => Directory.Delete(_copy, recursive: true);

    [Test]
    public void ForASystem_LeavesTheSourcesAsTheyWere_AndRuns()
    {
        string before = Digest();
        string output = Path.Combine(_copy, "bin");
        (int exitCode, string text, string errors) = Dotnet.Run(
            "publish", Path.Combine(_copy, "Server", "Console"), "-c", "Release", "-r", "linux-x64", "--nologo", "-p:CI=true", "-o", output);
        Assert.That(exitCode, Is.Zero, text + errors);
        Assert.That(text + errors, Does.Not.Contain("warning"));
        Assert.That(Digest(), Is.EqualTo(before));
        (exitCode, text, errors) = Dotnet.Run(Path.Combine(output, "rawws.dll"), "--version");
        Assert.That((exitCode, text, errors), Is.EqualTo((0, text, "")));
        Assert.That(text, Does.StartWith("0."));
    }

    // The lock files of what is published have each of the systems: others than the one above are not built here.
    [TestCase("Frame")]
    [TestCase("Handshake")]
    [TestCase("Server")]
    [TestCase("Server/Console")]
    public void TheLockFile_KnowsEverySystem(string folder)
    {
        string systems = Repository.Read("Directory.Build.props").Split("<PublishedRuntimes>")[1].Split('<')[0];
        string locked = Repository.Read($"{folder}/packages.lock.json");
        foreach (string system in systems.Split(';')) Assert.That(locked, Does.Contain($"\"net10.0/{system}\""));
    }

    private static IEnumerable<string> Sources(string folder) => Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
        .Where(path => !Path.GetRelativePath(folder, path).Split('/', '\\').Any(static name => Outputs.Contains(name)));

    // Every file with its contents.
    private string Digest() => string.Join('\n', Sources(_copy).Order(StringComparer.Ordinal)
        .Select(static path => $"{path} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path)))}"));
}
