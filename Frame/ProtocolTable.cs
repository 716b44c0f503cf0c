// The two state machines of a connection, as data. WebSocketProtocol finds its next state here. Its quick way (TryReadData) knows by heart
// the cells that are allowed; where it says no, this table decides, and names the rule.
//
// A WebSocket connection carries messages, and a message may be cut into frames (§5.4). The first frame says whether the message is text
// or binary, the following ones say only "continuation", and the last one has FIN set. No frame carries a message number. So a
// continuation belongs to the one message that is open, and a second message cannot begin before the first has ended. A control frame is
// never cut. It may come between any two frames, and changes nothing about the message. That is the first machine. It has three
// states: no message is open, a text message is, a binary message is. Its events are the frames, by their kind, and the last byte of a
// frame with FIN:
//
//      state \ event    Text        Binary      Continuation   Control    message ends
//      None             Text        Binary      refused        None       —
//      Text             refused     refused     Text           Text       None
//      Binary           refused     refused     Binary         Binary     None
//
// A message in one frame goes None → Text → None within that frame. A cell that says "refused" has no next state: it names the rule that is
// broken.
//
// The second machine is the closing handshake (§7.1.2 to §7.1.7). Either side may begin it with a Close frame, and the other side answers
// with one. A side that has sent one and received one is done. If both begin at once the table goes Open → CloseSent → Closed, as if the
// second frame were the answer; §5.5.1 asks for that. After the connection has failed nothing that arrives counts.
//
//      state \ event    we send Close   a Close arrives   the peer breaks a rule
//      Open             CloseSent       CloseReceived     Failed
//      CloseSent        CloseSent       Closed            Failed
//      CloseReceived    Closed          —                 —
//      Closed           Closed          —                 —
//      Failed           Failed          —                 —
//
// The cells with a dash cannot happen, because bytes are read as frames in the first two states only (§1.4: data after a Close is
// discarded).

namespace RawWs.Frame;

/// <summary>How far the closing handshake has come (§7.1).</summary>
public enum ClosingState : byte
{
    /// <summary>No Close frame has been sent or received.</summary>
    Open,

    /// <summary>This end has sent one and waits for the peer's. Frames are still read and checked.</summary>
    CloseSent,

    /// <summary>The peer has sent one. What it sends after it is discarded (§1.4).</summary>
    CloseReceived,

    /// <summary>Both ends have sent one.</summary>
    Closed,

    /// <summary>The peer has broken a rule. What it sends after that is discarded (§7.1.7).</summary>
    Failed,
}

/// <summary>Which message is open: none, a text message or a binary one. The numbers are those of <see cref="MessageKind"/>.</summary>
internal enum MessageState : byte
{
    None,
    Text = MessageKind.Text,
    Binary = MessageKind.Binary,
}

/// <summary>The events of the first machine: its columns.</summary>
internal enum MessageEvent : byte
{
    Text,
    Binary,
    Continuation,
    Control,
    MessageEnds,
}

/// <summary>The events of the second machine: its columns.</summary>
internal enum ClosingEvent : byte
{
    CloseSent,
    CloseReceived,
    RuleBroken,
}

/// <summary>The two tables, and how to look something up in them.</summary>
internal static class ProtocolTable
{
    /// <summary>A cell of the first table: the next state, or the broken rule if the event is refused.</summary>
    internal readonly record struct Transition(MessageState Next, Rule? Refused = null)
    {
        internal Transition(Rule refused)
            : this(MessageState.None, refused)
        {
        }
    }

    private const int MessageEvents = 5;
    private const int ClosingEvents = 3;

    // tour: message-cells
    private static readonly Transition[] Messages =
    [
        // State None; events Text, Binary, Continuation, Control, MessageEnds.
        new(MessageState.Text),
        new(MessageState.Binary),
        new(FrameRules.ContinuationWithoutMessage),
        new(MessageState.None),
        new(MessageState.None),

        // State Text; the same events.
        new(FrameRules.DataFrameInsideMessage),
        new(FrameRules.DataFrameInsideMessage),
        new(MessageState.Text),
        new(MessageState.Text),
        new(MessageState.None),

        // State Binary; the same events.
        new(FrameRules.DataFrameInsideMessage),
        new(FrameRules.DataFrameInsideMessage),
        new(MessageState.Binary),
        new(MessageState.Binary),
        new(MessageState.None),
    ];
    // tour: end

    private static ReadOnlySpan<byte> Closings =>
    [
        // One line for each state; events CloseSent, CloseReceived, RuleBroken.
        (byte)ClosingState.CloseSent, (byte)ClosingState.CloseReceived, (byte)ClosingState.Failed,
        (byte)ClosingState.CloseSent, (byte)ClosingState.Closed, (byte)ClosingState.Failed,
        (byte)ClosingState.Closed, (byte)ClosingState.CloseReceived, (byte)ClosingState.CloseReceived,
        (byte)ClosingState.Closed, (byte)ClosingState.Closed, (byte)ClosingState.Closed,
        (byte)ClosingState.Failed, (byte)ClosingState.Failed, (byte)ClosingState.Failed,
    ];

    /// <summary>The cell of the message table for this state and event.</summary>
    internal static ref readonly Transition After(MessageState state, MessageEvent happened) =>
        ref Messages[((int)state * MessageEvents) + (int)happened];

    /// <summary>The next state of the closing handshake.</summary>
    internal static ClosingState After(ClosingState state, ClosingEvent happened) =>
        (ClosingState)Closings[((int)state * ClosingEvents) + (int)happened];

    /// <summary>The event that a frame is. A reserved opcode has been refused before (§5.2); here it counts as Binary or Control.</summary>
    internal static MessageEvent EventOf(Opcode opcode) => opcode switch
    {
        Opcode.Continuation => MessageEvent.Continuation,
        Opcode.Text => MessageEvent.Text,
        < Opcode.Close => MessageEvent.Binary,
        _ => MessageEvent.Control,
    };

    /// <summary>Whether arriving bytes are still read as frames (§1.4, §7.1.7).</summary>
    internal static bool Parses(ClosingState state) => state <= ClosingState.CloseSent;
}
