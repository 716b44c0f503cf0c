// What a node of a cluster is told.

using NATS.Client.Core;

namespace RawWs.Server.Nats;

/// <summary>The settings of a <see cref="NatsBackplane"/>.</summary>
public sealed record NatsBackplaneOptions
{
    /// <summary>The NATS servers, and how to log in to them. Default: <c>nats://localhost:4222</c>.</summary>
    public NatsOpts Nats { get; init; } = NatsOpts.Default;

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
    /// Whether a uid may have one connection in the whole cluster (<see cref="NatsBackplane.Claims"/>). The NATS servers need JetStream for
    /// it. Default: false.
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
