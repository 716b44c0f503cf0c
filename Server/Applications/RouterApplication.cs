// The router: `uid:body` goes to the connections of that uid, `all:body` to everybody. What cannot be done is answered with
// `error:CODE:detail`; the README has the list. It uses the server's public face, like any other application.

using System.Runtime.CompilerServices;
using RawWs.Frame;
using RawWs.Handshake;
using RawWs.Server.Routing;

namespace RawWs.Server.Applications;

/// <summary>How a connection gets its uid.</summary>
public enum Introduce : byte
{
    /// <summary>By the first message to a uid that is not reserved, as the demo page does, or by the query.</summary>
    FirstMessage,

    /// <summary>By ?uid= in the request's target only.</summary>
    Query,

    /// <summary>Not at all: nobody has a uid, and everybody can only write to all.</summary>
    None,
}

/// <summary>Routes messages by uid. The README has the protocol.</summary>
/// <param name="introduce">How a connection gets its uid.</param>
/// <param name="duplicates">What happens when a uid has a connection already.</param>
public sealed class RouterApplication(Introduce introduce, DuplicateUid duplicates) : IWebSocketApplication
{
    private ConnectionDirectory? _directory;
    private IDelivery? _delivery;

    /// <summary>Delivers messages. Default: to the connections of the server that runs this application.</summary>
    public IDelivery Delivery
    {
        get => _delivery ?? Directory;
        init => _delivery = value;
    }

    /// <summary>
    /// Decides which of several servers has a uid that one connection alone may have. Default: nobody, this server is the only one.
    /// </summary>
    public IUidClaims? Claims { get; init; }

    /// <summary>Whether clients may send to all. Default: true.</summary>
    public bool ClientsBroadcast { get; init; } = true;

    /// <summary>How many uids have a connection.</summary>
    public int UidCount => _directory?.UidCount ?? 0;

    // 409: the request would succeed if the other connection were not there (RFC 9110 §15.5.10).
    private static UpgradeDecision Taken => UpgradeDecision.Refuse(409, "This uid is taken.");

    private bool IsClaimed => Claims is not null && duplicates != DuplicateUid.Share;

    private ConnectionDirectory Directory => _directory ?? throw new InvalidOperationException("The server has not been started.");

    /// <inheritdoc/>
    public void OnStart(WebSocketServer server)
    {
        ArgumentNullException.ThrowIfNull(server);
        _directory = server.Directory;
    }

    /// <inheritdoc/>
    public ValueTask<UpgradeDecision> OnUpgrade(UpgradeContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return Decide(context.Request, context.IsQuestion);
    }

    /// <inheritdoc/>
    public ValueTask OnMessage(WebSocketConnection connection, WebSocketMessage message)
    {
        ArgumentNullException.ThrowIfNull(connection);
        // tour: route
        ReadOnlySpan<byte> bytes = message.Span;
        if (UidProtocol.IsHeartbeat(message.Kind, bytes)) return ValueTask.CompletedTask;
        if (!UidProtocol.TrySplit(bytes, out ReadOnlySpan<byte> uid, out ReadOnlySpan<byte> body))
            return Tell(connection, UidError.NoColon, default);
        bool toAll = uid.SequenceEqual(UidProtocol.All);
        if (!toAll && UidProtocol.Check(uid) is { } error) return Tell(connection, error, uid);
        if (UidProtocol.LooksLikeNotice(body)) return Tell(connection, UidError.ReservedBody, default);
        WebSocketMessage inner = message.Slice(uid.Length + 1); // behind the colon a character begins
        if (toAll) return SendToAll(connection, inner, message[..uid.Length]);

        // With Introduce.FirstMessage this uid becomes the sender's, and so the body comes back to the sender, and to others of that uid.
        bool joins = introduce == Introduce.FirstMessage && connection.Uid.IsEmpty;
        if (joins && IsClaimed) return ClaimAndDeliver(connection, message[..uid.Length], inner);
        if (joins && !Directory.TryJoin(connection, message.Memory[..uid.Length], duplicates))
            return Tell(connection, UidError.Rejected, uid);
        if (_delivery is not null) return Deliver(connection, message[..uid.Length], inner);
        Tell(connection, Directory.SendToUid(uid, inner), uid);
        return ValueTask.CompletedTask;
        // tour: end
    }

    /// <inheritdoc/>
    public void OnHeartbeatMissed(WebSocketConnection connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        connection.TrySend(MessageKind.Text, UidProtocol.LastWord);
    }

    /// <summary>Decides about the upgrade of a client whose uid is known, whatever its request says.</summary>
    /// <param name="uid">
    /// A uid that <see cref="UidProtocol.Check"/> has nothing against. It must stay valid until the decision is there.
    /// </param>
    /// <param name="isQuestion">Whether the client only wants to know: then no uid is claimed for it.</param>
    public ValueTask<UpgradeDecision> AdmitAsync(ReadOnlyMemory<byte> uid, bool isQuestion = false)
    {
        if (IsTakenHere(uid)) return new(Taken);

        // It may be taken until the upgrade is through. Then the connection is closed.
        return IsClaimed ? ClaimAndAdmit(uid, isQuestion) : new(UpgradeDecision.Accept(uid, duplicates: duplicates));
    }

