// Plays bytes into a WebSocketProtocol, as a connection does, and checks each event against the contract at the head of
// WebSocketProtocol.cs.

using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using RawWs.Frame;

namespace RawWs.Fuzz;

internal sealed class ProtocolRun(WebSocketProtocol protocol, ProtocolLimits limits)
{
    // The contract's number: the longest control frame that a server reads is six bytes of header and 125 of payload.
    private const int LeftOverBytesMax = 131;

    private readonly List<byte> _message = [];
    private readonly byte[] _room = new byte[300];
    private bool _inMessage;
    private bool _over;

    public WebSocketProtocol Protocol { get; } = protocol;

    public Transcript Transcript { get; } = new();

    public Rule? Rule { get; private set; }

    /// <summary>How many bytes had arrived when the rule was found broken.</summary>
    public int FailedAt { get; private set; }

    /// <summary>The bytes so far of the message that has not ended.</summary>
    public ReadOnlySpan<byte> Unfinished => _message.ToArray();

    /// <summary>
    /// The bytes arrive in pieces; what a piece leaves over is put in front of the next. The quick way asks TryReadData first, with room
    /// for what is assembled; what that does not read it leaves as it was, for Next.
    /// </summary>
    public void Play(ReadOnlySpan<byte> bytes, int[] ends, bool quickly = false)
    {
        byte[] held = [];
        int from = 0;
        foreach (int end in ends)
        {
            held = [.. held, .. bytes[from..end]];
            from = end;
            int at = 0;
            while (true)
            {
                byte[] before = held[at..];
                Span<byte> buffer = held.AsSpan(at);
                if (quickly && TryReadData(buffer, before, out int taken))
                {
                    at += taken;
                    continue;
                }

                ProtocolEvent found = Protocol.Next(buffer, out int consumed);
                CheckBuffer(found, before, buffer, consumed);
                Property.Holds(!quickly || found.Kind is not (ProtocolEventKind.Message or ProtocolEventKind.MessageChunk)
                    || found.MessageReserved != ReservedBits.None);
                at += consumed;
                if (found.Kind == ProtocolEventKind.NeedMoreData) break;
                Property.Holds(consumed > 0);
                Add(found, end);
            }

            held = held[at..];
            Property.Holds(held.Length <= LeftOverBytesMax);
        }
    }

    private bool TryReadData(Span<byte> buffer, byte[] before, out int taken)
    {
        taken = 0;
        Span<byte> room = _room.AsSpan(0, before.Length % _room.Length);
        if (!Protocol.TryReadData(buffer, room, out DataChunk chunk))
        {
            Property.SameBytes(buffer, before);
            return false;
        }

        Property.Holds(chunk.Consumed > 0 && chunk.Consumed <= buffer.Length && chunk.PayloadBytes <= chunk.Consumed);
        int payloadAt = chunk.Consumed - chunk.PayloadBytes;
        Property.SameBytes(buffer[chunk.Consumed..], before.AsSpan(chunk.Consumed));
        Property.SameBytes(buffer[..payloadAt], before.AsSpan(0, payloadAt));
        Property.Holds(!_over);
        Property.Same(chunk.IsMessage, chunk.StartOfMessage && chunk.EndOfMessage);
        Span<byte> payload = buffer[payloadAt..chunk.Consumed];
        if (chunk.IsAssembled)
        {
            Property.SameBytes(payload, before.AsSpan(payloadAt, payload.Length));
            payload = room[..payload.Length];
        }

        AddData(payload, chunk.Kind, ReservedBits.None, chunk.StartOfMessage, chunk.EndOfMessage);
        taken = chunk.Consumed;
        return true;
    }

