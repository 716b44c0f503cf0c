// What waits between the loops and one observer. The loops append, the observer takes, whenever it likes, on a thread of its own. None of
// its code ever runs on a loop. So it may be slow, throw, or never read: what does not fit is lost, counted, and told with the next event
// that fits. Nothing else happens.
// The bound is the observer's own, and nothing of it is charged to the server's budget. Otherwise an observer could take the memory that
// a connection needs, and change what it looks at.

using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;

namespace RawWs.Server;

/// <summary>
/// The events of the observed connections (<see cref="WebSocketServer.ObserveAsync"/>). Those of one connection come in their order. To
/// dispose it ends it. Every member may be used from any thread.
/// </summary>
public sealed class Observation : IDisposable
{
    /// <summary>What an event costs besides its bytes: the object, and its place in the queue.</summary>
    private const int EventBytes = 256;

    private readonly Channel<ConnectionEvent> _events =
        Channel.CreateUnbounded<ConnectionEvent>(new UnboundedChannelOptions { AllowSynchronousContinuations = false });
    private readonly Action<Observation> _ended;
    private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _loopsToCome;
    private long _waitingBytes;
    private long _lost;
    private long _untold;
    private long _untoldBytes;
    private int _isEnded;

    internal Observation(ObservationOptions options, int loops, Action<Observation> ended)
    {
        Options = options;
        Alone = [this];
        _loopsToCome = loops;
        _ended = ended;
    }

    /// <summary>What is told.</summary>
    public ObservationOptions Options { get; }

    /// <summary>How many events have been lost so far, because too much waited.</summary>
    public long Lost => Interlocked.Read(ref _lost);

    /// <summary>How many bytes wait to be read, counted with what the events themselves cost.</summary>
    public long WaitingBytes => Interlocked.Read(ref _waitingBytes);

    /// <summary>The observers of a connection that only this one observes. It is shared by all of them.</summary>
    internal Observation[] Alone { get; }

    /// <summary>Completes when every loop tells of its connections.</summary>
    internal Task Begun => _begun.Task;

    internal bool IsEnded => Volatile.Read(ref _isEnded) != 0;

    /// <summary>Takes the next event, if there is one.</summary>
    public bool TryRead([NotNullWhen(true)] out ConnectionEvent? found)
    {
        if (!_events.Reader.TryRead(out found)) return false;
        Interlocked.Add(ref _waitingBytes, -Cost(found.Bytes.Length));
        return true;
    }

    /// <summary>Waits until there is an event to read.</summary>
    /// <returns>False when there are none, and none will come: the observation has been disposed, or the server has stopped.</returns>
    /// <exception cref="OperationCanceledException">The token says so.</exception>
    public ValueTask<bool> WaitToReadAsync(CancellationToken cancellationToken = default) =>
        _events.Reader.WaitToReadAsync(cancellationToken);

    /// <summary>
    /// Takes all events, as they come, to the end of the observation or of the server. What waited when that came is still told.
    /// </summary>
    /// <exception cref="OperationCanceledException">The token says so.</exception>
    public async IAsyncEnumerable<ConnectionEvent> ReadAllAsync(
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        while (await WaitToReadAsync(cancellationToken).ConfigureAwait(false))
            while (TryRead(out ConnectionEvent? found)) yield return found;
    }

    /// <summary>Ends the observation: nothing more is told.</summary>
    public void Dispose() => _ended(this);

    /// <summary>
    /// Whether there is room for an event with so many bytes. If so, it must be added (<see cref="Add"/>); otherwise it is lost, and has
    /// been counted. Called before anything is copied, by the loop of the connection.
    /// </summary>
    internal bool TryReserve(int bytes, TimeProvider time)
    {
        if (IsEnded) return false;
        bool isLossUntold = Volatile.Read(ref _untold) > 0;
        if (isLossUntold) Interlocked.Add(ref _waitingBytes, Cost(0));
        bool fits = Interlocked.Add(ref _waitingBytes, Cost(bytes)) <= Options.WaitingBytesMax;
        if (!fits) Lose(bytes);
        if (isLossUntold && !(fits && TryTellLost(time))) Interlocked.Add(ref _waitingBytes, -Cost(0));
        return fits;
    }

    /// <summary>An event for which room was asked is lost.</summary>
    internal void Lose(int bytes)
    {
        Interlocked.Add(ref _waitingBytes, -Cost(bytes));
        Interlocked.Increment(ref _lost);
        Interlocked.Add(ref _untoldBytes, bytes);
        Interlocked.Increment(ref _untold);
    }

    /// <summary>Adds an event for which there is room.</summary>
    internal void Add(ConnectionEvent told) => _events.Writer.TryWrite(told);

    /// <summary>A loop tells of its connections from now on.</summary>
    internal void OnLoopReady()
    {
        if (Interlocked.Decrement(ref _loopsToCome) == 0) _begun.TrySetResult();
    }

    /// <summary>Nothing more comes. True for the first caller.</summary>
    internal bool TryEnd()
    {
        if (Interlocked.Exchange(ref _isEnded, 1) != 0) return false;
        _events.Writer.TryComplete();
        _begun.TrySetResult();
        return true;
    }

    // False when another loop has told it meanwhile.
    private bool TryTellLost(TimeProvider time)
    {
        long bytes = Interlocked.Exchange(ref _untoldBytes, 0), lost = Interlocked.Exchange(ref _untold, 0);
        if (lost == 0) return false;
        Add(new(ConnectionEventKind.Lost, connection: null, time.GetUtcNow()) { Lost = lost, LostBytes = bytes });
        return true;
    }

    private static int Cost(int bytes) => EventBytes + bytes;
}
