// The frames that have left and are not told of yet. A log is somebody else's code, which may send or close. In the middle of a send it
// would meet a connection, a cork or a batch that is half done. So a send only notes its frames here. Their lines are written where an
// application's code may run too: before the next line about a connection or a received frame, or at the end of the loop's turn. There are
// no more of them than a turn sends.

using Microsoft.Extensions.Logging;
using RawWs.Frame;

namespace RawWs.Server.Log;

/// <summary>One loop's. On the owner's thread. Empty while nobody wants lines about frames.</summary>
internal sealed class SentFrames
{
    private readonly List<(long Id, FrameHeader Header)> _frames = [];
    private bool _tells;

    /// <summary>The kernel has taken the last byte of this frame of a connection.</summary>
    public void Add(long id, in FrameHeader header) => _frames.Add((id, header));

    /// <summary>Logs them, in the order in which they left.</summary>
    public void Tell(ILogger log)
    {
        if (_frames.Count == 0 || _tells) return;
        _tells = true;
        try
        {
            // The log may cause more to be sent.
            for (int i = 0; i < _frames.Count; i++) log.Sent(_frames[i].Id, _frames[i].Header);
        }
        finally
        {
            _frames.Clear();
            _tells = false;
        }
    }
}
