// What is logged when a connection ends, in the form that every ILogger takes: names and values, and a text made of them on demand. The generator
// behind LoggerMessage would write the same, with the base library's formatting in it; LineWriter says why these are written by hand. They hold
// what cannot change, so a logger may keep one and read it later.

using System.Collections;
using System.Runtime.CompilerServices;

namespace RawWs.Server.Log;

/// <summary>A connection that was a WebSocket's, or never got as far as a whole request.</summary>
internal readonly struct ConnectionEndedState(long id, PeerAddress peer, Verdict verdict) : IReadOnlyList<KeyValuePair<string, object?>>
{
    /// <summary>The text, without a delegate for each line.</summary>
    public static readonly Func<ConnectionEndedState, Exception?, string> Format = static (state, _) => state.ToString();

    private readonly string _reason = LogText.Escape(verdict.Reason);

    public int Count => 5;

    public KeyValuePair<string, object?> this[int index] => index switch
    {
        0 => new("id", id),
        1 => new("peer", peer.ToString()),
        2 => new("verdict", verdict.ToString()),
        3 => new("reason", _reason),
        4 => new("{OriginalFormat}", "connection {id} from {peer} ended: {verdict}, reason \"{reason}\""),
        _ => throw new ArgumentOutOfRangeException(nameof(index)),
    };

    [SkipLocalsInit]
    public override string ToString()
    {
        LineWriter line = new(stackalloc char[512]);
        line.Write("connection ");
        line.Write(id);
        line.Write(" from ");
        peer.WriteTo(ref line);
        line.Write(" ended: ");
        verdict.WriteTo(ref line);
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

/// <summary>A connection on which a request was answered as HTTP: the page, or a refusal.</summary>
internal readonly struct RequestAnsweredState(long id, PeerAddress peer, Verdict verdict) : IReadOnlyList<KeyValuePair<string, object?>>
{
    /// <summary>The text, without a delegate for each line.</summary>
    public static readonly Func<RequestAnsweredState, Exception?, string> Format = static (state, _) => state.ToString();

    private readonly string _reason = LogText.Escape(verdict.Reason, OriginAdvice.CharactersMax);

    public int Count => 9;

    private int Status => verdict.Code ?? 0;

    public KeyValuePair<string, object?> this[int index] => index switch
    {
        0 => new("id", id),
        1 => new("peer", peer.ToString()),
        2 => new("status", Status),
        3 => new("rule", verdict.Rule is null ? "" : " by rule " + verdict.Rule),
        4 => new("seconds", Seconds()),
        5 => new("bytesIn", verdict.BytesIn),
        6 => new("bytesOut", verdict.BytesOut),
        7 => new("reason", _reason),
        8 => new("{OriginalFormat}", "request {id} from {peer} answered {status}{rule} after {seconds} s, in {bytesIn} bytes, out {bytesOut} bytes: {reason}"),
        _ => throw new ArgumentOutOfRangeException(nameof(index)),
    };

    [SkipLocalsInit]
    public override string ToString()
    {
        LineWriter line = new(stackalloc char[512]);
        line.Write("request ");
        line.Write(id);
        line.Write(" from ");
        peer.WriteTo(ref line);
        line.Write(" answered ");
        line.Write(Status);
        if (verdict.Rule is not null)
        {
            line.Write(" by rule ");
            line.Write(verdict.Rule);
        }

        line.Write(" after ");
        line.WriteSeconds(verdict.Duration);
        line.Write(" s, in ");
        line.Write(verdict.BytesIn);
        line.Write(" bytes, out ");
        line.Write(verdict.BytesOut);
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
        seconds.WriteSeconds(verdict.Duration);
        return seconds.ToString();
    }
}
