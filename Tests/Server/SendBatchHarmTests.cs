// The batch must not harm others. A handler that takes long makes the answers wait that were given before its own, but no longer than
// itself: the handlers after it add nothing.

using System.Runtime.Versioning;
using Microsoft.Extensions.Time.Testing;
using RawWs.Server;
using RawWs.Server.Loops;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

[Platform("Linux")]
public sealed class SendBatchHarmTests
{
    // All of them have sent before the loop looks. The second handler takes long. Those after it do not make the first answer wait any
    // longer. On one loop, because the three must be in one turn, and without layers, which hold back.
    [Test]
    public async Task ARoundThatHasTakenLong_IsOver()
    {
        Setup setup = new(TransportKind.Epoll, 1, IoUring: true);
        FakeTimeProvider time = new();
        using ManualResetEventSlim entered = new(), allHaveSent = new();
        RawClient? first = null;
        bool answeredMeanwhile = false;
        await using TestServer server = await TestServer.Start(setup, new ProtocolOverTcpTests.Handler((connection, kind, message) =>
        {
            switch ((char)message.Span[0])
            {
                case 'h':
                    entered.Set();
                    allHaveSent.Wait(TestServer.Patience);
                    break;
                case 's':
                    time.Advance(TimeSpan.FromMilliseconds(100));
                    break;
                case 'l':
                    answeredMeanwhile = SpinWait.SpinUntil(() => first!.Socket.Available > 0, TimeSpan.FromSeconds(5));
                    break;
            }

            connection.TrySend(kind, message.Span);
            return ValueTask.CompletedTask;
        }), options => options with { TimeProvider = time });
        using RawClient holder = RawClient.Open(server.Port), second = RawClient.Open(server.Port), last = RawClient.Open(server.Port);
        using (first = RawClient.Open(server.Port))
        {
            holder.SendText("hold");
            Assert.That(entered.Wait(TestServer.Patience));
            first.SendText("first");
            second.SendText("slow");
            last.SendText("last");
            allHaveSent.Set();
            Assert.That(last.ReadText(), Is.EqualTo("last"));
            Assert.That(first.ReadText(), Is.EqualTo("first"));
            Assert.That(answeredMeanwhile, "the first has its answer before the last one's handler is through");
        }
    }

    // Each loop has a ring of its own, and the system may have one for some of them only.
    [Test]
    [SupportedOSPlatform("linux")]
    public async Task ALoopWithoutARing_IsSaid()
    {
        ProtocolOverTcpTests.Handler silent = new(static (_, _, _) => ValueTask.CompletedTask);
        await using TestServer server = await TestServer.Start(new Setup(TransportKind.Epoll, 3, IoUring: true), silent);
        SendBatch[] sends = [.. server.Server.Loops.Select(static loop => BatchOf((EpollLoop)loop.Loop))];
        foreach (SendBatch each in sends)
        {
            Assert.That(server.Server.TransportName, Is.EqualTo(Named(sends.Count(HasRing))));
            each.Close();
        }

        Assert.That(server.Server.TransportName, Is.EqualTo(Named(0)));

        static string Named(int rings) => rings switch
        {
            0 => "epoll",
            3 => "epoll with io_uring",
            _ => $"epoll, {rings} with io_uring",
        };
    }

    [SupportedOSPlatform("linux")]
    private static SendBatch BatchOf(EpollLoop loop) => loop.Batch;

    [SupportedOSPlatform("linux")]
    private static bool HasRing(SendBatch sends) => sends.HasRing;
}
