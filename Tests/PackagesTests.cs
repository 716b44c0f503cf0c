// `dotnet pack` of the solution: these packages and nothing else, with what belongs into them, and the dependencies that are meant.

using System.IO.Compression;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Xml.Linq;
using RawWs.Tests.Support;

namespace RawWs.Tests;

public sealed class PackagesTests
{
#if DEBUG
    private const string Configuration = "Debug";
#else
    private const string Configuration = "Release";
#endif

    private static readonly Guid EmbeddedSource = new("0E8A571B-6926-466E-B4AD-8AB04611F5FE");

    private string _directory = "";

    [OneTimeSetUp]
    public void Pack()
    {
        _directory = Directory.CreateTempSubdirectory("rawws-packages-").FullName;
        (int exitCode, string output, string errors) = Dotnet.Run(
            "pack", "RawWs.sln", "-c", Configuration, "--no-build", "--no-restore", "--nologo", "-o", _directory);
        Assert.That(exitCode, Is.Zero, output + errors);
        Assert.That(output + errors, Does.Not.Contain("warning"));
    }

    [OneTimeTearDown]
    public void Remove() => Directory.Delete(_directory, recursive: true);

    [Test]
    public void TheSolution_PacksTheseOnly() => Assert.That(
        Directory.GetFiles(_directory).Select(static path => Path.GetFileName(path).Split(".0.")[0]),
        Is.EquivalentTo(["RawWs.Frame", "RawWs.Handshake", "RawWs.Server"]));

    [TestCase("Frame", new string[0], new string[0])]
    [TestCase("Handshake", new string[0], new string[0])]
    [TestCase("Server", new[] { "buildTransitive/RawWs.Server.props" },
        new[] { "RawWs.Frame", "RawWs.Handshake", "Microsoft.Extensions.Logging.Abstractions" })]
    public void ThePackage_HasAssemblyDocsAndReadme_AndTheseDependencies(string name, string[] besides, string[] dependencies)
    {
        using ZipArchive package = Open(name);
        string[] own = [$"RawWs.{name}.nuspec", "README.md", $"lib/net10.0/RawWs.{name}.dll", $"lib/net10.0/RawWs.{name}.xml"];
        string[] containers = ["_rels/.rels", "[Content_Types].xml", "package/services/metadata/core-properties/nuget.psmdcp"];
        Assert.That(package.Entries.Select(static entry => entry.FullName), Is.EquivalentTo(own.Concat(besides).Concat(containers)));

        XElement nuspec = XDocument.Load(package.GetEntry($"RawWs.{name}.nuspec")!.Open()).Root!.Elements().Single();
        Assert.That(Value("id"), Is.EqualTo($"RawWs.{name}"));
        Assert.That(Value("license"), Is.EqualTo("MIT"));
        Assert.That(Value("readme"), Is.EqualTo("README.md"));
        Assert.That(Value("description"), Does.Contain("RFC 6455"));
        Assert.That(nuspec.Descendants().Where(static element => element.Name.LocalName == "dependency").Select(static found => (string?)found.Attribute("id")),
            Is.EquivalentTo(dependencies));
        Assert.That(nuspec.Descendants().Where(static element => element.Name.LocalName == "group").Select(static group => (string?)group.Attribute("targetFramework")),
            Is.EqualTo(["net10.0"]));

        using StreamReader readme = new(package.GetEntry("README.md")!.Open());
        Assert.That(readme.ReadToEnd(), Is.EqualTo(Repository.Read($"{name}/README.md")).And.Contain($"dotnet add package {Value("id")}\n"));

        string? Value(string element) => nuspec.Elements().Single(child => child.Name.LocalName == element).Value;
    }

