// Nothing is allocated per message at steady state, from the receive to the send. Read from the runtime's own count over a million
// messages on each transport, in this process, whose client allocates nothing either. For `all:` to 100 a message is a delivery. A million
// messages of 1 MiB would be two terabytes: of these there are two thousand, in rounds of a hundred, and the best round counts, for so few
// messages do not outweigh the odd allocation of the test host's own; what is allocated per message is in every round.

using RawWs.Frame;
using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[TestFixtureSource(nameof(Setups))]
[NonParallelizable]
public sealed class AllocationTests(Setup setup)
{
    // The layers of the tests allocate.
    public static IEnumerable<Setup> Setups => Setup.All.Where(static setup => !setup.Layered);

    private const int Warmup = 100_000;

    private readonly byte[] _received = new byte[256 * 1024];

    // A million with four loops; with one loop, where there is less to go wrong, a quarter of it.
    private int Messages => setup.Loops > 1 ? 1_000_000 : 250_000;

    [Test]
    public Task Echo() => Measure(
        new EchoApplication(), ["/"], Repeat(20, RawClient.Frame(Opcode.Text, "thirty-two bytes of text, exact."u8)), 20, 20 * 34);

    [Test]
    public Task UidOnAnotherLoop() => Measure(
        NewRouter(), ["/?uid=1", "/?uid=2"], Repeat(20, RawClient.Frame(Opcode.Text, "1:thirty-two bytes of text, exact."u8)), 20, 20 * 34);

    [Test]
    public Task AllToAHundred() => Measure(
        NewRouter(), [.. Enumerable.Repeat("/", 100)], Repeat(10, RawClient.Frame(Opcode.Text, "all:thirty-two bytes of text, exact."u8)),
            10 * 100, 10 * 34, receivers: 100);

    [Test]
    public Task ThreeFragmentsWithAPingBetween() => Measure(
        new EchoApplication(),
        ["/"],
        Repeat(
            20, [.. RawClient.Frame(Opcode.Text, "one "u8, fin: false), .. RawClient.Frame(Opcode.Continuation, "two "u8, fin: false),
                .. RawClient.Frame(Opcode.Ping, "p"u8), .. RawClient.Frame(Opcode.Continuation, "three"u8)]),
        20,
        20 * (3 + 15));

    // A piece is sent when everything that the pieces before it made whole has come back: the server has met every cut.
    [Test]
    public async Task FramesCutAtRandom()
    {
        const int MessagesOfABatch = 1000;
        Random random = new(20_260_101);
        List<byte> bytes = [];
        List<(int End, int AnswerBytes)> frames = [];
        int answerBytes = 0;
        for (int i = 0; i < MessagesOfABatch; i++)
        {
            int length = random.Next(4) == 0 ? random.Next(400) : random.Next(40);
            bytes.AddRange(RawClient.Frame(Opcode.Binary, new byte[length]));
            frames.Add((bytes.Count, answerBytes += length + (length > 125 ? 4 : 2)));
        }

        byte[] batch = [.. bytes];
        int[] cuts = [.. Enumerable.Range(0, MessagesOfABatch / 20).Select(_ => random.Next(batch.Length)).Order(), batch.Length];
        int[] due = [.. cuts.Select(cut => frames.LastOrDefault(frame => frame.End <= cut).AnswerBytes)];

        await using TestServer server = await TestServer.Start(setup, new EchoApplication());
        using RawClient client = RawClient.Open(server.Port);
        Check(Allocated(1, Warmup / MessagesOfABatch, Messages / MessagesOfABatch, () =>
        {
            int sent = 0, answered = 0;
            for (int i = 0; i < cuts.Length; i++)
            {
                client.Send(batch.AsSpan(sent, cuts[i] - sent));
                sent = cuts[i];
                Receive(client, due[i] - answered);
                answered = due[i];
            }
        }) / MessagesOfABatch);
    }

    [Test]
    public async Task MessagesOf1MiB()
    {
        byte[] message = RawClient.Frame(Opcode.Binary, new byte[1 << 20]);
        await using TestServer server = await TestServer.Start(setup, new EchoApplication());
        using RawClient client = RawClient.Open(server.Port);
        // The count is the process's, and the test host allocates a little several times a second: the rounds are short, so that the best
        // has none of it.
        Check(Allocated(rounds: 200, warmup: 100, batches: 10, () =>
        {
            client.Send(message);
            Receive(client, (1 << 20) + 10);
        }));
    }

    private static RouterApplication NewRouter() => new(Introduce.Query, DuplicateUid.Share);

    private static byte[] Repeat(int times, byte[] bytes) => [.. Enumerable.Repeat(bytes, times).SelectMany(static bytes => bytes)];

    // The last client sends the same batch again and again; the first ones receive what comes of it, so many bytes each.
    private async Task Measure(IWebSocketApplication application, string[] targets, byte[] batch, int messages, int answerBytes,
        int receivers = 1)
    {
        await using TestServer server = await TestServer.Start(setup, application);
        RawClient[] clients = [.. targets.Select(target => RawClient.Open(server.Port, target))];
        Check(Allocated(1, Warmup / messages, Messages / messages, () =>
        {
            clients[^1].Send(batch);
            for (int i = 0; i < receivers; i++) Receive(clients[i], answerBytes);
        }) / messages);
        foreach (RawClient client in clients) client.Dispose();
        server.HoldsNothing();
    }

    // Bytes allocated per batch, in the best of the rounds.
    private static double Allocated(int rounds, int warmup, int batches, Action runBatch)
    {
        for (int i = 0; i < warmup; i++) runBatch();
        double best = double.MaxValue;
        for (int round = 0; round < rounds; round++)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            for (int i = 0; i < batches; i++) runBatch();
            best = Math.Min(best, (GC.GetTotalAllocatedBytes(precise: true) - before) / (double)batches);
        }

        return best;
    }

    private void Receive(RawClient client, int bytes)
    {
        while (bytes > 0)
        {
            int received = client.Socket.Receive(_received);
            if (received == 0) throw new AssertionException("The stream ended."); // a constraint would be an allocation
            bytes -= received;
        }
    }

    private static void Check(double bytesPerMessage)
    {
        TestContext.Out.WriteLine($"{bytesPerMessage:F3} bytes per message");
        Assert.That(bytesPerMessage, Is.LessThan(1), "bytes per message");
    }
}
