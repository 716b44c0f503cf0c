// The Lab's exercises. The judge looks at what went over the wire, as the server has read it, and at nothing else: the page's own words
// count for nothing. What is wrong is a hint's id; the page has the words, in both languages.

using System.Text;
using RawWs.Frame;
using RawWs.Handshake;
using RawWs.Server.Console.Explain;

namespace RawWs.Server.Console.Lab;

/// <summary>What somebody has done.</summary>
/// <param name="Trace">What went over the wire.</param>
/// <param name="Conversation">The same, explained.</param>
/// <param name="Raw">What came of pieces that were sent for it; null if none were.</param>
/// <param name="Text">An answer in words, where one is asked for.</param>
/// <param name="Heartbeat">The server's heartbeat; zero for none.</param>
internal sealed record LabAttempt(LabTrace Trace, Conversation Conversation, LabRawResult? Raw, string Text, TimeSpan Heartbeat)
{
    public IEnumerable<ExplainedFrame> FramesOf(Role sender) =>
        Conversation.Units.Where(unit => unit.Sender == sender && unit.Frame is not null).Select(static unit => unit.Frame!);
}

/// <summary>An exercise.</summary>
/// <param name="Name">Its id.</param>
/// <param name="Section">Where it is written.</param>
/// <param name="Judge">Null if it is solved, else the id of a hint.</param>
/// <param name="ProxyTimeout">What is sent for it goes through a proxy that ends silent connections after so long; null for none.</param>
internal sealed record LabExercise(string Name, string Section, Func<LabAttempt, string?> Judge, TimeSpan? ProxyTimeout = null)
{
    /// <summary>How long a minute lasts where there is a proxy: nobody wants to wait for a whole one.</summary>
    public static readonly TimeSpan ProxyMinute = TimeSpan.FromMilliseconds(600);

    /// <summary>The key for which an Accept is to be made.</summary>
    public const string Key = "UmF3V3MgTGFiIGtleSAxIQ==";

    public static IReadOnlyList<LabExercise> All { get; } =
    [
        new("hi", "RFC 6455 §5.3", Hi),
        new("length126", "RFC 6455 §5.2", Length126),
        new("pingBetween", "RFC 6455 §5.4", PingBetween),
        new("midFrame1007", "RFC 6455 §8.1", MidFrame1007),
        new("small1009", "RFC 6455 §10.4", Small1009),
        new("cause1006", "RFC 6455 §7.1.5", Cause1006),
        new("accept", "RFC 6455 §4.2.2", Accept),
        new("inflateHello", "RFC 7692 §7.2.3.2", InflateHello),
        new("survive", "RFC 6455 §5.5.2", Survive),
        new("proxy", "RFC 6455 §5.5.2", Proxy, ProxyMinute),
    ];

    public static LabExercise? Find(string name) => All.FirstOrDefault(exercise => exercise.Name == name);

    private static string? Hi(LabAttempt attempt)
    {
        if (attempt.Trace.Rule is not null) return "ruleBroken";
        if (attempt.FramesOf(Role.Client).FirstOrDefault() is not { } frame) return "noFrame";
        if (frame.Header.Opcode != Opcode.Text) return "noText";
        return frame.Payload.Span.SequenceEqual("Hi"u8) ? frame.Header.MaskingKey == 0 ? "keyZero" : null : "notHi";
    }

    private static string? Length126(LabAttempt attempt)
    {
        if (attempt.Trace.Rule is not null) return "ruleBroken";
        IEnumerable<ExplainedFrame> frames = attempt.FramesOf(Role.Client).Where(static frame => frame.Header.Opcode < Opcode.Close);
        return frames.Any(static frame => frame.Header.PayloadLength == 126 && frame.IsWhole) ? null : "not126";
    }

    private static string? PingBetween(LabAttempt attempt)
    {
        if (attempt.Trace.Rule is not null) return "ruleBroken";
        string order = string.Concat(attempt.FramesOf(Role.Client).Select(static frame => frame.Header.Opcode switch
        {
            Opcode.Ping => 'p',
            Opcode.Continuation => frame.Header.Fin ? 'e' : 'c',
            Opcode.Text or Opcode.Binary => frame.Header.Fin ? 'w' : 'b',
            _ => 'o',
        }));
        if (order.Replace("p", "", StringComparison.Ordinal) is not ("bce" or "bceo")) return "notThree";
        return order.IndexOf('p', StringComparison.Ordinal) is var at && at > 0 && at < order.IndexOf('e', StringComparison.Ordinal)
            ? null
            : "pingNotBetween";
    }

    private static string? MidFrame1007(LabAttempt attempt)
    {
        if (attempt.Trace.Code != CloseCodes.InvalidPayload) return "not1007";
        Unit last = attempt.Conversation.Units.Last(static unit => unit.Sender == Role.Client && unit.Frame is not null);
        ulong frameBytes = (ulong)last.Frame!.Header.HeaderLength + last.Frame.Header.PayloadLength;
        bool hasCome = frameBytes <= (ulong)(attempt.Conversation.Of(Role.Client).Bytes.Length - last.Offset);
        return hasCome ? "frameWhole" : null;
    }

    private static string? Small1009(LabAttempt attempt) =>
        attempt.Trace.Code != CloseCodes.MessageTooBig ? "not1009" : attempt.Raw?.SentBytes > 20 ? "tooManyBytes" : null;

    private static string? Cause1006(LabAttempt attempt)
    {
        if (!attempt.Conversation.Units.Any(static unit => unit.Head?.StatusCode == 101)) return "noHandshake";
        if (!attempt.Trace.HasEnded) return "notEnded";
        return attempt.FramesOf(Role.Client).Concat(attempt.FramesOf(Role.Server)).Any(static frame => frame.Header.Opcode == Opcode.Close)
            ? "closeSent"
            : null;
    }

    private static string? Accept(LabAttempt attempt)
    {
        byte[] accept = new byte[AcceptKey.AcceptBytes];
        AcceptKey.Write(Encoding.ASCII.GetBytes(Key), accept);
        return attempt.Text.Trim() == Encoding.ASCII.GetString(accept) ? null : "notAccept";
    }

    // The first message fills the window, and the second refers to it.
    private static string? InflateHello(LabAttempt attempt)
    {
        IEnumerable<ExplainedFrame> five = attempt.FramesOf(Role.Client).Where(static frame => frame.Payload.Length == 5);
        if (attempt.Conversation.Directions[0].Rule is not null) return "ruleBroken";
        return five.Any(static frame => frame.Decoded is { } decoded && decoded.Span.SequenceEqual("Hello"u8)) ? null : "notHello";
    }

    private static string? Survive(LabAttempt attempt)
    {
        if (attempt.Heartbeat == TimeSpan.Zero) return "noHeartbeat";
        if (attempt.Trace.HasEnded) return "ended";
        IReadOnlyList<LabPiece> pieces = attempt.Trace.Pieces;
        bool isLong = pieces.Count > 0 && pieces[^1].Time - pieces[0].Time >= attempt.Heartbeat * 1.5;
        return isLong ? null : "notYet";
    }

    // Three minutes, in which it must not have been silent for one.
    private static string? Proxy(LabAttempt attempt)
    {
        if (attempt.Trace.Rule is not null) return "ruleBroken";
        if (attempt.Raw is not { } raw) return "noFrame";
        if (raw.WasCut) return "proxyCut";
        return raw.Waited < ProxyMinute * 3 ? "proxyTooShort" : null;
    }
}
