// What a server throws that the system has too little for.

namespace RawWs.Server;

/// <summary>The system has too little of something for the server and a few clients: descriptors or memory.</summary>
public sealed class ShortageException : IOException
{
    internal ShortageException(string message)
        : base(message)
    {
    }
}
