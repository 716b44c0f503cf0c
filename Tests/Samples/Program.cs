// Runs the examples of the packages' READMEs: `frame`, `handshake` or `server`. A test compares what they print, and the text with the
// READMEs.

using RawWs.Samples;

switch (args)
{
    case ["frame"]:
        FrameSample.Run();
        return 0;
    case ["handshake"]:
        HandshakeSample.Run();
        return 0;
    case ["server"]:
        await ServerSample.Run();
        return 0;
    default:
        Console.Error.WriteLine("One of frame, handshake and server.");
        return 2;
}
