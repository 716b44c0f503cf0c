// What one feed has seen: the traces of the latest connections, and which events are shown. The Lab's own feeds never are, nor is their
// handshake: a connection of which nobody knows yet what it asks for is held back until that is known.

namespace RawWs.Server.Console.Lab;

internal sealed class LabWatch
{
    private const int TracesMax = 16;
    private const int EventsMax = 256; // in one message
    private const int BytesMax = 32 * 1024; // of them, past which the message is sent
    private const int HeldMax = 64; // events of a connection whose request is not whole

    private readonly List<LabTrace> _traces = [];
    private readonly Dictionary<long, List<ConnectionEvent>> _held = [];

    /// <summary>Takes what has been told, as much as one message is to have.</summary>
    public List<ConnectionEvent> Take(Observation observation)
    {
        List<ConnectionEvent> shown = [];
        int bytes = 0;
        lock (this)
        {
            while (shown.Count < EventsMax && bytes < BytesMax && observation.TryRead(out ConnectionEvent? told))
            {
                int before = shown.Count;
                Sort(told, shown);
                for (int i = before; i < shown.Count; i++)
                {
                    bytes += shown[i].Bytes.Length;
                    if (shown[i].Connection is { } connection) TraceOf(connection.Id).Add(shown[i]);
                }
            }
        }

        return shown;
    }

    /// <summary>The trace of a connection; null if there is none any more. It is used under the lock of this object.</summary>
    public LabTrace? Find(long connection)
    {
        lock (this) return _traces.Find(trace => trace.Connection == connection);
    }

    private void Sort(ConnectionEvent told, List<ConnectionEvent> shown)
    {
        if (told.Connection is not { } connection)
        {
            shown.Add(told);
            return;
        }

        bool isUnknown = connection.Endpoint.Length == 0
            && told.Kind is not (ConnectionEventKind.Answered or ConnectionEventKind.Ended);
        if (isUnknown)
        {
            if (!_held.TryGetValue(connection.Id, out List<ConnectionEvent>? held)) _held.Add(connection.Id, held = []);
            if (held.Count < HeldMax) held.Add(told);
            return;
        }

        if (_held.Remove(connection.Id, out List<ConnectionEvent>? before) && connection.Endpoint != LabApplication.FeedPath)
            shown.AddRange(before);
        if (connection.Endpoint != LabApplication.FeedPath) shown.Add(told);
    }

    private LabTrace TraceOf(long connection)
    {
        if (_traces.Find(trace => trace.Connection == connection) is { } found) return found;
        if (_traces.Count == TracesMax) _traces.RemoveAt(Math.Max(0, _traces.FindIndex(static trace => trace.HasEnded)));
        LabTrace made = new(connection);
        _traces.Add(made);
        return made;
    }
}
