// What one node asks all others, and their answers, by NATS' own request and reply: how many connections a uid has there, and that they be
// closed. Few ask, and seldom: so it is JSON, and each question goes to everybody.
//
//   {cluster}.ask   {"v":1,"from":"one","kind":"find","uid":"alice"}
//                   {"v":1,"from":"one","kind":"kick","uid":"alice","code":4100,"reason":"…"}
//   the reply       {"v":1,"node":"two","count":2}
//
// Nothing that comes in is trusted: it is short, it is JSON of this form, it names a uid that can be one and a code that a server may send,
// or it is dropped and counted. So many questions wait at most, and so many answers are read. What goes wrong with one question is told,
// and the next one is answered as any.

using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Threading.Channels;
using NATS.Client.Core;
using RawWs.Frame;

namespace RawWs.Server.Nats;

internal sealed record ClusterQuestion(int V, string From, string Kind, string Uid, int Code = 0, string Reason = "");

internal sealed record ClusterReply(int V, string Node, int Count);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, MaxDepth = 4, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(ClusterQuestion))]
[JsonSerializable(typeof(ClusterReply))]
internal sealed partial class ClusterJson : JsonSerializerContext;

internal sealed class ClusterQuestions : IAsyncDisposable
{
    private const int Version = 1;
    private const int BytesMax = 4096;
    private const int WaitingMax = 256;
    private const int AnswersMax = 4096;
    private const string FindKind = "find";
    private const string KickKind = "kick";

    private static readonly TimeSpan AnswerTimeMax = TimeSpan.FromSeconds(1);
    private static readonly NatsBytes Kept = new(BytesMax);
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly NatsConnection _connection;
    private readonly string _subject;
    private readonly string _id;
    private readonly ConnectionDirectory _directory;
    private readonly Action<Exception> _failed;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _end = new();
    private Task _answering = Task.CompletedTask;
    private INatsSub<NatsMemoryOwner<byte>>? _asked;
    private long _nonsense;

    /// <param name="connection">What it goes over.</param>
    /// <param name="cluster">The cluster's name.</param>
    /// <param name="id">This node.</param>
    /// <param name="directory">Its connections.</param>
    /// <param name="failed">Is told of an exception that nobody has expected.</param>
    /// <param name="time">The clock.</param>
    public ClusterQuestions(
        NatsConnection connection, string cluster, string id, ConnectionDirectory directory, Action<Exception> failed, TimeProvider time) =>
        (_connection, _subject, _id, _directory, _failed, _time) = (connection, $"{cluster}.ask", id, directory, failed, time);

    /// <summary>Whether this node answers: not before it knows that no other one has its id. Any thread.</summary>
    public Func<bool> MayAnswer { get; init; } = static () => true;

    /// <summary>How many questions and answers made no sense.</summary>
    public long Nonsense => Interlocked.Read(ref _nonsense);

    private static NatsSubOpts Bounded { get; } = new()
    {
        // What does not fit is lost, and whoever has asked is not answered: nothing else that comes over this connection waits for it.
        ChannelOpts = new NatsSubChannelOpts { Capacity = WaitingMax, FullMode = BoundedChannelFullMode.DropWrite },
    };

    /// <summary>Begins to answer.</summary>
    public async Task StartAsync()
    {
        _asked = await _connection.SubscribeCoreAsync(_subject, serializer: Kept, opts: Bounded).ConfigureAwait(false);
        _answering = AnswerAllAsync(_asked);
    }

    /// <summary>How many open connections a uid has on each node.</summary>
    public Task<ClusterAnswer> FindAsync(string uid, IReadOnlyList<string> nodes, TimeSpan within, CancellationToken cancellation) =>
        AskAsync(new ClusterQuestion(Version, _id, FindKind, uid), nodes, within, cancellation);

