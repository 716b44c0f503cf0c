// What is logged when a connection ends, in the form that every ILogger accepts: names and values, and a text that is made of them on
// demand. The generator behind LoggerMessage would write the same, but with the base library's formatting; LineWriter says why these are
// written by hand. They hold only immutable values, so a logger may keep one and read it later.

using System.Collections;
using System.Runtime.CompilerServices;
using RawWs.Server.Native;

namespace RawWs.Server.Log;

/// <summary>The end of a WebSocket connection, or of one that never sent a whole request.</summary>
/// <param name="id">The connection's number.</param>
/// <param name="peer">The peer.</param>
/// <param name="report">How it ended.</param>
/// <param name="uid">The name by which the application knew it, escaped; empty for none.</param>
internal readonly struct ConnectionEndedState(long id, PeerAddress peer, CloseReport report, string uid)
    : IReadOnlyList<KeyValuePair<string, object?>>
{
    /// <summary>Makes the text. It is static, so that a line needs no new delegate.</summary>
    public static readonly Func<ConnectionEndedState, Exception?, string> Format = static (state, _) => state.ToString();

    private readonly string _reason = LogText.Escape(report.Reason);

    // Without a uid the line has no word of it.
    public int Count => HasUid ? 6 : 5;

    /// <summary>How it ended.</summary>
    public CloseReport Report => report;

    private bool HasUid => uid.Length > 0;

    public KeyValuePair<string, object?> this[int index] => (HasUid || index < 2 ? index : index + 1) switch
    {
        0 => new("id", id),
        1 => new("peer", peer.ToString()),
        2 => new("uid", uid),
        3 => new("report", report.ToString()),
        4 => new("reason", _reason),
        5 => new("{OriginalFormat}", HasUid
            ? "connection {id} from {peer}, uid \"{uid}\", ended: {report}, reason \"{reason}\""
            : "connection {id} from {peer} ended: {report}, reason \"{reason}\""),
        _ => throw new ArgumentOutOfRangeException(nameof(index)),
    };

    [SkipLocalsInit]
    public override string ToString()
    {
        LineWriter line = new(stackalloc char[512]);
        line.Write("connection ");
        line.Write(id);
        line.Write(" from ");
        line.Write(peer);
        if (HasUid)
        {
            line.Write(", uid \"");
            line.Write(uid);
            line.Write("\",");
        }

        line.Write(" ended: ");
        report.WriteTo(ref line);
        line.Write(", reason \"");
        line.Write(_reason);
        line.Write('"');
        return line.ToString();
    }

    public IEnumerator<KeyValuePair<string, object?>> GetEnumerator()
    {
        for (int i = 0; i < Count; i++) yield return this[i];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

/// <summary>The end of a connection whose request was answered as HTTP: with the page, or a refusal.</summary>
internal readonly struct RequestAnsweredState(long id, PeerAddress peer, CloseReport report) : IReadOnlyList<KeyValuePair<string, object?>>
{
    /// <summary>Makes the text. It is static, so that a line needs no new delegate.</summary>
    public static readonly Func<RequestAnsweredState, Exception?, string> Format = static (state, _) => state.ToString();

    private readonly string _reason = LogText.Escape(report.Reason, OriginAdvice.CharactersMax);

    public int Count => 9;

    private int Status => report.Code ?? 0;

    public KeyValuePair<string, object?> this[int index] => index switch
    {
        0 => new("id", id),
        1 => new("peer", peer.ToString()),
        2 => new("status", Status),
        3 => new("rule", report.Rule is null ? "" : " by rule " + report.Rule),
        4 => new("seconds", Seconds()),
        5 => new("bytesIn", report.BytesIn),
        6 => new("bytesOut", report.BytesOut),
        7 => new("reason", _reason),
        8 => new("{OriginalFormat}",
            "request {id} from {peer} answered {status}{rule} after {seconds} s, in {bytesIn} bytes, out {bytesOut} bytes: {reason}"),
        _ => throw new ArgumentOutOfRangeException(nameof(index)),
    };

    [SkipLocalsInit]
    public override string ToString()
    {
        LineWriter line = new(stackalloc char[512]);
        line.Write("request ");
        line.Write(id);
        line.Write(" from ");
        line.Write(peer);
        line.Write(" answered ");
        line.Write(Status);
        if (report.Rule is not null)
        {
            line.Write(" by rule ");
            line.Write(report.Rule);
        }

        line.Write(" after ");
        line.WriteSeconds(report.Duration);
        line.Write(" s, in ");
        line.Write(report.BytesIn);
        line.Write(" bytes, out ");
        line.Write(report.BytesOut);
        line.Write(" bytes: ");
        line.Write(_reason);
        return line.ToString();
    }

    public IEnumerator<KeyValuePair<string, object?>> GetEnumerator()
    {
        for (int i = 0; i < Count; i++) yield return this[i];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private string Seconds()
    {
        LineWriter seconds = new(stackalloc char[32]);
        seconds.WriteSeconds(report.Duration);
        return seconds.ToString();
    }
}
