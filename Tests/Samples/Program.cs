// Runs the examples of the packages' READMEs: `frame` or `handshake`. A test compares what they print, and the text with the READMEs.

using RawWs.Samples;

switch (args)
{
    case ["frame"]:
        FrameSample.Run();
        return 0;
    case ["handshake"]:
        HandshakeSample.Run();
        return 0;
    default:
        Console.Error.WriteLine("Either frame or handshake.");
        return 2;
}
