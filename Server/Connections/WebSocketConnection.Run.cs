// The connection's life as one async method over the PipeReader, the same on every transport. It waits for bytes in one place, so that an
// idle connection keeps only one small state machine alive. What is seldom awaited (a handler, an application's decision, the end of an
// ending) is a task of its own, which is gone when it is done. Each await goes on on the loop's thread: a read completes inline there, and
// anything that completes elsewhere comes back by a post.

using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using RawWs.Handshake;
using RawWs.Server.Channels;
using RawWs.Server.Connections;
using RawWs.Server.Extensions;
using RawWs.Server.Log;
using RawWs.Server.Loops;
using RawWs.Server.Sending;

namespace RawWs.Server;

public sealed partial class WebSocketConnection
{
    private const int BytesPerConnectionMin = 8 * 1024; // with less room than this under the memory limit, no connection is accepted

    private Task? _pending; // what must end before the next read: a handler that awaits, or the application's decision

    private async LoopMethod RunAsync()
    {
        try
        {
            BeginHandshake();
            while (_phase < Phase.Ending)
            {
                HandleRead(await _transport.Read());
                if (_pending is null) continue;
                await _pending.ConfigureAwait(false);
                _pending = null;
                ReturnIdleAssembler();
            }

            await EndAsync().ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            // A peer cannot cause an exception. So this one is a bug of the server, or the process has no memory. It ends this connection
            // and no other.
            (EndCause cause, ushort code) = _context.OnFailed(this, exception);
            SetEnding(cause, code, "");
            _reset = true;
        }

        // A thread of the pool may run this, and there an exception would end the process.
        try
        {
            Finish();
        }
        catch (Exception exception)
        {
            _context.Log.ConnectionFailed(exception, Id);
        }
    }

    private void HandleRead(ReadResult read)
    {
        if (_phase == Phase.Handshake) HandleRequest(read);
        else if (_phase < Phase.Ending) HandleFrames(read);
    }

    private void BeginHandshake()
    {
        _begunAt = _loop.Uptime;
        _lastReceived = _loop.Now;
        _deadline = _loop.Now + _context.HandshakeTimeout;
        ArmBy(_deadline);
    }

    private void HandleRequest(ReadResult read)
    {
        ReadOnlySequence<byte> buffer = read.Buffer;
        if (read.IsCanceled)
        {
            _transport.AdvanceTo(buffer.Start);
            Refuse(HandshakeRules.TooSlow, headOnly: false);
            return;
        }

        UpgradeRequest request = _loop.Request;
        RequestProgress progress = _assembler?.Head ?? default;
        RequestStatus status = RequestReader.TryRead(ref buffer, _context.RequestLimits, request, ref progress,
            out HandshakeRule? violation);
        if (_loop.WatchesConnections && status == RequestStatus.Done)
            TellRequest(request, read.Buffer, read.Buffer.Length - buffer.Length); // while its bytes are there
        _transport.AdvanceTo(buffer.Start, status == RequestStatus.NeedMoreData ? buffer.End : buffer.Start);
        RememberHead(status == RequestStatus.NeedMoreData && !read.IsCompleted ? progress : default);
        if (status == RequestStatus.Violation)
        {
            Refuse(violation!, headOnly: false);
        }
        else if (status == RequestStatus.Done)
        {
            CheckRequest(request);
        }
        else if (read.IsCompleted)
        {
            SetEnding(EndCause.PeerVanished, null, "");
            MoveTo(Phase.Ending);
        }
    }

    // A head that comes in pieces has an assembler, like an unfinished message: it remembers how far the head has been checked.
    private void RememberHead(RequestProgress progress)
    {
        bool isUnderWay = progress.HasBegun;
        if (!isUnderWay && _assembler is null) return;
        (_assembler ??= RentAssembler()).Head = progress;
        if (!isUnderWay) ReturnIdleAssembler();
    }

