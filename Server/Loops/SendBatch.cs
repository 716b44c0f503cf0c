// The batch: small sends of a turn's events wait here, and go to the kernel together when the events are handled. This has two advantages.
// Receiving and decoding run with warm caches, and then sending does. And if the system has a ring (SendRing), all sends are one system
// call. The price is that the first answer waits for the events after its own. If handlers take microseconds that is nothing. If one is
// slow, the answers before it wait for that one, and not for the next (RoundMax).
//
// What keeps it right:
// - A connection has one send in the batch at most. Whatever else happens to its descriptor (another send, SHUT_WR, close) comes after that
//   send. Transport makes sure of it, so that no caller can forget it.
// - The bytes lie in pinned arrays, and their owner does not change them until Submit has returned. A layer that makes bytes of others (TLS
//   seals) has room for them here.
// - What the kernel did not send is queued at once, in front of everything else. A connection that is found dead is told so in a turn of
//   its own. So no application's code runs inside Submit, whoever has called it.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using RawWs.Server.Native;

namespace RawWs.Server.Loops;

[SupportedOSPlatform("linux")]
internal sealed unsafe class SendBatch
{
    /// <summary>The most sends in the batch.</summary>
    public const int CountMax = 64;

    /// <summary>A send of more bytes does not join the batch, because it would gain nothing.</summary>
    public const int BytesMax = 4096;

    /// <summary>When the first send has waited longer than this, the batch is submitted early.</summary>
    public static readonly TimeSpan RoundMax = TimeSpan.FromMilliseconds(1);

    private const int RoomBytesMax = 64 * 1024;

    private readonly Entry[] _entries = new Entry[CountMax];
    private readonly int[] _results = new int[CountMax];
    private readonly TimeProvider _time;
    private readonly long _roundMax; // as timestamps count
    private SendRing? _ring;
    private byte[]? _room; // once a layer has asked for it
    private int _roomUsed;
    private int _count;
    private bool _submitting;
    private long _began; // when the first send joined, a timestamp

    /// <summary>With a ring the sends are one system call; without one, a call each.</summary>
    public SendBatch(TimeProvider time, SendRing? ring)
    {
        (_time, _ring) = (time, ring);
        _roundMax = (long)(RoundMax.TotalSeconds * time.TimestampFrequency);
    }

    /// <summary>Where the failure of the ring is logged.</summary>
    public ILogger Log { get; set; } = NullLogger.Instance;

    /// <summary>Gives the batch a ring, from now on; null for none.</summary>
    public void Use(SendRing? ring) => _ring = ring;

    /// <summary>Whether there is a ring.</summary>
    public bool HasRing => _ring is not null;

    /// <summary>Whether no send waits.</summary>
    public bool IsEmpty => _count == 0;

    /// <summary>
    /// Room for the bytes of one send. Whoever asks for it writes them there, and adds the send at once. Empty when so many bytes are too
    /// many, or none can be added at the moment.
    /// </summary>
    public ArraySegment<byte> Room(int bytes)
    {
        if (bytes > BytesMax || _submitting) return default;
        _room ??= GC.AllocateUninitializedArray<byte>(RoomBytesMax, pinned: true);
        if (_count == CountMax || bytes > RoomBytesMax - _roomUsed) Submit();
        if (_count == 0) _roomUsed = 0;
        _roomUsed += bytes;
        return new ArraySegment<byte>(_room, _roomUsed - bytes, bytes);
    }

    /// <summary>Adds a send. False when it is too long, or none can be added at the moment.</summary>
    /// <param name="sender">Whose send it is. It has no other one in the batch.</param>
    /// <param name="descriptor">Its socket.</param>
    /// <param name="frames">The frames of which the sender is told the result. They are pinned.</param>
    /// <param name="bytes">What is sent for them: the frames, or what was written into the <see cref="Room"/>.</param>
    public bool TryAdd(IBatchedSender sender, int descriptor, ReadOnlySpan<byte> frames, ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > BytesMax || _submitting) return false;
        if (_count == CountMax) Submit();
        if (_count == 0) _began = _time.GetTimestamp();
        _entries[_count++] = new Entry(sender, descriptor, frames, bytes);
        return true;
    }

    /// <summary>Submits the batch, but only if its first send has waited longer than <see cref="RoundMax"/>.</summary>
    public void SubmitIfLate()
    {
        if (_count > 0 && _time.GetTimestamp() - _began > _roundMax) Submit();
    }

    /// <summary>Gives all sends to the kernel, in the order in which they were added, and tells each sender the result.</summary>
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

    /// <summary>The loop has ended, or the ring has failed: the ring is closed.</summary>
    public void Close()
    {
        _ring?.Close();
        _ring = null;
    }

    private bool TrySubmitToRing()
    {
        // For a single send the plain call is cheaper.
        Span<int> results = _results.AsSpan(0, _count);
        results.Fill(SendRing.NotDone);
        if (_ring is null || _count == 1) return false;
        for (int i = 0; i < _count; i++) _ring.Prepare(i, _entries[i].Descriptor, _entries[i].Bytes);
        if (_ring.Submit(results)) return true;
        int error = _ring.Failure;
        Close(); // the ring may be in any state now
        Log.CallFailed(Errno.Describe("io_uring_enter", error), "each send is a call of its own from here on");
        return false;
    }

    // A bug of one transport's owner costs that owner, and nobody else in the batch.
    private void Tell(int index)
    {
        try
        {
            _entries[index].Sender.OnBatchSent(_entries[index].Frames, _entries[index].Bytes, _results[index]);
        }
        catch (Exception)
        {
            // The owner has logged what it could.
        }
    }

    // Sends each that has no result yet, by a call of its own.
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

    private readonly struct Entry(IBatchedSender sender, int descriptor, ReadOnlySpan<byte> frames, ReadOnlySpan<byte> bytes)
    {
        public readonly IBatchedSender Sender = sender;
        public readonly int Descriptor = descriptor;
        private readonly int _length = bytes.Length;
        private readonly byte* _start = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(bytes));
        private readonly byte* _framesStart = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(frames));
        private readonly int _framesLength = frames.Length;

        public ReadOnlySpan<byte> Bytes => new(_start, _length);

        public ReadOnlySpan<byte> Frames => new(_framesStart, _framesLength);
    }
}
