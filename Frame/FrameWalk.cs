// Runs a WebSocketProtocol over bytes for FrameExplainer, one more byte at a time, and writes down where its frames lie. So a broken rule
// is found at the byte that proves it. This file judges nothing: the protocol does, and for marked messages the caller's decoder and
// CheckDecoded, as in a connection of the server.

namespace RawWs.Frame;

/// <summary>A frame as it was walked over.</summary>
internal sealed class WalkedFrame(int start, FrameHeader header)
{
    public int Start { get; } = start;

    public FrameHeader Header { get; } = header;

    /// <summary>Behind the last byte of it that was read.</summary>
    public int End { get; set; }

    /// <summary>The kind of the message that the frame belongs to; null for a control frame, and where that is not known.</summary>
    public MessageKind? Kind { get; set; }

    public bool IsMarked { get; set; }

    public List<byte>? Decoded { get; set; }
}

/// <summary>One walk.</summary>
internal sealed class FrameWalk
{
    // A few compressed bytes may become a thousand times as many. What comes out is judged, but not kept past this.
    private const int DecodedBytesKept = 1 << 20;

    private readonly WebSocketProtocol _protocol;
    private readonly FrameExplainerOptions _options;
    private readonly byte[] _work;
    private int _kept;
    private WalkedFrame? _current;

    private FrameWalk(ReadOnlySpan<byte> bytes, FrameExplainerOptions options)
    {
        (_options, _work) = (options, bytes.ToArray());
        _protocol = new WebSocketProtocol(options.Role, options.Limits, options.Permitted);
        if (options.CloseSent) _protocol.OnCloseSent();
    }

    /// <summary>The frames, up to so many as are wanted, and the one that breaks a rule.</summary>
    public List<WalkedFrame> Frames { get; } = [];

    /// <summary>How many frames are not among them.</summary>
    public int LeftOut { get; private set; }

    /// <summary>Where the first of those begins.</summary>
    public int LeftFrom { get; private set; }

    /// <summary>Behind the last of those.</summary>
    public int LeftTo { get; private set; }

    public Rule? Rule { get; private set; }

    /// <summary>Where reading ended: at the byte that proves a broken rule, behind a Close, or at the end of the input.</summary>
    public int End { get; private set; }

    /// <summary>Whether a rule was broken by what came out of a decoder.</summary>
    public bool FailedDecoded { get; private set; }

    /// <summary>What the protocol knows at the end.</summary>
    public ExplainedState State { get; private set; } = new();

    public bool IsOver => Rule is not null || !ProtocolTable.Parses(_protocol.Closing);

    public static FrameWalk Of(ReadOnlySpan<byte> bytes, FrameExplainerOptions options)
    {
        FrameWalk walk = new(bytes, options);
        int start = 0;
        for (int arrived = 1; arrived <= bytes.Length && !walk.IsOver; arrived++) start = walk.Step(start, arrived);
        if (!walk.IsOver)
        {
            walk.End = bytes.Length;

            // A frame that the protocol has not consumed yet: its header is not whole, or it is a control frame of which bytes are missing.
            bool isBegun = start < bytes.Length && !walk._protocol.IsInPayload;
            if (isBegun && FrameReader.TryRead(bytes[start..], out FrameHeader header) != ReadStatus.Violation) walk.Begin(start, header);
        }

        walk.Finish();
        walk.State = walk.FindState(bytes[start..]);
        return walk;
    }

    // A part of a frame lies in `begun` as long as the protocol has not consumed its header (of a control frame, all of it).
    private ExplainedState FindState(ReadOnlySpan<byte> begun)
    {
        if (IsOver)
        {
            ClosingState closing = Rule is null ? _protocol.Closing : ClosingState.Failed; // a decoder's rule the protocol has not seen
            return new ExplainedState { HeaderBytesLeft = 0, PayloadBytesLeft = 0, Closing = closing };
        }

        FrameReader.TryRead(begun, out FrameHeader header);
        bool isLengthThere = begun.Length >= 2 + header.ExtendedLengthBytes;
        int payloadBytes = Math.Max(0, begun.Length - header.HeaderLength);
        return new ExplainedState
        {
            Message = _protocol.InMessage ? _protocol.OpenMessage ?? (MessageKind)header.Opcode : null,
            MessageBytes = _protocol.MessageBytes,
            Frame = _protocol.IsInPayload ? _current!.Header.Opcode : begun.Length > 0 ? header.Opcode : null,
            HeaderBytesLeft = begun.Length == 1 ? null : begun.Length > 0 ? Math.Max(0, header.HeaderLength - begun.Length) : 0,
            PayloadBytesLeft = _protocol.IsInPayload ? (ulong)_protocol.PayloadBytesLeft
                : begun.Length == 0 ? 0 : isLengthThere ? header.PayloadLength - (ulong)payloadBytes : null,
            Closing = _protocol.Closing,
        };
    }

    private void Begin(int start, FrameHeader header)
    {
        if (_current is not null) _current.End = start;
        _current = new WalkedFrame(start, header);
        if (Frames.Count < _options.FramesMax) Frames.Add(_current);
        else if (LeftOut++ == 0) LeftFrom = start;
    }

    private void Finish()
    {
        if (_current is null) return;
        _current.End = LeftTo = End;
        if (Rule is null || LeftOut == 0) return;
        LeftOut--;
        LeftTo = _current.Start;
        Frames.Add(_current);
    }

    private int Step(int start, int arrived)
    {
        while (start < arrived && !IsOver)
        {
            bool begins = !_protocol.IsInPayload;
            ProtocolEvent found = _protocol.Next(_work.AsSpan(start, arrived - start), out int consumed);
            if (found.Kind == ProtocolEventKind.NeedMoreData) break;
            if (begins) Begin(start, found.Header);
            start += consumed;
            End = start;
            if (found.Kind == ProtocolEventKind.Fail) (Rule, End) = (found.Rule, arrived);
            else if (found.Kind is ProtocolEventKind.Message or ProtocolEventKind.MessageChunk) TakeData(found);
        }

        return start;
    }

    private void TakeData(in ProtocolEvent found)
    {
        WalkedFrame frame = _current!;
        (frame.Kind, frame.IsMarked) = (found.MessageKind, found.MessageReserved != ReservedBits.None);
        if (!frame.IsMarked || _options.Decoder is not { } decode) return;
        int bytesMax = (int)Math.Min(int.MaxValue, _protocol.DecodedBytesLeft + 1);
        bool decodes = decode(found.Payload, found.StartOfMessage, found.EndOfMessage, bytesMax, out ReadOnlySpan<byte> decoded);
        int kept = Math.Min(decoded.Length, DecodedBytesKept - _kept);
        frame.Decoded ??= [];
        frame.Decoded.AddRange(decoded[..kept]);
        _kept += kept;
        Rule = decodes ? _protocol.CheckDecoded(decoded, found.MessageKind, found.EndOfMessage) : FrameRules.CompressedDataMalformed;
        FailedDecoded = Rule is not null;
    }
}