    /// <summary>The bytes are all there, in segments.</summary>
    public void PlaySegments(ReadOnlySpan<byte> bytes, int[] ends)
    {
        ReadOnlySequence<byte> sequence = Cuts.Segments(bytes, ends);
        Span<byte> scratch = stackalloc byte[WebSocketProtocol.ScratchBytesMin];
        while (true)
        {
            long before = sequence.Length;
            ProtocolEvent found = Protocol.Next(ref sequence, scratch);
            Property.Holds(sequence.Length <= before);
            if (found.Kind == ProtocolEventKind.NeedMoreData) break;
            Property.Holds(sequence.Length < before);
            Add(found, bytes.Length);
        }

        Property.Holds(sequence.Length <= LeftOverBytesMax);
    }

    private void CheckBuffer(in ProtocolEvent found, ReadOnlySpan<byte> before, Span<byte> after, int consumed)
    {
        Property.Holds(consumed >= 0 && consumed <= after.Length);
        if (_over)
        {
            Property.Same(found.Kind, ProtocolEventKind.NeedMoreData);
            Property.Same(consumed, after.Length);
            return;
        }

        if (found.Kind == ProtocolEventKind.Fail)
        {
            Property.Same(consumed, after.Length);
            return;
        }

        // The payload is the end of what was consumed. In front of it stands a header, and the code of a Close; behind it nothing changes.
        int payloadAt = consumed - found.Payload.Length;
        Property.Holds(payloadAt >= 0);
        if (found.Payload.Length > 0) Property.Holds(after.Slice(payloadAt, found.Payload.Length) == found.Payload);
        Property.SameBytes(after[consumed..], before[consumed..]);
        int headerLength = Math.Min(payloadAt, found.Kind == ProtocolEventKind.Close ? found.Header.HeaderLength : payloadAt);
        Property.SameBytes(after[..headerLength], before[..headerLength]);
    }

    private void Add(in ProtocolEvent found, int arrived)
    {
        Property.Holds(!_over);
        switch (found.Kind)
        {
            case ProtocolEventKind.Message:
            case ProtocolEventKind.MessageChunk:
                AddData(found);
                break;
            case ProtocolEventKind.Ping:
            case ProtocolEventKind.Pong:
                Property.Same(found.Header.Opcode, found.Kind == ProtocolEventKind.Ping ? Opcode.Ping : Opcode.Pong);
                Transcript.Control((int)found.Header.Opcode, found.Payload);
                break;
            case ProtocolEventKind.Close:
                AddClose(found);
                break;
            default:
                Property.Same(found.Kind, ProtocolEventKind.Fail);
                Property.Holds(found.Rule is not null);
                (Rule, FailedAt, _over) = (found.Rule, arrived, true);
                break;
        }
    }

    private void AddData(in ProtocolEvent found)
    {
        bool whole = found.StartOfMessage && found.EndOfMessage;
        Property.Same(found.Kind, whole ? ProtocolEventKind.Message : ProtocolEventKind.MessageChunk);
        AddData(found.Payload, found.MessageKind, found.MessageReserved, found.StartOfMessage, found.EndOfMessage);
    }

    private void AddData(ReadOnlySpan<byte> payload, MessageKind kind, ReservedBits reserved, bool starts, bool ends)
    {
        Property.Same(starts, !_inMessage);
        _inMessage = !ends;
        _message.AddRange(payload);
        Property.Holds(_message.Count <= limits.MessageBytesMax);
        Property.Same(Protocol.MessageBytes, _inMessage ? _message.Count : 0);
        if (!ends) return;
        Transcript.Message((int)kind, (int)reserved, CollectionsMarshal.AsSpan(_message));
        _message.Clear();
    }

    private void AddClose(in ProtocolEvent found)
    {
        _over = true;
        if (found.CloseCode is not { } code)
        {
            Property.Holds(found.Payload.IsEmpty);
            Transcript.Control((int)Opcode.Close, []);
            return;
        }

        byte[] payload = new byte[2 + found.Payload.Length];
        BinaryPrimitives.WriteUInt16BigEndian(payload, code);
        found.Payload.CopyTo(payload.AsSpan(2));
        Transcript.Control((int)Opcode.Close, payload);
    }
}
