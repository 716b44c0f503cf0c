// Who comes and goes on this server, for those who watch. A watch is not told what has happened, but what is: it is looked up when
// something has happened, under a lock that all watches share. So it does not matter in which order two threads come here.

using System.Text;

namespace RawWs.Server;

public sealed partial class ConnectionDirectory
{
    private const int WatchesMax = 256;

    private readonly Lock _watching = new();
    private volatile PresenceWatch[] _watches = [];
    private bool _hasStopped;

    /// <summary>
    /// Begins to watch which uids are online on this server: first it tells those that are, then that these are all
    /// (<see cref="PresenceKind.Whole"/>), then who comes and who goes. A uid comes with its first connection, and goes when the last one
    /// has ended. Nobody is held up by it, however slowly the events are read. The caller disposes it; it ends with the server.
    /// </summary>
    /// <param name="options">Which uids. Default: all.</param>
    /// <exception cref="ArgumentException">An option is wrong; the message names it (<see cref="PresenceOptions.FindError"/>).</exception>
    /// <exception cref="InvalidOperationException">The server has been stopped, or there are 256 watches already.</exception>
    public PresenceWatch WatchPresence(PresenceOptions? options = null)
    {
        PresenceWatch watch = new(options ?? new PresenceOptions(), RemoveWatch);
        lock (_watching)
        {
            if (_hasStopped) throw new InvalidOperationException("The server has been stopped.");
            if (_watches.Length == WatchesMax) throw new InvalidOperationException($"There are {WatchesMax} watches already.");
            _watches = [.. _watches, watch];
        }

        if (watch.Options.Uids is { } named)
            foreach (string uid in named) Look(watch, Encoding.UTF8.GetBytes(uid));
        else
            foreach (ReadOnlyMemory<byte> uid in _registry.GetUids()) Look(watch, uid.Span);
        watch.TellWhole(true);
        return watch;
    }

    /// <summary>The server has stopped: nobody comes or goes any more.</summary>
    internal void EndWatches()
    {
        PresenceWatch[] watches;
        lock (_watching)
        {
            _hasStopped = true;
            watches = _watches;
        }

        foreach (PresenceWatch watch in watches) watch.End();
    }

    private void RemoveWatch(PresenceWatch watch)
    {
        lock (_watching) _watches = [.. _watches.Where(other => other != watch)];
    }

    private void Look(PresenceWatch watch, ReadOnlySpan<byte> uid)
    {
        if (watch.HasEnded) return;
        lock (_watching) watch.Tell(Encoding.UTF8.GetString(uid), "", _registry.Find(uid).Length > 0);
    }

    // A connection has joined under this uid, or has left it.
    private void TellWatches(ReadOnlySpan<byte> uid)
    {
        if (_watches.Length == 0) return;
        string name = Encoding.UTF8.GetString(uid);
        lock (_watching)
        {
            bool isHere = _registry.Find(uid).Length > 0;
            foreach (PresenceWatch watch in _watches) watch.Tell(name, "", isHere);
        }
    }
}
