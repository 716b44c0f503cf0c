// What can be posted to a connection: things that its owner does in a turn of the loop.

namespace RawWs.Server.Connections;

/// <summary>What has been posted to the owner; several flags may be set at once.</summary>
[Flags]
internal enum Posted
{
    None = 0,
    Flush = 1,
    Start = 2,
    Close = 4,
    Abort = 8,
    ResumeReading = 16,
    Break = 32,
    Delivered = 64,
    CloseForMemory = 128,
    Probe = 256,
    CloseIfTooSlow = 512,
}
