// A client that takes what it is sent as slowly as the watcher likes. No page can do that: a browser takes everything at once. It is a
// client over memory, known to the router under a uid, and one of the watcher's own connections. What it does not take fills the
// connection's send queue.

namespace RawWs.Server.Console.Lab;

/// <param name="server">The server.</param>
/// <param name="path">The path of the watcher's connections.</param>
/// <param name="ended">The watcher has gone.</param>
internal sealed class LabSlowReader(WebSocketServer server, string path, CancellationToken ended)
{
    /// <summary>The most bytes a second.</summary>
    public const int RateMax = 1 << 20;

    private const int StepsOfSecond = 4;

    private volatile int _rate;
    private volatile bool _runs;

    /// <summary>Sets how fast it takes bytes, and begins it if it does not run. Called by one thread at a time.</summary>
    /// <param name="uid">Its uid, if it begins.</param>
    /// <param name="rate">Bytes a second; 0 for none.</param>
    /// <returns>False if the server has no room for it.</returns>
    /// <exception cref="InvalidOperationException">The server stops.</exception>
    public bool Set(string uid, int rate)
    {
        _rate = rate;
        if (_runs) return true;
        if (server.ConnectOverMemory() is not { } client) return false;
        _runs = true;
        client.TrySend(LabRaw.Request($"{path}?uid={Uri.EscapeDataString(uid)}", ""));
        _ = Task.Run(() => RunAsync(client), CancellationToken.None);
        return true;
    }

    private async Task RunAsync(MemoryClient client)
    {
        try
        {
            using (client) await ReadAsync(client).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The watcher has gone.
        }
        finally
        {
            _runs = false;
        }
    }

    // A piece is taken whole, and then nothing more until the rate allows that. Once in a second it says that it lives.
    private async Task ReadAsync(MemoryClient client)
    {
        byte[] alive = [0x81, 0x84, 0, 0, 0, 0, .. "ping"u8];
        using PeriodicTimer timer = new(TimeSpan.FromSeconds(1) / StepsOfSecond, server.Options.TimeProvider);
        Task<ReadOnlyMemory<byte>>? next = null;
        long credit = 1; // the handshake's answer is taken at once
        for (int step = 1; ; step++)
        {
            while (credit > 0)
            {
                next ??= client.ReceiveAsync(ended).AsTask();
                if (!next.IsCompleted) break;
                ReadOnlyMemory<byte> taken = await next.ConfigureAwait(false);
                next = null;
                if (taken.IsEmpty) return;
                credit -= taken.Length;
            }

            if (!await timer.WaitForNextTickAsync(ended).ConfigureAwait(false)) return;
            credit = Math.Min(credit + (_rate / StepsOfSecond), Math.Max(_rate, 1));
            if (step % StepsOfSecond == 0 && !client.TrySend(alive)) return;
        }
    }
}
