// What nodes say to each other of presence, in JSON: whatever comes, it is a message of that form, or nothing.

using System.Text;
using RawWs.Server;
using RawWs.Server.Nats;

namespace RawWs.Tests.Cluster;

public sealed class PresenceMessageTests
{
    private const string Watch = """{"v":1,"from":"two","kind":"watch","watch":7,"most":10,"uids":["bob"]}""";
    private const string Again = """{"v":1,"from":"two","kind":"again","watch":7,"node":"one"}""";
    private const string End = """{"v":1,"from":"two","kind":"end","watch":7}""";
    private const string Told = """{"v":1,"node":"two","watch":7,"feed":9,"number":0,"state":"all","came":["bob"],"went":["eve"]}""";

    private static IEnumerable<string> NoQuestions =>
    [
        "", "x", "[]", "null", "{}", "\"\"", "1e999", Told, Watch + Watch,
        Watch.Replace("\"v\":1", "\"v\":2"),
        Watch.Replace("\"watch\",", "\"drop\","),
        Watch.Replace("two", "t w o"),
        Watch.Replace("two", ""),
        Watch.Replace("7", "7.5"),
        Watch.Replace("10", "0"),
        Watch.Replace("10", "10000001"),
        Watch.Replace("10", "1e99"),
        Watch.Replace("[\"bob\"]", "[]"),
        Watch.Replace("[\"bob\"]", "7"),
        Watch.Replace("\"bob\"", "null"),
        Watch.Replace("\"bob\"", "[[[[[]]]]]"),
        Watch.Replace("bob", ""),
        Watch.Replace("bob", "\\ud800"),
        Watch.Replace("bob", "\\ufffd\\ud800"),
        Watch.Replace("bob", new string('b', 257)),
        Again.Replace(",\"node\":\"one\"", ""),
        Again.Replace("one", "*"),
        Watch.Replace("\"bob\"", string.Join(',', Enumerable.Range(0, 1001).Select(static i => $"\"{i}\""))),
        Watch + new string(' ', 500_000),
    ];

    [Test]
    public void WhatIsNoQuestion_IsNothing()
    {
        foreach (string text in NoQuestions) Assert.That(PresenceMessage.Read(Encoding.UTF8.GetBytes(text)), Is.Null, text);
    }

    [Test]
    public void AQuestion_IsOne()
    {
        PresenceQuestion question = PresenceMessage.Read(Encoding.UTF8.GetBytes(Watch))!;
        Assert.That((question.From, question.Kind, question.Watch, question.Most), Is.EqualTo(("two", "watch", 7L, 10)));
        Assert.That(question.Uids, Is.EqualTo(["bob"]));
        Assert.That(
            PresenceMessage.Read(Encoding.UTF8.GetBytes(Again)), Is.EqualTo(new PresenceQuestion(1, "two", "again", 7, Node: "one")));
        Assert.That(PresenceMessage.Read(Encoding.UTF8.GetBytes(End)), Is.EqualTo(new PresenceQuestion(1, "two", "end", 7)));
        Assert.That(Encoding.UTF8.GetString(PresenceMessage.Write(question)),
            Is.EqualTo("""{"v":1,"from":"two","kind":"watch","watch":7,"most":10,"uids":["bob"]}"""));
    }

    // As many and as long as may be named, of characters that take six in JSON.
    [Test]
    public void TheLongestQuestion_IsOne()
    {
        string[] uids = [.. Enumerable.Range(0, 1000).Select(static i => $"{i:000}{new string('\u0001', 62)}")];
        PresenceQuestion question = new(1, new string('n', 64), "watch", long.MaxValue, PresenceOptions.UidsCeiling, uids);
        Assert.That(PresenceMessage.OptionsOf(question).FindError(), Is.Null);
        byte[] bytes = PresenceMessage.Write(question);
        Assert.That(PresenceMessage.Read(bytes)?.Uids, Is.EqualTo(uids), $"{bytes.Length} bytes");
        Assert.That(bytes, Has.Length.LessThan(1024 * 1024), "NATS' own limit");
        Assert.That(bytes, Has.Length.LessThanOrEqualTo(PresenceMessage.QuestionBytesMax), "and the node's");
    }

    private static IEnumerable<string> NoAnswers =>
    [
        "", "x", "[]", "null", "{}", Watch, Told + Told,
        Told.Replace("\"v\":1", "\"v\":0"),
        Told.Replace("two", "*"),
        Told.Replace("\"number\":0", "\"number\":-1"),
        Told.Replace("\"all\"", "\"most\""),
        Told.Replace("[\"bob\"]", "null"),
        Told.Replace("\"bob\"", "null"),
        Told.Replace("bob", ""),
        Told.Replace("eve", new string('e', 257)),
        Told.Replace("[\"eve\"]}", "[\"eve\"],\"leftOut\":-1}"),
        Told + new string(' ', 500_000),
    ];

    [Test]
    public void WhatIsNoAnswer_IsNothing()
    {
        foreach (string text in NoAnswers) Assert.That(PresenceMessage.ReadTold(Encoding.UTF8.GetBytes(text)), Is.Null, text);
    }

    [Test]
    public void AnAnswer_IsOne()
    {
        PresenceTold told = PresenceMessage.ReadTold(Encoding.UTF8.GetBytes(Told))!;
        Assert.That((told.Node, told.Watch, told.Feed, told.Number, told.State, told.LeftOut), Is.EqualTo(("two", 7L, 9L, 0L, "all", 0L)));
        Assert.That(told.Came, Is.EqualTo(["bob"]));
        Assert.That(told.Went, Is.EqualTo(["eve"]));
    }

    [Test]
    public void BytesThatAreCut_AreNothing_AndNoneAreTooMuch()
    {
        foreach (string text in (string[])[Watch, Again, End, Told])
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            for (int i = 0; i < bytes.Length; i++)
            {
                Assert.That(PresenceMessage.Read(bytes.AsSpan(0, i)), Is.Null);
                Assert.That(PresenceMessage.ReadTold(bytes.AsSpan(0, i)), Is.Null);
                byte[] broken = [.. bytes];
                broken[i] = 0xFF;
                Assert.That(PresenceMessage.ReadTold(broken), Is.Null);
                Assert.That(() => PresenceMessage.Read(broken), Throws.Nothing); // what is said under a name that nobody knows is not heard
            }
        }
    }
}
