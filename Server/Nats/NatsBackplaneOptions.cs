// What a node of a cluster is told.

using NATS.Client.Core;

namespace RawWs.Server.Nats;

/// <summary>The settings of a <see cref="NatsBackplane"/>.</summary>
public sealed record NatsBackplaneOptions
{
    /// <summary>
    /// NATS' client as a node needs it, at <c>nats://localhost:4222</c>: take it, and change what is yours. It sees a line that is dead
    /// without a word within twelve seconds, connects anew at once, and then after pauses that double from a quarter of a second to three
    /// quarters, with a quarter of a second of chance at most: so nodes that come back are heard by one that begins in that moment, which
    /// listens for a second and a fifth; and it never gives up.
    /// </summary>
    public static NatsOpts DefaultNats { get; } = NatsOpts.Default with
    {
        PingInterval = TimeSpan.FromSeconds(3),
        MaxPingOut = 3,
        IgnoreAuthErrorAbort = true, // somebody may have changed the users of NATS for a moment
        ReconnectWaitMin = TimeSpan.FromMilliseconds(250),
        ReconnectJitter = TimeSpan.FromMilliseconds(250),
        ReconnectWaitMax = TimeSpan.FromMilliseconds(750),
    };

    /// <summary>
    /// The NATS servers, and how to log in to them. Default: <see cref="DefaultNats"/>. What a node needs otherwise is set over it: that
    /// its own words come back (Echo), that nothing is dropped that waits, and plain bytes. All nodes need the same InboxPrefix. With
    /// <see cref="ClaimsUids"/> there is a second connection.
    /// </summary>
    public NatsOpts Nats { get; init; } = DefaultNats;

    /// <summary>
    /// The cluster's name: nodes of one name are one cluster. It begins every subject, so it is letters, digits, <c>-</c>, <c>_</c>, and
    /// dots between them.
    /// </summary>
    public string Cluster { get; init; } = "rawws";

    /// <summary>
    /// The node's id: 1 to 64 letters, digits, <c>-</c> and <c>_</c>. No two nodes that run may have the same. Default: a new one.
    /// </summary>
    public string NodeId { get; init; } = $"node-{Guid.NewGuid():N}"[..17];

    /// <summary>
    /// Whether a uid may have one connection in the whole cluster. The NATS servers need JetStream for it, and it needs somebody who
    /// claims: give <see cref="NatsBackplane.Claims"/> to the RouterApplication, or have an application of yours ask it before it accepts
    /// an upgrade. All nodes of a cluster need the same; the log names those that have not. Default: false.
    /// </summary>
    public bool ClaimsUids { get; init; }

    /// <summary>
    /// On how many NATS servers claims are kept: 1; or 3 if there are three servers at least, so that one of them may end; or 5. Default:
    /// 1.
    /// </summary>
    public int ClaimReplicas { get; init; } = 1;

    /// <summary>
    /// How long another node's answer is waited for, and the store's of claims: a tenth of a second to a minute. Default: two seconds.
    /// </summary>
    public TimeSpan AnswerWithin { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The clock.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;
}
