// What an extension makes of a message that it has marked. The protocol cannot decode it, and so its events bring the payload as it came;
// but what comes out is judged here, by the same limit and the same validator as a message that nobody has marked.

namespace RawWs.Frame;

public sealed partial class WebSocketProtocol
{
    private long _decodedBytes;

    /// <summary>How many bytes may still come out of the marked message whose payload the events bring.</summary>
    internal long DecodedBytesLeft => _limits.MessageBytesMax - _decodedBytes;

    /// <summary>
    /// Judges what has come out of a marked message, chunk by chunk, before Next is called again. So a wrong byte is found before the
    /// message's end, and so is one byte too many.
    /// </summary>
    /// <param name="decoded">The next chunk.</param>
    /// <param name="kind">The kind of the message, as the events say it.</param>
    /// <param name="endOfMessage">Whether nothing follows.</param>
    /// <returns>The rule that is broken, or null.</returns>
    internal Rule? CheckDecoded(ReadOnlySpan<byte> decoded, MessageKind kind, bool endOfMessage)
    {
        bool tooBig = decoded.Length > DecodedBytesLeft;
        if (tooBig) decoded = decoded[..(int)DecodedBytesLeft];
        _decodedBytes += decoded.Length;
        // §8.1, §5.6: the whole message is UTF-8; a chunk may end inside a character.
        if (kind == MessageKind.Text && !_utf8.Append(decoded)) return FrameRules.TextNotUtf8;
        if (tooBig) return FrameRules.MessageTooBig;
        return kind == MessageKind.Text && endOfMessage && !_utf8.IsComplete ? FrameRules.TextEndsInsideCharacter : null;
    }

    private void BeginDecoded()
    {
        _utf8.Reset();
        _decodedBytes = 0;
    }
}
