// Sends bytes as they are, through memory into a real connection of the server, and observes what comes of it. The server reads them with
// the code that reads from a socket. All of it has a deadline.

using System.Text;

namespace RawWs.Server.Console.Lab;

/// <summary>What came of it.</summary>
/// <param name="Trace">What was observed.</param>
/// <param name="SentBytes">How many bytes the server took; fewer than were given if it ended before.</param>
/// <param name="End">How the server ended its direction: "FIN", "RST", or "open" if it did not; "none" if the client has reset.</param>
/// <param name="Waited">How long the pauses were before what was sent, all together.</param>
/// <param name="WasCut">Whether a proxy has ended the connection.</param>
internal sealed record LabRawResult(LabTrace Trace, int SentBytes, string End, TimeSpan Waited, bool WasCut);

internal static class LabRaw
{
    public const string NoRoom = "the server has no room for a connection";

    private static readonly TimeSpan EndMax = TimeSpan.FromSeconds(2);

    /// <summary>Sends what a request says.</summary>
    /// <param name="server">The server.</param>
    /// <param name="request">What is sent.</param>
    /// <param name="path">The path of the request, if there is one.</param>
    /// <param name="proxyTimeout">
    /// There is a proxy between: when it has passed nothing on for so long, it ends both connections. It goes by the pauses, and not by a
    /// clock, so that a busy machine changes nothing. Null for no proxy.
    /// </param>
    /// <param name="cancelled">Stops it.</param>
    /// <returns>What came of it; null if the server has no room for a connection.</returns>
    /// <exception cref="InvalidOperationException">The server stops, or there are too many observations.</exception>
    /// <exception cref="TimeoutException">The server does not answer the handshake.</exception>
    /// <exception cref="OperationCanceledException">The token says so.</exception>
    public static async Task<LabRawResult?> RunAsync(
        WebSocketServer server, LabRequest request, string path, TimeSpan? proxyTimeout, CancellationToken cancelled)
    {
        using MemoryClient? client = server.ConnectOverMemory();
        if (client is null) return null;
        TimeProvider time = server.Options.TimeProvider;
        using Observation observation = await server.ObserveAsync(
            new ObservationOptions { ConnectionId = client.ConnectionId, Payload = true, WaitingBytesMax = 1 << 20 }).ConfigureAwait(false);
        if (request.Handshake)
        {
            // §4.1: a client sends nothing more until the answer has come.
            client.TrySend(Request(path, request.Offer));
            await client.ReceiveAsync(cancelled).AsTask().WaitAsync(EndMax, time, cancelled).ConfigureAwait(false);
        }

        Task received = ReceiveToEndAsync(client, cancelled);
        int sent = 0;
        bool wasCut = false;
        TimeSpan waited = default, silence = default;
        foreach (LabChunk chunk in request.Chunks)
        {
            silence += chunk.Pause;
            wasCut = silence >= proxyTimeout;
            TimeSpan pause = wasCut ? chunk.Pause - (silence - proxyTimeout!.Value) : chunk.Pause;
            if (pause > TimeSpan.Zero) await Task.Delay(pause, time, cancelled).ConfigureAwait(false);
            if (wasCut || !client.TrySend(chunk.Bytes)) break;
            sent += chunk.Bytes.Length;
            waited += chunk.Pause;
            if (chunk.Bytes.Length > 0) silence = default;
        }

        if (wasCut || request.End == LabEnd.Fin) client.End();
        else if (request.End == LabEnd.Rst) client.Dispose();
        bool hasEnded = await EndsWithinAsync(received, request.Wait, time).ConfigureAwait(false);
        string end = request.End == LabEnd.Rst && !wasCut ? "none" : !hasEnded ? "open" : client.WasReset ? "RST" : "FIN";
        if (hasEnded) client.End();
        else client.Dispose();

        LabTrace trace = new(client.ConnectionId);
        using CancellationTokenSource patience = new(EndMax, time);
        using CancellationTokenSource both = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancelled);
        try
        {
            await foreach (ConnectionEvent told in observation.ReadAllAsync(both.Token).ConfigureAwait(false))
            {
                trace.Add(told);
                if (trace.HasEnded) break;
            }
        }
        catch (OperationCanceledException) when (!cancelled.IsCancellationRequested)
        {
            // What was told so far is shown.
        }

        return new LabRawResult(trace, sent, end, waited, wasCut);
    }

    /// <summary>A valid request (§4.1), with the key of the RFC's example.</summary>
    public static byte[] Request(string path, string offer) => Encoding.ASCII.GetBytes(
        $"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        + (offer.Length > 0 ? $"Sec-WebSocket-Extensions: {offer}\r\n" : "") + "\r\n");

    private static async Task ReceiveToEndAsync(MemoryClient client, CancellationToken cancelled)
    {
        while (!(await client.ReceiveAsync(cancelled).ConfigureAwait(false)).IsEmpty)
        {
        }
    }

    private static async Task<bool> EndsWithinAsync(Task received, TimeSpan wait, TimeProvider time)
    {
        try
        {
            await received.WaitAsync(wait, time).ConfigureAwait(false);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }
}
