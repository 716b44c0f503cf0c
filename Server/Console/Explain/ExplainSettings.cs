// What `rawws explain` reads its input with. Immutable; the command line and the examples of the pages make it.

using RawWs.Frame;
using RawWs.Handshake;

namespace RawWs.Server.Console.Explain;

/// <summary>Settings of one explanation. The limits are those that the server has unless it is told otherwise.</summary>
internal sealed record ExplainSettings
{
    public const int FramesShownDefault = 500;

    /// <summary>Who has sent the bytes; null to go by the bytes themselves.</summary>
    public Role? Sender { get; init; }

    public long MessageBytesMax { get; init; } = 1 << 20;

    public int FragmentsMax { get; init; } = 1024;

    /// <summary>Whether permessage-deflate counts as agreed on where no handshake says so.</summary>
    public bool Deflate { get; init; }

    /// <summary>Whether compressed messages refer to earlier ones, where no handshake says so.</summary>
    public bool Takeover { get; init; } = true;

    /// <summary>The endpoints; empty for every path.</summary>
    public IReadOnlyList<string> Endpoints { get; init; } = [];

    /// <summary>The most frames of a direction that are shown; one that breaks a rule is shown in any case.</summary>
    public int FramesShownMax { get; init; } = FramesShownDefault;

    public int? Port { get; init; }

    public Language Language { get; init; }

    public bool Json { get; init; }

    /// <summary>Whether the input is base64, and not hexadecimal.</summary>
    public bool Base64 { get; init; }

    public ProtocolLimits Limits => new() { MessageBytesMax = MessageBytesMax, FragmentsMax = FragmentsMax };

    // What the program allows unless it is told otherwise, on an address of this machine.
    public UpgradePolicy Policy => new()
    {
        Pages = ["/"],
        AllowNullOrigin = true,
        Endpoints = Endpoints.Count == 0 ? null : Endpoints,
    };
}
