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
        private int _ends;

        public Action<RawConnection, string>? Received { get; set; }

        public RawConnection? Connection { get; private set; }

        public Task Begun => _begun.Task;

        public Task Ended => _ended.Task;

        public int Ends => _ends;

        public ValueTask<UpgradeDecision> OnUpgrade(UpgradeContext context) => new(UpgradeDecision.TakeOver(this, Most));

        public ValueTask OnMessage(WebSocketConnection connection, WebSocketMessage message) => throw new NotSupportedException();

        public void OnBegin(RawConnection connection)
        {
            Connection = connection;
            if (Received is not null) connection.TrySend("begin "u8);
            _begun.TrySetResult();
        }

        // In however many pieces it comes.
        public void OnBytes(RawConnection connection, ReadOnlySpan<byte> bytes)
        {
            _text += Encoding.ASCII.GetString(bytes);
            if (_text.EndsWith('.')) Received?.Invoke(connection, _text);
        }

        public void OnEnd(RawConnection connection)
        {
            Interlocked.Increment(ref _ends);
            _ended.TrySetResult();
        }
    }
}
