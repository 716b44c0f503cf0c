// The settings of the standalone server: the library's options, and what only the program has. Immutable; CommandLine makes them.

using RawWs.Server.Applications;
using RawWs.Server.Console.Lab;
using RawWs.Server.Console.Pages;
using RawWs.Server.Memory;

namespace RawWs.Server.Console.Settings;

/// <summary>Which of the two applications runs.</summary>
internal enum ApplicationKind : byte
{
    Router,
    Echo,
}

/// <summary>Everything that one run of the program needs to know.</summary>
internal sealed record RunSettings
{
    // The program has a heartbeat of 10 s, for the sake of the demo page, and the page. The library has neither unless it is asked for.
    public ServerOptions Server { get; init; } = new() { Heartbeat = TimeSpan.FromSeconds(10), Pages = [DemoPage.Load()] };

    public ApplicationKind Application { get; init; }

    /// <summary>
    /// How a client gets its uid. Null: first-message while every listening address is loopback and no host or origin is named, else query.
    /// </summary>
    public Introduce? Introduce { get; init; }

    public DuplicateUid DuplicateUid { get; init; }

    /// <summary>Whose connections the Lab shows. Null: own ones while only this machine is meant (see above), else there is none.</summary>
    public LabScope? Lab { get; init; }

    public LogLevels LogLevels { get; init; } = LogLevels.Default;

    /// <summary>How long connections may take to close when the program is told to stop.</summary>
    public TimeSpan Drain { get; init; } = TimeSpan.FromSeconds(5);

    public Introduce EffectiveIntroduce =>
        Introduce ?? (Server.IsForThisMachineOnly ? Applications.Introduce.FirstMessage : Applications.Introduce.Query);

    public LabScope EffectiveLab => Lab ?? (Server.IsForThisMachineOnly ? LabScope.Own : LabScope.Off);

    /// <summary>The name of a setting that was given and has no effect, because another one is missing; null when there is none.</summary>
    public string? FindWithoutEffect()
    {
        ServerOptions plain = new();
        if (Server.Compression) return null;
        if (Server.CompressionTakeover) return "compression-takeover";
        if (Server.CompressionWindowBits != plain.CompressionWindowBits) return "compression-window";
        if (Server.CompressionLevel != plain.CompressionLevel) return "compression-level";
        return Server.CompressionBytesMin != plain.CompressionBytesMin ? "compression-min-bytes" : null;
    }

    /// <summary>What is wrong between settings that are each valid alone; null when nothing is.</summary>
    public string? FindConflict()
    {
        if (Server.ListenEndPoints.Count == 0)
            return "listen: at least one address is needed (--listen, RAWWS_LISTEN, or \"listen\" in the file)";
        if (Server.PingText is not null && Server.Heartbeat > TimeSpan.Zero) return "--ping-text: needs --heartbeat 0";
        // A limit that cannot be reached is no limit: the process would end before.
        long largest = MemoryShare.LargestBudget(Server.Loops);
        if (Server.MemoryBytesMax >= MemoryShare.BudgetBytesMin && Server.MemoryBytesMax > largest)
            return $"--max-memory: {Server.MemoryBytesMax >> 20} MiB is more than there is: the process may have "
                + $"{MemoryShare.AvailableBytes >> 20} MiB, of which connections can hold {Math.Max(0, largest >> 20)} MiB";
        return Server.FindError();
    }
}
