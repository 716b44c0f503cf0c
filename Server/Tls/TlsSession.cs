// TLS on one connection, without a socket: cipher -> plain, plain -> cipher. In: the peer's records, as they arrive. Out: what they say,
// and the records that go to the peer, which the sink gets in their order: what is sealed, and what TLS has to say itself (the handshake's
// answers, alerts, key updates), also while bytes are opened.
//
// This is the seam: SslStreamSession is the one that exists. Nothing above it knows which library speaks TLS.
//
// On one thread at a time, and no call waits. Nothing that a peer does throws: what it breaks is a Fault, a sentence, and then the stream
// has ended.

using RawWs.Server.Channels;

namespace RawWs.Server.Tls;

/// <summary>Gets the records that go to the peer.</summary>
internal interface ITlsSink
{
    /// <summary>These bytes go next. They are the session's again when this returns.</summary>
    void OnSealed(ReadOnlySpan<byte> records);
}

internal abstract class TlsSession
{
    /// <summary>Whether the handshake is over. Nothing can be sealed before.</summary>
    public abstract bool IsOpen { get; }

    /// <summary>What the peer has broken, or this end could not do, as a sentence for a log; null for nothing.</summary>
    public abstract string? Fault { get; }

    /// <summary>Whether <see cref="Open"/> has something to give: bytes, or the end.</summary>
    public abstract bool HasPlain { get; }

    /// <summary>Whether a handshake takes so long (milliseconds) that it is better done on another thread.</summary>
    public abstract bool IsHandshakeSlow { get; }

    /// <summary>Takes records from the peer.</summary>
    /// <param name="records">Whole records. They are the caller's again when this returns.</param>
    /// <returns>How many bytes were taken. The rest is given again when everything that is open has been taken.</returns>
    public abstract int Take(ArraySegment<byte> records);

    /// <summary>Opens: gives what the records say.</summary>
    /// <returns>
    /// How many bytes; 0 at the end (the peer has said good-bye, or there is a <see cref="Fault"/>); <see cref="Channel.Nothing"/>.
    /// </returns>
    public abstract int Open(Span<byte> plain);

    /// <summary>
    /// Seals bytes: the sink gets them before this returns. False when it cannot, for which there is a <see cref="Fault"/>.
    /// </summary>
    public abstract bool TrySeal(ReadOnlySpan<byte> plain);

    /// <summary>Says good-bye (RFC 8446 §6.1: close_notify). Nothing is sealed afterwards.</summary>
    public abstract void SayGoodbye();

    /// <summary>The peer has broken TLS before it came to the session: this is the <see cref="Fault"/>, if there is none yet.</summary>
    public abstract void Break(string fault);

    /// <summary>Gives back what the session has. Nothing is called afterwards.</summary>
    public abstract void Free();
}
