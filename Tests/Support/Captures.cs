// Writes small capture files by hand: a TCP conversation over IPv4 or IPv6 and Ethernet, as pcap in both byte orders, or as pcapng.

using System.Buffers.Binary;

namespace RawWs.Tests.Support;

/// <summary>A segment of a made-up conversation.</summary>
internal sealed record CapturedSegment(bool FromClient, uint Sequence, byte[] Payload, bool Syn = false)
{
    public const int ClientPort = 50_000, ServerPort = 2000;

    public byte[] Packet(bool v6)
    {
        byte[] tcp = new byte[20 + Payload.Length];
        BinaryPrimitives.WriteUInt16BigEndian(tcp, (ushort)(FromClient ? ClientPort : ServerPort));
        BinaryPrimitives.WriteUInt16BigEndian(tcp.AsSpan(2), (ushort)(FromClient ? ServerPort : ClientPort));
        BinaryPrimitives.WriteUInt32BigEndian(tcp.AsSpan(4), Sequence);
        tcp[12] = 5 << 4;
        tcp[13] = (byte)((Syn ? 2 : 0) | (Syn && FromClient ? 0 : 16));
        Payload.CopyTo(tcp, 20);
        byte[] client = v6 ? [.. new byte[15], 1] : [127, 0, 0, 1], server = v6 ? [.. new byte[15], 2] : [127, 0, 0, 2];
        byte[] addresses = FromClient ? [.. client, .. server] : [.. server, .. client];
        byte[] ip = v6 ? [0x60, 0, 0, 0, 0, 0, 6, 64] : [0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 6, 0, 0];
        if (v6) BinaryPrimitives.WriteUInt16BigEndian(ip.AsSpan(4), (ushort)tcp.Length);
        else BinaryPrimitives.WriteUInt16BigEndian(ip.AsSpan(2), (ushort)(20 + tcp.Length));
        return [.. new byte[12], .. v6 ? (byte[])[0x86, 0xDD] : [0x08, 0x00], .. ip, .. addresses, .. tcp];
    }
}

internal static class Captures
{
    /// <summary>A handshake and then segments, each end's in its order.</summary>
    public static List<CapturedSegment> Conversation(params (bool FromClient, byte[] Bytes)[] pieces)
    {
        uint client = 0xFFFFFFF0, server = 7; // the client's numbers wrap around
        List<CapturedSegment> segments =
            [new(true, client++, [], Syn: true), new(false, server++, [], Syn: true)];
        foreach ((bool fromClient, byte[] bytes) in pieces)
        {
            segments.Add(new CapturedSegment(fromClient, fromClient ? client : server, bytes));
            if (fromClient) client += (uint)bytes.Length;
            else server += (uint)bytes.Length;
        }

        return segments;
    }

    public static byte[] Pcap(IEnumerable<CapturedSegment> segments, bool bigEndian = false, bool v6 = false)
    {
        List<byte> file = [];
        foreach (uint word in (uint[])[0xA1B2C3D4, bigEndian ? 0x00020004u : 0x00040002, 0, 0, 65_535, 1]) Add(word);
        foreach (CapturedSegment segment in segments)
        {
            byte[] packet = segment.Packet(v6);
            foreach (uint word in (uint[])[0, 0, (uint)packet.Length, (uint)packet.Length]) Add(word);
            file.AddRange(packet);
        }

        return [.. file];

        void Add(uint word) => file.AddRange(Word(word, bigEndian));
    }

    public static byte[] Pcapng(IEnumerable<CapturedSegment> segments, bool simple = false, bool v6 = false)
    {
        List<byte> file = [.. Block(0x0A0D0D0A, [.. Word(0x1A2B3C4D), .. Word(1), .. Word(uint.MaxValue), .. Word(uint.MaxValue)])];
        file.AddRange(Block(1, [.. Word(1), .. Word(0)]));
        file.AddRange(Block(5, Word(0))); // statistics, which nobody reads here
        foreach (CapturedSegment segment in segments)
        {
            byte[] packet = segment.Packet(v6), length = Word((uint)packet.Length);
            byte[] padded = [.. packet, .. new byte[(4 - (packet.Length % 4)) % 4]];
            file.AddRange(simple
                ? Block(3, [.. length, .. padded])
                : Block(6, [.. Word(0), .. Word(0), .. Word(0), .. length, .. length, .. padded]));
        }

        return [.. file];
    }

    private static byte[] Block(uint type, byte[] body)
    {
        byte[] length = Word((uint)body.Length + 12);
        return [.. Word(type), .. length, .. body, .. length];
    }

    private static byte[] Word(uint value, bool bigEndian = false)
    {
        byte[] bytes = new byte[4];
        if (bigEndian) BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        else BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return bytes;
    }
}
