// What `rawws explain` tells beside the bits: what the protocol knows at the end, the names of fields in both languages, and why Accept
// exists.

using System.Text;
using System.Text.Json;
using RawWs.Frame;
using RawWs.Server.Console.Explain;
using RawWs.Tests.Vectors;
using static RawWs.Tests.Support.ExplainRun;

namespace RawWs.Tests.Server;

public sealed class ExplainNamesTests
{
    [TestCase("81", "text", 0, 1, null, null)]
    [TestCase("8185", "text", 0, 1, 4, 5)]
    [TestCase("018100000000" + "41" + "89820000000042", "text", 1, 9, 0, 1)]
    [TestCase("028100000000" + "41", "binary", 1, null, 0, 0)]
    public void Json_HasWhatTheProtocolKnows(string hex, string message, int messageBytes, int? frame, int? header, int? payload)
    {
        using JsonDocument json = JsonDocument.Parse(Good(["--json", "--from", "client", hex]));
        JsonElement state = json.RootElement.GetProperty("conversations")[0].GetProperty("directions")[0].GetProperty("state");
        Assert.That(state.GetProperty("message").GetString(), Is.EqualTo(message));
        Assert.That(state.GetProperty("messageBytes").GetInt32(), Is.EqualTo(messageBytes));
        Assert.That((Number("frame"), Number("headerBytesLeft"), Number("payloadBytesLeft")), Is.EqualTo((frame, header, payload)));
        Assert.That(state.GetProperty("closing").GetString(), Is.EqualTo("open"));

        int? Number(string name) => state.GetProperty(name).ValueKind == JsonValueKind.Null ? null : state.GetProperty(name).GetInt32();
    }

    [TestCase("888200000000" + "03e8", "closeReceived")]
    [TestCase("83", "failed")]
    public void Json_HasHowFarTheClosingHandshakeHasCome(string hex, string closing)
    {
        using JsonDocument json = JsonDocument.Parse(Good(["--json", "--from", "client", hex]));
        JsonElement state = json.RootElement.GetProperty("conversations")[0].GetProperty("directions")[0].GetProperty("state");
        Assert.That(state.GetProperty("closing").GetString(), Is.EqualTo(closing));
        Assert.That(state.GetProperty("message").ValueKind, Is.EqualTo(JsonValueKind.Null));
    }

    // The same thing has the same name in both reports, and in Chinese a Chinese one, with the RFC's word beside it.
    [Test]
    public void Fields_HaveNamesInTheReadersLanguage()
    {
        Assert.That(Good([MaskedHello]), Does.Contain("  0.0       FIN bit        1\n").And.Contain("  1.0       mask bit       1\n"));
        string chinese = Good([MaskedHello, "--lang", "zh"]);
        foreach (string name in new[] { "FIN 位", "操作码 (opcode)", "掩码位 (mask bit)", "载荷长度 (payload length)", "掩码密钥 (masking key)" })
            Assert.That(chinese, Does.Contain($" {name} "));
        using JsonDocument json = JsonDocument.Parse(Good([MaskedHello, "--lang", "zh", "--json"]));
        JsonElement first = json.RootElement.GetProperty("conversations")[0].GetProperty("units")[0].GetProperty("annotations")[0];
        Assert.That((first.GetProperty("field").GetString(), first.GetProperty("name").GetString()), Is.EqualTo(("FIN", "FIN 位")));
    }

    [Test]
    public void EveryField_HasAChineseName()
    {
        HashSet<string> without = [];
        foreach (FrameVector vector in FrameVectors.All)
        {
            FrameExplanation explained = FrameExplainer.Explain(vector.Bytes, new FrameExplainerOptions { Role = vector.Role });
            foreach (FrameAnnotation note in explained.Annotations) Add(note.Field);
        }

        foreach (string name in Page.Names.Where(static name => Page.Find(name)!.FindExample() is not null))
        {
            Example example = Page.Find(name)!.FindExample()!;
            Conversation explained = ConversationExplainer.Explain(example.Bytes, example.Settings);
            foreach (Note note in explained.Units.SelectMany(static unit => unit.Notes)) Add(note.Field);
        }

        string[] heads =
        [
            "\r\n" + Encoding.ASCII.GetString(Request), Encoding.ASCII.GetString(Request)[..20], Encoding.ASCII.GetString(Response),
            "GET /?uid=1 HTTP/1.1\r\nHost:  a \r\n\r\n", "HTTP/1.1 404 Not Found\r\n\r\nbody", "HTTP/1.1 404",
        ];
        foreach (string head in heads)
            foreach (Note note in ConversationExplainer.Explain(Encoding.ASCII.GetBytes(head), new ExplainSettings()).Units
                .SelectMany(static unit => unit.Notes)) Add(note.Field);
        Assert.That(without, Is.Empty);

        void Add(string field)
        {
            if (!FieldNames.Of(field, Language.Chinese).Any(static c => c is >= '\u4E00' and <= '\u9FFF')) without.Add(field);
        }
    }

    [Test]
    public void Accept_IsSaidWithItsReason()
    {
        Assert.That(Unwrapped(" ", Good([], Request)),
            Does.Contain("cannot send this value by accident").And.Contain("It is not for security"));
        Assert.That(Unwrapped("", Good(["--lang", "zh"], Request)), Does.Contain("不可能碰巧给出这个值").And.Contain("它不是安全措施"));

        static string Unwrapped(string space, string text) =>
            string.Join(space, text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
    }
}
