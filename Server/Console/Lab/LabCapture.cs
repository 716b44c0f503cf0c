// A trace as a capture file (pcapng): the bytes as they were on the wire, in TCP segments that are made up, between addresses that are made
// up. Where a rule was broken, and where the connection ended, the packet has a comment that says so. Other tools can read it, and so can
// `rawws explain --file`.
//
// pcapng: a section header, one interface (bare IP), and for each segment a packet block; little-endian, padded to four bytes.

using System.Buffers.Binary;
using System.Text;
using RawWs.Frame;

namespace RawWs.Server.Console.Lab;

internal static class LabCapture
{
    private const uint SectionHeader = 0x0A0D0D0A, InterfaceDescription = 1, EnhancedPacket = 6;
    private const ushort LinkTypeRaw = 101, CommentOption = 1;
    private const int ClientPort = 50_000;
    private const byte Fin = 1, Syn = 2, Rst = 4, Push = 8, Ack = 16;

    /// <summary>Writes a file.</summary>
    /// <param name="trace">What was observed.</param>
    /// <param name="port">The server's port.</param>
    public static byte[] Write(LabTrace trace, int port)
    {
        Writer writer = new(port);
        DateTimeOffset first = trace.Pieces.Count > 0 ? trace.Pieces[0].Time : trace.EndedAt;
        writer.Add(Role.Client, Syn, default, first, "");
        writer.Add(Role.Server, Syn | Ack, default, first, "");
        writer.Add(Role.Client, Ack, default, first, "");
        int broken = trace.Rule is null ? -1 : LastOf(trace, Role.Client);
        for (int i = 0; i < trace.Pieces.Count; i++)
        {
            LabPiece piece = trace.Pieces[i];
            writer.Add(piece.Sender, Push | Ack, piece.Bytes.Span, piece.Time, i == broken ? $"RawWs: rule {trace.Rule} is broken" : "");
        }

        if (!trace.HasEnded) return writer.ToArray();
        string ended = $"RawWs: ended, {trace.Cause}{(trace.Code is { } code ? $", code {code}" : "")}";
        bool isReset = trace.Cause == EndCause.Aborted;
        writer.Add(Role.Server, isReset ? Rst : (byte)(Fin | Ack), default, trace.EndedAt, ended);
        if (isReset) return writer.ToArray();
        writer.Add(Role.Client, Fin | Ack, default, trace.EndedAt, "");
        writer.Add(Role.Server, Ack, default, trace.EndedAt, "");
        return writer.ToArray();
    }

    private static int LastOf(LabTrace trace, Role sender)
    {
        for (int i = trace.Pieces.Count - 1; i >= 0; i--)
            if (trace.Pieces[i].Sender == sender) return i;
        return -1;
    }

    private sealed class Writer
    {
        private static readonly byte[] ClientAddress = [10, 0, 0, 2], ServerAddress = [10, 0, 0, 1];

        private readonly List<byte> _file = [];
        private readonly int _port;
        private uint _clientNext = 1000;
        private uint _serverNext = 2000;

        public Writer(int port)
        {
            _port = port;
            byte[] section = new byte[16];
            BinaryPrimitives.WriteUInt32LittleEndian(section, 0x1A2B3C4D); // the order of bytes
            section[4] = 1; // version 1.0
            section.AsSpan(8).Fill(0xFF); // the section's length is not said
            AddBlock(SectionHeader, section);
            byte[] device = new byte[8]; // link type, two bytes free, and no limit of a packet's length
            BinaryPrimitives.WriteUInt16LittleEndian(device, LinkTypeRaw);
            AddBlock(InterfaceDescription, device);
        }

