// Which frames leave: each is told of once, when the kernel has taken its last byte.

using RawWs.Frame;

namespace RawWs.Server.Sending;

/// <summary>Is told of the frames that have left.</summary>
internal interface ISentFrames
{
    /// <summary>The kernel has taken the last byte of a frame that begins here in the stream of what is sent.</summary>
    void OnFrameSent(long offset, in FrameHeader header);
}

internal sealed partial class SendQueue
{
    /// <summary>Tells those frames of which the kernel takes the last byte with these bytes. Call it before OnSent.</summary>
    /// <param name="bytes">How many bytes of the run the kernel has sent.</param>
    /// <param name="offset">Where they begin in the stream of what is sent.</param>
    /// <param name="told">Who is told.</param>
    public void TellSent(int bytes, long offset, ISentFrames told)
    {
        int left = bytes + _headSent;
        offset -= _headSent;
        for (int i = 0; i < _count && left > 0; i++)
        {
            ref Entry entry = ref At(i);
            if (entry.Kind == EntryKind.Void) continue;
            if (entry.Kind != EntryKind.Http) TellSent(entry.Bytes.AsSpan(entry.Offset, entry.Length), left, offset, told);
            left -= entry.Length;
            offset += entry.Length;
        }
    }

    private static void TellSent(ReadOnlySpan<byte> entry, int sent, long offset, ISentFrames told)
    {
        for (int at = 0; at < entry.Length;)
        {
            FrameReader.TryRead(entry[at..], out FrameHeader header);
            int start = at;
            at += header.HeaderLength + (int)header.PayloadLength;
            if (at > sent) return;
            told.OnFrameSent(offset + start, header);
        }
    }
}
