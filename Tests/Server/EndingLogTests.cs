// What the log says when many connections end: the first endings of each kind in each second have a line, and the rest are counted,
// whatever the logger is. And nothing is lost, neither at the end of a burst nor at the stop.

using System.Net;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Server.Log;
using RawWs.Server.Native;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixtureSource(typeof(Setup), nameof(Setup.All))]
public sealed class EndingLogTests(Setup setup)
{
    private static readonly PeerAddress Peer = new(new IPEndPoint(IPAddress.Parse("192.0.2.17"), 50123));

    [Test]
    public void TheFirstOfEachKind_AreTold_AndTheRestAreCounted()
    {
        FakeTimeProvider time = new();
        Lines lines = new();
        EndingLog endings = new(lines, time);
        for (int i = 0; i < 1220; i++) endings.Tell(i, Peer, new CloseReport { Cause = EndCause.PeerClosed });
        for (int i = 0; i < 54; i++) endings.Tell(i, Peer, new CloseReport { Cause = EndCause.PeerVanished });
        for (int i = 0; i < 120; i++) endings.Tell(i, Peer, new CloseReport { Cause = EndCause.Http, Code = i % 2 == 0 ? 404 : 200 });
        endings.Tell(1, Peer, new CloseReport { Cause = EndCause.ProtocolViolation, Rule = "Once" });
        Assert.That(lines.Count("PeerClosed"), Is.EqualTo(20));
        Assert.That(lines.Count("PeerVanished"), Is.EqualTo(20));
        Assert.That((lines.Count("answered 404"), lines.Count("answered 200"), lines.Count("rule Once")), Is.EqualTo((20, 20, 1)));
        Assert.That(lines.Count("more connections"), Is.Zero);

        time.Advance(TimeSpan.FromSeconds(1));
        endings.Tell(1, Peer, new CloseReport { Cause = EndCause.PeerClosed });
        Assert.That(lines.Count("1314 more connections ended: 1200 PeerClosed, 40 answered 200, 40 answered 404, 34 PeerVanished"),
            Is.EqualTo(1));
        Assert.That(lines.Count("PeerClosed"), Is.EqualTo(22), "a new second has lines of its own");
    }

    // A fault always has its line.
    [Test]
    public void OrdinaryEndingsHaveABound_AndFaultsHaveNone([Values] EndCause cause)
    {
        bool isFault = cause is EndCause.None or EndCause.ProtocolViolation or EndCause.MessageTooBig or EndCause.MessageTimeout
            or EndCause.PongTimeout
            or EndCause.TooSlow or EndCause.StalledSend or EndCause.HandlerError or EndCause.OutOfMemory;
        Lines lines = new();
        EndingLog endings = new(lines, new FakeTimeProvider());
        for (int i = 0; i < 1000; i++) endings.Tell(i, Peer, new CloseReport { Cause = cause, Code = 404 });
        Assert.That(lines.All, Has.Count.EqualTo(isFault ? 1000 : 20));
        endings.TellRest();
        Assert.That(lines.Count("more connections"), Is.EqualTo(isFault ? 0 : 1));
        endings.TellRest();
        Assert.That(lines.Count("more connections"), Is.LessThanOrEqualTo(1), "it is told once");
    }

    [Test]
    public void AStatusOfAnySize_IsAKind([Values(-1, 0, 99, 999, 1000, int.MaxValue)] int status)
    {
        Lines lines = new();
        EndingLog endings = new(lines, new FakeTimeProvider());
        for (int i = 0; i < 21; i++) endings.Tell(i, Peer, new CloseReport { Cause = EndCause.Http, Code = status });
        endings.TellRest();
        Assert.That(lines.Count("1 more connections ended: 1 answered"), Is.EqualTo(1));
    }

    // Nothing ends after the burst. The count is logged all the same, by a loop's timer.
    [Test]
    public async Task AfterABurst_TheCountIsTold_ThoughNothingElseEnds()
    {
        FakeTimeProvider time = new();
        Lines lines = new();
        await using TestServer server = await TestServer.Start(
            setup, new EchoApplication(), options => options with { TimeProvider = time, LoggerFactory = new Factory(lines) });
        for (int burst = 1; burst <= 2; burst++)
        {
            for (int i = 0; i < 50; i++)
            {
                using RawClient client = RawClient.Open(server.Port);
                client.Send(Opcode.Close, [0x03, 0xE8]);
                Assert.That(client.ReadClose().Code, Is.EqualTo(1000));
            }

            TestServer.Eventually(() => server.Server.Count == 0, "all have ended");
            Assert.That(lines.Count(" ended: closed by peer: PeerClosed"), Is.EqualTo(20 * burst));
            TestServer.Eventually(
                () =>
                {
                    server.CatchUp();
                    time.Advance(TimeSpan.FromMilliseconds(100));
                    return lines.Count("30 more connections ended: 30 PeerClosed") == burst;
                },
                "the rest is told");
        }
    }

