// What runs a node: one loop. Whatever goes wrong in a part of a turn is told, and is not the end of the node.

using NATS.Client.Core;

namespace RawWs.Server.Nats;

public sealed partial class NatsBackplane
{
    private const int MessagesPerTurn = 1024;
    private const int BytesPerTurn = 4 * 1024 * 1024;

    private static readonly TimeSpan LastWordsTimeMax = TimeSpan.FromSeconds(1);

    private async Task RunAsync()
    {
        ClusterNode node = _node!;
        await using ITimer rest = _options.TimeProvider.CreateTimer(_ => Wake(), null, Rest, Rest);
        int wasUp = 0;
        while (!_stop.IsCancellationRequested)
        {
            int up = _up;
            if (up != wasUp) Change(node, wasUp, up);
            wasUp = up;
            int bytes = 0;
            for (int taken = 0; taken < MessagesPerTurn && bytes < BytesPerTurn; taken++)
            {
                if (!_wire.Come.TryRead(out NatsMemoryOwner<byte> message)) break;
                bytes += message.Length;
                Receive(node, message);
            }

            Turn(node);
            await FlushAsync(node).ConfigureAwait(false);
            if (_wire.Come.TryPeek(out _)) continue;
            await _wake.WaitAsync().ConfigureAwait(false);
            Interlocked.Exchange(ref _isWoken, 0); // before the turn: who comes from now on wakes it again
        }

        Try(node, node.End);
        await FlushAsync(node).ConfigureAwait(false);
        await LastWordsAreThereAsync(node).ConfigureAwait(false);
        Try(node, () => node.Close(Now));
    }

    // It may have gone and come again since this was looked at.
    private void Change(ClusterNode node, int wasUp, int up)
    {
        if (wasUp != 0) Try(node, () => node.OnDisconnected(Now));
        if (up != 0) Try(node, () => node.OnConnected(Now));
    }

    private void Receive(ClusterNode node, NatsMemoryOwner<byte> message)
    {
        try
        {
            node.Receive(message.Length == 0 ? default : message.Memory, Now); // an empty one has no memory
        }
        catch (Exception exception)
        {
            node.Counts.CountFailure(exception);
        }
        finally
        {
            message.Dispose();
        }
    }

    private void Turn(ClusterNode node)
    {
        try
        {
            node.Turn(Now);
            if (node.IsTaken) GiveWay();
        }
        catch (Exception exception)
        {
            node.Counts.CountFailure(exception);
        }
    }

    private async ValueTask FlushAsync(ClusterNode node)
    {
        try
        {
            await _wire.FlushAsync(Rest).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            node.Counts.CountFailure(exception);
        }
    }

    // What is written is not sent yet, and NATS' client drops it when it ends: so its server is asked for an answer first.
    private async Task LastWordsAreThereAsync(ClusterNode node)
    {
        if (!node.IsConnected || _wire.IsBusy) return;
        Task answer = _wire.SyncAsync().AsTask();
        await answer.WaitAsync(LastWordsTimeMax, _options.TimeProvider).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static void Try(ClusterNode node, Action act)
    {
        try
        {
            act();
        }
        catch (Exception exception)
        {
            node.Counts.CountFailure(exception);
        }
    }
}
