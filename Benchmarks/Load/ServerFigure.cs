// What comes out of a matrix: one figure for a server, a cell and a unit, with every round that made it.

namespace RawWs.Benchmarks.Load;

/// <summary>One figure of one server.</summary>
/// <param name="Server">The server's name.</param>
/// <param name="Cell">The cell's name, as in <see cref="LoadCell.Name"/>.</param>
/// <param name="Unit">What is counted, one of <see cref="LoadUnit"/>.</param>
/// <param name="HigherIsBetter">False for latencies and memory.</param>
/// <param name="Median">The median of the rounds; NaN where no round has a result.</param>
/// <param name="Rounds">What each round gave, in their order; a round that failed is not among them.</param>
/// <param name="Problem">What went wrong, in one line; null when every round was without error.</param>
public sealed record ServerFigure(
    string Server, string Cell, string Unit, bool HigherIsBetter, double Median, IReadOnlyList<double> Rounds, string? Problem);

/// <summary>The units of figures. The first that a cell has is the one to quote.</summary>
public static class LoadUnit
{
    /// <summary>Messages (fan-out: deliveries) per second of the server's processor time.</summary>
    public const string MessagesPerCpuSecond = "msg/CPU-s";

    /// <summary>Messages (fan-out: deliveries) per second.</summary>
    public const string MessagesPerSecond = "msg/s";

    /// <summary>Handshakes per second of the server's processor time.</summary>
    public const string HandshakesPerCpuSecond = "handshakes/CPU-s";

    /// <summary>Resident bytes of the server's processes per idle connection.</summary>
    public const string BytesPerConnection = "B/connection";

    /// <summary>
    /// Microseconds below which 99 of 100 messages are back, counted from when each was due; in a closed loop, where one is due when
    /// another is back, from when it was sent.
    /// </summary>
    public const string Percentile99 = "p99 µs";

    /// <summary>Messages per second that were due while that latency was measured.</summary>
    public const string MessagesDuePerSecond = "msg/s due";

    /// <summary>The units of a cell, the one to quote first.</summary>
    public static IReadOnlyList<string> Of(LoadKind kind) => kind switch
    {
        LoadKind.Connect => [HandshakesPerCpuSecond],
        LoadKind.Idle => [BytesPerConnection],
        LoadKind.Latency => [Percentile99, MessagesDuePerSecond],
        _ => [MessagesPerCpuSecond, MessagesPerSecond, Percentile99],
    };

    /// <summary>False for memory and latency.</summary>
    public static bool HigherIsBetter(string unit) => unit is not (BytesPerConnection or Percentile99);
}
