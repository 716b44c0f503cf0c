// Each handshake goes through the applications that stand before the program's own, the Lab and ReadableRefusals. That costs it nothing.

using RawWs.Server;
using RawWs.Server.Applications;
using RawWs.Server.Console.Lab;
using RawWs.Server.Console.Pages;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

public sealed class ProgramDecisionsTests
{
    [Test]
    public async Task ADecisionThatIsMadeAtOnce_GoesThroughThemAll_AndNothingIsAllocated()
    {
        IWebSocketApplication echo = new EchoApplication();
        IWebSocketApplication all = new ReadableRefusals(new LabApplication(echo, LabScope.Own, hasRouter: false));
        Asking asking = new(all);
        await using MemoryConnection connection = new(asking);
        Assert.That(asking.Bytes, Is.Zero);
        Assert.That(connection.Connection.Application, Is.SameAs(echo));
    }

    private sealed class Asking(IWebSocketApplication asked) : IWebSocketApplication
    {
        public long Bytes { get; private set; } = -1;

        public async ValueTask<UpgradeDecision> OnUpgrade(UpgradeContext context)
        {
            for (int i = 0; i < 100; i++) await asked.OnUpgrade(context);
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 100; i++) await asked.OnUpgrade(context);
            Bytes = GC.GetAllocatedBytesForCurrentThread() - before;
            return await asked.OnUpgrade(context);
        }

        public ValueTask OnMessage(WebSocketConnection connection, WebSocketMessage message) => ValueTask.CompletedTask;
    }
}
