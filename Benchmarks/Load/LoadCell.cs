// The cells of the matrix: which loads are put on each server. Names say what they are, so a smaller load has another name.

namespace RawWs.Benchmarks.Load;

/// <summary>What kind of load a cell is.</summary>
public enum LoadKind
{
    /// <summary>Every connection gets its own messages back.</summary>
    Echo,

    /// <summary>Connections 2k and 2k+1 send to each other; where there is no router, echo of the same load.</summary>
    Pairs,

    /// <summary>One sends to all.</summary>
    FanOut,

    /// <summary>Connections are opened as fast as they can be.</summary>
    Connect,

    /// <summary>Connections are open, and nothing is said.</summary>
    Idle,

    /// <summary>
    /// Echo in an open loop, at half of the throughput that the server has with one message in flight on each connection.
    /// </summary>
    Latency,
}

/// <summary>One load.</summary>
/// <param name="Name">As it stands in tables and is chosen by.</param>
/// <param name="Kind">What kind of load.</param>
/// <param name="Connections">How many; for fan-out, of receivers.</param>
/// <param name="Pipeline">Messages in flight: per connection; for fan-out, in all.</param>
/// <param name="SizeBytes">A message's payload in bytes.</param>
public sealed record LoadCell(string Name, LoadKind Kind, int Connections, int Pipeline = 1, int SizeBytes = 32)
{
    /// <summary>What it is, for a reader who does not know the names.</summary>
    public string Title => Kind switch
    {
        LoadKind.Echo when Connections == 1 => $"Echo: one connection, {InFlight("on it")}, {Size}",
        LoadKind.Echo => $"Echo: {Connections} connections, {InFlight("on each")}, {Size}",
        LoadKind.Pairs => $"From one to the other of a pair: {Connections} connections, {InFlight("on each")}, {Size}",
        LoadKind.FanOut => $"One to {Connections:N0}: {InFlight("in all")}, {Size} (deliveries are counted)",
        LoadKind.Connect => $"Opening {Connections:N0} connections",
        LoadKind.Idle => $"{Connections:N0} connections on which nothing is said",
        _ => $"Latency at half of its full load: {Connections} connections, {Size}",
    };

    private string Size => new PayloadSize(SizeBytes).ToString();

    internal bool UsesRouter => Kind is LoadKind.Pairs or LoadKind.FanOut;

    private string InFlight(string where) => Pipeline == 1 ? $"1 message in flight {where}" : $"{Pipeline} messages in flight {where}";

    /// <summary>The cells for figures.</summary>
    public static IReadOnlyList<LoadCell> All { get; } =
    [
        new("echo-1x1x32", LoadKind.Echo, 1, 1, 32),
        new("echo-100x1x32", LoadKind.Echo, 100, 1, 32),
        new("echo-100x16x32", LoadKind.Echo, 100, 16, 32),
        new("echo-16x4x16KiB", LoadKind.Echo, 16, 4, 16 * 1024),
        new("echo-4x1x1MiB", LoadKind.Echo, 4, 1, 1024 * 1024),
        new("pairs-100x4x64", LoadKind.Pairs, 100, 4, 64),
        new("fanout-1000x16x100", LoadKind.FanOut, 1000, 16, 100),
        new("fanout-1000x1x100", LoadKind.FanOut, 1000, 1, 100),
        new("connect-10000", LoadKind.Connect, 10_000),
        new("idle-10000", LoadKind.Idle, 10_000),
        new("idle-19000", LoadKind.Idle, 19_000),
        new("latency-100x32", LoadKind.Latency, 100),
    ];

    /// <summary>The same kinds with fewer connections, to see that all of them run.</summary>
    public static IReadOnlyList<LoadCell> Brief { get; } =
    [
        .. All.Where(static cell => cell.Kind is LoadKind.Echo or LoadKind.Pairs),
        new("fanout-100x16x100", LoadKind.FanOut, 100, 16, 100),
        new("fanout-100x1x100", LoadKind.FanOut, 100, 1, 100),
        new("connect-500", LoadKind.Connect, 500),
        new("idle-500", LoadKind.Idle, 500),
        new("latency-20x32", LoadKind.Latency, 20),
    ];
}
