// docs/tour, chapter 7: which code it is, and at which byte.

using RawWs.Frame;

namespace RawWs.Samples.Tour;

internal static class TextOrNot
{
    public static void Run()
    {
        // Sample begins
        // The key is 00000000, so that the payload can be read here: e4 bd a0 is 你.
        foreach (string hex in (string[])["8183 00000000 e4bda0", "8182 00000000 e4bd", "8182 00000000 e441", "c183 00000000 e4bda0"])
        {
            byte[] wire = Convert.FromHexString(hex.Replace(" ", ""));
            WebSocketProtocol protocol = new(Role.Server, new ProtocolLimits());
            string verdict = "a text";
            for (int given = 1, done = 0; given <= wire.Length; given++)
            {
                ProtocolEvent found = protocol.Next(wire.AsSpan(done, given - done), out int consumed);
                done += consumed;
                if (found.Rule is { } rule) verdict = $"{rule.Name}, {rule.CloseCode}, at byte {given}";
                if (found.Rule is not null) break;
            }

            Console.WriteLine($"{hex}: {verdict}");
        }

        // Sample ends
    }
}
