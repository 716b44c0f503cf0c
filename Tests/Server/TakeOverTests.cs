// An application takes a connection over: its bytes are the application's, both ways, and it ends in order, by a reset, at the end of its
// time, or with the server.

using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using RawWs.Server;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixtureSource(typeof(Setup), nameof(Setup.All))]
public sealed class TakeOverTests(Setup setup)
{
    private const string Request = "GET /raw HTTP/1.1\r\n" + RawClient.Upgrade + "\r\n";

    [Test]
    public async Task Bytes_GoBothWays_FromAnyThread_AndItEndsInOrder()
    {
        RecordedLog log = new(LogLevel.Information);
        RawApplication application = new();
        application.Received = (connection, text) => Task.Run(() =>
        {
            connection.TrySend(Encoding.ASCII.GetBytes(text.ToUpperInvariant()));
            connection.End();
        });
        await using TestServer server = await TestServer.Start(
            setup, application, options => options with { LoggerFactory = log });
        using RawClient client = RawClient.Connect(server.Port);
        client.Send(Request + "abc.");
        Assert.That(client.ReadToEnd(), Is.EqualTo("begin ABC."), "and no answer but the handler's");
        client.Dispose();
        await application.Ended.WaitAsync(TestServer.Patience);
        Assert.That(log.WaitFor("answered 101"), Does.Contain("taken over"));
        server.HoldsNothing();
    }

    [Test]
    public async Task Much_Waits_AndComesWhole()
    {
        const int Pieces = 40, Bytes = 10_000;
        RawApplication application = new();
        application.Received = (connection, _) =>
        {
            for (int i = 0; i < Pieces; i++) Assert.That(connection.TrySend(new byte[Bytes]), Is.EqualTo(SendResult.Queued));
            while (connection.TrySend(new byte[Bytes]) == SendResult.Queued)
            {
            }

            connection.End();
        };
        await using TestServer server = await TestServer.Start(setup, application);
        using RawClient client = RawClient.Connect(server.Port);
        client.Send(Request + "go.");
        Assert.That(client.ReadToEnd(), Has.Length.GreaterThan(Pieces * Bytes));
        client.Dispose();
        server.HoldsNothing();
    }

    [Test]
    public async Task TheHandlerMayReset_AndOneThatThrowsDoes([Values] bool throws)
    {
        RawApplication application = new()
        {
            Received = (connection, _) =>
            {
                if (throws) throw new InvalidOperationException("as the test says");
                connection.Abort();
            },
        };
        await using TestServer server = await TestServer.Start(setup, application);
        using RawClient client = RawClient.Connect(server.Port);
        client.Send(Request + "x.");
        Assert.That(() => client.ReadToEnd(), Throws.InstanceOf<SocketException>());
        await application.Ended.WaitAsync(TestServer.Patience);
    }

    [Test]
    public async Task ItsTimeIsOver_OrTheServerStops_AndItIsReset([Values] bool stops)
    {
        FakeTimeProvider time = new();
        RawApplication application = new();
        await using TestServer server = await TestServer.Start(
            setup, application, options => options with { TimeProvider = time, HandshakeTimeout = TimeSpan.FromSeconds(1) });
        using RawClient client = RawClient.Connect(server.Port);
        client.Send(Request);
        await application.Begun.WaitAsync(TestServer.Patience);
        server.Pass(time, RawApplication.Most.TotalSeconds - 1);
        Assert.That(application.Ended.IsCompleted, Is.False, "the handshake's time does not count");
        if (stops) await server.Server.StopAsync(TimeSpan.Zero);
        else server.Pass(time, 1.2);
        await application.Ended.WaitAsync(TestServer.Patience);
        Assert.That(() => client.ReadToEnd(), Throws.InstanceOf<SocketException>());
    }

    [Test]
    public async Task ThePeerGoes_AndTheHandlerIsTold_Once([Values] bool resets)
    {
        RawApplication application = new();
        await using TestServer server = await TestServer.Start(setup, application);
        using RawClient client = RawClient.Connect(server.Port);
        client.Send(Request);
        await application.Begun.WaitAsync(TestServer.Patience);
        if (resets) client.Reset();
        else client.Dispose();
        await application.Ended.WaitAsync(TestServer.Patience);
        server.HoldsNothing();
        Assert.That(application.Connection!.TrySend("late"u8), Is.EqualTo(SendResult.Closed));
        application.Connection.End();
        application.Connection.Abort();
        server.CatchUp();
        Assert.That(application.Ends, Is.EqualTo(1));
    }