    private void CheckRequest(UpgradeRequest request)
    {
        UpgradeResult result = UpgradeRules.Check(request, _context.Policy);
        if (result.NullOriginUsed) _context.WarnOfNullOrigin();
        if (result.Kind == UpgradeResultKind.Refuse)
            Refuse(result.Rule!, result.HeadOnly, OriginAdvice.Of(request, result.Rule!));
        else if (_overLimit) Refuse(HandshakeRules.TooManyConnections, result.HeadOnly);
        else if (!_context.Budget.HasRoomFor(BytesPerConnectionMin)) Refuse(HandshakeRules.OutOfMemory, result.HeadOnly);
        else if (result.Kind == UpgradeResultKind.Page) ServePage(_context.Options.FindPage(request.Path), result.HeadOnly);
        else Ask(request, result);
    }

    // The application decides last.
    private void Ask(UpgradeRequest request, UpgradeResult result)
    {
        UpgradeDecision decision;
        try
        {
            UpgradeContext context = _context.RentUpgradeContext(this, request, result.Subprotocol);
            ValueTask<UpgradeDecision> asked = _context.Application.OnUpgrade(context);
            if (!asked.IsCompletedSuccessfully)
            {
                context.KeepAddresses();
                _loop.GiveRequestAway();
                _pending = AwaitDecisionAsync(request, result, asked);
                return;
            }

            decision = asked.Result;
            ServerContext.ReturnUpgradeContext(context);
        }
        catch (Exception exception)
        {
            decision = Fail(exception);
        }

        Decide(request, result, decision);
    }

    private async Task AwaitDecisionAsync(UpgradeRequest request, UpgradeResult result, ValueTask<UpgradeDecision> asked)
    {
        UpgradeDecision decision;
        Task<UpgradeDecision>? task = null;
        try
        {
            TimeSpan left = TimeSpan.FromMilliseconds(Math.Max(1, _deadline - _loop.Now));
            task = asked.AsTask();
            decision = await task.WaitAsync(left, _context.Options.TimeProvider).ConfigureAwait(false);
        }
        catch (TimeoutException) when (task is { IsCompleted: false })
        {
            // A timeout that the application itself throws is a failure like any other: then its task is completed.
            decision = UpgradeDecision.Refuse(503, "The application did not decide in time.");
        }
        catch (Exception exception)
        {
            decision = Fail(exception);
        }

        await new LoopSwitch(_loop);
        if (_phase == Phase.Handshake) Decide(request, result, decision);
    }

    private UpgradeDecision Fail(Exception exception)
    {
        _context.Log.HandlerThrew(exception, Id);
        return UpgradeDecision.Refuse(500, "The application failed.");
    }

    private void Decide(UpgradeRequest request, UpgradeResult result, UpgradeDecision decision)
    {
        if (!decision.IsAccepted) Answer(decision.Status, decision.Text!);
        else if (decision.Subprotocol is null || request.Subprotocols.Contains(decision.Subprotocol, StringComparer.Ordinal))
            Accept(request, result, decision);
        else Answer(500, "The application named a subprotocol that was not offered."); // §4.2.2, point 5.5
    }

