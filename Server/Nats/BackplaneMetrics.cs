// A backplane's metrics, by System.Diagnostics.Metrics; docs/ops/metrics.md has the table. What is counted is counted anyhow, and read when
// somebody asks. Nodes have labels, so many of them at most (NodeTallies); uids have none.

using System.Diagnostics.Metrics;

namespace RawWs.Server.Nats;

/// <summary>
/// The metrics of one backplane, under the meter <see cref="MeterName"/>. They begin with this object, and end when it is disposed.
/// </summary>
public sealed class BackplaneMetrics : IDisposable
{
    /// <summary>The name of the meter.</summary>
    public const string MeterName = "RawWs.Cluster";

    private const string NodeLabel = "node";

    private static readonly InstrumentAdvice<double> Times = new()
    {
        HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    };

    private readonly NatsBackplane _backplane;
    private readonly Meter _meter;

    /// <summary>Begins to measure a backplane, which need not have been started.</summary>
    /// <param name="backplane">The backplane.</param>
    /// <param name="meters">Makes the meter, and ends it; null for one without a factory, which ends with this object.</param>
    /// <exception cref="InvalidOperationException">It is measured already.</exception>
    public BackplaneMetrics(NatsBackplane backplane, IMeterFactory? meters = null)
    {
        ArgumentNullException.ThrowIfNull(backplane);
        if (backplane.AnswerTook is not null) throw new InvalidOperationException("This backplane is measured already.");
        _backplane = backplane;
        _meter = meters?.Create(MeterName) ?? new Meter(MeterName);
        ObserveCluster();
        ObserveMessages();
        Histogram<double> answers = _meter.CreateHistogram("rawws.cluster.answer.duration", "s",
            "How long a node took to answer, in whole milliseconds: one message of each batch of answers.", advice: Times);
        backplane.AnswerTook = (node, milliseconds) => answers.Record(milliseconds / 1000.0, Label(node));
    }

    private ClusterCounts? Counted => _backplane.Node?.Counts;

    /// <summary>Ends the metrics.</summary>
    public void Dispose()
    {
        _backplane.AnswerTook = null;
        _meter.Dispose();
    }

    private void ObserveCluster()
    {
        _meter.CreateObservableGauge(
            "rawws.cluster.connected", () => _backplane.IsConnected ? 1 : 0, "{state}", "Whether the backplane is there: 1 or 0.");
        _meter.CreateObservableGauge("rawws.cluster.complete", () => _backplane.IsReady ? 1 : 0, "{state}",
            "Whether the uids of all nodes that are here are known: 1 or 0.");
        _meter.CreateObservableGauge(
            "rawws.cluster.nodes", () => _backplane.OtherNodes + 1, "{node}", "Nodes that are here, this one among them.");
        _meter.CreateObservableGauge(
            "rawws.cluster.uids", () => _backplane.Node?.UidCount ?? 0, "{uid}", "Uids that some node has, as far as is known here.");
        _meter.CreateObservableGauge("rawws.cluster.node_uids", () => ByNode(static node => node.OwnUidCount, static peer => peer.Uids),
            "{uid}", "Uids that a node has, as far as is known here.");
        _meter.CreateObservableCounter(
            "rawws.cluster.disconnects", () => _backplane.Disconnects, "{disconnect}", "How often the backplane went away.");
        _meter.CreateObservableCounter(
            "rawws.cluster.nats_errors", () => _backplane.NatsErrors, "{error}", "Errors that NATS has told, as of a slow consumer.");
        _meter.CreateObservableGauge("rawws.cluster.claiming", () => _backplane.CanClaim ? 1 : 0, "{state}",
            "Whether this node can claim uids: 1 or 0. Where it is 0, newcomers with a uid are turned away (503).");
        _meter.CreateObservableCounter("rawws.cluster.undecided", () => Counted?.Undecided ?? 0, "{claim}",
            "How often it could not be found out in time whose a uid is: who wanted it was turned away, or closed.");
        _meter.CreateObservableCounter("rawws.cluster.snapshots", () => Counted?.Snapshots ?? 0, "{snapshot}",
            "How often all uids of another node were told anew.");
    }

