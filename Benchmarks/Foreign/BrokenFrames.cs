// Frames that break a rule, by which a parser shows what it checks: what it does not refuse stands in a column of the table. Each is sent
// alone on a connection of its own, masked as a client's is (with a key of zeros), unless it is the mask that is missing.

namespace RawWs.Benchmarks.Foreign;

internal static class BrokenFrames
{
    /// <summary>The one that tells whether text is checked.</summary>
    public const string NotUtf8 = "text that is not UTF-8";

    /// <summary>By the words under which the table names them.</summary>
    public static IReadOnlyList<(string Name, byte[] Bytes)> All { get; } =
    [
        ("no mask", [0x82, 0x01, 0x61]), // §5.1
        ("reserved bit", [0xC2, 0x81, 0, 0, 0, 0, 0x61]), // §5.2
        ("reserved opcode", [0x83, 0x81, 0, 0, 0, 0, 0x61]), // §5.2
        ("length not minimal", [0x82, 0xFE, 0, 1, 0, 0, 0, 0, 0x61]), // §5.2
        ("fragmented Ping", [0x09, 0x81, 0, 0, 0, 0, 0x61]), // §5.5
        ("long Ping", [0x89, 0xFE, 0, 126, 0, 0, 0, 0, .. new byte[126]]), // §5.5
        ("continuation of nothing", [0x80, 0x81, 0, 0, 0, 0, 0x61]), // §5.4
        ("message within a message", [0x02, 0x81, 0, 0, 0, 0, 0x61, 0x82, 0x81, 0, 0, 0, 0, 0x61]), // §5.4
        (NotUtf8, [0x81, 0x82, 0, 0, 0, 0, 0xC3, 0x28]), // §8.1
    ];

    /// <summary>The name as a file's.</summary>
    public static string FileName(string name) => name.Replace(' ', '-');

    /// <summary>The name of a file's.</summary>
    public static string NameOf(string fileName) => All.Select(static frame => frame.Name).First(name => FileName(name) == fileName);

    /// <summary>Writes them into a directory that is made for them.</summary>
    public static void Write(string directory)
    {
        Directory.CreateDirectory(directory);
        foreach ((string name, byte[] bytes) in All) File.WriteAllBytes(Path.Combine(directory, FileName(name) + ".wire"), bytes);
    }
}
