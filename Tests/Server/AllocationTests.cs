// Nothing is allocated per message at steady state, from the receive to the send: read over hundreds of thousands of messages in this
// process, whose client allocates nothing either.

using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Server.Routing;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixtureSource(typeof(Setup), nameof(Setup.All))]
[NonParallelizable]
public sealed class AllocationTests(Setup setup)
{
    private const int Warmup = 100_000;
    private const int Messages = 400_000;

    [Test]
    public Task Echo() => Measure(new EchoApplication(), ["/"], RawClient.Frame(Opcode.Text, "thirty-two bytes of text, exact."u8), 34);

    [Test]
    public Task UidOnAnotherLoop() => Measure(NewRouter(), ["/?uid=1", "/?uid=2"], RawClient.Frame(Opcode.Text, "1:thirty-two bytes of text, exact."u8), 34);

    [Test]
    public Task ThreeFragmentsWithAPingBetween() => Measure(
        new EchoApplication(),
        ["/"],
        [.. RawClient.Frame(Opcode.Text, "one "u8, fin: false), .. RawClient.Frame(Opcode.Continuation, "two "u8, fin: false), .. RawClient.Frame(Opcode.Ping, "p"u8), .. RawClient.Frame(Opcode.Continuation, "three"u8)],
        3 + 15);

    private static RouterApplication NewRouter() => new(Introduce.Query, DuplicateUid.Share);

    // The last client sends the same bytes again and again, in batches; the first receives what comes of them.
    private async Task Measure(IWebSocketApplication application, string[] targets, byte[] message, int answerBytes)
    {
        await using TestServer server = await TestServer.Start(setup, application);
        List<RawClient> clients = [.. targets.Select(target => RawClient.Open(server.Port, target))];
        const int Batch = 20;
        byte[] batch = [.. Enumerable.Repeat(message, Batch).SelectMany(static bytes => bytes)];
        byte[] received = new byte[64 * 1024];
        long before = 0;
        for (int sent = 0; sent < Warmup + Messages; sent += Batch)
        {
            if (sent == Warmup) before = GC.GetTotalAllocatedBytes(precise: true);
            clients[^1].Send(batch);
            for (int got = 0; got < answerBytes * Batch;) got += clients[0].Socket.Receive(received);
        }

        double perMessage = (GC.GetTotalAllocatedBytes(precise: true) - before) / (double)Messages;
        clients.ForEach(static client => client.Dispose());
        Assert.That(perMessage, Is.LessThan(1), "bytes per message");
        TestContext.Out.WriteLine($"{perMessage:F3} bytes per message");
    }
}
