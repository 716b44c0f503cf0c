// The console's log: one line per event, no wait for its author, drops counted; and strangers' text in it.

using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using RawWs.Server.Console.Log;
using RawWs.Server.Log;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixture]
public class LogTests
{
    [Test]
    public void ALine_IsTimeLevelMessage()
    {
        FakeTimeProvider time = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, 678, TimeSpan.Zero));
        using MemoryStream output = new();
        using (ConsoleLog console = new(output, time))
        {
            ILogger log = console.CreateLogger("RawWs");
            log.UidsAreNotAuthenticated();
            log.Stopping(3);
        }

        Assert.That(Text(output), Is.EqualTo(
            "2026-01-02T03:04:05.678Z warn  uids are not authenticated: whoever connects may take any name\n"
            + "2026-01-02T03:04:05.678Z info  stopping: 3 connections are closed\n"));
    }

    [Test]
    public void LinesOfSeveralThreads_HaveEachItsOwnTime()
    {
        const int Threads = 4, Lines = 500;
        using ThreadLocal<int> second = new();
        using MemoryStream output = new();
        using (ConsoleLog console = new(output, new TimeOfThread(second)))
        {
            ILogger log = console.CreateLogger("RawWs");
            Thread[] threads = [.. Enumerable.Range(0, Threads).Select(i => new Thread(() =>
            {
                for (int line = 0; line < Lines; line++)
                {
                    second.Value = ((line % 15) * Threads) + i;
                    log.Stopping(second.Value);
                }
            }))];
            foreach (Thread thread in threads) thread.Start();
            foreach (Thread thread in threads) thread.Join();
        }

        string[] lines = Text(output).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.That(lines, Has.Length.EqualTo(Threads * Lines));
        foreach (string line in lines)
            Assert.That(line, Does.StartWith("2026-01-02T03:04:").And.EndsWith(
                $".007Z info  stopping: {int.Parse(line.AsSpan(17, 2), CultureInfo.InvariantCulture)} connections are closed"));
    }

    [Test]
    public void AnException_StaysOnTheLine()
    {
        using MemoryStream output = new();
        using (ConsoleLog console = new(output, TimeProvider.System))
        {
            console.CreateLogger("RawWs").HandlerThrew(new InvalidOperationException("first\r\nsecond\u001b[2J"), 7);
        }

        string text = Text(output);
        Assert.That(text.Count(static c => c == '\n'), Is.EqualTo(1));
        Assert.That(text, Does.Contain("connection 7").And.Contain("first | second[2J").And.Not.Contain("\u001b"));
    }

    [Test]
    public void AnOutputThatNobodyReads_StopsNoCaller_AndDropsAreCounted()
    {
        const int Lines = 10_000;
        using BlockedStream output = new();
        using ConsoleLog console = new(output, TimeProvider.System);
        ILogger log = console.CreateLogger("RawWs");
        log.Stopping(0);
        Assert.That(output.Entered.Wait(TestServer.Patience), "the writer hangs in the middle of the first line");
        for (int i = 1; i <= Lines; i++) log.Stopping(i);
        Assert.That(console.Dropped, Is.EqualTo(Lines - 4096));

        output.Release.Set();
        console.Dispose();
        string text = output.Text;
        Assert.That(text.Count(static c => c == '\n'), Is.EqualTo(1 + 4096 + 1));
        Assert.That(text, Does.Contain($"{Lines - 4096} log lines were dropped"));
    }

    [Test]
    public void Dispose_DoesNotWaitForAnOutputThatHangs()
    {
        using BlockedStream output = new();
        ConsoleLog console = new(output, TimeProvider.System);
        console.CreateLogger("RawWs").Stopping(1);
        Assert.That(output.Entered.Wait(TestServer.Patience), "the writer hangs");
        console.Dispose(); // a test that never ends has failed
        console.CreateLogger("RawWs").Stopping(2);
        Assert.That(output.Release.IsSet, Is.False);
        output.Release.Set();
    }

    [Test]
    public void AnOutputThatIsGone_HarmsNobody()
    {
        MemoryStream output = new();
        output.Dispose();
        using ConsoleLog console = new(output, TimeProvider.System);
        for (int i = 0; i < 10_000; i++) console.CreateLogger("RawWs").Stopping(i);
        Assert.That(console.Dropped, Is.GreaterThanOrEqualTo(0));
    }

    [TestCase("plain text 100%", "plain text 100%")]
    [TestCase("a\"b\\c", "a\\\"b\\\\c")]
    [TestCase("a\r\nb", "a\\u{d}\\u{a}b")]
    [TestCase("\u001b[31m", "\\u{1b}[31m")]
    [TestCase("\u007f\u0085", "\\u{7f}\\u{85}")]
    [TestCase("\u202eabc", "\\u{202e}abc")]
    [TestCase("\u2066\u200b\ufeff", "\\u{2066}\\u{200b}\\u{feff}")]
    [TestCase("\u2028\u2029", "\\u{2028}\\u{2029}")]
    [TestCase("张三 😀 é", "张三 😀 é")]
    public void Escape_LeavesNothingThatMovesTheCursor(string text, string expected) =>
        Assert.That(LogText.Escape(text), Is.EqualTo(expected));

    [Test]
    public void Escape_ShowsALoneSurrogate() =>
        Assert.That(LogText.Escape("a" + (char)0xD800 + "b"), Is.EqualTo("a\\u{fffd}b"));

    [TestCase(200, 200)]
    [TestCase(201, 201)]
    [TestCase(100_000, 201)]
    public void Escape_CutsWhatIsTooLong(int length, int expected) =>
        Assert.That(LogText.Escape(new string('x', length)), Has.Length.EqualTo(expected));

    [Test]
    public void Escape_IsOneLineOfPrintables_WhateverComes([Values(1, 2, 3)] int seed)
    {
        Random random = new(seed);
        char[] text = new char[50];
        for (int round = 0; round < 5000; round++)
        {
            for (int i = 0; i < text.Length; i++) text[i] = (char)random.Next(random.Next(2) == 0 ? 0x100 : 0x10000);
            foreach (char c in LogText.Escape(new string(text)))
                Assert.That(char.IsControl(c) || c is '\u2028' or '\u2029' or (>= '\u202a' and <= '\u202e')
                    or (>= '\u2066' and <= '\u2069'), Is.False, $"seed {seed}");
        }
    }

    private static string Text(MemoryStream output) => Encoding.UTF8.GetString(output.ToArray());

    /// <summary>A clock that stands, for each thread at a second of its own.</summary>
    private sealed class TimeOfThread(ThreadLocal<int> second) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(2026, 1, 2, 3, 4, second.Value, 7, TimeSpan.Zero);
    }

    /// <summary>A pipe that is full: whoever writes stays in there until it is released.</summary>
    private sealed class BlockedStream : MemoryStream
    {
        public ManualResetEventSlim Entered { get; } = new();

        public ManualResetEventSlim Release { get; } = new();

        public string Text => Encoding.UTF8.GetString(ToArray());

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            Entered.Set();
            Release.Wait();
            base.Write(buffer);
        }
    }
}