    // No credentials are in the bytes of a connection that was taken over: the head has been read. They are told, to whoever began to look
    // before and to whoever begins now.
    [Test]
    public async Task WhoLooksOn_IsToldItsBytes([Values] bool hidesCredentials)
    {
        setup.PassOverLayers("the bytes are a layer's");
        RawApplication application = new();
        application.Received = (connection, _) =>
        {
            connection.TrySend("here"u8);
            connection.End();
        };
        await using TestServer server = await TestServer.Start(setup, application);
        ObservationOptions options = new() { Payload = true, HidesCredentials = hidesCredentials, Path = "/raw" };
        using Observation before = await server.Server.ObserveAsync(options);
        using RawClient client = RawClient.Connect(server.Port);
        client.Send(Request);
        await application.Begun.WaitAsync(TestServer.Patience);
        using Observation later = await server.Server.ObserveAsync(options);
        client.Send("raw bytes.");
        Assert.That(client.ReadToEnd(), Is.EqualTo("begin here"));
        client.Dispose();
        await application.Ended.WaitAsync(TestServer.Patience);
        server.CatchUp();
        Assert.That((Told(before, ConnectionEventKind.Received), Told(later, ConnectionEventKind.Received)),
            Is.EqualTo((Request + "raw bytes.", "raw bytes.")));
        return;

        static string Told(Observation observation, ConnectionEventKind kind)
        {
            string told = "";
            while (observation.TryRead(out ConnectionEvent? one))
                if (one.Kind == kind) told += Encoding.ASCII.GetString(one.Bytes.Span);
            return told;
        }
    }

    // Only that it has ended.
    [Test]
    public async Task AHandlerThatHasThrown_GetsNothingMore([Values] bool atTheBeginning)
    {
        RawApplication application = new() { ThrowsAtTheBeginning = atTheBeginning };
        application.Received = (_, _) => application.Throw();
        await using TestServer server = await TestServer.Start(setup, application);
        using RawClient client = RawClient.Connect(server.Port);
        client.Send(Request + "one.");
        Assert.That(() => client.ReadToEnd(), Throws.InstanceOf<SocketException>());
        await application.Ended.WaitAsync(TestServer.Patience);
        Assert.That((application.CallsAfterAThrow, application.Ends), Is.EqualTo((0, 1)));
    }

    [Test]
    public async Task TheEndOfTheStream_IsNoPiece()
    {
        RawApplication application = new();
        await using TestServer server = await TestServer.Start(setup, application);
        using RawClient client = RawClient.Connect(server.Port);
        client.Send(Request + "a");
        await application.Begun.WaitAsync(TestServer.Patience);
        client.Dispose();
        await application.Ended.WaitAsync(TestServer.Patience);
        Assert.That(application.EmptyCalls, Is.Zero);
    }

    [Test]
    public void ATimeMustBeALimit([Values(0, -1, 86_401)] int seconds) => Assert.That(
        () => UpgradeDecision.TakeOver(new RawApplication(), TimeSpan.FromSeconds(seconds)),
        Throws.InstanceOf<ArgumentOutOfRangeException>());

    private sealed class RawApplication : IWebSocketApplication, IRawHandler
    {
        public static readonly TimeSpan Most = TimeSpan.FromSeconds(5);

        private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private string _text = "";
        private bool _hasThrown;
        private int _ends;

        public Action<RawConnection, string>? Received { get; set; }

        public RawConnection? Connection { get; private set; }

        public Task Begun => _begun.Task;

        public Task Ended => _ended.Task;

        public int Ends => _ends;

        public ValueTask<UpgradeDecision> OnUpgrade(UpgradeContext context) => new(UpgradeDecision.TakeOver(this, Most));

        public ValueTask OnMessage(WebSocketConnection connection, WebSocketMessage message) => throw new NotSupportedException();

        public bool ThrowsAtTheBeginning { get; init; }

        public int CallsAfterAThrow { get; private set; }

        public int EmptyCalls { get; private set; }

        public void OnBegin(RawConnection connection)
        {
            if (ThrowsAtTheBeginning) Throw();
            Connection = connection;
            if (Received is not null) connection.TrySend("begin "u8);
            _begun.TrySetResult();
        }

        // In however many pieces it comes.
        public void OnBytes(RawConnection connection, ReadOnlySpan<byte> bytes)
        {
            if (_hasThrown) CallsAfterAThrow++;
            if (bytes.IsEmpty) EmptyCalls++;
            _text += Encoding.ASCII.GetString(bytes);
            if (_text.EndsWith('.')) Received?.Invoke(connection, _text);
        }

        public void Throw()
        {
            _hasThrown = true;
            throw new InvalidOperationException("as the test says");
        }

        public void OnEnd(RawConnection connection)
        {
            Interlocked.Increment(ref _ends);
            _ended.TrySetResult();
        }
    }
}
