// Runs the examples of the packages' READMEs: `frame`, `handshake`, `server` or `hosting`. A test compares what they print, and the
// text with the READMEs.

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
    case ["hosting"]:
        await HostingSample.Run();
        return 0;
    default:
        Console.Error.WriteLine("One of frame, handshake, server and hosting.");
        return 2;
}
