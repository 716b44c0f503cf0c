// The lines of the log: each has its own number, and docs/ops/logs.md has each with its level and its words. To write the table anew:
// RAWWS_WRITE_DOCS=1.

using System.Reflection;
using Microsoft.Extensions.Logging;
using RawWs.Server;
using RawWs.Tests.Support;

namespace RawWs.Tests.Admin;

public sealed class LogTableTests
{
    private const string Head = "| id | event | level | line |\n| ---: | --- | --- | --- |\n";

    // Two lines are written by hand, because there are so many of them (EndingStates).
    private static readonly (int Id, string Name, LogLevel Level, string Text)[] ByHand =
    [
        (3, "ConnectionEnded", LogLevel.Information, "connection {id} from {peer}, uid \"{uid}\", ended: {report}, reason \"{reason}\""),
        (4, "RequestAnswered", LogLevel.Information,
            "request {id} from {peer} answered {status}{rule} after {seconds} s, in {bytesIn} bytes, out {bytesOut} bytes: {reason}"),
    ];

    private static IReadOnlyList<(int Id, string Name, LogLevel Level, string Text)> All =>
    [
        .. new[]
            {
                typeof(WebSocketServer).Assembly, typeof(RawWs.Server.Nats.NatsBackplane).Assembly,
                typeof(RawWs.Server.Console.Program).Assembly,
            }
            .SelectMany(static assembly => assembly.GetTypes())
            .SelectMany(static type => type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic))
            .Select(static method => (method, line: method.GetCustomAttribute<LoggerMessageAttribute>()))
            .Where(static found => found.line is not null)
            .Select(static found => (found.line!.EventId, found.method.Name, found.line.Level, found.line.Message))
            .Concat(ByHand).OrderBy(static line => line.Item1),
    ];

    [Test]
    public void ANumber_IsOneLines() => Assert.That(All.Select(static line => line.Id), Is.Unique);

    [Test]
    public void TheTable_IsInTheDocs()
    {
        string table = string.Concat(All.Select(static line => $"| {line.Id} | {line.Name} | {line.Level} | {line.Text} |\n"));
        string text = Repository.Read("docs/ops/logs.md");
        int at = text.IndexOf(Head, StringComparison.Ordinal) + Head.Length;
        if (Repository.WritesDocs)
            File.WriteAllText(Repository.At("docs", "ops", "logs.md"), text = text[..at] + table);
        Assert.That(text[at..], Is.EqualTo(table));
    }
}
