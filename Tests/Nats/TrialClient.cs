// A client of a trial: it remembers all that it has sent, and to whom, and what has come.

using System.Collections.Concurrent;
using System.Globalization;
using System.Net.WebSockets;
using System.Text;

namespace RawWs.Tests.Nats;

/// <summary>Its messages are <c>uid:NUMBER FROM</c>: no two of them are the same, and each sender's numbers rise.</summary>
/// <param name="uid">Its uid.</param>
/// <param name="numbers">How many an earlier client of this uid has sent.</param>
internal sealed class TrialClient(string uid, long numbers = 0) : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly ClientWebSocket _socket = new();
    private readonly SemaphoreSlim _sending = new(1, 1);
    private readonly Dictionary<string, long> _latest = []; // of each sender's numbers
    private readonly ConcurrentDictionary<string, int> _told = [];
    private readonly ConcurrentDictionary<string, List<long>> _sent = [];
    private Task _receiving = Task.CompletedTask;
    private long _numbers = numbers;

    public string Uid => uid;

    /// <summary>What has come to it: the number and the sender.</summary>
    public ConcurrentDictionary<(long Number, string From), bool> Got { get; } = [];

    /// <summary>What has come twice, or behind a later one of its sender.</summary>
    public ConcurrentQueue<string> Wrong { get; } = new();

    /// <summary>How often it was told an error, by code.</summary>
    public ConcurrentDictionary<string, int> ErrorCodes { get; } = [];

    /// <summary>The numbers that it has sent to each uid.</summary>
    public IReadOnlyDictionary<string, List<long>> Sent => _sent;

    /// <summary>Whether its connection is over.</summary>
    public bool IsOver => _receiving.IsCompleted;

    /// <summary>How many it has sent.</summary>
    public long SentCount => Volatile.Read(ref _numbers);

    /// <summary>How many errors it was told.</summary>
    public long ToldCount => _told.Values.Sum(static count => (long)count);

    public async Task ConnectAsync(int port)
    {
        await _socket.ConnectAsync(new Uri($"ws://127.0.0.1:{port}/?uid={uid}"), CancellationToken.None).WaitAsync(Patience);
        _receiving = ReceiveAsync();
    }

    /// <summary>How many of its messages to this uid it was told not to be delivered, or not to be known of.</summary>
    public int ToldOf(string to) => _told.GetValueOrDefault(to);

    /// <summary>Another client has that uid now: what went to the one before is counted no more.</summary>
    public void Forget(string to)
    {
        _sent.TryRemove(to, out _);
        _told.TryRemove(to, out _);
    }

    public async Task SendAsync(string to)
    {
        await _sending.WaitAsync();
        try
        {
            long number = ++_numbers;
            _sent.GetOrAdd(to, static _ => []).Add(number);
            byte[] message = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{to}:{number} {uid}"));
            await _socket.SendAsync(message, WebSocketMessageType.Text, true, CancellationToken.None).WaitAsync(Patience);
        }
        catch (Exception exception) when (exception is WebSocketException or IOException or InvalidOperationException)
        {
            // Its node has gone.
        }
        finally
        {
            _sending.Release();
        }
    }

    public ValueTask DisposeAsync()
    {
        _socket.Abort();
        _socket.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task ReceiveAsync()
    {
        byte[] buffer = new byte[1024];
        try
        {
            while (true)
            {
                WebSocketReceiveResult received = await _socket.ReceiveAsync(buffer, CancellationToken.None);
                if (received.MessageType == WebSocketMessageType.Close) return;
                OnMessage(Encoding.UTF8.GetString(buffer, 0, received.Count));
            }
        }
        catch (Exception exception)
            when (exception is WebSocketException or IOException or ObjectDisposedException or OperationCanceledException)
        {
            // Its node has gone, or the trial is over.
        }
    }

    private void OnMessage(string text)
    {
        if (text.StartsWith("error:", StringComparison.Ordinal))
        {
            string[] error = text.Split(':', 3);
            ErrorCodes.AddOrUpdate(error[1], 1, static (_, count) => count + 1);
            _told.AddOrUpdate(error[2], 1, static (_, count) => count + 1);
            return;
        }

        string[] parts = text.Split(' ', 2);
        long number = long.Parse(parts[0], CultureInfo.InvariantCulture);
        if (!Got.TryAdd((number, parts[1]), true)) Wrong.Enqueue($"{uid} got {text} twice");
        if (number < _latest.GetValueOrDefault(parts[1])) Wrong.Enqueue($"{uid} got {text} behind {_latest[parts[1]]}");
        _latest[parts[1]] = number;
    }
}
