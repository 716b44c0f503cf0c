// Attackers that make the server hold something: they read nothing, or end nothing that they have begun. Their kernel holds little of
// what they do not read, so that the server has to. They stay for as long as the attack goes on, or until the server closes them.

using RawWs.Frame;

namespace RawWs.Benchmarks.Load;

internal static partial class Attacks
{
    private const int UnreadBytes = 8 * 1024;
    private const int UnsentBytes = 256 * 1024; // as much as the server receives at once
    private const int UnfinishedBytes = 31 * 1024;
    private const int BegunPerTurn = 10;

    private static IEnumerable<Attack> Unread()
    {
        yield return new Attack("pongs-unread", "Pings whose Pongs are unread", static stage => FloodUnread(stage, Opcode.Ping, 125))
        {
            Settings = "--max-memory 8MiB",
            Sizes = [new(50, 40, Unlimited, 8), new(50, 150, Unlimited, 8)],
        };
        yield return new Attack("echo-unread", "messages to an echo, unread", static stage => FloodUnread(stage, Opcode.Text, 1024))
        {
            Settings = "--app echo --max-memory 64MiB",
            Sizes = [new(50, 2000, Unlimited, 8)],
        };
        yield return new Attack("uid-unread", "messages of 1 KB to a uid whose 1,000 connections read nothing", UidUnread)
        {
            Settings = "--max-memory 64MiB",
            Sizes = [new(50, 1001, 20_000, 8)],
        };
        yield return new Attack("heads-unfinished", "requests of which 31 KB come, and not the end", HeadsUnfinished)
        {
            Settings = "--max-memory 64MiB",
            Sizes = [new(50, 5000, 1, 8)],
        };
        yield return new Attack("messages-unfinished", "messages of 1 MiB of which 128 KiB come", MessagesUnfinished)
        {
            Settings = "--max-memory 64MiB",
            Sizes = [new(50, 2000, 1, 8)],
        };
    }

    private static void FloodUnread(AttackStage stage, Opcode opcode, int bytes)
    {
        stage.Open(index => Deaf(stage, $"attacker{index}"));
        foreach (AttackClient client in stage.Attackers.Clients) Flood(stage, client, opcode, Text("", bytes));
        stage.Until(() => AllClosed(stage));
    }

    private static void UidUnread(AttackStage stage)
    {
        stage.Open(index => index == 0 ? Speaker(stage, index) : Deaf(stage, "deaf"));
        AttackClient sender = stage.Attackers.Clients[0];
        Flood(stage, sender, Opcode.Text, Text("deaf:", 1024));
        stage.Until(() => sender.Blocks == 0);
        stage.Finish();
    }

    private static void HeadsUnfinished(AttackStage stage)
    {
        byte[] whole = stage.Attackers.MakeRequest("/", Fields(UnfinishedBytes));
        Begin(stage, () => new AttackClient { Request = whole[..UnfinishedBytes], KernelBytes = (UnfinishedBytes * 2, 0) });
        stage.SentOtherwise = stage.Attackers.Clients.Count(static client => !client.HasToSend);
    }

    private static void MessagesUnfinished(AttackStage stage)
    {
        byte[] half = Frames(Opcode.Text, Text("attacker:", 1024 * 1024), 1)[..(128 * 1024)];
        stage.Open(index => Speaker(stage, index));
        foreach (AttackClient client in stage.Attackers.Clients)
        {
            (client.Block, client.MessagesPerBlock, client.Blocks) = (half, 1, 1);
            stage.Attackers.Send(client);
        }

        stage.Until(() => AllClosed(stage));
    }

    /// <summary>An attacker that reads the answer to its request, and nothing after it.</summary>
    private static AttackClient Deaf(AttackStage stage, string uid) => new()
    {
        Request = stage.Attackers.MakeRequest("/?uid=" + uid),
        StopsReading = true,
        KernelBytes = (UnsentBytes, UnreadBytes),
    };

    /// <summary>Begins all connections, some each turn, and stays for the time of the attack.</summary>
    private static void Begin(AttackStage stage, Func<AttackClient> make) => stage.Until(
        () => stage.Attackers.Clients.Count == stage.Size.Attackers && AllClosed(stage),
        _ =>
        {
            for (int i = 0; i < BegunPerTurn && stage.Attackers.Clients.Count < stage.Size.Attackers; i++) stage.Attackers.Begin(make());
        });

    /// <summary>Header fields of at least so many bytes together.</summary>
    private static string Fields(int bytes) =>
        string.Concat(Enumerable.Range(0, (bytes / 1000) + 1).Select(static i => $"X-Field-{i:00}: {new string('x', 986)}\r\n"));
}
