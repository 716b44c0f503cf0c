// Handlers that go on after an await, on two loops at once: that a message must be kept is learnt from both.

using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixtureSource(nameof(Setups))]
public sealed class HandlersOfTwoLoopsTests(Setup setup)
{
    public static IEnumerable<Setup> Setups => Setup.All.Where(static setup => setup.Loops > 1);

    // Both are the first of their loop to await.
    [Test]
    public async Task TheFirstTwoMessagesThatAreAwaitedAtOnce_BothStayWhatTheyAre()
    {
        using ManualResetEventSlim entered = new(), learnt = new();
        TaskCompletionSource go = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestServer server = await TestServer.Start(setup, new ProtocolOverTcpTests.Handler(async (connection, kind, message) =>
        {
            switch ((char)message.Span[0])
            {
                case 'a':
                    entered.Set();
                    learnt.Wait(TestServer.Patience);
                    await go.Task;
                    connection.TrySend(kind, message.Span);
                    break;
                case 'b':
                    connection.TrySend(kind, "taken"u8); // leaves when these bytes are through
                    await go.Task;
                    break;
                default:
                    connection.TrySend(kind, "seen"u8);
                    break;
            }
        }));
        using RawClient first = RawClient.Open(server.Port);
        // the last is on the first's loop
        RawClient[] others = [.. Enumerable.Range(1, setup.Loops).Select(_ => RawClient.Open(server.Port))];
        string message = "a" + new string('-', 1000);
        first.SendText(message);
        Assert.That(entered.Wait(TestServer.Patience));
        others[0].SendText("b");
        Assert.That(others[0].ReadText(), Is.EqualTo("taken"));
        learnt.Set();
        others[^1].SendText(new string('x', 2000));
        Assert.That(others[^1].ReadText(), Is.EqualTo("seen"));
        go.SetResult();
        Assert.That(first.ReadText(), Is.EqualTo(message));
        foreach (RawClient other in others) other.Dispose();
    }
}
