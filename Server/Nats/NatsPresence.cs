// Presence over NATS: one subject on which nodes ask, and one of this node for the answers. What is lost on the way, because NATS is away
// or too much waits here, is seen from the numbers, and told again. What goes wrong in one turn is told, and is not the end of it.

using System.Threading.Channels;
using NATS.Client.Core;

namespace RawWs.Server.Nats;

internal sealed class NatsPresence : IPresenceWire, IAsyncDisposable
{
    private const int QuestionsMax = 256; // one may be longer than an answer; and it is asked again within a second
    private const int AnswersMax = 2048;

    private static readonly NatsBytes KeptOfQuestions = new(PresenceMessage.QuestionBytesMax);
    private static readonly NatsBytes KeptOfAnswers = new(PresenceMessage.ToldBytesMax);

    // What changes within such a time goes in one message.
    private static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan SendTimeMax = TimeSpan.FromSeconds(1);

    private readonly NatsConnection _connection;
    private readonly string _subject;
    private readonly string _inbox;
    private readonly ClusterPresence _presence;
    private readonly Action<string> _refused;
    private readonly Action<Exception> _failed;
    private readonly TimeProvider _time;
    private readonly List<(string Subject, byte[] Message, string? Inbox)> _said = [];
    private readonly SemaphoreSlim _wake = new(0);
    private INatsSub<NatsMemoryOwner<byte>>? _questions;
    private INatsSub<NatsMemoryOwner<byte>>? _answers;
    private Task _loop = Task.CompletedTask;
    private volatile bool _isEnding;
    private int _isWoken;

    /// <param name="connection">What it goes over.</param>
    /// <param name="cluster">The cluster's name.</param>
    /// <param name="id">This node.</param>
    /// <param name="local">As for <see cref="ClusterPresence"/>.</param>
    /// <param name="members">The same.</param>
    /// <param name="refused">Is told why a watch has ended.</param>
    /// <param name="failed">Is told of an exception that nobody has expected.</param>
    /// <param name="time">The clock.</param>
    public NatsPresence(NatsConnection connection, string cluster, string id, Func<PresenceOptions, PresenceWatch> local,
        Func<ClusterMembers> members, Action<string> refused, Action<Exception> failed, TimeProvider time)
    {
        (_connection, _subject, _refused, _failed, _time) = (connection, $"{cluster}.presence", refused, failed, time);
        _inbox = connection.NewInbox();
        _presence = new ClusterPresence(id, local, members, this);
    }

    /// <summary>How many questions and answers made no sense.</summary>
    public long Nonsense => _presence.Nonsense;

    /// <summary>Begins to answer.</summary>
    public async Task StartAsync()
    {
        _questions = await SubscribeAsync(_subject, KeptOfQuestions, QuestionsMax).ConfigureAwait(false);
        _answers = await SubscribeAsync(_inbox, KeptOfAnswers, AnswersMax).ConfigureAwait(false);
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
        await _loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_questions is not null) await _questions.DisposeAsync().ConfigureAwait(false);
        if (_answers is not null) await _answers.DisposeAsync().ConfigureAwait(false);
        _presence.Dispose();
    }

    void IPresenceWire.Ask(byte[] message) => _said.Add((_subject, message, _inbox));

    void IPresenceWire.Tell(string inbox, byte[] message) => _said.Add((inbox, message, null));

    int IPresenceWire.PayloadBytesMax => NatsMessages.PayloadBytesMaxOf(_connection);

    void IPresenceWire.Refuse(string reason) => _refused(reason);

    // What does not fit is lost: nothing else that comes over this connection waits for it.
    private ValueTask<INatsSub<NatsMemoryOwner<byte>>> SubscribeAsync(string subject, NatsBytes kept, int waitingMax)
    {
        NatsSubChannelOpts bounded = new() { Capacity = waitingMax, FullMode = BoundedChannelFullMode.DropWrite };
        return _connection.SubscribeCoreAsync(subject, serializer: kept, opts: new NatsSubOpts { ChannelOpts = bounded });
    }

    private async Task RunAsync()
    {
        await using ITimer rest = _time.CreateTimer(_ => Wake(), null, Rest, Rest);
        while (!_isEnding)
        {
            Interlocked.Exchange(ref _isWoken, 0);
            try
            {
                TakeTurn();
                await SayAsync().ConfigureAwait(false);
            }
            catch (Exception exception)
            {
                _failed(exception);
            }

            await _wake.WaitAsync().ConfigureAwait(false);
        }
    }

    // A burst of questions or of answers is bounded, so that both are heard.
    private void TakeTurn()
    {
        for (int i = 0; i < QuestionsMax && _questions!.Msgs.TryRead(out NatsMsg<NatsMemoryOwner<byte>> question); i++) Receive(question);
        for (int i = 0; i < AnswersMax && _answers!.Msgs.TryRead(out NatsMsg<NatsMemoryOwner<byte>> answer); i++)
        {
            using NatsMemoryOwner<byte> owner = answer.Data;
            _presence.ReceiveTold(NatsMessages.BytesOf(owner), Now);
        }

        _presence.Turn(Now);
    }

    private long Now => (long)_time.GetElapsedTime(0).TotalMilliseconds;

    private void Wake()
    {
        if (Interlocked.Exchange(ref _isWoken, 1) == 0) _wake.Release();
    }

    private void Receive(NatsMsg<NatsMemoryOwner<byte>> question)
    {
        using NatsMemoryOwner<byte> owner = question.Data;
        if (question.ReplyTo is { } inbox && NatsMessages.IsInbox(_connection, inbox))
            _presence.ReceiveQuestion(NatsMessages.BytesOf(owner), inbox, Now);
        else
            _presence.CountNonsense();
    }

    private async Task SayAsync()
    {
        if (_said.Count == 0) return;
        using CancellationTokenSource patience = new(SendTimeMax, _time);
        try
        {
            foreach ((string subject, byte[] message, string? inbox) in _said)
            {
                if (_connection.ConnectionState != NatsConnectionState.Open || patience.IsCancellationRequested) break;
                await SayAsync(subject, message, inbox, patience.Token).ConfigureAwait(false);
            }
        }
        finally
        {
            _said.Clear();
        }
    }

    private async ValueTask SayAsync(string subject, byte[] message, string? inbox, CancellationToken cancellation)
    {
        try
        {
            await _connection.PublishAsync(subject, message, replyTo: inbox, cancellationToken: cancellation).ConfigureAwait(false);
        }
        catch (Exception exception) when (NatsWire.IsEndOfConnection(exception))
        {
            // NATS has gone, or does not take this one. What was not sent is missed on the other side.
        }
    }
}
