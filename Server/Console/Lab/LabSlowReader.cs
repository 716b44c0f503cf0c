// A client that takes what it is sent as slowly as the watcher likes. No page can do that: a browser takes everything at once. It is a
// client over memory, known to the router under a uid, and one of the watcher's own connections. What it does not take fills the
// connection's send queue.

using System.Text;
using RawWs.Server.Routing;

namespace RawWs.Server.Console.Lab;

/// <param name="server">The server.</param>
/// <param name="path">The path of the watcher's connections.</param>
/// <param name="ended">The watcher has gone.</param>
internal sealed class LabSlowReader(WebSocketServer server, string path, CancellationToken ended)
{
    /// <summary>The most bytes a second.</summary>
    public const int RateMax = 1 << 20;

    private const int StepsOfSecond = 4;

    private static readonly TimeSpan AnswerMax = TimeSpan.FromSeconds(2);

    private volatile int _rate;
    private volatile bool _runs;
    private string _uid = "";

    /// <summary>Sets how fast it takes bytes, and begins it if it does not run. One call at a time.</summary>
    /// <param name="uid">Its uid.</param>
    /// <param name="rate">Bytes a second; 0 for none.</param>
    /// <returns>What is wrong, or null.</returns>
    /// <exception cref="InvalidOperationException">The server stops.</exception>
    /// <exception cref="TimeoutException">The server does not answer the handshake.</exception>
    /// <exception cref="OperationCanceledException">The watcher has gone.</exception>
    public async Task<string?> SetAsync(string uid, int rate)
    {
        if (_runs && uid != _uid) return $"name: the reader is {_uid}, and there is one at a time";
        _rate = rate;
        return _runs ? null : await BeginAsync(uid).ConfigureAwait(false);
    }

    private async Task<string?> BeginAsync(string uid)
    {
        if (UidProtocol.Check(Encoding.UTF8.GetBytes(uid)) is { } wrong)
            return wrong == UidError.Reserved
                ? "name: this uid is reserved"
                : "name: a uid is 1 to 64 bytes of UTF-8 without colon or control character";
        if (server.ConnectOverMemory() is not { } client) return LabRaw.NoRoom;
        try
        {
            client.TrySend(LabRaw.Request($"{path}?uid={Uri.EscapeDataString(uid)}", ""));
            ReadOnlyMemory<byte> bytes =
                await client.ReceiveAsync(ended).AsTask().WaitAsync(AnswerMax, server.Options.TimeProvider, ended).ConfigureAwait(false);
            string answer = Encoding.Latin1.GetString(bytes.Span);
            if (!answer.StartsWith("HTTP/1.1 101 ", StringComparison.Ordinal))
                return answer.Length > 12 ? $"name: the server refuses it with {answer[9..12]}" : "the server has ended the connection";
            (_uid, _runs) = (uid, true);
        }
        finally
        {
            if (!_runs) client.Dispose();
        }

        _ = Task.Run(() => RunAsync(client), CancellationToken.None);
        return null;
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
        long credit = 0;
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
