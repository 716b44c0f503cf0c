// Who is online, for one who asks: what is, and then what changes. It is a state and not a queue: of each uid it is known where it is,
// and what the reader has been told. What differs is told next. So a reader may be as slow as he likes: of a uid that has come and gone
// meanwhile he is told nothing, but how many such changes there were; and what he has been told is right when he has read all. What waits
// is never more than the uids themselves, which have a bound (PresenceOptions.UidsMax). Where it is reached the watch ends, and says so.
//
// One side tells (Tell, TellWhole, End): a ConnectionDirectory, or whoever knows of several servers. Its callers hold a lock for the time
// of an entry in a dictionary, and none of the reader's code runs on their threads. The other side reads.

using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace RawWs.Server;

/// <summary>
/// Tells who is online, who comes and who goes (<see cref="ConnectionDirectory.WatchPresence"/>). To dispose it ends it. Every member may
/// be used from any thread.
/// </summary>
public sealed class PresenceWatch : IDisposable
{
    private readonly Lock _lock = new();
    private readonly HashSet<string>? _named;
    private readonly Action<PresenceWatch>? _ended;
    private readonly Dictionary<string, Presence> _uids = [];
    private readonly LinkedList<Presence?> _changes = new(); // null: whether all is told has changed
    private readonly LinkedListNode<Presence?> _wholeChange = new(null);
    private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, AllowSynchronousContinuations = false });
    private bool? _isWhole;
    private bool? _isWholeTold;
    private bool _isTooMany;
    private bool _isEnded;
    private long _leftOut;
    private long _leftOutUntold;

    /// <summary>A watch of which nothing is known yet: for whoever tells it.</summary>
    /// <param name="options">What is asked for.</param>
    /// <param name="ended">Is called when the watch has ended, on the thread that ends it, once.</param>
    /// <exception cref="ArgumentException">An option is wrong; the message names it.</exception>
    public PresenceWatch(PresenceOptions options, Action<PresenceWatch>? ended = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.FindError() is { } error) throw new ArgumentException(error, nameof(options));
        Options = options;
        _named = options.Uids is null ? null : [.. options.Uids];
        _ended = ended;
    }

    /// <summary>What is asked for.</summary>
    public PresenceOptions Options { get; }

    /// <summary>
    /// How many changes were left out so far, because they were undone before they were read: a uid that came and went counts twice.
    /// </summary>
    public long LeftOut => Interlocked.Read(ref _leftOut);

    /// <summary>Whether nothing more is told to it. What waited before may still be read.</summary>
    public bool HasEnded
    {
        get
        {
            lock (_lock) return _isEnded;
        }
    }

    /// <summary>Whether this uid is asked for.</summary>
    public bool IsAskedFor(string uid) => _named is null || _named.Contains(uid);

    /// <summary>A uid has a connection on a node, or has none there. What is known already, or is not asked for, changes nothing.</summary>
    /// <param name="uid">The uid.</param>
    /// <param name="node">The node; empty where there is only one server.</param>
    /// <param name="isHere">Whether it has one.</param>
    public void Tell(string uid, string node, bool isHere)
    {
        ArgumentNullException.ThrowIfNull(uid);
        ArgumentNullException.ThrowIfNull(node);
        if (!IsAskedFor(uid)) return;
        bool isFull;
        lock (_lock)
        {
            if (_isEnded) return;
            isFull = !TryNote(uid, node, isHere);
            if (isFull) EndWith(isTooMany: true);
        }

        if (isFull) _ended?.Invoke(this);
        _signal.Writer.TryWrite(true);
    }

    /// <summary>
    /// Whether all that is has been told: the reader is told so behind what has been told before. Not so, when some nodes cannot be heard.
    /// </summary>
    public void TellWhole(bool isWhole)
    {
        lock (_lock)
        {
            if (_isEnded || _isWhole == isWhole) return;
            _isWhole = isWhole;
            if (_wholeChange.List is not null) _changes.Remove(_wholeChange);
            if (_isWhole != _isWholeTold) _changes.AddLast(_wholeChange);
        }

        _signal.Writer.TryWrite(true);
    }

    /// <summary>Whoever tells has left out so many changes himself, because they were undone before he could tell them.</summary>
    public void TellLeftOut(long count)
    {
        lock (_lock) CountLeftOut(count);
    }

    /// <summary>Nothing more comes. What waits may still be read.</summary>
    /// <param name="isTooMany">There are more uids than the watch may know (<see cref="PresenceOptions.UidsMax"/>): it says that.</param>
    public void End(bool isTooMany = false)
    {
        lock (_lock)
        {
            if (_isEnded) return;
            EndWith(isTooMany);
        }

        _ended?.Invoke(this);
    }

    /// <summary>Ends the watch: nothing more is told or read.</summary>
    public void Dispose()
    {
        End();
        lock (_lock)
        {
            _changes.Clear();
            _uids.Clear();
            _isTooMany = false;
        }
    }

    /// <summary>Takes the next event, if there is one.</summary>
    public bool TryRead([NotNullWhen(true)] out PresenceEvent? found)
    {
        lock (_lock)
        {
            found = null;
            if (_changes.First is { } first)
            {
                _changes.RemoveFirst();
                found = first.Value is { } changed ? Take(changed) : TakeWhole();
            }
            else if (_isTooMany)
            {
                _isTooMany = false;
                found = new PresenceEvent(PresenceKind.TooMany, "", "", TakeLeftOut());
            }

            return found is not null;
        }
    }

    /// <summary>Waits until there is an event to read.</summary>
    /// <returns>False when there are none, and none will come.</returns>
    /// <exception cref="OperationCanceledException">The token says so.</exception>
    public async ValueTask<bool> WaitToReadAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            lock (_lock)
            {
                if (_changes.Count > 0 || _isTooMany) return true;
                if (_isEnded) return false;
            }

            await _signal.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false);
            _signal.Reader.TryRead(out _);
        }
    }

    /// <summary>Takes all events, as they come, until the watch ends.</summary>
    /// <exception cref="OperationCanceledException">The token says so.</exception>
    public async IAsyncEnumerable<PresenceEvent> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        while (await WaitToReadAsync(cancellationToken).ConfigureAwait(false))
            while (TryRead(out PresenceEvent? found)) yield return found;
    }

    // False when there is no room for one more. Under the lock, as all below.
    private bool TryNote(string uid, string node, bool isHere)
    {
        if (!_uids.TryGetValue(uid, out Presence? presence))
        {
            if (!isHere) return true;
            if (_uids.Count == Options.UidsMax) return false;
            _uids.Add(uid, presence = new Presence(uid));
        }

        if (!presence.Change(node, isHere)) return true;
        bool waits = presence.Place.List is not null;
        if (presence.IsHere != presence.IsTold && !waits)
        {
            _changes.AddLast(presence.Place);
        }
        else if (presence.IsHere == presence.IsTold && waits)
        {
            _changes.Remove(presence.Place);
            CountLeftOut(2);
        }

        ForgetIfGone(presence);
        return true;
    }

    private void EndWith(bool isTooMany)
    {
        _isEnded = true;
        _isTooMany = isTooMany;
        _signal.Writer.TryComplete();
    }

    private PresenceEvent Take(Presence presence)
    {
        presence.IsTold = presence.IsHere;
        ForgetIfGone(presence);
        return new PresenceEvent(presence.IsHere ? PresenceKind.Came : PresenceKind.Went, presence.Uid, presence.Node, TakeLeftOut());
    }

    private PresenceEvent TakeWhole()
    {
        _isWholeTold = _isWhole;
        return new PresenceEvent(_isWhole == true ? PresenceKind.Whole : PresenceKind.NotWhole, "", "", TakeLeftOut());
    }

    private void CountLeftOut(long count)
    {
        Interlocked.Add(ref _leftOut, count);
        _leftOutUntold += count;
    }

    private long TakeLeftOut()
    {
        long count = _leftOutUntold;
        _leftOutUntold = 0;
        return count;
    }

    private void ForgetIfGone(Presence presence)
    {
        if (!presence.IsHere && !presence.IsTold) _uids.Remove(presence.Uid);
    }

    /// <summary>A uid: where it is, and what has been told of it.</summary>
    private sealed class Presence
    {
        private string[] _nodes = [];

        public Presence(string uid) => (Uid, Place) = (uid, new LinkedListNode<Presence?>(this));

        public string Uid { get; }

        /// <summary>Its place among the changes that wait; in no list when it has none.</summary>
        public LinkedListNode<Presence?> Place { get; }

        public bool IsHere => _nodes.Length > 0;

        public bool IsTold { get; set; }

        /// <summary>The node that has had it longest; the last one that had it, if none has it now.</summary>
        public string Node { get; private set; } = "";

        /// <summary>False if that was known.</summary>
        public bool Change(string node, bool isHere)
        {
            if (_nodes.Contains(node) == isHere) return false;
            _nodes = isHere ? [.. _nodes, node] : [.. _nodes.Where(other => other != node)];
            Node = IsHere ? _nodes[0] : node;
            return true;
        }
    }
}
