// The corpus as files, for parsers that are not written in .NET; Corpus/README.txt, which goes with them, is the description of the format.
// The same seed gives the same bytes everywhere. The index comes last: a directory without it is not whole.

using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text.Json;

namespace RawWs.Benchmarks.Corpus;

/// <summary>Writes the corpus.</summary>
internal static class CorpusFiles
{
    private const int FormatVersion = 1;

    /// <summary>Writes every file into a directory that is there and empty.</summary>
    /// <returns>How many wires there are, and how many bytes all files have.</returns>
    public static (int Wires, long Bytes) Write(string directory)
    {
        ArrayBufferWriter<byte> index = new();
        int wires = 0;
        using (Utf8JsonWriter json = new(index, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            json.WriteStartObject();
            json.WriteNumber("format", FormatVersion);
            json.WriteNumber("seed", Traffic.Seed);
            json.WriteStartArray("wires");
            foreach (Traffic traffic in Traffic.Measured)
            {
                Write(directory, traffic, json);
                wires++;
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        using (Stream text = typeof(CorpusFiles).Assembly.GetManifestResourceStream("corpus.txt")!)
        using (FileStream readme = File.Create(Path.Combine(directory, "README.txt")))
        {
            text.CopyTo(readme);
        }

        File.WriteAllBytes(Path.Combine(directory, "index.json"), [.. index.WrittenSpan, (byte)'\n']);
        return (wires, new DirectoryInfo(directory).EnumerateFiles().Sum(static file => file.Length));
    }

    private static void Write(string directory, Traffic traffic, Utf8JsonWriter json)
    {
        Wire wire = traffic.Wire;
        string name = NameOf(traffic);
        json.WriteStartObject();
        json.WriteString("name", name);
        json.WriteString("payload", Lower(traffic.Kind));
        json.WriteNumber("size", traffic.Size.Bytes);
        json.WriteString("arrival", Lower(traffic.Arrival));
        json.WriteBoolean("fragmented", traffic.Fragmented);
        json.WriteNumber("frames", wire.Frames.Count);
        json.WriteNumber("messages", wire.Messages.Count);
        json.WriteStartArray("files");
        WriteFile("wire", wire.Bytes);
        WriteFile("arrivals", Arrivals(wire.ArrivalEnds));
        WriteFile("messages", Messages(wire.Messages));
        WriteFile("pongs", wire.Pongs);
        json.WriteEndArray();
        json.WriteEndObject();

        void WriteFile(string ending, ReadOnlySpan<byte> bytes)
        {
            File.WriteAllBytes(Path.Combine(directory, $"{name}.{ending}"), bytes);
            json.WriteStartObject();
            json.WriteString("name", $"{name}.{ending}");
            json.WriteNumber("bytes", bytes.Length);
            json.WriteString("sha256", Convert.ToHexStringLower(SHA256.HashData(bytes)));
            json.WriteEndObject();
        }
    }

    private static byte[] Arrivals(ReadOnlySpan<int> ends)
    {
        byte[] bytes = new byte[4 * ends.Length];
        for (int i = 0; i < ends.Length; i++)
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(4 * i), ends[i] - (i == 0 ? 0 : ends[i - 1]));
        return bytes;
    }

    private static ReadOnlySpan<byte> Messages(IReadOnlyList<SentMessage> messages)
    {
        ArrayBufferWriter<byte> bytes = new();
        foreach (SentMessage message in messages)
        {
            Span<byte> head = bytes.GetSpan(5);
            head[0] = (byte)message.Kind;
            BinaryPrimitives.WriteInt32LittleEndian(head[1..], message.Payload.Length);
            bytes.Advance(5);
            bytes.Write(message.Payload);
        }

        return bytes.WrittenSpan;
    }

    /// <summary>The wire's name.</summary>
    public static string NameOf(Traffic traffic) => traffic.Fragmented
        ? $"fragments-{Lower(traffic.Kind)}-{Lower(traffic.Arrival)}-{traffic.Size.Bytes}"
        : $"frames-{Lower(traffic.Kind)}-{Lower(traffic.Arrival)}-{traffic.Size.Bytes}";

    private static string Lower<T>(T value) where T : struct, Enum => value.ToString().ToLowerInvariant();
}
