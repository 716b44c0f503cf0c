// The opening handshake (§4.2): the request is awaited, checked and answered. The application decides last.

using System.Buffers;
using System.IO.Pipelines;
using RawWs.Handshake;
using RawWs.Server.Extensions;
using RawWs.Server.Log;
using RawWs.Server.Native;
using RawWs.Server.Proxies;
using RawWs.Server.Sending;

namespace RawWs.Server.Connections;

/// <summary>On the owner's thread. Nothing is kept here: the loop has the request, the assembler a head that is not whole.</summary>
internal static class Opening
{
    /// <summary>With less room than this under the memory limit, no connection is accepted.</summary>
    internal const int BytesPerConnectionMin = 8 * 1024;

    /// <summary>Handles what a read brought: the request's head, or a part of it, or the end of its time.</summary>
    public static void HandleRequest(WebSocketConnection connection, in ReadResult read)
    {
        if (connection.Raw is { } raw)
        {
            raw.Handle(read);
            return;
        }

        ReadOnlySequence<byte> buffer = read.Buffer;
        if (read.IsCanceled)
        {
            if (connection.Loop.WatchesConnections) connection.Loop.Watch.RequestFailed(connection, buffer);
            connection.Transport.AdvanceTo(buffer.Start);
            Refuse(connection, HandshakeRules.TooSlow, headOnly: false);
            return;
        }

        UpgradeRequest request = connection.Loop.Request;
        RequestProgress progress = connection.Incoming.Head;
        RequestStatus status = RequestReader.TryRead(ref buffer, connection.Context.RequestLimits, request, ref progress,
            out HandshakeRule? violation);
        if (status == RequestStatus.Done) FindClient(connection, request);
        if (connection.Loop.WatchesConnections && status == RequestStatus.Done)
            Watching.TellRequest(connection, request, read.Buffer, read.Buffer.Length - buffer.Length); // while its bytes are there
        else if (connection.Loop.WatchesConnections && (status == RequestStatus.Violation || read.IsCompleted))
            connection.Loop.Watch.RequestFailed(connection, read.Buffer);
        bool isPart = status == RequestStatus.NeedMoreData;
        connection.Transport.AdvanceTo(buffer.Start, isPart ? buffer.End : buffer.Start);
        connection.Incoming.RememberHead(connection, isPart && !read.IsCompleted ? progress : default);
        if (status == RequestStatus.Violation) Refuse(connection, violation!, headOnly: false);
        else if (status == RequestStatus.Done) CheckRequest(connection, request);
        else if (read.IsCompleted) connection.Life.OnStreamEnd(connection);
    }

    /// <summary>Answers with the status of a rule.</summary>
    public static void Refuse(WebSocketConnection connection, HandshakeRule rule, bool headOnly, string? detail = null)
    {
        ArrayBufferWriter<byte> answer = ServerContext.RentWriter();
        string? shown = detail is null ? null : LogText.Escape(detail, OriginAdvice.CharactersMax);
        UpgradeResponse.WriteRefusal(answer, rule, headOnly, connection.Context.Date.Now, shown);
        AnswerAndEnd(connection, answer, rule.Status, detail is null ? rule.Text : $"{rule.Text} {detail}", rule.Name);
    }

    // Of whom the proxy says that it asks for him. From here on it is his address that counts.
    private static void FindClient(WebSocketConnection connection, UpgradeRequest request)
    {
        ServerContext context = connection.Context;
        if (context.Trust.Trusts(connection.Peer)
            && ForwardedFields.FindClient(request, context.Options.ForwardedField, context.Trust) is { } client)
            connection.NameClient(new PeerAddress(client));
        connection.Limits?.EnterLate(connection);
    }

