// Which frames leave: for the log of frames, which names each frame once, when the kernel has taken its last byte.

using RawWs.Frame;
using RawWs.Server.Log;

namespace RawWs.Server.Sending;

internal sealed partial class SendQueue
{
    /// <summary>Notes those frames of which the kernel takes the last byte with these bytes. Call it before OnSent.</summary>
    /// <param name="bytes">How many bytes of the run the kernel has sent.</param>
    /// <param name="id">The connection's number.</param>
    /// <param name="frames">Where they are noted.</param>
    public void NoteSent(int bytes, long id, SentFrames frames)
    {
        int left = bytes + _headSent;
        for (int i = 0; i < _count && left > 0; i++)
        {
            ref Entry entry = ref At(i);
            if (entry.Kind == EntryKind.Void) continue;
            if (entry.Kind != EntryKind.Http) NoteSent(entry.Bytes.AsSpan(entry.Offset, entry.Length), left, id, frames);
            left -= entry.Length;
        }
    }

    private static void NoteSent(ReadOnlySpan<byte> entry, int sent, long id, SentFrames frames)
    {
        for (int at = 0; at < entry.Length;)
        {
            FrameReader.TryRead(entry[at..], out FrameHeader header);
            at += header.HeaderLength + (int)header.PayloadLength;
            if (at > sent) return;
            frames.Add(id, header);
        }
    }
}