    private void Accept(UpgradeRequest request, UpgradeResult result, UpgradeDecision decision)
    {
        List<DeclinedOffer>? declined = _loop.Watch.LogsConnections ? [] : null;
        ExtensionAgreement? agreement = _context.Extensions?.Negotiate(request, declined);
        if (declined is not null) TellDeclined(declined);
        if (agreement is { HasRoom: false })
        {
            // It is better to refuse now than to close with 1013 at the first message.
            Refuse(HandshakeRules.OutOfMemory, headOnly: false);
            return;
        }

        _terms = _context.Terms(decision.Endpoint ?? request.Path, decision.Subprotocol ?? result.Subprotocol, agreement?.ResponseText);
        _extension = agreement?.Begin();
        State = decision.State;
        ArrayBufferWriter<byte> answer = ServerContext.RentWriter();
        UpgradeResponse.WriteSwitchingProtocols(answer, request, Subprotocol, Extensions);
        // Queued first and sent last: when the client reads it, the application and all senders know the connection.
        Append(answer.WrittenSpan, SendQueue.EntryKind.Http);
        ServerContext.ReturnWriter(answer);

        MoveTo(Phase.Open);
        lock (_transport)
        {
            _accepting = true;
            _broadcastsHad = _loop.Broadcasts.End;
        }

        // The uid was free when the upgrade was decided. It may have a connection now.
        bool isTaken = !decision.Uid.IsEmpty && !_context.Directory.TryJoin(this, decision.Uid, decision.Duplicates);
        _opened = true;
        _lastReceived = _lastPing = _loop.Now;
        if (_context.Options.PingText is not null) _transport.SetUserTimeout(_context.Options.PingInterval * 2);
        _deadline = long.MaxValue;
        ArmForSilence();
        if (_loop.WatchesConnections) TellOpened();
        try
        {
            _context.Application.OnOpen(this);
        }
        catch (Exception exception)
        {
            FailHandler(exception);
        }

        if (isTaken) RequestClose(EndCause.Rejected, ServerCloseCodes.Rejected, "uid taken", dropUnsent: false);
        Flush();
    }

    private void ServePage(HttpPage page, bool headOnly)
    {
        ArrayBufferWriter<byte> answer = ServerContext.RentWriter();
        UpgradeResponse.WritePage(answer, page.Html.Span, headOnly, page.ContentSecurityPolicy, _context.Date.Now);
        AnswerAndEnd(answer, 200, "page");
    }

    private void Refuse(HandshakeRule rule, bool headOnly, string? detail = null)
    {
        ArrayBufferWriter<byte> answer = ServerContext.RentWriter();
        string? shown = detail is null ? null : LogText.Escape(detail, OriginAdvice.CharactersMax);
        UpgradeResponse.WriteRefusal(answer, rule, headOnly, _context.Date.Now, shown);
        AnswerAndEnd(answer, rule.Status, detail is null ? rule.Text : $"{rule.Text} {detail}", rule.Name);
    }

    private void Answer(int status, string text)
    {
        ArrayBufferWriter<byte> answer = ServerContext.RentWriter();
        UpgradeResponse.WriteError(answer, status, text, headOnly: false, _context.Date.Now);
        AnswerAndEnd(answer, status, text);
    }

    private void AnswerAndEnd(ArrayBufferWriter<byte> answer, int status, string text, string? rule = null)
    {
        SetEnding(EndCause.Http, status, text, rule);
        if (_loop.WatchesConnections) TellAnswer(status, text, rule);
        MoveTo(Phase.Ending);
        Append(answer.WrittenSpan, SendQueue.EntryKind.Http);
        ServerContext.ReturnWriter(answer);
    }

    private async Task FinishHandlerAsync(ValueTask task, byte[]? copy, HandlerShare? share)
    {
        Exception? thrown = null;
        try
        {
            await task.ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            thrown = exception;
        }

        await new LoopSwitch(_loop);
        if (copy is not null) _loop.Budget.Return(copy);
        _assembler?.Release(_loop.Budget);
        if (thrown is not null) FailHandler(thrown);
        if (share is not null) EndHandlerShare(share);
        RestartSilence();
        _transport.ResumeReading(ReadPauseReasons.Handler);
    }

    /// <summary>
    /// An await of this continues the method on the loop's thread, in a turn of its own. Never at once, even on that thread: the code that
    /// completed the awaited operation may be handling another connection's bytes.
    /// </summary>
    private readonly struct LoopSwitch(SendingLoop loop) : ICriticalNotifyCompletion
    {
        public bool IsCompleted => false;

        public LoopSwitch GetAwaiter() => this;

        public void GetResult()
        {
        }

        public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

        public void UnsafeOnCompleted(Action continuation) => loop.Post(new Continuation(continuation));

        private sealed class Continuation(Action action) : ILoopWork
        {
            public void OnPosted() => action();
        }
    }
}
