// Attackers that read what they get, and send more than their share: in one go, or at full speed.

using System.IO.Compression;
using RawWs.Frame;

namespace RawWs.Benchmarks.Load;

internal static partial class Attacks
{
    private const double InflateBytesPerSecond = 23e6;

    private static IEnumerable<Attack> Floods()
    {
        AttackSize[] bursts = [new(300, 1, 23_000, 20), new(2000, 1, 23_000, 20), new(5000, 1, 23_000, 20)];
        yield return new Attack("burst-all", "one connection sends all:x 23,000 times in one go", static stage => Burst(stage, "all:x"))
        {
            Sizes = bursts,
        };
        yield return new Attack("burst-uid", "the same to one uid that all readers have", static stage => Burst(stage, "shared:x"))
        {
            Sizes = bursts,
            ReaderPath = "/?uid=shared",
        };
        yield return new Attack("large-uid", "five messages of 1 MB to a uid of 1,000 connections", static stage => Large(stage, "shared:"))
        {
            Settings = "--max-message 2MiB",
            Sizes = [new(1000, 1, 5, 20)],
            ReaderPath = "/?uid=shared",
        };
        yield return new Attack("large-all", "five messages of 1 MB to all of 1,000 connections", static stage => Large(stage, "all:"))
        {
            Settings = "--max-message 2MiB",
            Sizes = [new(1000, 1, 5, 20)],
        };
        yield return new Attack("relay", "pairs that send to each other's uids at full speed", Relay)
        {
            Sizes = [new(100, 20, Unlimited, 10)],
        };
        yield return new Attack("echo-flood", "messages of 32 bytes to an echo at full speed", static stage => Flood(stage, Opcode.Text))
        {
            Settings = "--app echo",
            Sizes = [new(100, 20, Unlimited, 10)],
        };
        yield return new Attack("ping-flood", "Pings of 32 bytes at full speed", static stage => Flood(stage, Opcode.Ping))
        {
            Sizes = [new(100, 20, Unlimited, 10)],
        };
        yield return new Attack("two-senders", "one that reads at full speed gets tiny messages from two at full speed", TwoSenders)
        {
            Sizes = [new(1, 2, Unlimited, 10)],
            ReaderPath = "/?uid=receiver",
        };
        yield return new Attack("inflate", "messages of a KB that inflate to 1 MiB, 23 MB/s of them", Inflate)
        {
            Settings = "--compression on",
            Sizes = [new(100, 10, Unlimited, 10)],
        };
    }

    // The Ping behind the burst is answered when all of it has been dealt with.
    private static void Burst(AttackStage stage, string message)
    {
        stage.Open(index => Speaker(stage, index));
        byte[] block = [.. Frames(Opcode.Text, Text(message, 0), stage.Size.Messages), .. Frames(Opcode.Ping, "done?"u8, 1)];
        foreach (AttackClient client in stage.Attackers.Clients)
        {
            (client.Block, client.MessagesPerBlock, client.Blocks) = (block, (int)stage.Size.Messages, 1);
            stage.Attackers.Send(client);
        }

        stage.Until(() => stage.Attackers.Clients.All(static client => client.Pongs > 0 || client.State != ConnectionState.Open));
        stage.UntilQuiet();
    }

    private static void Large(AttackStage stage, string prefix)
    {
        stage.Open(index => Speaker(stage, index));
        foreach (AttackClient client in stage.Attackers.Clients) Flood(stage, client, Opcode.Text, Text(prefix, 1_000_000));
        stage.Until(() => stage.Attackers.Clients.All(static client => client.Blocks == 0));
        stage.Finish();
    }

    private static void Relay(AttackStage stage) => Flood(stage, Opcode.Text, static index => Text($"attacker{index ^ 1}:", 40));

    private static void Flood(AttackStage stage, Opcode opcode) => Flood(stage, opcode, static _ => Text("", 32));

    private static void Flood(AttackStage stage, Opcode opcode, Func<int, byte[]> payload)
    {
        stage.Open(index => Speaker(stage, index));
        foreach (AttackClient client in stage.Attackers.Clients) Flood(stage, client, opcode, payload(client.Index));
        stage.Until(() => stage.Attackers.Clients.All(static client => client.Blocks == 0));
        stage.Finish();
    }

    // Each message is delivered, or its sender is told that it was not.
    private static void TwoSenders(AttackStage stage)
    {
        Flood(stage, Opcode.Text, static _ => Text("receiver:x", 0));
        long sent = stage.Attackers.Clients.Sum(static client => client.Sent);
        long told = stage.Told.Values.Sum();
        stage.Further["sent less delivered and told"] = sent - (stage.Delivered / Math.Max(1, stage.Size.Readers)) - told;
    }

    // Everybody has its turn; a connection whose kernel takes no more is passed over, and what it did not send is not made up for.
    private static void Inflate(AttackStage stage)
    {
        byte[] message = Frames(Opcode.Text, Deflate(new string('x', 1024 * 1024)), 1, ReservedBits.Rsv1);
        stage.Open(index => new AttackClient
        {
            Request = stage.Attackers.MakeRequest($"/?uid=attacker{index}", "Sec-WebSocket-Extensions: permessage-deflate\r\n"),
            OnMessage = stage.CountTold,
        });
        long next = 0, most = stage.Size.Messages * stage.Size.Attackers;
        stage.Until(() => AllClosed(stage) || next >= most, elapsed =>
        {
            for (; next < most && next * message.Length < InflateBytesPerSecond * elapsed / 1e9; next++)
            {
                AttackClient client = stage.Attackers.Clients[(int)(next % stage.Size.Attackers)];
                if (client.State != ConnectionState.Open || client.WaitsToSend) continue;
                (client.Block, client.MessagesPerBlock, client.Blocks) = (message, 1, client.Blocks + 1);
                stage.Attackers.Send(client);
            }
        });
        stage.Finish();
    }

    // RFC 7692 §7.2.1: the four bytes of the flush at its end are left away.
    private static byte[] Deflate(string text)
    {
        using MemoryStream output = new();
        using DeflateStream deflate = new(output, CompressionLevel.SmallestSize);
        deflate.Write(Text(text, 0));
        deflate.Flush();
        return output.ToArray()[..^4];
    }
}