    /// <summary>Closes a uid's connections on each node, and says how many there were.</summary>
    public Task<ClusterAnswer> KickAsync(
        string uid, ushort code, string reason, IReadOnlyList<string> nodes, TimeSpan within, CancellationToken cancellation) =>
        AskAsync(new ClusterQuestion(Version, _id, KickKind, uid, code, reason), nodes, within, cancellation);

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync().ConfigureAwait(false);
        if (_asked is not null) await _asked.DisposeAsync().ConfigureAwait(false);
        await _answering.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _end.Dispose();
    }

    /// <summary>What a question is, if it is one.</summary>
    /// <param name="bytes">What has come.</param>
    public static ClusterQuestion? Read(ReadOnlySpan<byte> bytes)
    {
        ClusterQuestion? question = NatsMessages.Parse(bytes, BytesMax, ClusterJson.Default.ClusterQuestion);
        if (question is not { V: Version } || !NodeId.IsValid(question.From) || FindUid(question.Uid) is null) return null;
        if (question.Kind == FindKind) return question;
        return question.Kind == KickKind && question.Code is >= 0 and <= ushort.MaxValue
            && CloseCodes.MaySend(Role.Server, (ushort)question.Code) && FitsClose(question.Reason)
                ? question
                : null;
    }

    /// <summary>What an answer is, if it is one.</summary>
    public static ClusterReply? ReadReply(ReadOnlySpan<byte> bytes) =>
        NatsMessages.Parse(bytes, BytesMax, ClusterJson.Default.ClusterReply) is { V: Version, Count: >= 0 } reply
            && NodeId.IsValid(reply.Node)
                ? reply
                : null;

    /// <summary>A uid's bytes; null if it cannot be one.</summary>
    public static byte[]? FindUid(string uid) =>
        TryEncode(uid) is { Length: >= 1 and <= ConnectionDirectory.UidBytesMax } bytes ? bytes : null;

    /// <summary>Whether a Close may have this reason.</summary>
    public static bool FitsClose(string reason) => TryEncode(reason) is { Length: <= ClosePayload.ReasonBytesMax };

    private static byte[]? TryEncode(string text)
    {
        if (text.Length > BytesMax) return null;
        try
        {
            return Strict.GetBytes(text);
        }
        catch (EncoderFallbackException)
        {
            return null; // half of a surrogate pair
        }
    }

    private async Task<ClusterAnswer> AskAsync(
        ClusterQuestion question, IReadOnlyList<string> nodes, TimeSpan within, CancellationToken cancellation)
    {
        List<NodeConnections> counts = [new NodeConnections(_id, Do(question))];
        HashSet<string> left = [.. nodes];
        if (left.Count > 0 && _connection.ConnectionState == NatsConnectionState.Open)
            await GatherAsync(question, left, counts, within, cancellation).ConfigureAwait(false);
        return new ClusterAnswer(counts, [.. left.Order(StringComparer.Ordinal)]);
    }

    private async Task GatherAsync(
        ClusterQuestion question, HashSet<string> left, List<NodeConnections> counts, TimeSpan within, CancellationToken cancellation)
    {
        using CancellationTokenSource patience = new(within, _time);
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellation);
        try
        {
            string inbox = _connection.NewInbox();
            await using INatsSub<NatsMemoryOwner<byte>> answers =
                await _connection.SubscribeCoreAsync(inbox, serializer: Kept, opts: Bounded, cancellationToken: end.Token)
                    .ConfigureAwait(false);
            byte[] asked = JsonSerializer.SerializeToUtf8Bytes(question, ClusterJson.Default.ClusterQuestion);
            await _connection.PublishAsync(_subject, asked, replyTo: inbox, cancellationToken: end.Token).ConfigureAwait(false);
            for (int read = 0; read < AnswersMax && left.Count > 0; read++)
            {
                NatsMsg<NatsMemoryOwner<byte>> answer = await answers.Msgs.ReadAsync(end.Token).ConfigureAwait(false);
                using NatsMemoryOwner<byte> owner = answer.Data;
                // One that is not known here has nothing to say, and one that has answered nothing more.
                if (ReadReply(NatsMessages.BytesOf(owner)) is { } reply && left.Remove(reply.Node))
                    counts.Add(new NodeConnections(reply.Node, reply.Count));
                else
                    Interlocked.Increment(ref _nonsense);
            }
        }
        catch (Exception exception) when (!cancellation.IsCancellationRequested && NatsWire.IsEndOfConnection(exception))
        {
            // Who has not answered by now is told as silent.
        }
    }

    private async Task AnswerAllAsync(INatsSub<NatsMemoryOwner<byte>> asked)
    {
        await foreach (NatsMsg<NatsMemoryOwner<byte>> message in asked.Msgs.ReadAllAsync().ConfigureAwait(false))
        {
            try
            {
                await AnswerAsync(message).ConfigureAwait(false);
            }
            catch (Exception exception)
            {
                _failed(exception);
            }
        }
    }

    private async Task AnswerAsync(NatsMsg<NatsMemoryOwner<byte>> message)
    {
        using NatsMemoryOwner<byte> owner = message.Data;
        if (Read(NatsMessages.BytesOf(owner)) is not { } question || message.ReplyTo is not { } inbox
            || !NatsMessages.IsInbox(_connection, inbox))
        {
            Interlocked.Increment(ref _nonsense);
        }
        else if (question.From != _id && MayAnswer())
        {
            await AnswerAsync(inbox, Do(question)).ConfigureAwait(false);
        }
    }

    // While NATS is away its client would keep an answer until it is back, and everything would wait for that, the end of this node too.
    private async Task AnswerAsync(string inbox, int count)
    {
        using CancellationTokenSource patience = new(AnswerTimeMax, _time);
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, _end.Token);
        try
        {
            byte[] reply = JsonSerializer.SerializeToUtf8Bytes(new ClusterReply(Version, _id, count), ClusterJson.Default.ClusterReply);
            await _connection.PublishAsync(inbox, reply, cancellationToken: end.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (NatsWire.IsEndOfConnection(exception))
        {
            // NATS has gone: whoever has asked is told that this node is silent.
        }
    }

    private int Do(ClusterQuestion question)
    {
        byte[] uid = FindUid(question.Uid)!;
        return question.Kind == KickKind
            ? _directory.Kick(MessageTarget.ToUid(uid), (ushort)question.Code, question.Reason)
            : _directory.Find(uid).Count(static connection => connection.IsOpen);
    }
}
