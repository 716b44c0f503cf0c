// The Lab's exercises: each has a right answer and two wrong ones, judged by the server from what went over the wire. And each, with every
// hint that its judge can give, has words in both languages.

using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Time.Testing;
using RawWs.Server.Applications;
using RawWs.Server.Console.Lab;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

public sealed partial class LabExercisesTests
{
    private static string Masked(string payload, string first = "81") =>
        $"{first}{0x80 + (payload.Length / 2):x2}01020304{Xor(payload)}";

    // Exercise, answer, and the hint; null for solved.
    private static IEnumerable<TestCaseData> Answers()
    {
        string long126 = string.Concat(Enumerable.Repeat("41", 126)), long125 = string.Concat(Enumerable.Repeat("41", 125));
        string fragments(params string[] frames) => Chunks(string.Concat(frames));
        yield return Row("hi", Chunks(Masked("4869")), null);
        yield return Row("hi", Chunks("81024869"), "ruleBroken");
        yield return Row("hi", Chunks(Masked("4869", "82")), "noText");
        yield return Row("hi", Chunks("818200000000" + "4869"), "keyZero");
        yield return Row("hi", Chunks(Masked("4868")), "notHi");
        yield return Row("hi", Chunks(""), "noFrame");
        yield return Row("length126", Chunks("82fe007e01020304" + Xor(long126)), null);
        yield return Row("length126", Chunks("82ff000000000000007e01020304" + Xor(long126)), "ruleBroken");
        yield return Row("length126", Chunks("82fd01020304" + Xor(long125)), "not126");
        yield return Row("pingBetween", fragments(Masked("41", "01"), Masked("42", "00"), Masked("", "89"), Masked("43", "80")), null);
        yield return Row(
            "pingBetween", fragments(Masked("41", "01"), Masked("42", "00"), Masked("43", "80"), Masked("", "89")), "pingNotBetween");
        yield return Row("pingBetween", fragments(Masked("41", "01"), Masked("", "89"), Masked("43", "80")), "notThree");
        yield return Row("pingBetween", fragments(Masked("41", "01"), Masked("42", "01")), "ruleBroken");
        yield return Row("midFrame1007", Chunks("818a01020304" + Xor("41ff")), null);
        yield return Row("midFrame1007", Chunks(Masked("41ff")), "frameWhole");
        yield return Row("midFrame1007", Chunks(Masked("4142")), "not1007");
        yield return Row("small1009", Chunks("82ff000000004000000001020304"), null);
        yield return Row("small1009", Chunks("82ff000000004000000001020304" + long125[..40]), "tooManyBytes");
        yield return Row("small1009", Chunks(Masked("41")), "not1009");
        yield return Row("cause1006", Chunks(Masked("4869")), null);
        yield return Row("cause1006", "\"handshake\":true,\"chunks\":[]", null);
        yield return Row("cause1006", Chunks(Masked("03e8", "88")), "closeSent");
        yield return Row("cause1006", Chunks(Masked("4869")) + ",\"end\":\"stay\",\"wait\":0", null);
        yield return Row("cause1006", "\"handshake\":false,\"chunks\":[{\"bytes\":\"47\"}]", "noHandshake");
        yield return Row("accept", "\"answer\":\"" + Accepted() + "\"", null);
        yield return Row("accept", "\"answer\":\"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\"", "notAccept");
        yield return Row("accept", "\"answer\":\"UmF3V3MgTGFiIGtleSAxIQ==\"", "notAccept");
        yield return Row("inflateHello", "\"deflate\":true," + Chunks(Masked("f248cdc9c90700", "c1") + Masked("f200110000", "c1")), null);
        yield return Row("inflateHello", "\"deflate\":true," + Chunks(Masked("f248cdc9c90700", "c1")), "notHello");
        yield return Row("inflateHello", "\"deflate\":true," + Chunks(Masked("48656c6c6f", "81")), "notHello");
        yield return Row("inflateHello", "\"deflate\":true," + Chunks(Masked("f200110000", "c1")), "ruleBroken");
        yield return Row("proxy", Silences(450, 450, 450, 450), null);
        yield return Row("proxy", Silences(450, 650), "proxyCut");
        yield return Row("proxy", Silences(300, 300, 300), "proxyTooShort");
        yield return Row("proxy", Chunks("8900"), "ruleBroken");
    }

    [TestCaseSource(nameof(Answers))]
    public async Task AnAnswer_IsJudgedFromTheWire(string exercise, string answer, string? hint)
    {
        await using TestServer server = await Start();
        await using LabClient lab = await LabClient.Open(server.Port);
        JsonElement verdict = await lab.Ask($"\"do\":\"exercise\",\"name\":\"{exercise}\",{answer}");
        Assert.That(verdict.TryGetProperty("hint", out JsonElement given), verdict.ToString());
        Assert.That(given.GetString(), Is.EqualTo(hint), verdict.ToString());
        Assert.That(verdict.GetProperty("solved").GetBoolean(), Is.EqualTo(hint is null));
    }