    [TestCase("Frame")]
    [TestCase("Handshake")]
    [TestCase("Server")]
    public void EveryPublicType_HasItsDocs_AndItsNameInTheReadmeIsRight(string name)
    {
        using ZipArchive package = Open(name);
        string[] documented = [.. XDocument.Load(package.GetEntry($"lib/net10.0/RawWs.{name}.xml")!.Open()).Descendants("member").Select(static member => (string)member.Attribute("name")!)];
        Type one = name == "Frame" ? typeof(RawWs.Frame.Opcode) : name == "Handshake" ? typeof(RawWs.Handshake.UpgradeRequest) : typeof(RawWs.Server.WebSocketServer);
        Type[] types = one.Assembly.GetExportedTypes();
        Assert.That(types.Where(type => !documented.Contains("T:" + type.FullName!.Replace('+', '.'))), Is.Empty);

        // The first column of the README's table is the names of types.
        IEnumerable<string> named = Repository.Read($"{name}/README.md").Split('\n')
            .Where(static line => line.StartsWith("| `", StringComparison.Ordinal))
            .SelectMany(static line => line.Split('|')[1].Split(',', StringSplitOptions.TrimEntries)).Select(static type => type.Trim('`'));
        Assert.That(named, Is.Not.Empty.And.SubsetOf(types.Select(static type => type.Name)));
    }

    [TestCase("Frame")]
    [TestCase("Handshake")]
    [TestCase("Server")]
    public void TheAssembly_IsTrimmable_AndHasItsSymbolsAndSourcesInside(string name)
    {
        using ZipArchive package = Open(name);
        using MemoryStream bytes = new();
        using (Stream assembly = package.GetEntry($"lib/net10.0/RawWs.{name}.dll")!.Open()) assembly.CopyTo(bytes);
        bytes.Position = 0;
        using PEReader reader = new(bytes);
        Assert.That(Metadata(reader.GetMetadataReader()), Does.Contain("IsTrimmable=True").And.Contain("IsAotCompatible=True"));

        DebugDirectoryEntry entry = reader.ReadDebugDirectory().Single(static entry => entry.Type == DebugDirectoryEntryType.EmbeddedPortablePdb);
        using MetadataReaderProvider provider = reader.ReadEmbeddedPortablePdbDebugDirectoryData(entry);
        MetadataReader symbols = provider.GetMetadataReader();
        Dictionary<string, DocumentHandle> documents = symbols.Documents.ToDictionary(handle => symbols.GetString(symbols.GetDocument(handle).Name));
        string[] sources = [.. Directory.GetFiles(Repository.At(name), "*.cs").Select(static path => Path.GetFileName(path)!)];
        Assert.That(documents.Keys.Select(static path => path.Split('/', '\\')[^1]), Is.SupersetOf(sources.Where(source => HasCode(name, source))));
        Assert.That(documents.Values.Where(handle => !symbols.GetCustomDebugInformation(handle)
            .Any(info => symbols.GetGuid(symbols.GetCustomDebugInformation(info).Kind) == EmbeddedSource)), Is.Empty);
        if (Configuration == "Release") Assert.That(documents.Keys, Has.All.StartsWith("/_/"));
    }

    // A file that has nothing to step through need not be among the documents.
    private static bool HasCode(string name, string source) => Repository.Read($"{name}/{source}").Contains("return ", StringComparison.Ordinal);

    private static IEnumerable<string> Metadata(MetadataReader reader)
    {
        foreach (CustomAttributeHandle handle in reader.GetAssemblyDefinition().GetCustomAttributes())
        {
            CustomAttribute attribute = reader.GetCustomAttribute(handle);
            if (attribute.Constructor.Kind != HandleKind.MemberReference) continue;
            MemberReference constructor = reader.GetMemberReference((MemberReferenceHandle)attribute.Constructor);
            if (reader.GetString(reader.GetTypeReference((TypeReferenceHandle)constructor.Parent).Name) != "AssemblyMetadataAttribute") continue;
            BlobReader value = reader.GetBlobReader(attribute.Value);
            value.ReadUInt16(); // the prolog of every attribute
            yield return $"{value.ReadSerializedString()}={value.ReadSerializedString()}";
        }
    }

    private ZipArchive Open(string name) => ZipFile.OpenRead(Directory.GetFiles(_directory, $"RawWs.{name}.*.nupkg").Single());
}
