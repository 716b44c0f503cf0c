// The corpus as files: the same each time, of a bounded size, and read back, as a program outside of .NET would, by a parser that shares no
// line with what wrote it. And the command's refusals.

using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text.Json;
using RawWs.Benchmarks.Corpus;
using RawWs.Tests.Support;

namespace RawWs.Tests.Benchmarks;

public sealed class CorpusFilesTests
{
    private const long BytesMax = 80 << 20;

    private string _directory = "";

    [SetUp]
    public void MakeADirectory() => _directory = Directory.CreateTempSubdirectory("rawws-corpus-").FullName;

    [TearDown]
    public void RemoveIt() => Directory.Delete(_directory, recursive: true);

    [Test]
    public void TheCommand_WritesTheSameBytesEachTime()
    {
        string other = Path.Combine(_directory, "made", "by it");
        (int exitCode, string output, string errors) = Run("corpus", other);
        Assert.That((exitCode, errors), Is.EqualTo((0, "")));
        (int wires, long bytes) = CorpusFiles.Write(Directory.CreateDirectory(Path.Combine(_directory, "here")).FullName);
        Assert.That(output, Does.StartWith($"{wires} wires, {bytes} bytes"));
        string[] files = [.. Directory.GetFiles(other).Select(static file => Path.GetFileName(file)!)];
        Assert.That(files, Has.Length.EqualTo((4 * wires) + 2));
        Assert.That(files.Sum(file => new FileInfo(Path.Combine(other, file)).Length), Is.EqualTo(bytes).And.LessThanOrEqualTo(BytesMax));
        foreach (string file in files)
            Assert.That(File.ReadAllBytes(Path.Combine(_directory, "here", file)).AsSpan()
                .SequenceEqual(File.ReadAllBytes(Path.Combine(other, file))), file);
    }

    [Test]
    public void AnotherParser_ReadsWhatTheFilesExpect()
    {
        CorpusFiles.Write(_directory);
        using JsonDocument index = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(_directory, "index.json")));
        int wires = 0, pings = 0;
        HashSet<string> named = ["index.json", "README.txt"];
        foreach (JsonElement wire in index.RootElement.GetProperty("wires").EnumerateArray())
        {
            byte[][] files = [.. wire.GetProperty("files").EnumerateArray().Select(file => ReadFile(file, named))];
            Another.Decoder decoder = new();
            for (int round = 0; round < 2; round++)
            {
                List<Another.Event> events = [.. Arrivals(files[0], files[1]).SelectMany(arrival => decoder.Feed(arrival.Span))];
                Another.Event[] messages = [.. events.Where(static e => e.IsMessage)];
                string name = wire.GetProperty("name").GetString()!;
                Assert.That(messages, Has.Length.EqualTo(wire.GetProperty("messages").GetInt32()), name);
                Assert.That(messages.Select(static message => message.Payload.Length),
                    Has.All.EqualTo(wire.GetProperty("size").GetInt32()), name);
                Assert.That(messages.SelectMany(Expected).ToArray().AsSpan().SequenceEqual(files[2]), name);
                Assert.That(events.Where(static e => e.IsPing).SelectMany(static e => e.PongFrame).ToArray().AsSpan()
                    .SequenceEqual(files[3]), name);
                pings += events.Count(static e => e.IsPing);
            }

            wires++;
        }

        Assert.That(wires, Is.EqualTo(Traffic.Measured.Count()));
        Assert.That(pings, Is.GreaterThan(1000));
        Assert.That(Directory.GetFiles(_directory).Select(Path.GetFileName), Is.EquivalentTo(named));
    }

    [Test]
    public void WithoutADirectory_OrWithTwo_OneLineSaysSo()
    {
        string line = "corpus: the name of one directory is wanted: corpus DIR";
        AssertRefusal(line, "corpus");
        AssertRefusal(line, "corpus", "");
        AssertRefusal(line, "corpus", _directory, _directory);
        Assert.That(Directory.EnumerateFileSystemEntries(_directory), Is.Empty);
    }

    [Test]
    public void IntoADirectoryThatIsNotEmpty_NothingIsWritten()
    {
        string file = Path.Combine(_directory, ".mine");
        File.WriteAllText(file, "mine");
        AssertRefusal($"corpus: {_directory} is not empty", "corpus", _directory);
        Assert.That(Directory.EnumerateFileSystemEntries(_directory), Is.EqualTo([file]));
    }

    [Test]
    public void WhereNothingCanBeWritten_OneLineSaysSo()
    {
        string file = Path.Combine(_directory, "file");
        File.WriteAllText(file, "");
        AssertRefusal($"corpus: cannot write to {file}: ", "corpus", file);
        AssertRefusal($"corpus: cannot write to {file}/below: ", "corpus", file + "/below");
    }

    private static IEnumerable<ReadOnlyMemory<byte>> Arrivals(byte[] wire, byte[] arrivals)
    {
        int at = 0;
        for (int i = 0; i < arrivals.Length; i += 4)
        {
            int length = (int)BinaryPrimitives.ReadUInt32LittleEndian(arrivals.AsSpan(i));
            yield return wire.AsMemory(at, length);
            at += length;
        }

        Assert.That(at, Is.EqualTo(wire.Length));
    }

    private static byte[] Expected(Another.Event message)
    {
        byte[] bytes = [(byte)message.Opcode, 0, 0, 0, 0, .. message.Payload];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(1), (uint)message.Payload.Length);
        return bytes;
    }

    private static (int ExitCode, string Output, string Errors) Run(params string[] arguments) =>
        Dotnet.Run([Dotnet.PathOf("RawWs.Benchmarks"), .. arguments]);

    private static void AssertRefusal(string line, params string[] arguments)
    {
        (int exitCode, string output, string errors) = Run(arguments);
        Assert.That((exitCode, output), Is.EqualTo((2, "")));
        Assert.That(errors, Does.StartWith(line).And.EndsWith("\n"));
        Assert.That(errors.Count(static c => c == '\n'), Is.EqualTo(1));
    }

    private byte[] ReadFile(JsonElement file, HashSet<string> named)
    {
        string name = file.GetProperty("name").GetString()!;
        Assert.That(named.Add(name), name);
        byte[] bytes = File.ReadAllBytes(Path.Combine(_directory, name));
        Assert.That((long)bytes.Length, Is.EqualTo(file.GetProperty("bytes").GetInt64()), name);
        Assert.That(Convert.ToHexStringLower(SHA256.HashData(bytes)), Is.EqualTo(file.GetProperty("sha256").GetString()), name);
        return bytes;
    }
}
