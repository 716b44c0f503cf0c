// A message as a value: its kind and its payload, and, if it is text, the proof that it is UTF-8. There is no other way to make one than a
// check. So whoever passes a received message on, whole or in part, does not pay for a second check (RFC 6455 §5.6, §8.1).

using System.Buffers;
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
    private readonly ReadOnlyMemory<byte> _payload;
    private readonly bool _isText;

    private WebSocketMessage(ReadOnlyMemory<byte> payload, bool isText) => (_payload, _isText) = (payload, isText);

    /// <summary>Whether the message is text or binary.</summary>
    public MessageKind Kind => _isText ? MessageKind.Text : MessageKind.Binary;

    /// <summary>Whether the message is text.</summary>
    public bool IsText => _isText;

    /// <summary>The payload; of text in UTF-8.</summary>
    public ReadOnlyMemory<byte> Memory => _payload;

    /// <summary>The payload; of text in UTF-8.</summary>
    public ReadOnlySpan<byte> Span => _payload.Span;

    /// <summary>The payload's length in bytes.</summary>
    public int Length => _payload.Length;

    /// <summary>Whether the payload is empty.</summary>
    public bool IsEmpty => _payload.IsEmpty;

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
        ReadOnlyMemory<byte> part = _payload[start..];
        if (_isText && BeginsInside(part.Span)) RefuseCut();
        return new WebSocketMessage(part, _isText);
    }

    /// <summary>A part of the message, of the same kind. A range does the same: <c>message[4..]</c>.</summary>
    /// <param name="start">Its first byte.</param>
    /// <param name="length">Its length in bytes.</param>
    /// <exception cref="ArgumentException">The text would be cut inside a character.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The message has no such bytes.</exception>
    public WebSocketMessage Slice(int start, int length)
    {
        ReadOnlyMemory<byte> part = _payload.Slice(start, length);
        // RFC 3629 §3: where no continuation byte follows, a character has ended.
        if (_isText && (BeginsInside(part.Span) || BeginsInside(_payload.Span[(start + length)..]))) RefuseCut();
        return new WebSocketMessage(part, _isText);
    }

    /// <summary>The payload as a string: of text what it says, of a binary message its bytes in hexadecimal. A new string.</summary>
    public override string ToString() => _isText ? Encoding.UTF8.GetString(Span) : Convert.ToHexString(Span);

    /// <summary>Whether the other message is of the same kind and has the same bytes.</summary>
    public bool Equals(WebSocketMessage other) => _isText == other._isText && Span.SequenceEqual(other.Span);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is WebSocketMessage other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        HashCode hash = default;
        hash.Add(_isText);
        hash.AddBytes(Span);
        return hash.ToHashCode();
    }

    /// <summary>Whether both are of the same kind and have the same bytes.</summary>
    public static bool operator ==(WebSocketMessage left, WebSocketMessage right) => left.Equals(right);

    /// <summary>Whether they differ in kind or bytes.</summary>
    public static bool operator !=(WebSocketMessage left, WebSocketMessage right) => !left.Equals(right);

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
                $"The text has half of a surrogate pair at character {read}: it cannot be UTF-8 (RFC 6455 §5.6, RFC 3629 §3).", nameof(text));
    }

    private static void Refuse(ReadOnlySpan<byte> payload)
    {
        int at = 0;
        while (Rune.DecodeFromUtf8(payload[at..], out _, out int length) == OperationStatus.Done) at += length;
        throw new ArgumentException($"The text is not UTF-8 at byte {at} (RFC 6455 §5.6, RFC 3629 §4).", nameof(payload));
    }

    private static void RefuseCut() => throw new ArgumentException("The text would be cut inside a character (RFC 3629 §3).");

    private static bool BeginsInside(ReadOnlySpan<byte> utf8) => !utf8.IsEmpty && (utf8[0] & 0xC0) == 0x80;
}