        public void Add(Role sender, byte flags, ReadOnlySpan<byte> payload, DateTimeOffset time, string comment)
        {
            byte[] packet = Packet(sender, flags, payload);
            byte[] text = Encoding.UTF8.GetBytes(comment);
            int options = text.Length == 0 ? 0 : 4 + Padded(text.Length) + 4;
            byte[] block = new byte[20 + Padded(packet.Length) + options];
            ulong microseconds = (ulong)((time - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond);
            BinaryPrimitives.WriteUInt32LittleEndian(block.AsSpan(4), (uint)(microseconds >> 32));
            BinaryPrimitives.WriteUInt32LittleEndian(block.AsSpan(8), (uint)microseconds);
            BinaryPrimitives.WriteInt32LittleEndian(block.AsSpan(12), packet.Length);
            BinaryPrimitives.WriteInt32LittleEndian(block.AsSpan(16), packet.Length);
            packet.CopyTo(block, 20);
            if (options > 0)
            {
                Span<byte> option = block.AsSpan(20 + Padded(packet.Length)); // and four zeros that end the options
                BinaryPrimitives.WriteUInt16LittleEndian(option, CommentOption);
                BinaryPrimitives.WriteUInt16LittleEndian(option[2..], (ushort)text.Length);
                text.CopyTo(option[4..]);
            }

            AddBlock(EnhancedPacket, block);
        }

        public byte[] ToArray() => [.. _file];

        private static int Padded(int length) => (length + 3) & ~3;

        private void AddBlock(uint type, ReadOnlySpan<byte> body)
        {
            Span<byte> word = stackalloc byte[4];
            int length = body.Length + 12;
            BinaryPrimitives.WriteUInt32LittleEndian(word, type);
            _file.AddRange(word);
            BinaryPrimitives.WriteInt32LittleEndian(word, length);
            _file.AddRange(word);
            _file.AddRange(body);
            _file.AddRange(word);
        }

        // RFC 791 §3.1, RFC 9293 §3.1: twenty bytes each.
        private byte[] Packet(Role sender, byte flags, ReadOnlySpan<byte> payload)
        {
            bool fromClient = sender == Role.Client;
            byte[] packet = new byte[40 + payload.Length];
            Span<byte> ip = packet.AsSpan(0, 20), tcp = packet.AsSpan(20);
            (ip[0], ip[6], ip[8], ip[9]) = (0x45, 0x40, 64, 6); // version and length, not to be cut, hops, TCP
            BinaryPrimitives.WriteUInt16BigEndian(ip[2..], (ushort)packet.Length);
            (fromClient ? ClientAddress : ServerAddress).CopyTo(ip[12..]);
            (fromClient ? ServerAddress : ClientAddress).CopyTo(ip[16..]);
            BinaryPrimitives.WriteUInt16BigEndian(ip[10..], Checksum(ip, 0));
            BinaryPrimitives.WriteUInt16BigEndian(tcp, (ushort)(fromClient ? ClientPort : _port));
            BinaryPrimitives.WriteUInt16BigEndian(tcp[2..], (ushort)(fromClient ? _port : ClientPort));
            BinaryPrimitives.WriteUInt32BigEndian(tcp[4..], fromClient ? _clientNext : _serverNext);
            if ((flags & Ack) != 0) BinaryPrimitives.WriteUInt32BigEndian(tcp[8..], fromClient ? _serverNext : _clientNext);
            (tcp[12], tcp[13]) = (0x50, flags);
            BinaryPrimitives.WriteUInt16BigEndian(tcp[14..], ushort.MaxValue); // the window
            payload.CopyTo(tcp[20..]);
            uint pseudo = Sum(ip[12..]) + 6 + (uint)tcp.Length;
            BinaryPrimitives.WriteUInt16BigEndian(tcp[16..], Checksum(tcp, pseudo));
            uint taken = (uint)payload.Length + ((flags & (Syn | Fin)) != 0 ? 1u : 0u);
            if (fromClient) _clientNext += taken;
            else _serverNext += taken;
            return packet;
        }

        // RFC 1071.
        private static ushort Checksum(ReadOnlySpan<byte> bytes, uint sum)
        {
            sum += Sum(bytes);
            while (sum > ushort.MaxValue) sum = (sum & ushort.MaxValue) + (sum >> 16);
            return (ushort)~sum;
        }

        private static uint Sum(ReadOnlySpan<byte> bytes)
        {
            uint sum = 0;
            for (int i = 0; i < bytes.Length; i++) sum += i % 2 == 0 ? (uint)bytes[i] << 8 : bytes[i];
            return sum;
        }
    }
}
