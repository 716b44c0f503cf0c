// The two state machines of a connection, as data. Conversation looks its next state up here and holds no other opinion.
//
// A WebSocket connection carries messages, and a message may be cut into frames (§5.4). The first frame says what the message is (text
// or binary), the following ones say only "continuation", and the last one has FIN set. There is no message number in a frame: a
// continuation belongs to the one message that is open, and so a second message cannot begin before the first has ended. Control frames
// are whole in themselves and may come between any two frames; they leave the message as it was. That is the first machine. It has
// three states (no message is open, a text is, a binary one is) and everything that can happen to it is a frame of some kind, or the last
// byte of a frame with FIN:
//
//      state \ event    Text        Binary      Continuation   Control    message ends
//      None             Text        Binary      refused        None       —
//      Text             refused     refused     Text           Text       None
//      Binary           refused     refused     Binary         Binary     None
//
// An unfragmented message goes None → Text → None within one frame. Each refusal names the rule that is broken. It has a next state
// too: the one that a reader without that rule would go to. Only a test that switches the rule off ever gets there.
//
// The second machine is the closing handshake (§7.1.2 to §7.1.7). Either side may begin it by sending a Close frame, the other answers with one,
// and whoever has both sent and received one is done. Both may begin at once; the table then goes Open → CloseSent → Closed as if the
// second frame were the answer, which is what §5.5.1 asks for. Failing the connection ends all of it: nothing that arrives later counts.
//
//      state \ event    we send Close   a Close arrives   the peer breaks a rule
//      Open             CloseSent       CloseReceived     Failed
//      CloseSent        CloseSent       Closed            Failed
//      CloseReceived    Closed          —                 —
//      Closed           Closed          —                 —
//      Failed           Failed          —                 —
//
// The dashes cannot happen: bytes are parsed in the first two states only (§1.4: data after a Close is discarded).

namespace RawWs.Frame;

/// <summary>How far the closing handshake has come (§7.1).</summary>
public enum ClosingState : byte
{
    /// <summary>No Close frame has gone either way.</summary>
    Open,

    /// <summary>We sent one; the peer's is awaited, and frames are still read and judged.</summary>
    CloseSent,

    /// <summary>The peer sent one; what it sends after it is discarded (§1.4).</summary>
    CloseReceived,

    /// <summary>Both were sent.</summary>
    Closed,

    /// <summary>The peer broke a rule; what it sends after that is discarded (§7.1.7).</summary>
    Failed,
}

/// <summary>The message that is open.</summary>
internal enum MessageState : byte
{
    None,
    Text,
    Binary,
}

/// <summary>What can happen to a message.</summary>
internal enum MessageEvent : byte
{
    Text,
    Binary,
    Continuation,
    Control,
    MessageEnds,
}

/// <summary>What can happen to the closing handshake.</summary>
internal enum ClosingEvent : byte
{
    CloseSent,
    CloseReceived,
    RuleBroken,
}

/// <summary>The tables.</summary>
internal static class ConversationTable
{
    /// <summary>A cell: the state that follows, and the rule that was broken, if one was.</summary>
    internal readonly record struct Transition(MessageState Next, Rule? Refused = null);

    private const int MessageEvents = 5;
    private const int ClosingEvents = 3;

    private static readonly Transition[] Messages =
    [
        // None, and: Text, Binary, Continuation, Control, message ends
        new(MessageState.Text),
        new(MessageState.Binary),
        new(MessageState.Binary, FrameRules.ContinuationWithoutMessage),
        new(MessageState.None),
        new(MessageState.None),

        // Text, and: Text, Binary, Continuation, Control, message ends
        new(MessageState.Text, FrameRules.DataFrameInsideMessage),
        new(MessageState.Text, FrameRules.DataFrameInsideMessage),
        new(MessageState.Text),
        new(MessageState.Text),
        new(MessageState.None),

        // Binary, and: Text, Binary, Continuation, Control, message ends
        new(MessageState.Binary, FrameRules.DataFrameInsideMessage),
        new(MessageState.Binary, FrameRules.DataFrameInsideMessage),
        new(MessageState.Binary),
        new(MessageState.Binary),
        new(MessageState.None),
    ];

    private static ReadOnlySpan<byte> Closings =>
    [
        // each state, and: we send Close, a Close arrives, the peer breaks a rule
        (byte)ClosingState.CloseSent, (byte)ClosingState.CloseReceived, (byte)ClosingState.Failed,
        (byte)ClosingState.CloseSent, (byte)ClosingState.Closed, (byte)ClosingState.Failed,
        (byte)ClosingState.Closed, (byte)ClosingState.CloseReceived, (byte)ClosingState.CloseReceived,
        (byte)ClosingState.Closed, (byte)ClosingState.Closed, (byte)ClosingState.Closed,
        (byte)ClosingState.Failed, (byte)ClosingState.Failed, (byte)ClosingState.Failed,
    ];

    /// <summary>The cell of the message table.</summary>
    internal static ref readonly Transition After(MessageState state, MessageEvent happened) =>
        ref Messages[((int)state * MessageEvents) + (int)happened];

    /// <summary>The cell of the closing table.</summary>
    internal static ClosingState After(ClosingState state, ClosingEvent happened) =>
        (ClosingState)Closings[((int)state * ClosingEvents) + (int)happened];

    /// <summary>Which column a frame belongs to. A reserved opcode is refused before (§5.2); here it goes with its like.</summary>
    internal static MessageEvent EventOf(Opcode opcode) => opcode switch
    {
        Opcode.Continuation => MessageEvent.Continuation,
        Opcode.Text => MessageEvent.Text,
        < Opcode.Close => MessageEvent.Binary,
        _ => MessageEvent.Control,
    };

    /// <summary>Whether arriving bytes are still frames (§1.4, §7.1.7).</summary>
    internal static bool Parses(ClosingState state) => state <= ClosingState.CloseSent;
}
