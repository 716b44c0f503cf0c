// What one node tells another that watches: its own uids, in numbered messages.

using System.Text;

namespace RawWs.Server.Nats;

/// <param name="id">This node.</param>
/// <param name="watch">The number of the watch, as whoever asks has it.</param>
/// <param name="inbox">Where its answers go.</param>
/// <param name="local">This node's uids.</param>
internal sealed class PresenceFeed(string id, long watch, string inbox, PresenceWatch local) : IDisposable
{
    /// <summary>The longest message that it tells: in JSON.</summary>
    public const int MessageBytesMax = BytesInMessage * PayloadPerByte;

    private const int MessagesPerTurn = 4;
    private const int UidsInMessage = 1000;
    private const int BytesInMessage = 16 * 1024;
    private const int PayloadPerByte = 8; // in JSON a byte takes six at most; there are quotes, commas, and the rest of the message
    private const long TellEvery = 1_000;

    private readonly long _feed = Random.Shared.NextInt64(); // no other one's messages are taken for this one's
    private PresenceEvent? _kept; // read, and not told yet
    private long _number;
    private long _leftOut;
    private long _toldAt = long.MinValue / 2;
    private bool _isWhole;
    private bool _isEmptied;
    private bool _isTooMany;

    /// <summary>When it was last asked for, in milliseconds.</summary>
    public long AskedAt { get; set; }

    /// <summary>Nothing more is told.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>What is asked for.</summary>
    public PresenceOptions Options => local.Options;

    /// <summary>Tells what is new, or that nothing is.</summary>
    public void Turn(IPresenceWire wire, long now)
    {
        for (int i = 0; i < MessagesPerTurn && !HasEnded; i++)
        {
            List<string> came = [], went = [];
            bool hasEnded = local.HasEnded; // and what it says last is among what is taken now, or later
            bool some = Take(came, went, Math.Min(BytesInMessage, wire.PayloadBytesMax / PayloadPerByte));
            HasEnded = _isTooMany || (!some && hasEnded);
            if (!some && (HasEnded || now - _toldAt < TellEvery)) return;
            _toldAt = now;
            string state = _isTooMany ? PresenceMessage.Many : _isWhole && _isEmptied ? PresenceMessage.All : PresenceMessage.Some;
            PresenceTold told = new(PresenceMessage.Version, id, watch, _feed, _number++, state, came, went, _leftOut);
            _leftOut = 0;
            wire.Tell(inbox, PresenceMessage.Write(told));
            if (!some) return;
        }
    }

    public void Dispose() => local.Dispose();

    // As much as one message may have. Of one uid there is one change in it, so that their order makes no difference.
    private bool Take(List<string> came, List<string> went, int bytesMax)
    {
        bool some = false;
        HashSet<string> uids = [];
        for (int bytes = 0; uids.Count < UidsInMessage && bytes < bytesMax;)
        {
            _isEmptied = _kept is null && !local.TryRead(out _kept);
            if (_isEmptied) break;
            if (_kept!.Kind is PresenceKind.Came or PresenceKind.Went)
            {
                bytes += Encoding.UTF8.GetByteCount(_kept.Uid);
                if (uids.Count > 0 && bytes > bytesMax) break;
                if (!uids.Add(_kept.Uid)) break;
                (_kept.Kind == PresenceKind.Came ? came : went).Add(_kept.Uid);
            }

            some = true;
            _leftOut += _kept.LeftOut;
            _isWhole |= _kept.Kind == PresenceKind.Whole;
            _isTooMany |= _kept.Kind == PresenceKind.TooMany;
            _kept = null;
        }

        return some;
    }
}
