// A message of the admin port that has gone to other servers of the cluster, until they have answered.

using RawWs.Server.Console.Cluster;

namespace RawWs.Server.Console.Admin;

internal sealed class SentElsewhere
{
    private const string Everybody = "all";

    private readonly List<(string Uid, Task<DeliveryResult> Result)> _sent = [];

    /// <summary>Sends a message to whom it is for, on other servers.</summary>
    public SentElsewhere(ProgramCluster cluster, CheckedSend send)
    {
        if (send.Uids is null) _sent.Add((Everybody, cluster.SendElsewhere(MessageTarget.Everybody, send.Message).AsTask()));
        else
            foreach (string uid in send.Uids)
                _sent.Add((uid, cluster.SendElsewhere(MessageTarget.ToUid(uid), send.Message).AsTask()));
    }

    /// <summary>Waits for the answers. Each is there within a time that the backplane has.</summary>
    /// <param name="here">What became of the message on this server.</param>
    public async ValueTask<SendAnswer> FinishAsync(SendAnswer here)
    {
        List<string> delivered = [], tooSlow = [], unreachable = [];
        HashSet<string> offline = [.. here.Offline];
        foreach ((string uid, Task<DeliveryResult> sent) in _sent)
        {
            DeliveryResult result = await sent.ConfigureAwait(false);
            if (result == DeliveryResult.Offline) continue;
            (result == DeliveryResult.Delivered ? delivered : result == DeliveryResult.TooSlow ? tooSlow : unreachable).Add(uid);
            offline.Remove(uid);
        }

        return here with
        {
            Offline = [.. here.Offline.Where(offline.Contains)],
            Elsewhere = new ElsewhereAnswer(delivered, tooSlow, unreachable),
        };
    }
}
