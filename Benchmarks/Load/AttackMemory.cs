// Looks at a server's resident memory every 20 ms, on a thread of its own, and keeps the most that it has seen.

using System.Runtime.Versioning;

namespace RawWs.Benchmarks.Load;

[SupportedOSPlatform("linux")]
internal sealed class AttackMemory : IDisposable
{
    private static readonly TimeSpan Every = TimeSpan.FromMilliseconds(20);

    private readonly ServerProcess _server;
    private readonly ManualResetEventSlim _ends = new();
    private readonly Thread _thread;
    private long _peak;

    public AttackMemory(ServerProcess server)
    {
        _server = server;
        _thread = new Thread(Run) { IsBackground = true, Name = nameof(AttackMemory) };
        _thread.Start();
    }

    public long PeakBytes => Volatile.Read(ref _peak);

    public void Dispose()
    {
        _ends.Set();
        _thread.Join();
        _ends.Dispose();
    }

    private void Run()
    {
        do Volatile.Write(ref _peak, Math.Max(_peak, _server.ResidentBytes));
        while (!_ends.Wait(Every));
    }
}
