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
        Is.EquivalentTo(["RawWs.Frame", "RawWs.Handshake", "RawWs.Server", "RawWs.Hosting", "RawWs.Nats", "rawws"]));

    // From a folder and nothing else, as it would be from a server of packages.
    [Test]
    public void TheTool_IsInstalled_AndServes()
    {
        string tools = Path.Combine(_directory, "tools"), sources = Path.Combine(_directory, "nuget.config");
        File.WriteAllText(sources, $"""
            <configuration><packageSources><clear /><add key="packed" value="{_directory}" /></packageSources></configuration>
            """);
        Run("tool", "install", "rawws", "--tool-path", tools, "--configfile", sources);
        using RunningProgram program =
            RunningProgram.StartOther(Path.Combine(tools, "rawws"), "--listen", "127.0.0.1:0", "--app", "echo", "--admin", "127.0.0.1:0");
        using RawClient client = RawClient.Open(program.WaitForPort());
        client.SendText("hello");
        Assert.That(client.ReadText(), Is.EqualTo("hello"));
        program.Stop();
        Assert.That((program.ExitCode, program.Errors), Is.EqualTo((0, "")));
    }

    [TestCase("Frame", new string[0], new string[0])]
    [TestCase("Handshake", new string[0], new string[0])]
    [TestCase("Server", new[] { "buildTransitive/RawWs.Server.props" },
        new[] { "RawWs.Frame", "RawWs.Handshake", "Microsoft.Extensions.Logging.Abstractions" })]
    [TestCase("Hosting", new string[0],
        new[] { "RawWs.Server", "Microsoft.Extensions.Hosting.Abstractions", "Microsoft.Extensions.Diagnostics.HealthChecks" })]
    [TestCase("Nats", new string[0],
        new[] { "RawWs.Server", "Microsoft.Extensions.Logging.Abstractions", "NATS.Net", "System.IO.Hashing" })]
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
        Assert.That(nuspec.Descendants().Where(static element => element.Name.LocalName == "dependency")
            .Select(static found => (string?)found.Attribute("id")),
            Is.EquivalentTo(dependencies));
        Assert.That(nuspec.Descendants().Where(static element => element.Name.LocalName == "group")
            .Select(static group => (string?)group.Attribute("targetFramework")),
            Is.EqualTo(["net10.0"]));

        using StreamReader readme = new(package.GetEntry("README.md")!.Open());
        Assert.That(readme.ReadToEnd(),
            Is.EqualTo(Repository.Read($"{FolderOf(name)}/README.md")).And.Contain($"dotnet add package {Value("id")}\n"));

        string? Value(string element) => nuspec.Elements().Single(child => child.Name.LocalName == element).Value;
    }

    [TestCase("Frame")]
    [TestCase("Handshake")]
    [TestCase("Server")]
    [TestCase("Hosting")]
    [TestCase("Nats")]
    public void EveryPublicType_HasItsDocs_AndItsNameInTheReadmeIsRight(string name)
    {
        using ZipArchive package = Open(name);
        string[] documented = [.. XDocument.Load(package.GetEntry($"lib/net10.0/RawWs.{name}.xml")!.Open()).Descendants("member")
            .Select(static member => (string)member.Attribute("name")!)];
        Type[] types = System.Reflection.Assembly.Load($"RawWs.{name}").GetExportedTypes();
        Assert.That(types.Where(type => !documented.Contains("T:" + type.FullName!.Replace('+', '.'))), Is.Empty);

        // The first column of the README's table is the names of types.
        IEnumerable<string> named = Repository.Read($"{FolderOf(name)}/README.md").Split('\n')
            .Where(static line => line.StartsWith("| `", StringComparison.Ordinal))
            .SelectMany(static line => line.Split('|')[1].Split(',', StringSplitOptions.TrimEntries)).Select(static type => type.Trim('`'));
        Assert.That(named, Is.Not.Empty.And.SubsetOf(types.Select(static type => type.Name)));
    }

    [TestCase("Frame")]
    [TestCase("Handshake")]
    [TestCase("Server")]
    [TestCase("Hosting")]
    [TestCase("Nats")]
    public void TheAssembly_IsTrimmable_AndHasItsSymbolsAndSourcesInside(string name)
    {
        using ZipArchive package = Open(name);
        using MemoryStream bytes = new();
        using (Stream assembly = package.GetEntry($"lib/net10.0/RawWs.{name}.dll")!.Open()) assembly.CopyTo(bytes);
        bytes.Position = 0;
        using PEReader reader = new(bytes);
        Assert.That(Metadata(reader.GetMetadataReader()), Does.Contain("IsTrimmable=True").And.Contain("IsAotCompatible=True"));

        DebugDirectoryEntry entry = reader.ReadDebugDirectory()
            .Single(static entry => entry.Type == DebugDirectoryEntryType.EmbeddedPortablePdb);
        using MetadataReaderProvider provider = reader.ReadEmbeddedPortablePdbDebugDirectoryData(entry);
        MetadataReader symbols = provider.GetMetadataReader();
        Dictionary<string, DocumentHandle> documents =
            symbols.Documents.ToDictionary(handle => symbols.GetString(symbols.GetDocument(handle).Name));
        string[] sources = [.. Directory.GetFiles(Repository.At(FolderOf(name)), "*.cs").Select(static path => Path.GetFileName(path)!)];
        Assert.That(documents.Keys.Select(static path => path.Split('/', '\\')[^1]),
            Is.SupersetOf(sources.Where(source => HasCode(name, source))));
        Assert.That(documents.Values.Where(handle => !symbols.GetCustomDebugInformation(handle)
            .Any(info => symbols.GetGuid(symbols.GetCustomDebugInformation(info).Kind) == EmbeddedSource)), Is.Empty);
        if (Configuration == "Release") Assert.That(documents.Keys, Has.All.StartsWith("/_/"));
    }

    [Test]
    public void AConsumerOfThePackagesAlone_Works_AndHasTheRuntimesSettings()
    {
        string output = BuildConsumer("Consumer", out string project, out string[] sources);
        Assert.That(Run(Path.Combine(output, "Consumer.dll")).ReplaceLineEndings("\n"),
            Is.EqualTo("echo: hello\nto alice: hello from bob\nto bob: error:offline:carol\n"));
        Assert.That(Directory.GetFiles(output, "*.dll").Select(static path => Path.GetFileNameWithoutExtension(path)), Is.EquivalentTo(
            ["Consumer", "RawWs.Frame", "RawWs.Handshake", "RawWs.Server", "Microsoft.Extensions.Logging.Abstractions",
                "Microsoft.Extensions.DependencyInjection.Abstractions"]));

        // What README's figures need reaches the program, in the same form as it reaches ours.
        string[] settings = Tiering(File.ReadAllText(Path.Combine(output, "Consumer.runtimeconfig.json")));
        Assert.That(settings, Has.Length.EqualTo(3).And.EqualTo(
            Tiering(File.ReadAllText(Dotnet.PathOf("rawws").Replace(".dll", ".runtimeconfig.json", StringComparison.Ordinal)))));

        // And a project may say otherwise, as the package's README has it.
        string otherwise = Repository.Read("Server/README.md").Split("```xml\n")[1].Split("```")[0];
        File.WriteAllText(project, File.ReadAllText(project).Replace("</Project>", otherwise + "</Project>", StringComparison.Ordinal));
        string evaluated =
            Run(
                ["msbuild", project, "-getProperty:TieredPGO,TieredCompilationQuickJit",
                    "-getItem:RuntimeHostConfigurationOption", .. sources]);
        Assert.That(evaluated, Does.Contain("\"TieredPGO\": \"true\"").And.Contain("\"TieredCompilationQuickJit\": \"true\""));
        Assert.That(evaluated, Does.Not.Contain("CallCountingDelayMs"));
    }

    [Test]
    public void AHostedConsumerOfThePackagesAlone_Works() => Assert.That(
        Run(Path.Combine(BuildConsumer("Consumer.Hosted", out _, out _), "Consumer.Hosted.dll")).ReplaceLineEndings("\n"),
        Is.EqualTo("hosted echo: hello\nclosed: 1001 server shutting down\n"));

    // Copies a project to an empty folder and builds it there. Returns the folder of what was built.
    private string BuildConsumer(string name, out string project, out string[] sources)
    {
        string folder = Path.Combine(_directory, name);
        Directory.CreateDirectory(folder);
        foreach (string file in (string[])[$"{name}.csproj", "Program.cs"])
            File.Copy(Repository.At("Tests", name, file), Path.Combine(folder, file));
        project = Path.Combine(folder, $"{name}.csproj");
        string global = Run("nuget", "locals", "global-packages", "--list").Split("global-packages: ")[1].Trim();
        string host = (string)XDocument.Parse(Repository.Read("Directory.Packages.props")).Descendants("PackageVersion")
            .Single(static version => (string?)version.Attribute("Include") == "Microsoft.Extensions.Hosting").Attribute("Version")!;
        sources = [$"-p:PackedFolder={_directory}", $"-p:GlobalPackages={global}", $"-p:HostVersion={host}"];
        Run(["build", project, "-c", "Release", "--nologo", "-v", "quiet", .. sources]);
        return Path.Combine(folder, "bin", "Release", "net10.0");
    }

    private static string FolderOf(string name) => name is "Hosting" or "Nats" ? $"Server/{name}" : name;

    private static string[] Tiering(string runtimeConfig) =>
        [.. runtimeConfig.Split('\n').Where(static line => line.Contains("Tiered", StringComparison.Ordinal))
            .Select(static line => line.Trim(' ', ',', '\r')).Order()];

    private static string Run(params string[] arguments)
    {
        (int exitCode, string output, string errors) = Dotnet.Run(arguments);
        Assert.That(exitCode, Is.Zero, output + errors);
        return output;
    }

    // A file that has nothing to step through need not be among the documents.
    private static bool HasCode(string name, string source) =>
        Repository.Read($"{FolderOf(name)}/{source}").Contains("return ", StringComparison.Ordinal);

    private static IEnumerable<string> Metadata(MetadataReader reader)
    {
        foreach (CustomAttributeHandle handle in reader.GetAssemblyDefinition().GetCustomAttributes())
        {
            CustomAttribute attribute = reader.GetCustomAttribute(handle);
            if (attribute.Constructor.Kind != HandleKind.MemberReference) continue;
            MemberReference constructor = reader.GetMemberReference((MemberReferenceHandle)attribute.Constructor);
            if (reader.GetString(reader.GetTypeReference((TypeReferenceHandle)constructor.Parent).Name) != "AssemblyMetadataAttribute")
                continue;
            BlobReader value = reader.GetBlobReader(attribute.Value);
            value.ReadUInt16(); // the prolog of every attribute
            yield return $"{value.ReadSerializedString()}={value.ReadSerializedString()}";
        }
    }

    private ZipArchive Open(string name) => ZipFile.OpenRead(Directory.GetFiles(_directory, $"RawWs.{name}.*.nupkg").Single());
}