    private void ObserveMessages()
    {
        _meter.CreateObservableCounter("rawws.cluster.forwarded", () => Counted?.Forwarded ?? 0, "{message}",
            "Messages that went to another node; one for everybody counts once.");
        _meter.CreateObservableCounter(
            "rawws.cluster.received", () => Counted?.Received ?? 0, "{message}", "Messages that came from another node.");
        _meter.CreateObservableCounter("rawws.cluster.lost", () => CountedByNode(static tally => tally.Lost, ofAll: false), "{message}",
            "Messages of a node that were lost on the way here; their senders are told, but for those to all that had left this node "
            + "out.");
        _meter.CreateObservableCounter("rawws.cluster.unanswered", () => CountedByNode(static tally => tally.Unanswered), "{message}",
            "Messages to a node that it has not answered in time; their senders are told. * is for everybody, when the backplane went.");
        _meter.CreateObservableCounter("rawws.cluster.refused", () => CountedByNode(static tally => tally.Refused), "{message}",
            "Messages that did not go to a node, because too much waits for it; their senders are told. * is for everybody.");
        _meter.CreateObservableCounter("rawws.cluster.unknown", () => Counted?.Unknown ?? 0, "{message}",
            "Messages that did not go to other nodes: the backplane was away, or it was not known in time who is there; "
            + "their senders are told.");
        _meter.CreateObservableCounter("rawws.cluster.left_out", () => Counted?.LeftOut ?? 0, "{message}",
            "Messages for everybody, or for a uid that other nodes have too, that did not go to a node which says nothing: it was killed, "
            + "stands still or is cut off; their senders are not told.");
        _meter.CreateObservableCounter(
            "rawws.cluster.nonsense", () => _backplane.Nonsense, "{message}",
            "Messages of the backplane that made no sense, or came from a node of another version.");
        _meter.CreateObservableGauge("rawws.cluster.queued",
            () => ByNode(static node => node.Everybody.QueuedBytes, static peer => peer.QueuedBytes, NodeTallies.Everybody), "By",
            "Bytes that wait to be sent to a node; * is for everybody.");
        _meter.CreateObservableGauge("rawws.cluster.waiting",
            () => ByNode(static node => node.Everybody.Unanswered, static peer => peer.Unanswered, NodeTallies.Everybody), "{message}",
            "Messages to a node that have no answer yet; * is for everybody.");
    }

    // The first is of this node itself, under its own name if there is no other one.
    private IEnumerable<Measurement<long>> ByNode(
        Func<ClusterNode, long> valueHere, Func<PeerStatus, long> value, string? nameHere = null)
    {
        if (_backplane.Node is not { } node) yield break;
        yield return Of(valueHere(node), nameHere ?? node.Id);
        long others = 0;
        IReadOnlyList<PeerStatus> peers = node.GetPeers();
        for (int i = 0; i < peers.Count; i++)
        {
            long measured = value(peers[i]);
            if (i < NodeTallies.NodesMax) yield return Of(measured, peers[i].Id);
            else others += measured;
        }

        if (peers.Count > NodeTallies.NodesMax) yield return Of(others, NodeTallies.Rest);
    }

    private IEnumerable<Measurement<long>> CountedByNode(Func<NodeTally, long> value, bool ofAll = true) => Counted is { } counts
        ? counts.Nodes.All.Where(tally => ofAll || tally != counts.Nodes.OfEverybody).Select(tally => Of(value(tally), tally.Name)) : [];

    private static Measurement<long> Of(long value, string node) => new(value, Label(node));

    private static KeyValuePair<string, object?> Label(string node) => new(NodeLabel, node);
}
