// The small sends of a turn's events, put off until the events are through and then given to the kernel together. Two things are
// gained by it: receiving and decoding go on with warm caches while they last, and so does sending; and, where the system has a ring
// (SendRing), all of them are one system call. The price is that the first answer waits for the events after its own. With handlers of
// microseconds that is nothing; where one is slow it waits for that one, and not for the others.
//
// What keeps it right:
// - A connection has one at most, and whatever else is to become of its descriptor (another send, SHUT_WR, close) comes after it: EpollTransport
//   sees to that, so that no caller can forget it.
// - The bytes lie in pinned arrays that their owner leaves alone until Submit has returned.
// - What the kernel did not take is queued at once, in front of all else; a connection that is found dead is told so in a turn of its own. So no
//   application's code runs inside of Submit, whoever has called it.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using RawWs.Server.Log;
using RawWs.Server.Native;
using RawWs.Server.Transports;

namespace RawWs.Server.Loops;

[SupportedOSPlatform("linux")]
internal sealed unsafe class DeferredSends
{
    /// <summary>How many are put off at most.</summary>
    public const int CountMax = 64;

    /// <summary>A longer send, in bytes, is not put off: it gains nothing by company.</summary>
    public const int BytesMax = 4096;

    /// <summary>From this time on a round counts as a long one.</summary>
    public static readonly TimeSpan RoundMax = TimeSpan.FromMilliseconds(1);

    private readonly Entry[] _entries = new Entry[CountMax];
    private readonly int[] _results = new int[CountMax];
    private readonly TimeProvider _time;
    private SendRing? _ring;
    private int _count;
    private bool _submitting;
    private long _began; // the round's timestamp

    /// <summary>With a ring they are one system call; without, a call each.</summary>
    public DeferredSends(TimeProvider time, SendRing? ring) => (_time, _ring) = (time, ring);

    /// <summary>Where it is said that the ring is of no more use.</summary>
    public ILogger Log { get; set; } = NullLogger.Instance;

    /// <summary>From now on they are one system call, if there is a ring for it.</summary>
    public void Use(SendRing? ring) => _ring = ring;

    /// <summary>Whether they are one system call.</summary>
    public bool HasRing => _ring is not null;

    /// <summary>Whether nothing is put off.</summary>
    public bool IsEmpty => _count == 0;

    /// <summary>Puts a send off. False when it is too long for that, or none can be put off at the moment.</summary>
    /// <param name="transport">Whose it is. It has none here yet.</param>
    /// <param name="descriptor">Its socket.</param>
    /// <param name="bytes">Of a pinned array.</param>
    public bool TryAdd(EpollTransport transport, int descriptor, ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > BytesMax || _submitting) return false;
        if (_count == CountMax) Submit();
        if (_count == 0) _began = _time.GetTimestamp();
        _entries[_count++] = new Entry(transport, descriptor, bytes);
        return true;
    }

    /// <summary>The same as <see cref="Submit"/>, but only if the first has waited for longer than <see cref="RoundMax"/>.</summary>
    public void SubmitIfLate()
    {
        if (_count > 0 && _time.GetElapsedTime(_began) > RoundMax) Submit();
    }

    /// <summary>Gives all of them to the kernel, in the order in which they were put off.</summary>
    public void Submit()
    {
        if (_count == 0 || _submitting) return;
        _submitting = true;
        try
        {
            if (!TrySubmitToRing()) SendEach();
            for (int i = 0; i < _count; i++) Tell(i);
        }
        finally
        {
            _entries.AsSpan(0, _count).Clear();
            _count = 0;
            _submitting = false;
        }
    }

    /// <summary>The loop has ended, or the ring is of no more use: it is given back.</summary>
    public void Close()
    {
        _ring?.Close();
        _ring = null;
    }

    private bool TrySubmitToRing()
    {
        // One alone is the same either way, and a plain call is the shorter.
        Span<int> results = _results.AsSpan(0, _count);
        results.Fill(SendRing.NotDone);
        if (_ring is null || _count == 1) return false;
        for (int i = 0; i < _count; i++) _ring.Prepare(i, _entries[i].Descriptor, _entries[i].Bytes);
        if (_ring.Submit(results)) return true;
        int error = _ring.Failure;
        Close(); // it may have any state now
        Log.CallFailed(Errno.Describe("io_uring_enter", error), "each send is a call of its own from here on");
        return false;
    }

    // A bug of the owner's costs itself and nobody else in the round.
    private void Tell(int index)
    {
        try
        {
            _entries[index].Transport.OnDeferredSent(_entries[index].Bytes, _results[index]);
        }
        catch (Exception)
        {
            // The owner has logged what it could.
        }
    }

    // Those that have no result yet.
    private void SendEach()
    {
        for (int i = 0; i < _count; i++)
        {
            if (_results[i] != SendRing.NotDone) continue;
            nint taken;
            do taken = Linux.Send(_entries[i].Descriptor, _entries[i].Bytes, more: false);
            while (taken < 0 && Linux.LastError == Linux.Eintr);
            _results[i] = taken < 0 ? -Linux.LastError : (int)taken;
        }
    }

    private readonly struct Entry(EpollTransport transport, int descriptor, ReadOnlySpan<byte> bytes)
    {
        public readonly EpollTransport Transport = transport;
        public readonly int Descriptor = descriptor;
        private readonly int _length = bytes.Length;
        private readonly byte* _start = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(bytes));

        public ReadOnlySpan<byte> Bytes => new(_start, _length);
    }
}