    private static void CheckRequest(WebSocketConnection connection, UpgradeRequest request)
    {
        ServerContext context = connection.Context;
        UpgradeResult result = UpgradeRules.Check(request, context.Policy);
        if (result.NullOriginUsed) context.WarnOfNullOrigin();
        if (result.Kind == UpgradeResultKind.Refuse)
            Refuse(connection, result.Rule!, result.HeadOnly, OriginAdvice.Of(request, result.Rule!));
        else if (connection.Limits?.Refusal is { } rule) Refuse(connection, rule, result.HeadOnly);
        else if (connection.Life.IsPastLimit) Refuse(connection, HandshakeRules.TooManyConnections, result.HeadOnly);
        else if (!context.Budget.HasRoomFor(BytesPerConnectionMin)) Refuse(connection, HandshakeRules.OutOfMemory, result.HeadOnly);
        else if (result.Kind == UpgradeResultKind.Page) ServePage(connection, context.Options.FindPage(request.Path), result.HeadOnly);
        else Ask(connection, request, result);
    }

    // The application decides last.
    private static void Ask(WebSocketConnection connection, UpgradeRequest request, UpgradeResult result)
    {
        UpgradeDecision decision;
        try
        {
            UpgradeContext context = connection.Context.RentUpgradeContext(connection, request, result.Subprotocol);
            ValueTask<UpgradeDecision> asked = connection.Context.Application.OnUpgrade(context);
            if (!asked.IsCompletedSuccessfully)
            {
                context.KeepAddresses();
                connection.Loop.GiveRequestAway();
                connection.Handling.WaitFor(AwaitDecisionAsync(connection, request, result, asked));
                return;
            }

            decision = asked.Result;
            ServerContext.ReturnUpgradeContext(context);
        }
        catch (Exception exception)
        {
            decision = Fail(connection, exception);
        }

        Decide(connection, request, result, decision);
    }

    private static async Task AwaitDecisionAsync(
        WebSocketConnection connection, UpgradeRequest request, UpgradeResult result, ValueTask<UpgradeDecision> asked)
    {
        UpgradeDecision decision;
        Task<UpgradeDecision>? task = null;
        try
        {
            task = asked.AsTask();
            decision = await task
                .WaitAsync(connection.Deadlines.LeftForAnswer(connection), connection.Context.Options.TimeProvider).ConfigureAwait(false);
        }
        catch (TimeoutException) when (task is { IsCompleted: false })
        {
            // A timeout that the application itself throws is a failure like any other: then its task is completed.
            decision = UpgradeDecision.Refuse(503, "The application did not decide in time.");
        }
        catch (Exception exception)
        {
            decision = Fail(connection, exception);
        }

        await new LoopSwitch(connection.Loop);
        if (connection.Life.IsHandshake) Decide(connection, request, result, decision);
    }

    private static UpgradeDecision Fail(WebSocketConnection connection, Exception exception)
    {
        connection.Context.Log.HandlerThrew(exception, connection.Id);
        return UpgradeDecision.Refuse(500, "The application failed.");
    }

    private static void Decide(WebSocketConnection connection, UpgradeRequest request, UpgradeResult result, UpgradeDecision decision)
    {
        if (!decision.IsAccepted) Answer(connection, decision);
        else if (decision.Raw is { } handler) TakeOver(connection, decision.Endpoint ?? request.Path, handler, decision.RawTime);
        else if (!decision.Uid.IsEmpty && decision.Duplicates == DuplicateUid.Share
            && !connection.Context.Directory.HasRoom(decision.Uid.Span))
            Refuse(connection, HandshakeRules.TooManyOfUid, headOnly: false);
        else if (decision.Subprotocol is null || request.Subprotocols.Contains(decision.Subprotocol, StringComparer.Ordinal))
            Accept(connection, request, result, decision);
        else Answer(connection, UpgradeDecision.Refuse(500, "The application named a subprotocol that was not offered.")); // §4.2.2, 5.5
    }

