// The exception for a system that has too little of something.

namespace RawWs.Server;

/// <summary>The system has too little of something for the server and a few clients: descriptors or memory.</summary>
public sealed class ShortageException : IOException
{
    internal ShortageException(string message)
        : base(message)
    {
    }
}
