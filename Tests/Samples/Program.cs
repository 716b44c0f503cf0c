// Runs the examples of the packages' READMEs: `frame`, `handshake`, `server` or `hosting`; and those of docs/library.md: `library` and a
// name. A test compares what they print, and the text with the pages.

using RawWs.Samples;
using RawWs.Samples.Library;

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
    case ["library", "Greeting"]:
        await GreetingSample.Run();
        return 0;
    case ["library", "Sending"]:
        await SendingSample.Run();
        return 0;
    case ["library", "Closing"]:
        await ClosingSample.Run();
        return 0;
    case ["library", "Directory"]:
        await DirectorySample.Run();
        return 0;
    case ["library", "Adapting"]:
        await AdaptingSample.Run();
        return 0;
    default:
        Console.Error.WriteLine("One of frame, handshake, server, hosting and library NAME.");
        return 2;
}
