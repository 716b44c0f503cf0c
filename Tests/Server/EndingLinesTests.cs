// The line of a connection's ending: its text is, character for character, what the base library's formatting makes of it, whatever the
// report; and a logger that is not ours gets the same names and values with it as a generated message would give.

using System.Globalization;
using System.Net;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Console.Log;
using RawWs.Server.Log;
using RawWs.Server.Native;

namespace RawWs.Tests.Server;

[TestFixture]
public class EndingLinesTests
{
    private static readonly string[] EndedKeys = ["id", "peer", "report", "reason", "{OriginalFormat}"];

    private static readonly string[] AnsweredKeys =
        ["id", "peer", "status", "rule", "seconds", "bytesIn", "bytesOut", "reason", "{OriginalFormat}"];

    private static readonly string?[] Texts = [null, "", "a", "Section_5_2_NonMinimalLength", "张三 😀", new string('x', 3000)];

    private static readonly long[] Ticks =
    [
        0, 1, 4_999, 5_000, 5_001, 9_999, 10_000, 15_000, 25_000, 45_000, 625_000, 1_875_000, 9_999_999, 10_000_000, 20_005_000,
        864_000_000_000, 8_640_000_010_000,
        -1, -4_000, -5_000, -10_000, -123_450_000, (1L << 53) - 1, 1L << 53, (1L << 53) + 1, long.MaxValue, long.MinValue,
    ];

    private static readonly IPEndPoint Peer = new(IPAddress.Parse("192.0.2.17"), 50123);

    [Test]
    public void AReport_IsWrittenAsTheBaseLibraryWould_ForEveryCauseAndEveryFrame()
    {
        // One past the last, and the last that fits in a byte, have no name.
        foreach (int cause in Enumerable.Range(0, 256))
            AssertSame(new CloseReport { Cause = (EndCause)cause, LastFrame = (Opcode)(cause % 17), Code = 1000 });
        AssertSame(new CloseReport { Cause = EndCause.Drain, LastFrame = (Opcode)255 });
    }

    [Test]
    public void AReport_IsWrittenAsTheBaseLibraryWould_ForEveryDuration()
    {
        foreach (long ticks in Ticks) AssertSame(new CloseReport { Cause = EndCause.PeerClosed, Duration = new TimeSpan(ticks) });
    }

    [Test]
    public void AReport_IsWrittenAsTheBaseLibraryWould_WhateverItSays([Values(1, 2, 3)] int seed)
    {
        Random random = new(seed);
        for (int round = 0; round < 3000; round++) AssertSame(AReport(random));
    }

    [Test]
    public void APeer_IsWrittenAsTheBaseLibraryWould([Values(1, 2)] int seed)
    {
        Random random = new(seed);
        string[] named = ["0.0.0.0", "1.20.255.100", "255.255.255.255", "::", "::1", "::ffff:10.0.0.1", "2001:db8::1", "fe80::1"];
        foreach (string address in named)
            foreach (int port in new[] { 0, 1, 80, 65535 })
                AssertSamePeer(IPAddress.Parse(address), port);
        byte[] bytes = new byte[16];
        for (int round = 0; round < 1000; round++)
        {
            random.NextBytes(bytes);
            AssertSamePeer(new IPAddress(bytes.AsSpan(0, round % 2 == 0 ? 4 : 16)), random.Next(65536));
        }

        Assert.That(default(PeerAddress).ToString(), Is.EqualTo("0.0.0.0:0"));
    }

    [Test]
    public void AnEnding_CarriesItsNamesAndValues_ToAnyLogger([Values(1, 2, 3)] int seed)
    {
        foreach ((CloseReport report, long id) in Endings(seed))
        {
            RecordingLog log = new();
            log.ConnectionEnded(id, new PeerAddress(Peer), report);

            string reason = LogText.Escape(report.Reason);
            log.AssertHolds(
                new EventId(3, "ConnectionEnded"),
                $"connection {id} from {Peer} ended: {Expected(report)}, reason \"{reason}\"",
                EndedKeys,
                [id, Peer.ToString(), Expected(report), reason, "connection {id} from {peer} ended: {report}, reason \"{reason}\""]);
        }
    }

