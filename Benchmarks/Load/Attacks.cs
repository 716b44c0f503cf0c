// The list of attacks, and the frames that they are made of. A block's frames are masked once, before the attack begins, so that the
// attackers' processor time is the kernel's and not theirs.

using System.Runtime.Versioning;
using System.Text;
using RawWs.Frame;

namespace RawWs.Benchmarks.Load;

[SupportedOSPlatform("linux")]
internal static partial class Attacks
{
    private const long Unlimited = 100_000_000;
    private const int BlockBytes = 64 * 1024;

    public static IReadOnlyList<Attack> All { get; } = [.. Floods(), .. Unread(), .. Handshakes(), .. Lone()];

    public static Attack? Find(string name) => All.FirstOrDefault(attack => attack.Name == name);

    /// <summary>The same message so many times, each masked with a key of its own.</summary>
    private static byte[] Frames(Opcode opcode, ReadOnlySpan<byte> payload, long count, ReservedBits reserved = 0)
    {
        int frame = FrameWriter.HeaderLength((ulong)payload.Length, masked: true) + payload.Length;
        byte[] frames = new byte[count * frame];
        for (int i = 0; i < count; i++)
            FrameWriter.WriteMasked(frames.AsSpan(i * frame), opcode, payload, (uint)Random.Shared.NextInt64(1L << 32), reserved: reserved);
        return frames;
    }

    /// <summary>Gives a client a message to send as often as it may: in blocks, which go out as the kernel takes them.</summary>
    private static void Flood(AttackStage stage, AttackClient client, Opcode opcode, ReadOnlySpan<byte> payload)
    {
        long perBlock = Math.Clamp(BlockBytes / (payload.Length + 8), 1, stage.Size.Messages);
        client.Block = Frames(opcode, payload, perBlock);
        client.MessagesPerBlock = (int)perBlock;
        client.Blocks = stage.Size.Messages / perBlock;
        stage.Attackers.Send(client);
    }

    /// <summary>An attacker with a uid of its own, which counts what it is told.</summary>
    private static AttackClient Speaker(AttackStage stage, int index) => new()
    {
        Request = stage.Attackers.MakeRequest($"/?uid=attacker{index}"),
        OnMessage = stage.CountTold,
    };

    private static bool AllClosed(AttackStage stage) =>
        stage.Attackers.Clients.All(static client => client.State == ConnectionState.Closed);

    private static byte[] Text(string prefix, int bytes) => Encoding.ASCII.GetBytes(prefix.PadRight(bytes, 'x'));
}
