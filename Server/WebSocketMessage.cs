// A message as a value: its kind and its payload, and, if it is text, the proof that it is UTF-8. There is no other way to make one than a
// check. So whoever passes a received message on, whole or in part, does not pay for a second check (RFC 6455 §5.6, §8.1).

using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Unicode;
using RawWs.Frame;

namespace RawWs.Server;

/// <summary>
/// One message: text, which is known to be UTF-8, or binary. It is a view of its owner's memory, and copies nothing. While it is used the
/// bytes must not change. The default value is an empty binary message.
/// </summary>
public readonly struct WebSocketMessage : IEquatable<WebSocketMessage>
{
    // Two words, so that a message is passed in registers: in memory it would be written in small parts and read in large ones, for which
    // a processor waits. The second word has the start over the length, 31 bits each, and whether it is text.
    internal const ulong TextBit = 1UL << 63;

    private readonly object? _owner; // an array or a MemoryManager<byte>; null for an empty message
    private readonly ulong _place;

    /// <summary>A message of those two words. A target of messages has the same (<see cref="MessageTarget"/>).</summary>
    internal WebSocketMessage(object? owner, ulong place) => (_owner, _place) = (owner, place);

    private WebSocketMessage(ReadOnlyMemory<byte> payload, bool isText)
    {
        if (MemoryMarshal.TryGetArray(payload, out ArraySegment<byte> segment))
        {
            (_owner, _place) = (segment.Array, PlaceOf(segment.Offset, segment.Count, isText));
        }
        else
        {
            MemoryMarshal.TryGetMemoryManager(payload, out MemoryManager<byte>? manager, out int start, out int length);
            (_owner, _place) = (manager, PlaceOf(start, length, isText));
        }
    }

    /// <summary>Whether the message is text or binary.</summary>
    public MessageKind Kind => IsText ? MessageKind.Text : MessageKind.Binary;

    /// <summary>Whether the message is text.</summary>
    public bool IsText => (_place & TextBit) != 0;

    /// <summary>The payload; of text in UTF-8.</summary>
    public ReadOnlyMemory<byte> Memory => _owner is MemoryManager<byte> manager
        ? manager.Memory.Slice(Start, Length)
        : new ReadOnlyMemory<byte>((byte[]?)_owner, Start, Length);

    /// <summary>The payload; of text in UTF-8.</summary>
    public ReadOnlySpan<byte> Span
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            object? owner = _owner;
            // This compares two pointers. A cast would be a call, and so would `owner?.GetType()`.
            if (owner is null || owner.GetType() != typeof(byte[])) return SpanOfAnyOwner(this);
            return new ReadOnlySpan<byte>(Unsafe.As<byte[]>(owner), Start, Length);
        }
    }

    // Apart, and with a copy: so what a handler has stays in registers, and no room on the stack is cleared for each message.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ReadOnlySpan<byte> SpanOfAnyOwner(WebSocketMessage message) => message.Memory.Span;

    /// <summary>The payload's length in bytes.</summary>
    public int Length => (int)(_place & int.MaxValue);

    /// <summary>Whether the payload is empty.</summary>
    public bool IsEmpty => Length == 0;

    /// <summary>What the payload lies in; null for an empty message.</summary>
    internal object? Owner => _owner;

    /// <summary>Where in it, and whether it is text (<see cref="TextBit"/>).</summary>
    internal ulong Place => _place;

    private int Start => (int)((_place >> 32) & int.MaxValue);

    /// <summary>Makes a message of bytes, by the kind that is said.</summary>
    /// <exception cref="ArgumentException">It is said to be text, and is not UTF-8: the message says at which byte.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such kind.</exception>
    public static WebSocketMessage Create(MessageKind kind, ReadOnlyMemory<byte> payload)
    {
        Check(kind, payload.Span);
        return new WebSocketMessage(payload, kind == MessageKind.Text);
    }

    /// <summary>Makes a text of bytes that are checked here.</summary>
    /// <exception cref="ArgumentException">The bytes are not UTF-8: the message says at which byte.</exception>
    public static WebSocketMessage Text(ReadOnlyMemory<byte> utf8) => Create(MessageKind.Text, utf8);

    /// <summary>Makes a text of a string. This encodes it into an array of its own.</summary>
    /// <exception cref="ArgumentException">The string has half of a surrogate pair: the message says at which character.</exception>
    public static WebSocketMessage Text(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        byte[] utf8 = new byte[Encoding.UTF8.GetByteCount(text)];
        Encode(text, utf8);
        return new WebSocketMessage(utf8, isText: true);
    }

    /// <summary>Makes a binary message.</summary>
    public static WebSocketMessage Binary(ReadOnlyMemory<byte> payload) => new(payload, isText: false);

    /// <summary>The part of the message from a byte on, of the same kind.</summary>
    /// <exception cref="ArgumentException">The text would be cut inside a character.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The message has no such byte.</exception>
    public WebSocketMessage Slice(int start)
    {
        ReadOnlySpan<byte> rest = Span[start..];
        if (IsText && BeginsInside(rest)) RefuseCut();
        return Part(start, rest.Length);
    }

    /// <summary>A part of the message, of the same kind. A range does the same: <c>message[4..]</c>.</summary>
    /// <param name="start">Its first byte.</param>
    /// <param name="length">Its length in bytes.</param>
    /// <exception cref="ArgumentException">The text would be cut inside a character.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The message has no such bytes.</exception>
    public WebSocketMessage Slice(int start, int length)
    {
        ReadOnlySpan<byte> whole = Span;
        // RFC 3629 §3: where no continuation byte follows, a character has ended.
        if (IsText && (BeginsInside(whole.Slice(start, length)) || BeginsInside(whole[(start + length)..]))) RefuseCut();
        return Part(start, whole.Slice(start, length).Length);
    }

    /// <summary>The payload as a string: of text what it says, of a binary message its bytes in hexadecimal. A new string.</summary>
    public override string ToString() => IsText ? Encoding.UTF8.GetString(Span) : Convert.ToHexString(Span);

    /// <summary>Whether the other message is of the same kind and has the same bytes.</summary>
    public bool Equals(WebSocketMessage other) => IsText == other.IsText && Span.SequenceEqual(other.Span);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is WebSocketMessage other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        HashCode hash = default;
        hash.Add(IsText);
        hash.AddBytes(Span);
        return hash.ToHashCode();
    }

    /// <summary>Whether both are of the same kind and have the same bytes.</summary>
    public static bool operator ==(WebSocketMessage left, WebSocketMessage right) => left.Equals(right);

    /// <summary>Whether they differ in kind or bytes.</summary>
    public static bool operator !=(WebSocketMessage left, WebSocketMessage right) => !left.Equals(right);

    /// <summary>A message that has been received and lies in an array: its text was checked as it came.</summary>
    internal static WebSocketMessage Received(MessageKind kind, byte[] array, int start, int length) =>
        new(array, PlaceOf(start, length, kind == MessageKind.Text));

    /// <summary>A message that has been received: its text was checked as it came.</summary>
    internal static WebSocketMessage Received(MessageKind kind, ReadOnlyMemory<byte> payload) => new(payload, kind == MessageKind.Text);

    /// <summary>Refuses what may not leave as a message (§5.6).</summary>
    /// <exception cref="ArgumentException">It is said to be text, and is not UTF-8.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such kind.</exception>
    internal static void Check(MessageKind kind, ReadOnlySpan<byte> payload)
    {
        if (kind == MessageKind.Text)
        {
            if (!Utf8.IsValid(payload)) Refuse(payload);
        }
        else if (kind != MessageKind.Binary)
        {
            throw new ArgumentOutOfRangeException(nameof(kind), kind, "A message is text or binary (RFC 6455 §5.6).");
        }
    }

    /// <summary>Encodes a string.</summary>
    /// <returns>The length in bytes.</returns>
    /// <exception cref="ArgumentException">The string has half of a surrogate pair.</exception>
    internal static int Encode(string text, Span<byte> utf8)
    {
        OperationStatus status = Utf8.FromUtf16(text, utf8, out int read, out int written, replaceInvalidSequences: false);
        return status == OperationStatus.Done
            ? written
            : throw new ArgumentException(
                $"The text has half of a surrogate pair at character {read}: it cannot be UTF-8 (RFC 6455 §5.6, RFC 3629 §3).",
                nameof(text));
    }

    private static ulong PlaceOf(int start, int length, bool isText) => (uint)length | ((ulong)(uint)start << 32) | (isText ? TextBit : 0);

    private WebSocketMessage Part(int start, int length) => new(_owner, PlaceOf(Start + start, length, IsText));

    private static void Refuse(ReadOnlySpan<byte> payload)
    {
        int at = 0;
        while (Rune.DecodeFromUtf8(payload[at..], out _, out int length) == OperationStatus.Done) at += length;
        throw new ArgumentException($"The text is not UTF-8 at byte {at} (RFC 6455 §5.6, RFC 3629 §4).", nameof(payload));
    }

    private static void RefuseCut() => throw new ArgumentException("The text would be cut inside a character (RFC 3629 §3).");

    private static bool BeginsInside(ReadOnlySpan<byte> utf8) => !utf8.IsEmpty && (utf8[0] & 0xC0) == 0x80;
}
