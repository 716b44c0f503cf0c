// No attacker at all: the server itself is held up.

namespace RawWs.Benchmarks.Load;

internal static partial class Attacks
{
    private static IEnumerable<Attack> Lone()
    {
        yield return new Attack("stop-cont", "a server with a heartbeat of 3 s is stopped for 6 s, its clients send on", StopAndContinue)
        {
            Settings = "--heartbeat 3",
            Sizes = [new(3000, 0, 1, 6)],
            KeepAlive = TimeSpan.FromSeconds(1),
        };
    }

    // Afterwards there is time for whom the server takes for silent.
    private static void StopAndContinue(AttackStage stage)
    {
        ClientCalls.Signal(stage.ServerProcessId, ClientCalls.SigStop);
        try
        {
            stage.Until(static () => false);
        }
        finally
        {
            ClientCalls.Signal(stage.ServerProcessId, ClientCalls.SigCont);
        }

        stage.Wait(stage.Size.Seconds * 5 / 6);
    }
}