    [Test]
    public async Task AtTheStop_TheRestIsTold()
    {
        FakeTimeProvider time = new();
        Lines lines = new();
        await using (TestServer server = await TestServer.Start(
            setup, new EchoApplication(), options => options with { TimeProvider = time, LoggerFactory = new Factory(lines) }))
        {
            for (int i = 0; i < 50; i++)
            {
                using RawClient client = RawClient.Connect(server.Port);
                client.Send("GET /nothing HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
                client.ReadToEnd();
            }

            TestServer.Eventually(() => server.Server.Count == 0, "all have ended");
        }

        Assert.That(lines.Count("request "), Is.EqualTo(20));
        Assert.That(lines.Count("30 more connections ended: 30 answered 4"), Is.EqualTo(1));
        Assert.That(lines.All[^1], Does.StartWith("stopped: "));
    }

    // For example, the disk is full. The connections end, are no longer counted, and the server stops.
    [Test]
    public async Task ALoggerThatThrows_LosesItsLines_AndNothingElse()
    {
        Lines lines = new() { Throws = true };
        await using TestServer server = await TestServer.Start(
            setup,
            new ProtocolOverTcpTests.Handler(static (_, _, _) => throw new InvalidOperationException("a handler's"))
            {
                Closed = static _ =>
                throw new InvalidOperationException("OnClose's")
            },
            options => options with { LoggerFactory = new Factory(lines) });
        for (int i = 0; i < 50; i++)
        {
            using RawClient client = RawClient.Open(server.Port);
            client.SendText("throw");
            Assert.That(client.ReadClose(answer: true).Code, Is.EqualTo(1011));
        }

        TestServer.Eventually(() => server.Server.Count == 0, "all have ended");
    }

    [Test]
    public void AnEndingThatIsCounted_CostsNoMemory()
    {
        EndingLog endings = new(new Lines(), new FakeTimeProvider());
        CloseReport report = new() { Cause = EndCause.PeerClosed };
        for (int i = 0; i < 1000; i++) endings.Tell(i, Peer, report);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100_000; i++) endings.Tell(i, Peer, report);
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(10_000));
    }

    // On however many threads: every ending has a line or is counted.
    [Test]
    public void NothingIsLostBetweenThreads()
    {
        const int Threads = 4, Endings = 20_000;
        FakeTimeProvider time = new();
        Lines lines = new();
        EndingLog endings = new(lines, time);
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(_ => new Thread(() =>
        {
            for (int i = 0; i < Endings; i++)
            {
                endings.Tell(i, Peer, new CloseReport { Cause = EndCause.PeerClosed });
                if (i % 1000 == 0) time.Advance(TimeSpan.FromMilliseconds(100));
            }
        }))];
        foreach (Thread thread in threads) thread.Start();
        foreach (Thread thread in threads) thread.Join();
        endings.TellRest();
        int counted = lines.All.Sum(static line => Regex.Match(line, "^([0-9]+) more connections") is { Success: true } match
            ? int.Parse(match.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture) : 0);
        Assert.That(counted + lines.Count(" ended: closed"), Is.EqualTo(Threads * Endings));
    }

    [Test]
    public void MissingMemory_IsSaidOf_AndIsNoBug()
    {
        Lines lines = new();
        EndingLog endings = new(lines, new FakeTimeProvider());
        for (int i = 0; i < 1000; i++) endings.TellFailure(i, new InsufficientMemoryException(), 8 << 20);
        Assert.That(lines.All, Has.Count.EqualTo(20).And.All.Contains("no memory").And.All.Contains("8 MiB").And.All.Not.Contains("bug"));
        endings.TellRest();
        Assert.That(lines.All, Has.Count.EqualTo(20));
    }

    // A handler of the application for which there is no memory ends its connection, as a full budget does, and no other.
    [Test]
    public async Task AHandlerWithoutMemory_Is1013_AndCostsItsConnectionOnly()
    {
        Lines lines = new();
        await using TestServer server = await TestServer.Start(
            setup,
            new ProtocolOverTcpTests.Handler(static (connection, _, message) =>
            {
                if (message.Length == 1) throw new InsufficientMemoryException();
                connection.TrySend(MessageKind.Text, message.Span);
                return ValueTask.CompletedTask;
            }),
            options => options with { LoggerFactory = new Factory(lines) });
        using RawClient other = RawClient.Open(server.Port);
        using RawClient client = RawClient.Open(server.Port);
        client.SendText("x");
        Assert.That(client.ReadClose(answer: true).Code, Is.EqualTo(1013));
        other.SendText("still here");
        Assert.That(other.ReadText(), Is.EqualTo("still here"));
        TestServer.Eventually(() => lines.Count("OutOfMemory, code 1013") == 1, "it is told");
        Assert.That((lines.Count("no memory for connection"), lines.Count("bug"), lines.Count("threw")), Is.EqualTo((1, 0, 0)));
    }

    private sealed class Factory(ILogger log) : ILoggerFactory
    {
        public void AddProvider(ILoggerProvider provider)
        {
        }

        public ILogger CreateLogger(string categoryName) => log;

        public void Dispose()
        {
        }
    }

    /// <summary>A logger that is not the server's: it keeps the texts.</summary>
    private sealed class Lines : ILogger
    {
        private readonly List<string> _lines = [];

        public bool Throws { get; init; }

        public List<string> All
        {
            get
            {
                lock (_lines) return [.. _lines];
            }
        }

        public int Count(string text)
        {
            lock (_lines) return _lines.Count(line => line.Contains(text, StringComparison.Ordinal));
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?,
            string> formatter)
        {
            if (Throws) throw new InvalidOperationException("no log");
            lock (_lines) _lines.Add(formatter(state, exception));
        }
    }
}
