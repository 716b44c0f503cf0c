// Attackers whose requests cost more than they should.

using System.Net;

namespace RawWs.Benchmarks.Load;

internal static partial class Attacks
{
    private const int OfferCount = 9263;
    private const double OfferBytesPerSecond = 0.6e6;
    private const int SlowHeadBytes = 30 * 1024;

    private static IEnumerable<Attack> Handshakes()
    {
        yield return new Attack("subprotocols", "requests with 9,263 subprotocols in 32 KB, 0.6 MB/s of them", Subprotocols)
        {
            Sizes = [new(100, 100, 10_000, 10)],
        };
        yield return new Attack("one-address", "connections of one address, as many as it can open", OneAddress)
        {
            Settings = "--max-connections-per-address 1000",
            Sizes = [new(100, 10_000, 1, 20)],
        };
        yield return new Attack("slow-head", "requests that come byte by byte", SlowHead)
        {
            Sizes = [new(100, 500, 1, 9)],
        };
    }

    // A connection for each request; so many at most wait for their answers.
    private static void Subprotocols(AttackStage stage)
    {
        string offers = string.Join(',', Tokens().Take(OfferCount));
        byte[] request = stage.Attackers.MakeRequest("/", $"Sec-WebSocket-Protocol: {offers}\r\n");
        List<AttackClient> waiting = [];
        long most = stage.Size.Messages * stage.Size.Attackers;
        stage.Until(() => stage.AnsweredOtherwise >= most, elapsed =>
        {
            foreach (AttackClient client in waiting)
            {
                if (client.State is ConnectionState.Open or ConnectionState.Closed) stage.AnsweredOtherwise++;
                if (client.State == ConnectionState.Open) stage.Attackers.Close(client);
            }

            waiting.RemoveAll(static client => client.State == ConnectionState.Closed);
            if (waiting.Count >= stage.Size.Attackers || stage.SentOtherwise >= most) return;
            if (stage.SentOtherwise * request.Length > OfferBytesPerSecond * elapsed / 1e9) return;
            AttackClient next = new() { Request = [.. request] };
            waiting.Add(next);
            stage.Attackers.Begin(next);
            stage.SentOtherwise++;
        });
        stage.Further["bytes of a request"] = request.Length;
    }

    // Readers and probers come from another address. What is let in stays; nobody tries again.
    private static void OneAddress(AttackStage stage)
    {
        byte[] request = stage.Attackers.MakeRequest("/");
        SocketAddress from = new IPEndPoint(IPAddress.Parse("127.0.0.2"), 0).Serialize();
        stage.Until(() => stage.Attackers.Clients.Count == stage.Size.Attackers && stage.Attackers.Clients.All(IsSettled), _ =>
        {
            for (int i = 0; i < BegunPerTurn && stage.Attackers.Clients.Count < stage.Size.Attackers; i++)
                stage.Attackers.Begin(new AttackClient { Request = [.. request], From = from });
        });
        stage.UntilQuiet();
        stage.SentOtherwise = stage.Attackers.Clients.Count;
        stage.Further["let in"] = stage.Attackers.Clients.Count(static client => client.State == ConnectionState.Open);

        static bool IsSettled(AttackClient client) => client.State is ConnectionState.Open or ConnectionState.Closed;
    }

    // Each turn each sends a byte. One that is answered, or cut, begins anew.
    private static void SlowHead(AttackStage stage)
    {
        byte[] request = stage.Attackers.MakeRequest("/", Fields(SlowHeadBytes - 200));
        AttackClient?[] slow = new AttackClient?[stage.Size.Attackers];
        int begun = 0;
        stage.Until(static () => false, _ =>
        {
            begun = Math.Min(begun + BegunPerTurn, slow.Length);
            for (int i = 0; i < begun; i++)
            {
                if (slow[i] is not { State: ConnectionState.Connecting or ConnectionState.Requested } client)
                {
                    if (slow[i] is { } answered)
                    {
                        stage.AnsweredOtherwise++;
                        stage.Attackers.Close(answered);
                    }

                    slow[i] = client = new AttackClient { Request = [.. request], StepBytes = 1 };
                    stage.Attackers.Begin(client);
                    stage.SentOtherwise++;
                }
                else if (client.State == ConnectionState.Requested)
                {
                    stage.Attackers.Send(client);
                }
            }
        });
    }

    /// <summary>Different tokens, the short ones first.</summary>
    private static IEnumerable<string> Tokens()
    {
        string characters = string.Concat(Enumerable.Range(33, 94).Select(static code => (char)code)
            .Where(static c => char.IsAsciiLetterOrDigit(c) || "!#$%&'*+-.^_`|~".Contains(c, StringComparison.Ordinal)));
        IEnumerable<string> tokens = [""];
        while (true)
        {
            tokens = [.. tokens.SelectMany(token => characters.Select(c => token + c))];
            foreach (string token in tokens) yield return token;
        }
    }
}
