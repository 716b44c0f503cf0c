// Compresses whole messages (RFC 7692 §7.2.1). In: a message. Out: the payload of its frame, in the caller's memory.
//
// With takeover a deflater belongs to one connection, and a message may refer to the ones before it. Without, it may serve any number of
// connections, one after the other, because a message then refers to nothing outside of itself. The flush at a message's end is the one
// that forgets (Z_FULL_FLUSH), so a receiver whose window is empty can follow. docs/decisions/0003 has the reasons and the numbers.
//
// The library cannot make a window of 8 bits; its smallest is 9. For 8 bits a deflater makes no references at all, and only gives frequent
// bytes shorter codes. So its output can be read with any window, with takeover and without.

namespace RawWs.Server.Compression;

internal sealed class Deflater : IDisposable
{
    /// <summary>
    /// The bytes that the output needs besides the payload: the four that are cut off at the end, and one that must stay unused.
    /// </summary>
    public const int Slack = TailBytes + 1;

    private const int TailBytes = 4;
    private const int SmallestNativeWindowBits = 9;

    // 4,096 symbols are buffered for a block. With 8, the library's default, a context has 62 KB more, and messages of 1,000 bytes gain
    // nothing.
    private const int MemoryLevel = 6;

    private Zlib.Context _context;

    private Deflater(int windowBits) => WindowBits = windowBits;

    ~Deflater() => Zlib.EndDeflate(ref _context);

    /// <summary>How far back the compressed data may refer: 2 to this power bytes, 8 to 15.</summary>
    public int WindowBits { get; }

    /// <summary>Whether a message may refer to earlier ones. May be changed only right after creation or <see cref="Forget"/>.</summary>
    public bool Takeover { get; set; }

    /// <summary>
    /// The native memory of one deflater in bytes: four bytes for each byte of its window (the window twice, and a chain of two-byte
    /// entries), and 154 KiB of tables. Measured 160,016 at 9 bits and 290,934 at 15, with the allocator's own; rounded up.
    /// </summary>
    public static int ContextBytes(int windowBits) => (160 * 1024) + (4 << Math.Max(windowBits, SmallestNativeWindowBits));

    /// <summary>The size of an output in which every message of so many bytes fits, whatever it contains.</summary>
    public static int RoomBytes(int messageBytes) => checked(messageBytes + (messageBytes / 8) + (messageBytes / 64) + 64);

    /// <summary>A deflater whose first message refers to nothing; null when there is no memory.</summary>
    /// <param name="level">1 (fast) to 9 (small).</param>
    /// <param name="windowBits">8 to 15.</param>
    /// <param name="takeover">Whether its messages may refer to earlier ones.</param>
    public static Deflater? TryCreate(int level, int windowBits, bool takeover)
    {
        Deflater deflater = new(windowBits) { Takeover = takeover };
        int strategy = windowBits < SmallestNativeWindowBits ? Zlib.HuffmanOnly : Zlib.DefaultStrategy;
        int result = Zlib.InitDeflate(ref deflater._context, level, Math.Max(windowBits, SmallestNativeWindowBits), MemoryLevel, strategy);
        if (result == Zlib.Ok) return deflater;
        deflater.Dispose();
        return result == Zlib.MemoryError ? null : throw Unexpected(result);
    }

    /// <summary>Compresses a message.</summary>
    /// <param name="message">The whole message; may be empty.</param>
    /// <param name="output">
    /// The caller's memory, with room for the payload and <see cref="Slack"/>. With takeover it must have at least <see cref="RoomBytes"/>,
    /// because a message that has been compressed must be sent. Without, it may be smaller, for example the message's length and Slack, if
    /// a payload longer than the message is not wanted.
    /// </param>
    /// <param name="written">The payload's length.</param>
    /// <returns>False when it does not fit. Then the message is sent uncompressed, and the deflater is in its state from before.</returns>
    /// <exception cref="ArgumentException">With takeover, the output is smaller than RoomBytes.</exception>
    public bool TryDeflate(ReadOnlySpan<byte> message, Span<byte> output, out int written)
    {
        if (Takeover && output.Length < RoomBytes(message.Length))
            throw new ArgumentException("Too little room for a message under takeover.", nameof(output));
        if (message.IsEmpty) return TryWriteEmpty(output, out written);

        int flush = Takeover || WindowBits < SmallestNativeWindowBits ? Zlib.SyncFlush : Zlib.FullFlush;
        int result = Zlib.Deflate(ref _context, message, output, flush, out int consumed, out written);
        // Only if room is left over is the flush complete.
        if (result == Zlib.Ok && written < output.Length)
        {
            written -= TailBytes;
            return true;
        }

        if (Takeover || result is not (Zlib.Ok or Zlib.BufferError)) throw Unexpected(result);
        DiscardRest(message[consumed..], flush);
        written = 0;
        return false;
    }

    /// <summary>Forgets all earlier messages: the next one refers to nothing before it.</summary>
    public void Forget() => DiscardRest(default, Zlib.FullFlush);

    public void Dispose()
    {
        Zlib.EndDeflate(ref _context);
        GC.SuppressFinalize(this);
    }

    // §7.2.3.6: an empty message is the first byte of an empty block without compression; the other four are cut off. The library is not
    // asked, because a flush with nothing new gives no byte the second time.
    private static bool TryWriteEmpty(Span<byte> output, out int written)
    {
        written = output.Length < Slack ? 0 : 1;
        if (written == 0) return false;
        output[0] = 0x00;
        return true;
    }

    // Compresses the message to its end and discards the output, so that no part of it comes out with the next message.
    private void DiscardRest(ReadOnlySpan<byte> rest, int flush)
    {
        Span<byte> scrap = stackalloc byte[1024];
        while (true)
        {
            int result = Zlib.Deflate(ref _context, rest, scrap, flush, out int consumed, out int written);
            if (result is not (Zlib.Ok or Zlib.BufferError)) throw Unexpected(result);
            rest = rest[consumed..];
            if (written < scrap.Length) return;
        }
    }

    private static InvalidOperationException Unexpected(int result) => new($"The compression library answered {result}.");
}
