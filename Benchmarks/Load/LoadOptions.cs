// One load: whom it is put on, what it is, and for how long. Made from a command line by LoadCommand, or by the matrix.

using System.Net;

namespace RawWs.Benchmarks.Load;

/// <summary>What the connections do.</summary>
internal enum LoadMode
{
    Echo,
    Broadcast,
    Idle,
    Connect,
}

/// <summary>One load.</summary>
internal sealed record LoadOptions
{
    /// <summary>Descriptors are 20,000 in many places, and some are not for connections.</summary>
    public const int ConnectionsMax = 19_500;

    public const int PipelineMax = 65_536;

    public const int SizeBytesMax = 64 * 1024 * 1024;

    public IPEndPoint EndPoint { get; init; } = new(IPAddress.Loopback, 2000);

    /// <summary>Where the connections with odd numbers go, if not there.</summary>
    public IPEndPoint? SecondEndPoint { get; init; }

    /// <summary>What the Host field says.</summary>
    public string Host { get; init; } = "127.0.0.1:2000";

    /// <summary>The path, with the query if there is one.</summary>
    public string Path { get; init; } = "/";

    public LoadMode Mode { get; init; }

    /// <summary>How many connections; with <see cref="LoadMode.Broadcast"/> those that receive, and there is one more.</summary>
    public int Connections { get; init; } = 100;

    /// <summary>Messages in flight in the closed loop: on each connection, or of the one that broadcasts.</summary>
    public int Pipeline { get; init; } = 1;

    /// <summary>A message's whole payload in bytes, its prefix among them.</summary>
    public int SizeBytes { get; init; } = 32;

    public TimeSpan Seconds { get; init; } = TimeSpan.FromSeconds(4);

    public TimeSpan WarmUp { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>So many messages are sent instead of as many as fit into the time; there is no warm-up then. 0: by time.</summary>
    public long Messages { get; init; }

    /// <summary>Messages per second that are due, all connections together: the open loop. 0: the closed loop.</summary>
    public double Rate { get; init; }

    public bool Binary { get; init; }

    public bool Pairs { get; init; }

    /// <summary>What each message begins with. %d is the number of the connection, %p that of the one it is paired with.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>What stands in its place in what comes back; null: the same.</summary>
    public string? Expect { get; init; }

    /// <summary>A first message of each connection; what answers it is ignored.</summary>
    public string? Hello { get; init; }

    /// <summary>The server's process. 0: nothing is known of it.</summary>
    public int ProcessId { get; init; }

    /// <summary>Time in which something has to move while connections are opened.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Time for everything. Zero: what the load needs by itself, and a minute more.</summary>
    public TimeSpan Timeout { get; init; }

    /// <summary>The figures are printed as JSON.</summary>
    public bool Json { get; init; }

    public TimeSpan EffectiveTimeout => Timeout > TimeSpan.Zero ? Timeout : WarmUp + Seconds + TimeSpan.FromMinutes(1);

    /// <summary>All descriptors that are connections.</summary>
    public int Sockets => Mode == LoadMode.Broadcast ? Connections + 1 : Connections;

    /// <summary>The first thing that makes no sense, or null.</summary>
    public string? FindProblem()
    {
        if (Sockets > ConnectionsMax)
            return $"--conns: at most {ConnectionsMax}{(Mode == LoadMode.Broadcast ? ", with the one that sends" : "")}.";
        if (Pairs && (Mode != LoadMode.Echo || Connections % 2 != 0))
            return "--pairs: only with --mode echo and an even number of connections.";
        if (Rate > 0 && Mode is LoadMode.Idle or LoadMode.Connect) return "--rate: only with --mode echo or broadcast.";
        if (Messages > 0 && Mode is LoadMode.Idle or LoadMode.Connect) return "--messages: only with --mode echo or broadcast.";
        int longest = LoadTraffic.Expand(Prefix, Sockets).Length;
        return longest > SizeBytes ? $"--prefix: with {longest} bytes it does not fit into a message of {SizeBytes} (--size)." : null;
    }
}