    [Test]
    public void AnAnswer_CarriesItsNamesAndValues_ToAnyLogger([Values(1, 2, 3)] int seed)
    {
        foreach ((CloseReport report, long id) in Endings(seed))
        {
            RecordingLog log = new();
            log.RequestAnswered(id, new PeerAddress(Peer), report);

            string rule = report.Rule is null
                ? ""
                : $" by rule {report.Rule}", reason = LogText.Escape(report.Reason, OriginAdvice.CharactersMax);
            string seconds = report.Duration.TotalSeconds.ToString("F3", CultureInfo.InvariantCulture);
            int status = report.Code ?? 0;
            log.AssertHolds(
                new EventId(4, "RequestAnswered"),
                string.Create(CultureInfo.InvariantCulture,
                    $"request {id} from {Peer} answered {status}{rule} after {seconds} s, in {report.BytesIn} bytes, out "
                    + $"{report.BytesOut} bytes: {reason}"),
                AnsweredKeys,
                [id, Peer.ToString(), status, rule, seconds, report.BytesIn, report.BytesOut, reason,
                    "request {id} from {peer} answered {status}{rule} after {seconds} s, in {bytesIn} bytes, out {bytesOut} bytes: "
                        + "{reason}"]);
        }
    }

    private static IEnumerable<(CloseReport Report, long Id)> Endings(int seed)
    {
        Random random = new(seed);
        for (int round = 0; round < 300; round++) yield return (AReport(random), random.NextInt64(long.MinValue, long.MaxValue));
    }

    [Test]
    public void ALogThatIsOff_IsNotCalled()
    {
        RecordingLog log = new() { IsOff = true };
        CloseReport report = new() { Cause = EndCause.Http };
        log.ConnectionEnded(1, default, report);
        log.RequestAnswered(1, default, report);
        Assert.That(log.Calls, Is.Zero);
    }

    [Test]
    public void OnTheConsole_TheyAreLinesLikeAllOthers()
    {
        FakeTimeProvider time = new(new DateTimeOffset(2026, 1, 2, 3, 4, 59, 999, TimeSpan.Zero));
        using MemoryStream output = new();
        using (ConsoleLog console = new(output, time))
        {
            ILogger log = console.CreateLogger("RawWs");
            log.RequestAnswered(7, new PeerAddress(Peer), new CloseReport { Cause = EndCause.Http, Code = 404, Reason = "no\r\nsuch" });
            time.Advance(TimeSpan.FromMilliseconds(1));
            log.ConnectionEnded(8, new PeerAddress(Peer),
                new CloseReport { Cause = EndCause.PeerClosed, Code = 1000, Reason = "é\"\u001b", Clean = true, LastFrame = Opcode.Close });
            time.Advance(TimeSpan.FromMilliseconds(20));
            log.Stopping(1);
        }

        Assert.That(Encoding.UTF8.GetString(output.ToArray()), Is.EqualTo(
            "2026-01-02T03:04:59.999Z info  request 7 from 192.0.2.17:50123 answered 404 after 0.000 s, in 0 bytes, out 0 bytes: "
                + "no\\u{d}\\u{a}such\n"
            + "2026-01-02T03:05:00.000Z info  connection 8 from 192.0.2.17:50123 ended: closed by peer: PeerClosed, code 1000, clean, "
            + "last frame Close, 0.000 s, "
            + "in 0 messages 0 bytes, out 0 messages 0 bytes, reason \"é\\\"\\u{1b}\"\n"
            + "2026-01-02T03:05:00.020Z info  stopping: 1 connections are closed\n"));
    }

    private static void AssertSame(CloseReport report) => Assert.That(report.ToString(), Is.EqualTo(Expected(report)));

