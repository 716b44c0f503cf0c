// Decompresses the messages of one direction of one connection (RFC 7692 §7.2.2), in bounded pieces. The caller gives what has arrived and
// memory for the output. How many bytes a message may have is the caller's affair: it gives no more room than that, and a byte.
//
//   { Inflate(piece, room) until NeedMoreData }  Finish()     and the next message
//   Inflate and Finish may end in Malformed or OutOfMemory.
//
// With context takeover the same object serves message after message. Without, each message begins with a reset, or with an inflater from
// the pool. After a status other than NeedMoreData, OutputFull and Done the object cannot be used until it is reset.
//
// How a message ends: its sender has ended it with an empty block without compression, and has cut off the last four bytes of that block
// (§7.2.1). So the data stop directly before the block's length, which Finish supplies. Finish succeeds only if the library consumes
// exactly these four bytes, makes no output of them, and then expects a new block. A message that was cut, one that still has its four
// bytes, and one without any byte are Malformed. An empty message is the single byte 00.
//
// The window limits what is remembered; it does not check the sender. A reference farther back than was agreed on is Malformed only if the
// library has nothing there any more. It never reads bytes of another connection.
//
// A block with BFINAL set (§7.2.3.4) is the end of a deflate stream: nothing after it can refer to what is before it (RFC 1951 §3.2.3).
// What follows, in the same message and in later ones, is a new stream with an empty window. A zlib that finishes and is reset produces
// that.

using RawWs.Server.Extensions;

namespace RawWs.Server.Compression;

internal sealed class Inflater : IDisposable
{
    /// <summary>
    /// The native memory of one inflater in bytes, the same for every window: the library reserves the largest at once.
    /// Measured 42,320 with what the allocator adds; rounded up.
    /// </summary>
    public const int ContextBytes = 42 * 1024;

    // The four bytes that the sender took away, and one that must stay: it shows that the library stops at the end of the block.
    private static ReadOnlySpan<byte> TailAndProbe => [0x00, 0x00, 0xFF, 0xFF, 0xFF];

    private const int TailBytes = 4;

    private Zlib.Context _context;
    private int _windowBits;

    private Inflater(int windowBits) => _windowBits = windowBits;

    ~Inflater() => Zlib.EndInflate(ref _context);

    /// <summary>What was wrong, for a log line; null unless the last status was Malformed.</summary>
    public string? Fault { get; private set; }

    /// <summary>An inflater with an empty window of 2 to the power of 8 to 15 bytes; null when there is no memory.</summary>
    public static Inflater? TryCreate(int windowBits)
    {
        Inflater inflater = new(windowBits);
        int result = Zlib.InitInflate(ref inflater._context, windowBits);
        if (result == Zlib.Ok) return inflater;
        inflater.Dispose();
        return result == Zlib.MemoryError ? null : throw Unexpected(result);
    }

    /// <summary>Decompresses a piece of the message.</summary>
    /// <param name="input">What has arrived, unmasked.</param>
    /// <param name="output">Room of at least a byte.</param>
    /// <param name="consumed">How much of the input is done with.</param>
    /// <param name="written">How much of the output is filled.</param>
    /// <returns>NeedMoreData, OutputFull, Malformed or OutOfMemory.</returns>
    public DecodeStatus Inflate(ReadOnlySpan<byte> input, Span<byte> output, out int consumed, out int written)
    {
        consumed = 0;
        written = 0;
        DecodeStatus status;
        do
        {
            int result = Zlib.Inflate(ref _context, input[consumed..], output[written..], Zlib.NoFlush, out int taken, out int made);
            consumed += taken;
            written += made;
            status = result switch
            {
                // BufferError says no more than that nothing could be done: the input had ended, and nothing was left to write.
                Zlib.Ok or Zlib.BufferError when taken + made > 0 || consumed == input.Length => GoOn(written == output.Length),
                Zlib.StreamEnd => BeginStream(written == output.Length),
                Zlib.DataError => Fail(_context.Message ?? "invalid data"),
                Zlib.MemoryError => DecodeStatus.OutOfMemory,
                _ => throw Unexpected(result),
            };
        }
        while (status == DecodeStatus.NeedMoreData && consumed < input.Length);
        return status;
    }

    /// <summary>Ends the message, when Inflate has said NeedMoreData for its last byte.</summary>
    /// <returns>Done, Malformed or OutOfMemory.</returns>
    public DecodeStatus Finish()
    {
        Span<byte> none = stackalloc byte[1];
        int result = Zlib.Inflate(ref _context, TailAndProbe, none, Zlib.BlockFlush, out int consumed, out int written);
        return result switch
        {
            Zlib.Ok when consumed == TailBytes && written == 0 => DecodeStatus.Done,
            Zlib.Ok or Zlib.BufferError or Zlib.StreamEnd or Zlib.DataError =>
                Fail("the message does not end in an empty block without compression"),
            Zlib.MemoryError => DecodeStatus.OutOfMemory,
            _ => throw Unexpected(result),
        };
    }

    /// <summary>
    /// Forgets everything: the next message is decompressed with an empty window of this size, 8 to 15 bits. False when there is no memory.
    /// </summary>
    public bool TryReset(int windowBits)
    {
        _windowBits = windowBits;
        Fault = null;
        int result = Zlib.ResetInflate(ref _context, windowBits);
        return result switch
        {
            Zlib.Ok => true,
            Zlib.MemoryError => false,
            _ => throw Unexpected(result),
        };
    }

    public void Dispose()
    {
        Zlib.EndInflate(ref _context);
        GC.SuppressFinalize(this);
    }

    private DecodeStatus BeginStream(bool outputFull) => TryReset(_windowBits) ? GoOn(outputFull) : DecodeStatus.OutOfMemory;

    private static DecodeStatus GoOn(bool outputFull) => outputFull ? DecodeStatus.OutputFull : DecodeStatus.NeedMoreData;

    private DecodeStatus Fail(string fault)
    {
        Fault = fault;
        return DecodeStatus.Malformed;
    }

    private static InvalidOperationException Unexpected(int result) => new($"The compression library answered {result}.");
}
