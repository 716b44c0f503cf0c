// The one interface to implement for a parser that wants to be measured: a file of its own here, and it is in the tables.

using RawWs.Benchmarks.Corpus;

namespace RawWs.Benchmarks.Parsers;

/// <summary>
/// Reads a client's frames at the server's end. Found by reflection: a public class with a constructor without arguments. It lives for as
/// long as its connection, which is many wires long, one after the other.
/// </summary>
public interface IFrameParser
{
    /// <summary>The name in the tables.</summary>
    string Name { get; }

    /// <summary>
    /// Reads a wire to its end: every message is given to <paramref name="sink"/>, whole, unmasked and in order; every Ping is answered by
    /// an unmasked Pong to <see cref="Wire.Send"/>. A wire begins and ends between two messages.
    /// </summary>
    void Read(Wire wire, MessageSink sink);
}
