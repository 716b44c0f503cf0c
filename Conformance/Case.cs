// A case of the suite: what it is called, which section asks for it, how much that counts, what is expected, and how it is played.
// Cases are data. The three kinds of case (a request head, a dialogue of frames, a stretch of compressed messages) each have one
// player; none of them parses with anything of the server under test.

namespace RawWs.Conformance;

/// <summary>How much a case counts.</summary>
internal enum Kind : byte
{
    /// <summary>The RFC says MUST, to the server or to the client whose breach has to be noticed.</summary>
    Required,

    /// <summary>The RFC says SHOULD, or the failure has to come at the earliest byte that proves it.</summary>
    Strict,

    /// <summary>The RFC leaves it open. What the server did is reported, and never fails the run.</summary>
    Informational,
}

/// <summary>What came of a case.</summary>
internal enum Outcome : byte
{
    /// <summary>As expected.</summary>
    Passed,

    /// <summary>Not as expected.</summary>
    Failed,

    /// <summary>The server does not negotiate what the case is about.</summary>
    NotNegotiated,

    /// <summary>An informational case: the detail says what the server did.</summary>
    Noted,
}

/// <summary>The chapters, in the order of RFC 6455 §4 to §8 and RFC 7692. Their names are what <c>--only</c> takes.</summary>
internal static class Chapters
{
    public const string Handshake = "handshake";
    public const string Framing = "framing";
    public const string ReservedBits = "reserved-bits";
    public const string Opcodes = "opcodes";
    public const string Masking = "masking";
    public const string Fragmentation = "fragmentation";
    public const string Pings = "pings";
    public const string Closing = "closing";
    public const string CloseCodes = "close-codes";
    public const string Utf8 = "utf-8";
    public const string Limits = "limits";
    public const string Negotiation = "negotiation";
    public const string Compression = "compression";

    public static readonly IReadOnlyList<string> InOrder =
        [Handshake, Framing, ReservedBits, Opcodes, Masking, Fragmentation, Pings, Closing, CloseCodes, Utf8, Limits,
            Negotiation, Compression];
}

/// <summary>A case.</summary>
/// <param name="Chapter">One of <see cref="Chapters"/>.</param>
/// <param name="Section">Document and section, as "6455 §5.2".</param>
/// <param name="Name">What it is called; different from every other in its chapter.</param>
/// <param name="Kind">How much it counts.</param>
internal abstract record Case(string Chapter, string Section, string Name, Kind Kind)
{
    /// <summary>Chapter and name: what tells the case from all others.</summary>
    public string Id => $"{Chapter}/{Name}";

    /// <summary>What the server has to do, in words.</summary>
    public abstract string Expected { get; }

    /// <summary>Whether the case moves so many bytes that only as many as there are processors should run at once.</summary>
    public virtual bool IsHeavy => false;

    /// <summary>Plays the case on connections of its own.</summary>
    /// <returns>Null when all was as expected; for an informational case, what the server did.</returns>
    /// <exception cref="NotAsExpectedException">The server did something else.</exception>
    /// <exception cref="NotNegotiatedException">The server declined what the case is about.</exception>
    public abstract Task<string?> PlayAsync(Target target);
}

/// <summary>A case and what came of it.</summary>
/// <param name="Case">The case.</param>
/// <param name="Outcome">What came of it.</param>
/// <param name="Detail">What the server did instead, or what is to be noted; empty when there is nothing to say.</param>
/// <param name="Elapsed">How long it took.</param>
internal sealed record Result(Case Case, Outcome Outcome, string Detail, TimeSpan Elapsed);

/// <summary>The server under test, and how patient one is with it.</summary>
/// <param name="Host">Name or address.</param>
/// <param name="Port">TCP port.</param>
/// <param name="Resource">Path and query to ask for.</param>
/// <param name="Timeout">The deadline of each single wait.</param>
/// <param name="Tls">For wss://: whose certificate is taken; null for ws://.</param>
internal sealed record Target(string Host, int Port, string Resource, TimeSpan Timeout, TlsTrust? Tls = null)
{
    /// <summary>Keeps what goes over the connection of a case; null if nobody wants it.</summary>
    public Transcript? Transcript { get; init; }

    /// <summary>The value of Host.</summary>
    public string Authority => Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]:{Port}" : $"{Host}:{Port}";

    /// <summary>Reads a URL.</summary>
    /// <param name="url">The URL.</param>
    /// <param name="timeout">The deadline of each single wait.</param>
    /// <param name="trust">Whose certificate is taken; null for the system's authorities. For wss:// only.</param>
    /// <param name="error">What is wrong.</param>
    /// <returns>The server, or null.</returns>
    public static Target? TryParse(string url, TimeSpan timeout, TlsTrust? trust, out string error)
    {
        error = "";
        if (!Uri.TryCreate(url, UriKind.Absolute, out Uri? uri) || uri.Scheme is not ("ws" or "wss") || uri.Host.Length == 0)
            error = $"{url} is no ws:// or wss:// URL";
        else if (trust is not null && uri.Scheme != "wss") error = "--ca and --insecure are for wss://";
        if (error.Length > 0) return null;
        bool isTls = uri!.Scheme == "wss";
        return new Target(uri.IdnHost.Trim('[', ']'), uri.Port > 0 ? uri.Port : isTls ? 443 : 80, uri.PathAndQuery, timeout,
            isTls ? trust ?? new TlsTrust(null, Anybody: false) : null);
    }

    /// <summary>As it was given.</summary>
    public override string ToString() => $"{(Tls is null ? "ws" : "wss")}://{Authority}{Resource}";
}

/// <summary>The server did not do what the case expects; the message says what it did.</summary>
internal sealed class NotAsExpectedException(string message) : Exception(message);

/// <summary>
/// Nobody listens where the server should be, or was: connections are refused, and not for a moment only; or there is no such host. The
/// message says which.
/// </summary>
internal sealed class ServerGoneException(string message, bool refused) : Exception(message)
{
    /// <summary>Whether somebody is there, who refuses.</summary>
    public bool IsRefused => refused;
}

/// <summary>Not every case was played; the message says why.</summary>
/// <param name="message">Why.</param>
/// <param name="results">Those that were played, in the cases' order.</param>
internal sealed class CutShortException(string message, IReadOnlyList<Result> results) : Exception(message)
{
    public IReadOnlyList<Result> Results { get; } = results;
}

/// <summary>The server declined the extension, or the parameter, that the case is about.</summary>
internal sealed class NotNegotiatedException(string message) : Exception(message);
