// `rawws explain` as somebody types it: every kind of input, both reports, both languages, and what is wrong, told with its place and exit
// code 2. Captures are in ExplainCaptureTests.

using System.Text;
using System.Text.Json;
using RawWs.Frame;
using RawWs.Server.Console.Explain;
using RawWs.Tests.Support;
using RawWs.Tests.Vectors;
using static RawWs.Tests.Support.ExplainRun;

namespace RawWs.Tests.Server;

public sealed class ExplainTests
{
    private static IEnumerable<FrameVector> Section57 => FrameVectors.All.Where(static vector => vector.Name.StartsWith("Section_5_7"));

    [TestCaseSource(nameof(Section57))]
    public void Section_5_7_TheExamples_BreakNoRule(FrameVector vector)
    {
        string text = Good([vector.Hex]);
        Assert.That(text, Does.Contain("break no rule").And.Not.Contain(">>>"));
        Assert.That(text.Split('\n').Max(TextWidth.Of), Is.LessThanOrEqualTo(100));
    }

    [Test]
    public void TheDiagram_IsTheRfcs_WithItsBits() => Assert.That(Good(["81", "05", "48656c6c6f"]), Does.Contain("""
          0                   1                   2                   3
          0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
         +-+-+-+-+-------+-+-------------+-------------------------------+
         |F|R|R|R|opcode |M| payload len |            payload            |
         |I|S|S|S|       |A|             |                               |
         |N|V|V|V|       |S|             |                               |
         | |1|2|3|       |K|             |                               |
         |1|0|0|0|0 0 0 1|0|0 0 0 0 1 0 1|0 1 0 0 1 0 0 0 0 1 1 0 0 1 0 1|
         | | | | |   1   | |      5      |    48 'H'          65 'e'     |
         +-+-+-+-+-------+-+-------------+---------------+---------------+
         |                    payload                    |
         |0 1 1 0 1 1 0 0 0 1 1 0 1 1 0 0 0 1 1 0 1 1 1 1|
         |    6c 'l'          6c 'l'          6f 'o'     |
         +-----------------------------------------------+
        """.ReplaceLineEndings("\n").Replace("\n        ", "\n", StringComparison.Ordinal)));

    [TestCase(MaskedHello)]
    [TestCase("81 85 37:fa:21:3d 7f,9f,4d,51,58")]
    [TestCase("0x81 0x85 0x37 0xfa 0x21 0x3d 0x7f 0x9f 0x4d 0x51 0x58")]
    public void Hexadecimal_AsPeopleWriteIt(string text) => Assert.That(Good([text]), Is.EqualTo(Good([MaskedHello])));

