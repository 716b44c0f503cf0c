// The observations of a server: begun and ended from any thread, told of on the loops (Connections/LoopWatch).

using RawWs.Server.Connections;
using RawWs.Server.Loops;

namespace RawWs.Server;

public sealed partial class WebSocketServer
{
    private const int ObservationsMax = 64;

    private readonly List<Observation> _observations = [];

    /// <summary>
    /// Begins to observe connections: what is received and sent, byte for byte and frame for frame, their phases, timers and send queues.
    /// The observed connections are not changed by it, nor held up, however slowly the events are read. The caller owns the observation,
    /// and disposes it. It ends with the server.
    /// </summary>
    /// <param name="options">Which connections, and how much of them. Default: the header fields of all of them.</param>
    /// <returns>Completed when each loop tells of its connections; before the start, at once.</returns>
    /// <exception cref="ArgumentException">
    /// An option is wrong; the message names it (<see cref="ObservationOptions.FindError"/>).
    /// </exception>
    /// <exception cref="InvalidOperationException">The server has been stopped, or there are 64 observations already.</exception>
    public async Task<Observation> ObserveAsync(ObservationOptions? options = null)
    {
        options ??= new ObservationOptions();
        if (options.FindError() is { } error) throw new ArgumentException(error, nameof(options));
        Observation observation = new(options, _loops.Length, EndObservation);
        bool started;
        lock (_loops)
        {
            if (_stopped is not null) throw new InvalidOperationException("The server has been stopped.");
            if (_observations.Count == ObservationsMax)
                throw new InvalidOperationException($"There are {ObservationsMax} observations already.");
            _observations.Add(observation);
            started = _started;
            if (!started)
                foreach (ConnectionLoop loop in _loops) loop.BeginObservation(observation); // nobody runs them yet
        }

        if (!started) return observation;
        foreach (ConnectionLoop loop in _loops) loop.Post(new ObservationChange(loop, observation, begins: true));
        await observation.Begun.ConfigureAwait(false);
        return observation;
    }

    private void EndObservation(Observation observation)
    {
        if (!observation.TryEnd()) return;
        lock (_loops)
        {
            _observations.Remove(observation);
            if (!_started)
            {
                foreach (ConnectionLoop loop in _loops) loop.EndObservation(observation); // nobody runs them yet
                return;
            }
        }

        foreach (ConnectionLoop loop in _loops) loop.Post(new ObservationChange(loop, observation, begins: false));
    }

    // The loops run no more: whoever waits for an event learns that none comes.
    private void EndObservations()
    {
        Directory.EndWatches();
        lock (_loops)
        {
            foreach (Observation observation in _observations) observation.TryEnd();
            _observations.Clear();
        }
    }

    /// <summary>Begins or ends an observation on a loop, in a turn of it.</summary>
    private sealed class ObservationChange(ConnectionLoop loop, Observation observation, bool begins) : ILoopWork
    {
        public void OnPosted()
        {
            if (begins) loop.BeginObservation(observation);
            else loop.EndObservation(observation);
        }
    }
}