    /// <summary>Tells a sender what could not be done.</summary>
    /// <param name="connection">The sender.</param>
    /// <param name="error">What is wrong.</param>
    /// <param name="uid">The address of its message, as it stood there.</param>
    public static void Refuse(WebSocketConnection connection, UidError error, ReadOnlySpan<byte> uid)
    {
        ArgumentNullException.ThrowIfNull(connection);
        // An answer is queued like any message. Reading is paused from a client that does not receive its answers, so there is room for
        // one, unless others fill its queue in this moment. Then, where full queues close, the answer follows when there is room, and a
        // client that receives nothing is closed. Where they drop, the answer is dropped, or older messages are (SlowConsumer).
        Span<byte> answer = stackalloc byte[128];
        int length = UidProtocol.WriteError(answer, error, uid);
        SendResult sent = connection.TrySend(MessageKind.Text, answer[..length]);
        if (sent == SendResult.Full) _ = SendLaterAsync(connection, answer[..length].ToArray());
        else CloseIfOutOfMemory(connection, sent);
    }

    private ValueTask SendToAll(WebSocketConnection connection, in WebSocketMessage body, in WebSocketMessage all)
    {
        if (!ClientsBroadcast) return Tell(connection, UidError.Forbidden, all.Span);
        return connection.TryTakeBroadcast()
            ? Answer(connection, Delivery.Publish(MessageTarget.Everybody, body), all)
            : ValueTask.CompletedTask; // it is being closed
    }

    private ValueTask<UpgradeDecision> Decide(UpgradeRequest request, bool isQuestion)
    {
        if (introduce == Introduce.None || !request.TryGetQuery("uid"u8, out byte[] uid, out int count))
            return new(UpgradeDecision.Accept());
        if (count > 1) return new(UpgradeDecision.Refuse(400, "The query names more than one uid."));
        if (UidProtocol.Check(uid) is { } error)
        {
            return new(UpgradeDecision.Refuse(400, error == UidError.Reserved
                ? "This uid is reserved."
                : "A uid is 1 to 64 bytes of UTF-8 without colon or control character."));
        }

        return AdmitAsync(uid, isQuestion);
    }

    // By a connection that keeps it, which is asked whether it lives.
    private bool IsTakenHere(ReadOnlyMemory<byte> uid)
    {
        if (duplicates != DuplicateUid.Reject || Directory.Find(uid.Span).FirstOrDefault(static holder => holder.IsOpen) is not { } holder)
            return false;
        holder.Probe();
        return true;
    }

    private async ValueTask<UpgradeDecision> ClaimAndAdmit(ReadOnlyMemory<byte> uid, bool isQuestion)
    {
        ValueTask<UidClaim> claim = isQuestion ? Claims!.LookAsync(uid, duplicates) : Claims!.ClaimAsync(uid, duplicates);
        return await claim.ConfigureAwait(false) switch
        {
            UidClaim.Granted => UpgradeDecision.Accept(uid, duplicates: duplicates),
            UidClaim.Taken => Taken,
            _ => UpgradeDecision.Refuse(503,
                "It cannot be found out now whether this uid is taken: the backplane (NATS) does not answer; try again later."),
        };
    }

    private async ValueTask ClaimAndDeliver(WebSocketConnection sender, WebSocketMessage address, WebSocketMessage body)
    {
        ReadOnlyMemory<byte> uid = address.Memory;
        // What is taken here needs no claim, which nobody would use.
        UidClaim claim = IsTakenHere(uid) ? UidClaim.Taken : await Claims!.ClaimAsync(uid, duplicates).ConfigureAwait(false);
        if (claim == UidClaim.Unreachable) Refuse(sender, UidError.Unreachable, uid.Span);
        else if (claim == UidClaim.Taken || !Directory.TryJoin(sender, uid, duplicates)) Refuse(sender, UidError.Rejected, uid.Span);
        else await Deliver(sender, address, body).ConfigureAwait(false);
    }

    private ValueTask Deliver(WebSocketConnection sender, in WebSocketMessage address, in WebSocketMessage body) =>
        Answer(sender, Delivery.Publish(MessageTarget.ToUid(address), body), address);

    private static ValueTask Answer(WebSocketConnection sender, ValueTask<DeliveryResult> delivery, in WebSocketMessage address)
    {
        if (!delivery.IsCompletedSuccessfully) return TellLater(sender, address, delivery);
        Tell(sender, delivery.Result, address.Span);
        return ValueTask.CompletedTask;
    }

    // Of each message to another server: what it makes is used again.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private static async ValueTask TellLater(WebSocketConnection connection, WebSocketMessage address,
        ValueTask<DeliveryResult> delivery) =>
        Tell(connection, await delivery.ConfigureAwait(false), address.Span);

    private static void Tell(WebSocketConnection connection, DeliveryResult result, ReadOnlySpan<byte> uid)
    {
        if (result == DeliveryResult.Offline) Refuse(connection, UidError.Offline, uid);
        else if (result == DeliveryResult.TooSlow) Refuse(connection, UidError.TooSlow, uid);
        else if (result == DeliveryResult.Unreachable) Refuse(connection, UidError.Unreachable, uid);
    }

    private static ValueTask Tell(WebSocketConnection connection, UidError error, ReadOnlySpan<byte> uid)
    {
        Refuse(connection, error, uid);
        return ValueTask.CompletedTask;
    }

    private static async Task SendLaterAsync(WebSocketConnection connection, byte[] answer)
    {
        connection.CloseIfTooSlow();
        CloseIfOutOfMemory(connection, await connection.SendAsync(MessageKind.Text, answer).ConfigureAwait(false));
    }

    // Never in silence.
    private static void CloseIfOutOfMemory(WebSocketConnection connection, SendResult sent)
    {
        if (sent == SendResult.OutOfMemory) connection.CloseOutOfMemory();
    }
}