    [Test]
    public void TheSameBytes_InEveryForm_GiveTheSame()
    {
        string expected = Good([MaskedHello]), file = Path.GetTempFileName();
        try
        {
            Assert.That(Good(["--base64", Convert.ToBase64String(Hello)]), Is.EqualTo(expected));
            Assert.That(Good(["-"], Hello), Is.EqualTo(expected));
            Assert.That(Good([], Encoding.ASCII.GetBytes(MaskedHello + "\n")), Is.EqualTo(expected));
            Assert.That(Good(["--base64"], Encoding.ASCII.GetBytes(Convert.ToBase64String(Hello) + "\r\n")), Is.EqualTo(expected));
            File.WriteAllBytes(file, Hello);
            Assert.That(Good(["--file", file]), Is.EqualTo(expected));
            File.WriteAllText(file, $"81 85\n37fa213d\n7f9f4d5158\n");
            Assert.That(Good(["--file", file]), Is.EqualTo(expected));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Test]
    public void AWholeConversation_OfOneEnd()
    {
        string text = Good([], [.. Request, .. Hello]);
        Assert.That(text, Does.Contain("value of Sec-WebSocket-Key").And.Contain("b37a4f2cc0624f1690f64606cf385945b2bec4ea")
            .And.Contain($"byte {Request.Length}: a frame").And.Contain("\"Hello\""));
        Assert.That(Good([], [.. Response, 0x81, 0x02, 0x68, 0x69]), Does.Contain("value of Sec-WebSocket-Accept").And.Contain("\"hi\""));
    }

    // It is explained up to the byte that is wrong, and called what it is: no request, and no frames.
    [TestCase("HTTP/1.1 1x1 Switching Protocols\r\n\r\n", 10)]
    [TestCase("HTTP/2 101\r\n\r\n", 5)]
    [TestCase("HTTP/1.1101 Switching Protocols\r\n\r\n", 8)]
    [TestCase("HTTP/1.1 1012\r\n\r\n", 12)]
    [TestCase("HTTP/1.1 101 Switching Protocols\nUpgrade: websocket\n\n", 32)]
    public void ABrokenResponse_IsOneStill_AndItsPlaceIsTold(string text, int at)
    {
        string said = Good([], Encoding.Latin1.GetBytes(text));
        Assert.That(said, Does.Contain("From the server, byte 0: the response").And.Contain($"Byte {at} is wrong")
            .And.Contain("A client fails the connection"));
        Assert.That(said, Does.Not.Contain("break no rule").And.Not.Contain("a frame").And.Not.Contain("answer is HTTP"));
        Assert.That(Good(["--lang", "zh"], Encoding.Latin1.GetBytes(text)), Does.Contain($"第 {at} 字节有错"));
        using JsonDocument json = JsonDocument.Parse(Good(["--json"], Encoding.Latin1.GetBytes(text)));
        JsonElement conversation = json.RootElement.GetProperty("conversations")[0];
        Assert.That(conversation.GetProperty("directions")[0].GetProperty("malformedAt").GetInt32(), Is.EqualTo(at));
        JsonElement last = conversation.GetProperty("units")[0].GetProperty("annotations").EnumerateArray().Last();
        Assert.That(last.GetProperty("offset").GetInt32(), Is.EqualTo(at));
    }

    [Test]
    public void AFieldOfAResponse_IsBrokenForTheClient()
    {
        string said = Good([], Encoding.Latin1.GetBytes("HTTP/1.1 101 Switching Protocols\r\nUpgrade : websocket\r\n\r\n"));
        Assert.That(said, Does.Contain(">>> breaks HeaderMalformed").And.Match(@"A client\s+fails the connection"));
        Assert.That(said, Does.Not.Contain("answer is HTTP"));
    }

    [Test]
    public void CompressedMessages_AreDecompressed()
    {
        byte[] compressed = Convert.FromHexString("c107f248cdc9c90700");
        Assert.That(Good(["--deflate", "--from", "server", Convert.ToHexString(compressed)]),
            Does.Contain("Decompressed: 5 bytes, \"Hello\""));
        string agreed = Encoding.ASCII.GetString(Response)[..^2] + "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
        Assert.That(Good([], [.. Encoding.ASCII.GetBytes(agreed), .. compressed]), Does.Contain("\"Hello\"").And.Contain("break no rule"));
        Assert.That(Good([], [.. Response, .. compressed]), Does.Contain(">>> breaks ReservedBitsNotNegotiated"));
    }

    [TestCase("NonMinimalLength", "82fe007d")]
    [TestCase("1006", "880203ee")]
    [TestCase("KeyMissing", "474554")]
    [TestCase("TooSlow", "There are no example bytes")]
    [TestCase("MissingValue", "RFC 7692")]
    public void APage_HasItsExample(string name, string part)
    {
        string english = Good([name]), chinese = Good([name, "--lang", "zh"]);
        Assert.That(english, Does.Contain("Why:").And.Contain("What to do:"));
        if (!part.StartsWith("There ")) Assert.That(chinese, Does.Contain(part));
        Assert.That(english, Does.Contain(part));
        Assert.That(chinese, Does.Contain("为什么：").And.Contain("怎么办：").And.Not.Contain("What to do"));
        using JsonDocument json = JsonDocument.Parse(Good([name, "--json"]));
        Assert.That(json.RootElement.GetProperty("page").GetString(), Is.EqualTo(name));
    }

    [Test]
    public void EveryPage_CanBeWritten()
    {
        IEnumerable<string> codes = Enumerable.Range(0, 4000).Where(static n => n % 50 == 0 || n < 20).Select(static n => $"{n + 1000}");
        foreach (string name in Page.Names.Concat(codes))
            foreach (string language in (string[])["en", "zh"]) Assert.That(Good([name, "--lang", language]), Is.Not.Empty, name);
    }

    [Test]
    public void Json_HasEveryAnnotation_OfTheExplainer()
    {
        using JsonDocument json = JsonDocument.Parse(Good(["--json", "--from", "client", "82fe007d37fa213d"]));
        JsonElement conversation = json.RootElement.GetProperty("conversations")[0];
        JsonElement direction = conversation.GetProperty("directions")[0];
        Assert.That(direction.GetProperty("rule").GetProperty("name").GetString(), Is.EqualTo("NonMinimalLength"));
        Assert.That(direction.GetProperty("rule").GetProperty("closeCode").GetInt32(), Is.EqualTo(1002));
        Assert.That(direction.GetProperty("failedAt").GetInt32(), Is.EqualTo(4));
        FrameExplanation explained = FrameExplainer.Explain(Convert.FromHexString("82fe007d37fa213d"), new FrameExplainerOptions());
        Assert.That(
            conversation.GetProperty("units").EnumerateArray().SelectMany(static unit => unit.GetProperty("annotations").EnumerateArray())
                .Select(static note => (note.GetProperty("offset").GetInt32(), note.GetProperty("bit").GetInt32(),
                    note.GetProperty("bits").GetInt64(), note.GetProperty("field").GetString(), note.GetProperty("id").GetString())),
            Is.EqualTo(explained.Annotations.Select(static note =>
                (note.Offset, note.FirstBit, note.BitCount, (string?)note.Field, (string?)note.TextId))));
    }

    [TestCase("810", "at character 3", "pairs of hexadecimal digits")]
    [TestCase("81 0g", "at character 5", "pairs of hexadecimal digits")]
    [TestCase("81 0x", "at character 6", "pairs of hexadecimal digits")]
    [TestCase("NonMinimalLengt", "did you mean NonMinimalLength?", "at character 1")]
    [TestCase("--base64 gQ!=", "at character 3", "base64")]
    [TestCase("--base64 gQV", "at character 4", "base64")]
    [TestCase("--base64 gQ=a", "at character 4", "base64")]
    [TestCase("--lang de 81", "--lang", "en, zh")]
    [TestCase("--from me 81", "--from", "client, server")]
    [TestCase("--port 65536 81", "--port", "1 to 65535")]
    [TestCase("--max-message x 81", "--max-message", "bytes")]
    [TestCase("--max-fragments 0 81", "--max-fragments", "1 or more")]
    [TestCase("--file nowhere/there", "nowhere/there", "cannot be read")]
    [TestCase("--file a 81", "--file", "one input")]
    [TestCase("--listen 81", "--listen", "no such option")]
    [TestCase("", "no input", "--help")]
    public void WhatIsWrong_IsToldWithItsPlace(string arguments, string place, string accepted)
    {
        string[] words = arguments.StartsWith("81 ") ? [arguments] : arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Assert.That(Wrong(words), Does.Contain(place).And.Contain(accepted));
    }

    // An unset variable in quotes.
    [TestCase]
    [TestCase("--json")]
    [TestCase("--base64")]
    public void AnEmptyArgument_IsNoInput(params string[] options) =>
        Assert.That(Wrong([.. options, ""]), Does.Contain("there are no bytes"));

    [Test]
    public void TooMuch_IsRefused()
    {
        Assert.That(Wrong([], new byte[ExplainInput.BytesMax + 1]), Does.Contain($"at most {ExplainInput.BytesMax}"));
        Assert.That(Wrong(["--base64"], []), Does.Contain("no bytes"));
    }

    [Test]
    public void ManyFrames_AreCounted()
    {
        const int Frames = ExplainSettings.FramesShownDefault + 7;
        byte[] frames = [.. Enumerable.Repeat((byte[])[0x8A, 0x00], Frames).SelectMany(static frame => frame)];
        Assert.That(Good([], frames), Does.Contain("7 more frames").And.Contain("break no rule"));
        Assert.That(Good([], [.. frames, 0x0A, 0x00]), Does.Contain("7 more frames").And.Contain($"byte {Frames * 2}: a frame")
            .And.Contain(">>> breaks FragmentedControlFrame"));
    }

    [Test]
    public void Help_NamesTheCommand()
    {
        Assert.That(Run(["--help"], null, out string own, out _), Is.Zero);
        Assert.That(own, Does.Contain("--port").And.Contain("--lang"));
        CommandRun help = CommandRun.Of(["--help"]);
        Assert.That(help.ExitCode, Is.Zero);
        Assert.That(help.Output, Does.Contain("explain"));
    }

    [Test]
    public void TheProgram_Explains_AndEnds()
    {
        (int exitCode, string output, string errors) =
            Dotnet.Run(Dotnet.PathOf("rawws"), "explain", "81", "85", "37fa213d", "7f9f4d5158", "--lang", "zh");
        Assert.That((exitCode, errors), Is.EqualTo((0, "")));
        Assert.That(output, Does.Contain("\"Hello\"").And.Contain("没有违反任何规则"));
        (exitCode, output, errors) = Dotnet.Run(Dotnet.PathOf("rawws"), "explain", "8x");
        Assert.That((exitCode, output), Is.EqualTo((2, "")));
        Assert.That(errors, Does.StartWith("rawws: explain: at character 2"));
    }

    [Test]
    public void ThePageAboutIt_ShowsWhatItPrints()
    {
        string[] blocks = [.. Repository.Read("docs/explain.md").Split("```\n$ rawws explain ").Skip(1)
            .Select(static block => block.Split("\n```")[0])];
        Assert.That(blocks, Is.Not.Empty);
        foreach (string block in blocks)
        {
            string[] lines = block.Split('\n', 2);
            Assert.That(Good(lines[0].Split(' ')).TrimEnd(), Is.EqualTo(lines[1]));
        }
    }

    [Test]
    public void ThePageAboutIt_NamesEveryMemberOfTheJson()
    {
        HashSet<string> names = [];
        string[] compressed = ["--deflate", "--from", "server", "c107f248cdc9c90700"];
        foreach (string[] arguments in (string[][])[["NonMinimalLength"], ["KeyMissing"], compressed, ["485454502f32"]])
            Add(JsonDocument.Parse(Good(["--json", .. arguments])).RootElement);
        Add(JsonDocument.Parse(Good(["--json"], Captures.Pcap(Captures.Conversation(Talk)))).RootElement);
        string page = Repository.Read("docs/explain.md");
        Assert.That(names.Where(name => !page.Contains($"`{name}`", StringComparison.Ordinal)), Is.Empty);

        void Add(JsonElement element)
        {
            if (element.ValueKind == JsonValueKind.Array)
                foreach (JsonElement inner in element.EnumerateArray()) Add(inner);
            if (element.ValueKind != JsonValueKind.Object) return;
            foreach (JsonProperty member in element.EnumerateObject())
            {
                names.Add(member.Name);
                Add(member.Value);
            }
        }
    }
}