    // To the phases nothing has happened: the answer is awaited still, from the handler.
    private static void TakeOver(WebSocketConnection connection, string endpoint, IRawHandler handler, TimeSpan most)
    {
        RawConnection raw = new(connection, handler);
        connection.Agree(connection.Context.Terms(endpoint, null, null, null) with { Raw = raw }, null);
        connection.Life.OnTakenOver(connection);
        connection.Deadlines.BeginRaw(connection, most);
        raw.Begin();
    }

    private static void Accept(WebSocketConnection connection, UpgradeRequest request, UpgradeResult result, UpgradeDecision decision)
    {
        List<DeclinedOffer>? declined = connection.Loop.Watch.LogsConnections ? [] : null;
        ExtensionAgreement? agreement = connection.Context.Extensions?.Negotiate(request, declined);
        if (declined is not null) Watching.TellDeclined(connection, declined);
        if (agreement is { HasRoom: false })
        {
            // It is better to refuse now than to close with 1013 at the first message.
            Refuse(connection, HandshakeRules.OutOfMemory, headOnly: false);
            return;
        }

        connection.Agree(
            connection.Context.Terms(
                decision.Endpoint ?? request.Path, decision.Subprotocol ?? result.Subprotocol, agreement?.ResponseText,
                decision.Application),
            agreement?.Begin());
        connection.State = decision.State;
        ArrayBufferWriter<byte> answer = ServerContext.RentWriter();
        UpgradeResponse.WriteSwitchingProtocols(answer, request, connection.Subprotocol, connection.Extensions);
        // Queued first and sent last: when the client reads it, the application and all senders know the connection.
        connection.Queue.Append(connection, answer.WrittenSpan, SendQueue.EntryKind.Http);
        ServerContext.ReturnWriter(answer);
        Open(connection, decision);
    }

    private static void Open(WebSocketConnection connection, UpgradeDecision decision)
    {
        connection.Life.OnUpgrade(connection);
        connection.Queue.BeginAccepting(connection, decision.IsApart);
        // The uid was free when the upgrade was decided. It may have a connection now.
        bool isTaken = !decision.Uid.IsEmpty
            && !connection.Context.Directory.TryJoin(connection, decision.Uid, decision.Duplicates);
        connection.Life.OnOpened();
        connection.Limits?.Open(connection);
        ServerOptions options = connection.Context.Options;
        if (options.PingText is not null) connection.Transport.SetUserTimeout(options.PingInterval * 2);
        connection.Deadlines.Open(connection);
        if (connection.Loop.WatchesConnections) Watching.TellOpened(connection);
        try
        {
            connection.Application.OnOpen(connection);
        }
        catch (Exception exception)
        {
            connection.Life.FailHandler(connection, exception);
        }

        if (isTaken) connection.Life.RequestClose(connection, Endings.Rejected);
        connection.Outgoing.Flush(connection);
        connection.Context.OnOpened(connection);
    }

    private static void ServePage(WebSocketConnection connection, HttpPage page, bool headOnly)
    {
        ArrayBufferWriter<byte> answer = ServerContext.RentWriter();
        UpgradeResponse.WritePage(answer, page.Html.Span, headOnly, page.ContentSecurityPolicy, connection.Context.Date.Now,
            page.ContentType);
        AnswerAndEnd(connection, answer, 200, "page");
    }

    private static void Answer(WebSocketConnection connection, UpgradeDecision refusal)
    {
        ArrayBufferWriter<byte> answer = ServerContext.RentWriter();
        UpgradeResponse.WriteError(answer, refusal.Status, refusal.Text!, headOnly: false, connection.Context.Date.Now);
        AnswerAndEnd(connection, answer, refusal.Status, refusal.Reason ?? refusal.Text!, refusal.Rule);
    }

    private static void AnswerAndEnd(
        WebSocketConnection connection, ArrayBufferWriter<byte> answer, int status, string text, string? rule = null)
    {
        connection.Life.OnAnswer(connection, status, text, rule);
        connection.Queue.Append(connection, answer.WrittenSpan, SendQueue.EntryKind.Http);
        ServerContext.ReturnWriter(answer);
    }
}
