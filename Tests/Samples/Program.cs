// Runs the examples of the packages' READMEs: `frame`, `handshake`, `server`, `hosting`, or `nats` and the address of a server of NATS;
// and those of docs/library.md: `library` and a name; and those of docs/tour: `tour` and a name. Tests compare what they print, and the
// text with the pages.

using RawWs.Samples;
using RawWs.Samples.Library;
using RawWs.Samples.Tour;

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
    case ["nats", string url]:
        await NatsSample.Run(url);
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
    case ["library", "Presence"]:
        await PresenceSample.Run();
        return 0;
    case ["library", "Several", string url]:
        await SeveralSample.Run(url);
        return 0;
    case ["tour", "ByteByByte"]:
        ByteByByte.Run();
        return 0;
    case ["tour", "Accept"]:
        Accept.Run();
        return 0;
    case ["tour", "Lengths"]:
        Lengths.Run();
        return 0;
    case ["tour", "Unmask"]:
        Unmask.Run();
        return 0;
    case ["tour", "Fragments"]:
        Fragments.Run();
        return 0;
    case ["tour", "TextOrNot"]:
        TextOrNot.Run();
        return 0;
    case ["tour", "Goodbye"]:
        Goodbye.Run();
        return 0;
    default:
        Console.Error.WriteLine("One of frame, handshake, server, hosting, nats URL, library NAME, library Several URL and tour NAME.");
        return 2;
}
