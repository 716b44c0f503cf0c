// One event of a trace, as it is written: what has a value for this kind of event is there, the rest is not.

using RawWs.Frame;

namespace RawWs.Server.Console.Admin;

/// <summary>What happened on a connection (<see cref="ConnectionEvent"/>).</summary>
internal sealed record TraceEvent
{
    public required string Kind { get; init; }

    public required DateTimeOffset Time { get; init; }

    public long? Connection { get; init; }

    public long? Offset { get; init; }

    public long? SentOffset { get; init; }

    public long? Length { get; init; }

    public TraceFrame? Frame { get; init; }

    /// <summary>The bytes as they are on the wire, in base64.</summary>
    public byte[]? Bytes { get; init; }

    public string? Uid { get; init; }

    public string? Rule { get; init; }

    public string? Phase { get; init; }

    public string? Cause { get; init; }

    public int? Code { get; init; }

    public string? Deadline { get; init; }

    public double? DueSeconds { get; init; }

    public long? QueuedBytes { get; init; }

    /// <summary>Which direction of TCP has ended, and how (<see cref="TcpEnding"/>).</summary>
    public string? Tcp { get; init; }

    public string? Report { get; init; }

    public long? Lost { get; init; }

    public long? LostBytes { get; init; }

    /// <summary>What is written of an event.</summary>
    public static TraceEvent Of(ConnectionEvent told)
    {
        ConnectionEventKind kind = told.Kind;
        bool isFrame = kind is ConnectionEventKind.FrameReceived or ConnectionEventKind.FrameSent or ConnectionEventKind.RuleBroken;
        bool hasBytes = kind is ConnectionEventKind.Received or ConnectionEventKind.Sent;
        bool isPhase = kind == ConnectionEventKind.PhaseChanged, isBegin = kind == ConnectionEventKind.Begun;
        bool isTimer = kind is ConnectionEventKind.TimerArmed or ConnectionEventKind.TimerCame;
        bool isLoss = kind == ConnectionEventKind.Lost;
        return new TraceEvent
        {
            Kind = kind.ToString(),
            Time = told.Time,
            Connection = told.Connection?.Id,
            Offset = isFrame || hasBytes || isBegin ? told.Offset : null,
            SentOffset = isBegin ? told.SentOffset : null,
            Length = kind is ConnectionEventKind.Request or ConnectionEventKind.RuleBroken ? told.Length : null,
            Frame = isFrame ? TraceFrame.Of(told.Header) : null,
            Bytes = hasBytes ? told.Bytes.ToArray() : null,
            Uid = isBegin || kind == ConnectionEventKind.Named ? System.Text.Encoding.UTF8.GetString(told.Connection!.Uid.Span) : null,
            Rule = told.Rule,
            Phase = isPhase ? told.Phase.ToString() : null,
            Cause = isPhase && told.Cause != EndCause.None ? told.Cause.ToString() : null,
            Code = told.Code,
            Deadline = isTimer ? told.Deadline.ToString() : null,
            DueSeconds = kind == ConnectionEventKind.TimerArmed ? told.Due.TotalSeconds : null,
            QueuedBytes = kind == ConnectionEventKind.Queue ? told.QueuedBytes : null,
            Tcp = kind == ConnectionEventKind.TcpEnded ? told.Tcp.ToString() : null,
            Report = told.Report?.ToString(),
            Lost = isLoss ? told.Lost : null,
            LostBytes = isLoss ? told.LostBytes : null,
        };
    }
}

/// <summary>The fields of a frame's header (RFC 6455 §5.2).</summary>
internal sealed record TraceFrame(bool Fin, int Reserved, string Opcode, bool Masked, ulong PayloadLength)
{
    public static TraceFrame Of(FrameHeader header) => new(
        header.Fin, (int)header.Reserved >> 4, header.Opcode.ToString(), header.Masked, header.PayloadLength);
}
