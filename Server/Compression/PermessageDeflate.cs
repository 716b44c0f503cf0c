// permessage-deflate as an extension of the server (RFC 7692): its offers, and what is common to all connections that have agreed on it.

using Microsoft.Extensions.Logging;
using RawWs.Frame;
using RawWs.Handshake;
using RawWs.Server.Extensions;
using RawWs.Server.Memory;

namespace RawWs.Server.Compression;

internal sealed class PermessageDeflate : Extension
{
    private readonly DeflatePolicy _policy;
    private readonly int _bytesMin;
    private readonly DeflateEncoder[] _encoders;
    private volatile DeflateTerms? _lastTerms;

    /// <param name="contexts">Where inflaters and deflaters come from. They are freed with this object.</param>
    /// <param name="policy">What the server allows.</param>
    /// <param name="bytesMin">Messages with fewer bytes are sent uncompressed.</param>
    public PermessageDeflate(DeflateContexts contexts, DeflatePolicy policy, int bytesMin)
        : base(DeflateNegotiation.Name, ReservedBits.Rsv1)
    {
        (Contexts, _policy, _bytesMin) = (contexts, policy, bytesMin);
        _encoders = new DeflateEncoder[DeflatePolicy.WindowBitsMax + 1];
        for (int bits = DeflatePolicy.WindowBitsMin; bits < _encoders.Length; bits++) _encoders[bits] = new DeflateEncoder(this, bits);
    }

    /// <summary>Where inflaters and deflaters come from.</summary>
    public DeflateContexts Contexts { get; }

    /// <summary>Null when the library is not there, which is logged.</summary>
    /// <param name="policy">What the server allows.</param>
    /// <param name="level">How hard to compress: 1 to 9.</param>
    /// <param name="bytesMin">Messages with fewer bytes are sent uncompressed.</param>
    /// <param name="loops">How many loops may compress at the same time.</param>
    /// <param name="budget">Is charged for contexts.</param>
    /// <param name="log">Where it says that the library is not there.</param>
    public static PermessageDeflate? TryCreate(DeflatePolicy policy, int level, int bytesMin, int loops, MemoryBudget budget, ILogger log)
    {
        if (!ZlibCheck.TryLoad(out string? problem))
        {
            log.CompressionUnavailable(problem);
            return null;
        }

        // Without takeover a context is rented while one message is compressed, and then pooled: one for each thread that may compress.
        DeflateContexts contexts = new(budget, level, pooledMax: Math.Max(16, loops * 2));
        return new PermessageDeflate(contexts, policy, bytesMin);
    }

    /// <summary>Compresses messages by themselves, for receivers with a window of 2^8 to 2^15 bytes.</summary>
    public DeflateEncoder EncoderFor(int windowBits) => _encoders[windowBits];

    public override bool Encodes(int payloadBytes) => payloadBytes >= _bytesMin;

    public override ExtensionAgreement? Negotiate(ExtensionOffer offer, out string declined)
    {
        DeflateDecline decline = DeflateNegotiation.Check(offer, _policy, out DeflateAgreement? agreement);
        declined = agreement is null ? decline.ToString() : "";
        if (agreement is null) return null;
        // Most clients of a server offer the same. Those one after the other share one object.
        DeflateTerms? last = _lastTerms;
        return last is not null && last.Agreement == agreement ? last : _lastTerms = new DeflateTerms(this, agreement);
    }

    public override void Dispose() => Contexts.Dispose();
}

/// <summary>What was agreed on with a client.</summary>
internal sealed class DeflateTerms(PermessageDeflate deflate, DeflateAgreement agreement)
    : ExtensionAgreement(ReservedBits.Rsv1, agreement.ResponseText)
{
    public DeflateAgreement Agreement { get; } = agreement;

    public PermessageDeflate Deflate { get; } = deflate;

    // An inflater, and with takeover a deflater of its own. Without takeover a deflater is rented only for a moment, and without one the
    // message is sent uncompressed.
    public override bool HasRoom => Deflate.Contexts.HasRoomFor(
        Inflater.ContextBytes + (Agreement.ServerTakeover ? Deflater.ContextBytes(Agreement.ServerWindowBits) : 0));

    public override ConnectionExtension Begin() => new DeflateConnection(this);
}
