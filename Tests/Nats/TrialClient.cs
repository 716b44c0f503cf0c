// A client of a trial: it remembers all that it has sent, and to whom, and what has come.

using System.Collections.Concurrent;
using System.Globalization;
using System.Net.WebSockets;
using System.Text;

namespace RawWs.Tests.Nats;

/// <summary>
/// Its messages are <c>uid:NUMBER FROM</c>, and <c>all:NUMBER FROM all</c>: no two of them are the same, and each sender's numbers rise.
/// </summary>
/// <param name="uid">Its uid.</param>
/// <param name="numbers">How many an earlier client of this uid has sent.</param>
internal sealed class TrialClient(string uid, long numbers = 0) : IAsyncDisposable
{
    /// <summary>The address of everybody.</summary>
    public const string ToAll = "all";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly ClientWebSocket _socket = new();
    private readonly SemaphoreSlim _sending = new(1, 1);
    private readonly Dictionary<(string From, bool IsToAll), long> _latest = []; // of each sender's numbers
    private readonly ConcurrentDictionary<(string To, long Number), string> _told = [];
    private readonly ConcurrentDictionary<string, List<long>> _sent = [];
    private Task _receiving = Task.CompletedTask;
    private long _numbers = numbers;
    private int _errors;
    private volatile Hearing? _hearing;

    public string Uid => uid;

    /// <summary>What has come to it: the number and the sender.</summary>
    public ConcurrentDictionary<(long Number, string From), bool> Got { get; } = [];

    /// <summary>What has come twice, or behind a later one of its sender; and errors that are about nothing that was sent.</summary>
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
    public long ToldCount => Volatile.Read(ref _errors);

    public async Task ConnectAsync(int port)
    {
        await _socket.ConnectAsync(new Uri($"ws://127.0.0.1:{port}/?uid={uid}"), CancellationToken.None).WaitAsync(Patience);
        _receiving = ReceiveAsync();
    }

    /// <summary>Whether it was told that this message has not been delivered, or that nobody knows.</summary>
    public bool WasToldOf(string to, long number) => ToldOf(to, number) is not null;

    /// <summary>The code of the error that it was told of this message; null for none.</summary>
    public string? ToldOf(string to, long number) => _told.GetValueOrDefault((to, number));

    /// <summary>Another client has that uid now: what went to the one before is counted no more.</summary>
    public void Forget(string to) => _sent.TryRemove(to, out _);

    /// <summary>
    /// Sends a message to another one or to all, and waits until it is clear whether there is an error for it: what a client sends to
    /// itself comes behind that. One at a time.
    /// </summary>
    /// <returns>Its number.</returns>
    public async Task<long> SendAndHearAsync(string to)
    {
        long number = _numbers + 1;
        Hearing hearing = _hearing = new Hearing(to, number);
        await SendAsync(to);
        await SendAsync(uid);
        await Task.WhenAny(hearing.IsOver.Task, _receiving);
        _hearing = null;
        return number;
    }

    public async Task SendAsync(string to)
    {
        await _sending.WaitAsync();
        try
        {
            long number = ++_numbers;
            _sent.GetOrAdd(to, static _ => []).Add(number);
            string text = string.Create(CultureInfo.InvariantCulture, $"{to}:{number} {uid}{(to == ToAll ? " all" : "")}");
            byte[] message = Encoding.UTF8.GetBytes(text);
            await _socket.SendAsync(message, WebSocketMessageType.Text, true, CancellationToken.None).WaitAsync(Patience);
        }
        catch (Exception exception)
            when (exception is WebSocketException or IOException or InvalidOperationException or OperationCanceledException)
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
            OnError(text);
            return;
        }

        string[] parts = text.Split(' ');
        long number = long.Parse(parts[0], CultureInfo.InvariantCulture);
        (string From, bool IsToAll) order = (parts[1], parts.Length > 2); // messages to a uid and to all go different ways
        if (!Got.TryAdd((number, order.From), true)) Wrong.Enqueue($"{uid} got {text} twice");
        if (number < _latest.GetValueOrDefault(order)) Wrong.Enqueue($"{uid} got {text} behind {_latest[order]}");
        _latest[order] = number;
        if (_hearing is { } hearing && order.From == uid && number == hearing.Number + 1) hearing.IsOver.TrySetResult();
    }

    private void OnError(string text)
    {
        string[] error = text.Split(':', 3);
        ErrorCodes.AddOrUpdate(error[1], 1, static (_, count) => count + 1);
        Interlocked.Increment(ref _errors);
        if (_hearing is not { } hearing || hearing.To != error[2] || !_told.TryAdd((hearing.To, hearing.Number), error[1]))
            Wrong.Enqueue($"{uid} was told {text}, and has sent nothing that this is about");
    }

    /// <param name="To">To whom the message is that it hears of.</param>
    /// <param name="Number">Its number. The next one is its own, behind it.</param>
    private sealed record Hearing(string To, long Number)
    {
        public TaskCompletionSource IsOver { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
