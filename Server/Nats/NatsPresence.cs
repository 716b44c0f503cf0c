// Presence over NATS: one subject on which nodes ask, and one of this node for the answers. What is lost on the way, because NATS is away
// or too much waits here, is seen from the numbers, and told again.

using System.Threading.Channels;
using NATS.Client.Core;

namespace RawWs.Server.Nats;

internal sealed class NatsPresence : IPresenceWire, IAsyncDisposable
{
    private const int WaitingMax = 2048;

    // What changes within such a time goes in one message.
    private static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan SendTimeMax = TimeSpan.FromSeconds(1);

    private readonly NatsConnection _connection;
    private readonly string _subject;
    private readonly string _inbox;
    private readonly ClusterPresence _presence;
    private readonly TimeProvider _time;
    private readonly List<(string Subject, byte[] Message, string? Inbox)> _said = [];
    private readonly SemaphoreSlim _wake = new(0);
    private INatsSub<NatsMemoryOwner<byte>>? _questions;
    private INatsSub<NatsMemoryOwner<byte>>? _answers;
    private Task _loop = Task.CompletedTask;
    private volatile bool _isEnding;
    private int _isWoken;

    public NatsPresence(NatsConnection connection, string cluster, string id, Func<PresenceOptions, PresenceWatch> local,
        Func<ClusterMembers> members, TimeProvider time)
    {
        (_connection, _subject, _time) = (connection, $"{cluster}.presence", time);
        _inbox = connection.NewInbox();
        _presence = new ClusterPresence(id, local, members, this);
    }

    /// <summary>How many questions and answers made no sense.</summary>
    public long Nonsense => _presence.Nonsense;

    private static NatsSubOpts Bounded { get; } = new()
    {
        // Nothing else that comes over this connection waits for it.
        ChannelOpts = new NatsSubChannelOpts { Capacity = WaitingMax, FullMode = BoundedChannelFullMode.DropWrite },
    };

    /// <summary>Begins to answer.</summary>
    public async Task StartAsync()
    {
        _questions = await _connection.SubscribeCoreAsync<NatsMemoryOwner<byte>>(_subject, opts: Bounded).ConfigureAwait(false);
        _answers = await _connection.SubscribeCoreAsync<NatsMemoryOwner<byte>>(_inbox, opts: Bounded).ConfigureAwait(false);
        _loop = Task.Run(RunAsync);
    }

    /// <inheritdoc cref="ClusterPresence.Watch"/>
    public PresenceWatch Watch(PresenceOptions options)
    {
        PresenceWatch watch = _presence.Watch(options);
        Wake();
        return watch;
    }

    public async ValueTask DisposeAsync()
    {
        _isEnding = true;
        Wake();
        await _loop.ConfigureAwait(false);
        if (_questions is not null) await _questions.DisposeAsync().ConfigureAwait(false);
        if (_answers is not null) await _answers.DisposeAsync().ConfigureAwait(false);
        _presence.Dispose();
    }

    void IPresenceWire.Ask(byte[] message) => _said.Add((_subject, message, _inbox));

    void IPresenceWire.Tell(string inbox, byte[] message) => _said.Add((inbox, message, null));

    private async Task RunAsync()
    {
        await using ITimer rest = _time.CreateTimer(_ => Wake(), null, Rest, Rest);
        while (!_isEnding)
        {
            Interlocked.Exchange(ref _isWoken, 0);
            // A burst of either is bounded, so that both are heard.
            for (int i = 0; i < WaitingMax && _questions!.Msgs.TryRead(out NatsMsg<NatsMemoryOwner<byte>> question); i++) Receive(question);
            for (int i = 0; i < WaitingMax && _answers!.Msgs.TryRead(out NatsMsg<NatsMemoryOwner<byte>> answer); i++)
            {
                using NatsMemoryOwner<byte> owner = answer.Data;
                _presence.ReceiveTold(BytesOf(owner), Now);
            }

            _presence.Turn(Now);
            await SayAsync().ConfigureAwait(false);
            await _wake.WaitAsync().ConfigureAwait(false);
        }
    }

    private long Now => (long)_time.GetElapsedTime(0).TotalMilliseconds;

    private void Wake()
    {
        if (Interlocked.Exchange(ref _isWoken, 1) == 0) _wake.Release();
    }

    private void Receive(NatsMsg<NatsMemoryOwner<byte>> question)
    {
        using NatsMemoryOwner<byte> owner = question.Data;
        // An answer goes to somebody who waits for one, and never to the nodes' own subjects.
        if (question.ReplyTo is { } inbox && inbox.StartsWith(_connection.Opts.InboxPrefix + ".", StringComparison.Ordinal))
            _presence.ReceiveQuestion(BytesOf(owner), inbox, Now);
        else
            _presence.CountNonsense();
    }

    // NATS' client makes no memory for an empty message.
    private static ReadOnlySpan<byte> BytesOf(NatsMemoryOwner<byte> owner) => owner.Length == 0 ? default : owner.Span;

    private async Task SayAsync()
    {
        if (_said.Count == 0) return;
        using CancellationTokenSource patience = new(SendTimeMax, _time);
        try
        {
            foreach ((string subject, byte[] message, string? inbox) in _said)
            {
                if (_connection.ConnectionState != NatsConnectionState.Open) break;
                await _connection.PublishAsync(subject, message, replyTo: inbox, cancellationToken: patience.Token).ConfigureAwait(false);
            }
        }
        catch (Exception exception) when (exception is NatsException or OperationCanceledException)
        {
            // NATS has gone. What was not sent is missed on the other side.
        }

        _said.Clear();
    }
}