    [Test]
    public async Task ToSurviveTheHeartbeat_OneMustSpeak()
    {
        FakeTimeProvider time = new();
        await using TestServer server = await Start(time);
        await using LabClient lab = await LabClient.Open(server.Port);
        using RawClient client = RawClient.Open(server.Port, lab.TryPath);
        long connection = (await lab.Event(static told => told.GetProperty("kind").GetString() == "opened"))
            .GetProperty("connection").GetInt64();
        Assert.That(await Hint(), Is.EqualTo("notYet"));
        for (int i = 0; i < 4; i++)
        {
            server.Pass(time, 2);
            await lab.Ask("\"do\":\"alive\"");
            client.SendText($"{i}");
            client.ReadText();
        }

        await lab.Event(static told => told.GetProperty("kind").GetString() == "frameSent" && told.GetProperty("offset").GetInt64() > 135);
        Assert.That(await Hint(), Is.Null);
        client.Dispose();
        await lab.Event(static told => told.GetProperty("kind").GetString() == "ended");
        Assert.That(await Hint(), Is.EqualTo("ended"));

        async Task<string?> Hint() =>
            (await lab.Ask($"\"do\":\"exercise\",\"name\":\"survive\",\"connection\":{connection}")).GetProperty("hint").GetString();
    }

    [Test]
    public void EachExercise_HasARightAnswerAndTwoWrongOnes()
    {
        ILookup<string, object?> answers = Answers().ToLookup(static row => (string)row.Arguments[0]!, static row => row.Arguments[2]);
        foreach (LabExercise exercise in LabExercise.All.Where(static exercise => exercise.Name != "survive"))
        {
            Assert.That(answers[exercise.Name].Count(static hint => hint is null), Is.GreaterThanOrEqualTo(1), exercise.Name);
            Assert.That(answers[exercise.Name].Count(static hint => hint is not null), Is.GreaterThanOrEqualTo(2), exercise.Name);
        }
    }

    [Test]
    public void EachExercise_AndEachHint_HasWordsInBothLanguages()
    {
        string words = Repository.Read("Server", "Console", "Lab", "Page", "tasks.js");
        string judge = Repository.Read("Server", "Console", "Lab", "LabExercises.cs");
        IEnumerable<string> hints = Hint().Matches(judge[judge.IndexOf("private static string? Hi(", StringComparison.Ordinal)..])
            .Select(static found => found.Groups[1].Value)
            .Where(static id => id is not ("Hi" or "Hello" or "p" or "bce" or "bceo")).Distinct();
        Assert.That(hints, Is.Not.Empty);
        foreach (string id in hints.Concat(LabExercise.All.Select(static exercise => exercise.Name)))
            Assert.That(words, Does.Match($@"(?m)^  {id}: \["), id);
    }

    [Test]
    public void EachExercise_HasAnAnswerInWords()
    {
        string answers = Repository.Read("Server", "Console", "Lab", "Page", "answers.js");
        Assert.That(Name().Matches(answers).Select(static name => name.Groups[1].Value),
            Is.EquivalentTo(LabExercise.All.Select(static exercise => exercise.Name)));
    }

    private static TestCaseData Row(string exercise, string answer, string? hint) =>
        new TestCaseData(exercise, answer, hint).SetArgDisplayNames(exercise, answer.Length > 60 ? answer[..60] : answer, hint ?? "solved");

    private static string Chunks(string hex) => $"\"handshake\":true,\"chunks\":[{{\"bytes\":\"{hex}\"}}]";

    // A Ping after each pause.
    private static string Silences(params int[] pauses) => "\"handshake\":true,\"chunks\":["
        + string.Join(',', pauses.Select(static pause => $"{{\"bytes\":\"898000000000\",\"pause\":{pause}}}")) + "]";

    private static string Xor(string hex)
    {
        byte[] bytes = Convert.FromHexString(hex);
        for (int i = 0; i < bytes.Length; i++) bytes[i] ^= (byte)((i % 4) + 1);
        return Convert.ToHexStringLower(bytes);
    }

    // As a reader would do it, by the RFC's own recipe, with a library that is not ours.
    private static string Accepted()
    {
#pragma warning disable CA5350 // §4.2.2 prescribes SHA-1, which protects nothing here
        byte[] hash = System.Security.Cryptography.SHA1.HashData(
            System.Text.Encoding.ASCII.GetBytes(LabExercise.Key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
#pragma warning restore CA5350
        return Convert.ToBase64String(hash);
    }

    private static Task<TestServer> Start(FakeTimeProvider? time = null) => TestServer.Start(
        Setup.All[0], new LabApplication(new EchoApplication(), LabScope.Own, hasRouter: false), options => time is null
            ? options
            : options with { TimeProvider = time, Heartbeat = TimeSpan.FromSeconds(4) });

    [GeneratedRegex("\"([A-Za-z0-9]+)\"(?!u8)")]
    private static partial Regex Hint();

    [GeneratedRegex(@"(?m)^  (\w+): \['")]
    private static partial Regex Name();
}
