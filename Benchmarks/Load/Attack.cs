// What an attack is: settings of the server, how many honest clients and attackers there are, and a script of what the attackers do. The
// scripts stand in Attacks, by sort. And what a user may say otherwise.

using System.Runtime.Versioning;

namespace RawWs.Benchmarks.Load;

/// <summary>How large an attack is.</summary>
/// <param name="Readers">Honest clients that read everything.</param>
/// <param name="Attackers">Connections of the attack.</param>
/// <param name="Messages">The most that each attacker sends.</param>
/// <param name="Seconds">The longest that it goes on; a burst ends when it is through.</param>
internal sealed record AttackSize(int Readers, int Attackers, long Messages, double Seconds);

/// <summary>One attack.</summary>
[SupportedOSPlatform("linux")]
internal sealed record Attack(string Name, string What, Action<AttackStage> Script)
{
    /// <summary>The settings with which the server is started.</summary>
    public string Settings { get; init; } = "";

    /// <summary>The sizes in which it runs, one after the other.</summary>
    public required IReadOnlyList<AttackSize> Sizes { get; init; }

    /// <summary>Where the readers connect to; %d is a reader's number.</summary>
    public string ReaderPath { get; init; } = "/";

    /// <summary>The time between two messages of a reader that keep it alive.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(3);

    public bool IsEcho => Settings.Contains("--app echo", StringComparison.Ordinal);
}

/// <summary>What the command is told.</summary>
[SupportedOSPlatform("linux")]
internal sealed record AttackOptions
{
    /// <summary>The server's command without the attack's settings, with {port}.</summary>
    public string Server { get; init; } = LoadServer.OwnCommand;

    /// <summary>Null: the server's default.</summary>
    public string? Transport { get; init; }

    public int Rounds { get; init; } = 1;

    // Null: as the attack has it.
    public int? Readers { get; init; }

    public int? Attackers { get; init; }

    public long? Messages { get; init; }

    public double? Seconds { get; init; }

    public int Probers { get; init; } = 4;

    /// <summary>Only probes, before the attack; the server's code is warm then.</summary>
    public TimeSpan WarmUp { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest that is waited for the server's memory to come back.</summary>
    public TimeSpan Settle { get; init; } = TimeSpan.FromSeconds(60);

    public bool Json { get; init; }

    public bool List { get; init; }

    /// <summary>The attack's sizes with what a user says in their place; those that become the same run once.</summary>
    public IEnumerable<AttackSize> SizesOf(Attack attack) => attack.Sizes.Select(size => new AttackSize(
        Readers ?? size.Readers, Attackers ?? size.Attackers, Messages ?? size.Messages, Seconds ?? size.Seconds)).Distinct();
}