    private static void AssertSamePeer(IPAddress address, int port)
    {
        IPAddress shown = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        Assert.That(new PeerAddress(new IPEndPoint(address, port)).ToString(), Is.EqualTo(new IPEndPoint(shown, port).ToString()));
    }

    // The plain way to say it, and the slow one.
    private static string Expected(CloseReport report)
    {
        string code = report.Code?.ToString(CultureInfo.InvariantCulture) ?? "none";
        string rule = report.Rule is null ? "" : $", rule {report.Rule}";
        string extensions = report.Extensions is null ? "" : $", {report.Extensions}";
        string dropped = report.MessagesDropped > 0 ? $", dropped {report.MessagesDropped}" : "";
        string unsent = report.MessagesUnsent > 0 ? $", unsent {report.MessagesUnsent}" : "";
        return string.Create(CultureInfo.InvariantCulture,
            $"closed by {report.ClosedBy.ToString().ToLowerInvariant()}: {report.Cause}, code {code}{rule}, "
                + $"{(report.Clean ? "clean" : "not clean")}, last frame {report.LastFrame?.ToString() ?? "none"}, "
                + $"{report.Duration.TotalSeconds:F3} s, in {report.MessagesIn} messages {report.BytesIn} bytes, out "
                + $"{report.MessagesOut} messages {report.BytesOut} bytes{dropped}{unsent}{extensions}");
    }

    private static CloseReport AReport(Random random) => new()
    {
        Cause = (EndCause)random.Next((int)EndCause.Http + 2),
        Code = random.Next(4) == 0 ? null : random.Next(-5000, 5000),
        Reason = Texts[random.Next(1, Texts.Length)]!,
        Rule = Texts[random.Next(Texts.Length)],
        LastFrame = random.Next(4) == 0 ? null : (Opcode)random.Next(16),
        Duration = new TimeSpan(random.Next(3) == 0 ? Ticks[random.Next(Ticks.Length)] : AnyLong(random)),
        Extensions = Texts[random.Next(Texts.Length)],
        MessagesIn = AnyLong(random),
        MessagesOut = AnyLong(random),
        MessagesDropped = AnyLong(random),
        MessagesUnsent = AnyLong(random),
        BytesIn = AnyLong(random),
        BytesOut = AnyLong(random),
        Clean = random.Next(2) == 0,
    };

    // Of any number of digits.
    private static long AnyLong(Random random) => random.NextInt64(long.MinValue, long.MaxValue) >> random.Next(64);

    /// <summary>A logger that keeps the one thing it was told.</summary>
    private sealed class RecordingLog : ILogger
    {
        private LogLevel _level;
        private EventId _event;
        private object? _state;
        private string? _text;

        public bool IsOff { get; init; }

        public int Calls { get; private set; }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => !IsOff;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?,
            string> formatter)
        {
            Calls++;
            Assert.That(exception, Is.Null);
            (_level, _event, _state, _text) = (logLevel, eventId, state, formatter(state, exception));
        }

        public void AssertHolds(EventId id, string text, string[] keys, object?[] values)
        {
            Assert.That(Calls, Is.EqualTo(1));
            Assert.That((_level, _event.Id, _event.Name), Is.EqualTo((LogLevel.Information, id.Id, id.Name)));
            Assert.That(_text, Is.EqualTo(text));
            Assert.That(_state!.ToString(), Is.EqualTo(text));
            IReadOnlyList<KeyValuePair<string, object?>> state = (IReadOnlyList<KeyValuePair<string, object?>>)_state;
            Assert.That(state.Select(static pair => pair.Key), Is.EqualTo(keys));
            Assert.That(state.Select(static pair => pair.Value), Is.EqualTo(values));
            Assert.That(state, Has.Count.EqualTo(keys.Length));
            Assert.That(Enumerable.Range(0, state.Count).Select(i => state[i]), Is.EqualTo(state));
            Assert.That(() => state[keys.Length], Throws.TypeOf<ArgumentOutOfRangeException>());
            Assert.That(() => state[-1], Throws.TypeOf<ArgumentOutOfRangeException>());
        }
    }
}
