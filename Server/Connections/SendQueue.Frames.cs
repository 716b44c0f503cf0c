// Which frames leave: each is told of once, when the kernel has taken its last byte.

using RawWs.Frame;
using RawWs.Server.Observing;

namespace RawWs.Server;

internal sealed partial class SendQueue
{
    /// <summary>Tells those frames of which the kernel takes the last byte with these bytes. Call it before OnSent.</summary>
    /// <param name="bytes">How many bytes of the run the kernel has sent.</param>
    /// <param name="offset">Where they begin in the stream of what is sent.</param>
    /// <param name="connection">Whose queue it is.</param>
    /// <param name="watch">Who is told.</param>
    public void TellSent(int bytes, long offset, WebSocketConnection connection, LoopWatch watch)
    {
        int left = bytes + _headSent;
        offset -= _headSent;
        for (int i = 0; i < _count && left > 0; i++)
        {
            ref Entry entry = ref At(i);
            if (entry.Kind == EntryKind.Void) continue;
            if (entry.Kind != EntryKind.Http) TellSent(entry.Bytes.AsSpan(entry.Offset, entry.Length), left, offset, connection, watch);
            left -= entry.Length;
            offset += entry.Length;
        }
    }

    private static void TellSent(ReadOnlySpan<byte> entry, int sent, long offset, WebSocketConnection connection, LoopWatch watch)
    {
        for (int at = 0; at < entry.Length;)
        {
            FrameReader.TryRead(entry[at..], out FrameHeader header);
            int start = at;
            at += header.HeaderLength + (int)header.PayloadLength;
            if (at > sent) return;
            watch.FrameSent(connection, offset + start, header);
        }
    }
}
