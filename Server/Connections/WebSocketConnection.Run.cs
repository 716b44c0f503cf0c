// The connection's life as one async method over the PipeReader, the same on every transport. It waits in one place, so one small
// state machine is all that an idle connection keeps alive; the handshake and the ending are methods of their own, gone
// when they are through. Each await resumes on the loop's thread: a read completes inline there, and whatever completes
// elsewhere (a handler, an application's decision) is brought back by a post.

using System.Buffers;
using System.Runtime.CompilerServices;
using RawWs.Frame;
using RawWs.Handshake;
using RawWs.Server.Log;

namespace RawWs.Server;

public sealed partial class WebSocketConnection
{
    private Action? _continuation; // what runs on the loop once Posted.Continue arrives

    private async Task RunAsync()
    {
        try
        {
            if (await UpgradeAsync().ConfigureAwait(false))
            {
                while (_phase is Phase.Open or Phase.Closing)
                {
                    Take(await _transport.ReadAsync().ConfigureAwait(false));
                    if (_handler is not null) await FinishHandlerAsync().ConfigureAwait(false);
                }
            }

            await EndAsync().ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            // A peer can't cause an exception, so this one is a bug of ours: it costs this connection and no other.
            _context.Log.ConnectionFailed(exception, Id);
            SetVerdict(EndCause.HandlerError, CloseCodes.InternalError, "");
            _reset = true;
        }

        Finish();
    }

    // True when the connection is open now; false when it has been answered by HTTP, or is gone.
    private async ValueTask<bool> UpgradeAsync()
    {
        _openedAt = _lastReceived = _loop.Now;
        _deadline = _loop.Now + _context.HandshakeTimeout;
        ArmBy(_deadline);
        RequestReadResult read = await RequestReader.ReadAsync(_transport, _context.RequestLimits).ConfigureAwait(false);
        if (_phase != Phase.Handshake) return false; // aborted, or the server stops
        switch (read.Status)
        {
            case RequestStatus.EndOfStream:
                SetVerdict(EndCause.PeerVanished, null, "");
                _phase = Phase.Ending;
                return false;
            case RequestStatus.Canceled:
                if (HandshakeRules.Broken(HandshakeRules.TooSlow) is { } tooSlow) return Refuse(tooSlow, headOnly: false);
                _phase = Phase.Ending;
                return false;
            case RequestStatus.Violation:
                return Refuse(read.Violation!, headOnly: false);
        }

        UpgradeRequest request = read.Request!;
        Judgement judgement = UpgradeRules.Judge(request, _context.Policy);
        if (judgement.NullOriginUsed) _context.WarnOfNullOrigin();
        if (judgement.Kind == JudgementKind.Refuse) return Refuse(judgement.Rule!, judgement.HeadOnly);
        if (_overLimit && HandshakeRules.Broken(HandshakeRules.TooManyConnections) is { } full) return Refuse(full, judgement.HeadOnly);
        if (judgement.Kind == JudgementKind.Page) return ServePage(judgement.HeadOnly);

        ValueTask<UpgradeDecision> asked = _context.Application.OnUpgrade(request);
        UpgradeDecision decision = asked.IsCompletedSuccessfully ? asked.Result : await AwaitDecisionAsync(asked).ConfigureAwait(false);
        if (_phase != Phase.Handshake) return false;
        if (!decision.IsAccepted) return Answer(decision.Status, decision.Text!);
        Accept(request, judgement, decision);
        return true;
    }

    private void Accept(UpgradeRequest request, Judgement judgement, UpgradeDecision decision)
    {
        Endpoint = decision.Endpoint ?? request.Path;
        Uid = decision.Uid;
        Subprotocol = decision.Subprotocol ?? judgement.Subprotocol;
        _conversation = new Conversation(Role.Server, _context.ConversationLimits);
        ArrayBufferWriter<byte> answer = ServerContext.RentWriter();
        UpgradeResponse.WriteSwitchingProtocols(answer, request, Subprotocol);
        if (_outbox.Append(answer.WrittenSpan, Outbox.EntryKind.Http)) _loop.MarkDirty(this);
        ServerContext.ReturnWriter(answer);

        _phase = Phase.Open;
        _outbox.Accepting = true;
        _opened = true;
        _lastReceived = _lastPing = _loop.Now;
        if (_context.Options.PingText is not null) _transport.SetUserTimeout(_context.Options.PingInterval * 2);
        _deadline = long.MaxValue;
        ArmForSilence();
        try
        {
            _context.Application.OnOpen(this);
        }
        catch (Exception exception)
        {
            FailHandler(exception);
        }
    }

    private bool ServePage(bool headOnly)
    {
        ArrayBufferWriter<byte> answer = ServerContext.RentWriter();
        UpgradeResponse.WritePage(answer, _context.Page!.Html.Span, headOnly, _context.Page.ContentSecurityPolicy);
        return AnswerAndEnd(answer, 200, "page");
    }

    private bool Refuse(HandshakeRule rule, bool headOnly)
    {
        ArrayBufferWriter<byte> answer = ServerContext.RentWriter();
        UpgradeResponse.WriteRefusal(answer, rule, headOnly);
        _rule = rule.Name;
        return AnswerAndEnd(answer, rule.Status, rule.Text);
    }

    private bool Answer(int status, string text)
    {
        ArrayBufferWriter<byte> answer = ServerContext.RentWriter();
        UpgradeResponse.WriteError(answer, status, text);
        return AnswerAndEnd(answer, status, text);
    }

    private bool AnswerAndEnd(ArrayBufferWriter<byte> answer, int status, string text)
    {
        _outbox.Append(answer.WrittenSpan, Outbox.EntryKind.Http);
        ServerContext.ReturnWriter(answer);
        SetVerdict(EndCause.Http, status, text);
        _phase = Phase.Ending;
        return false;
    }

    private async ValueTask<UpgradeDecision> AwaitDecisionAsync(ValueTask<UpgradeDecision> asked)
    {
        UpgradeDecision decision;
        try
        {
            TimeSpan left = TimeSpan.FromMilliseconds(Math.Max(1, _deadline - _loop.Now));
            decision = await asked.AsTask().WaitAsync(left, _context.Options.TimeProvider).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            decision = UpgradeDecision.Refuse(503, "The application did not decide in time.");
        }
        catch (Exception exception)
        {
            _context.Log.HandlerThrew(exception, Id);
            decision = UpgradeDecision.Refuse(500, "The application failed.");
        }

        await new LoopSwitch(this);
        return decision;
    }

    private async Task FinishHandlerAsync()
    {
        Exception? thrown = null;
        try
        {
            await _handler!.ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            thrown = exception;
        }

        await new LoopSwitch(this);
        AfterHandler(thrown);
    }

    private void ContinueOnLoop()
    {
        Action? continuation = _continuation;
        _continuation = null;
        continuation?.Invoke();
    }

    /// <summary>Awaiting it brings the method back to the loop's thread.</summary>
    private readonly struct LoopSwitch(WebSocketConnection connection) : ICriticalNotifyCompletion
    {
        public bool IsCompleted => connection._loop.IsOwner;

        public LoopSwitch GetAwaiter() => this;

        public void GetResult()
        {
        }

        public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

        public void UnsafeOnCompleted(Action continuation)
        {
            connection._continuation = continuation;
            connection.Post(Posted.Continue);
        }
    }
}
