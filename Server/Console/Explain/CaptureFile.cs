// Packets from the bytes of a capture file: pcap (both byte orders, with microseconds or nanoseconds) and pcapng. The file is somebody
// else's: every length is checked against what is there before it is used, and a wrong file gives the offset of what is wrong. The packets
// are views of the file's bytes.
//
//   pcap     magic 4, version 4, 8 unused, longest packet 4, link type 4; then packets: time 8, length here 4, length on the wire 4, bytes
//   pcapng   blocks: type 4, length 4, body, length 4 again. 0A0D0D0A begins a section and says its byte order, 1 describes an interface,
//            6, 3 and 2 are packets

using System.Buffers.Binary;
using System.Globalization;

namespace RawWs.Server.Console.Explain;

/// <summary>A packet as it was captured.</summary>
/// <param name="LinkType">What its first bytes are: 1 is Ethernet.</param>
/// <param name="Bytes">Its bytes, as far as they were captured.</param>
internal readonly record struct CapturedPacket(int LinkType, ReadOnlyMemory<byte> Bytes);

/// <summary>Reads capture files.</summary>
internal sealed class CaptureFile
{
    private const uint SectionHeader = 0x0A0D0D0A, ByteOrder = 0x1A2B3C4D;
    private const int BlockBytesMin = 12, PcapHeaderBytes = 24, PacketHeaderBytes = 16;

    private readonly ReadOnlyMemory<byte> _file;
    private readonly List<CapturedPacket> _packets = [];
    private bool _littleEndian;

    private CaptureFile(ReadOnlyMemory<byte> file) => _file = file;

    /// <summary>Whether the bytes begin as a capture file does.</summary>
    public static bool IsOne(ReadOnlySpan<byte> bytes) => bytes.Length >= 4
        && (BinaryPrimitives.ReadUInt32BigEndian(bytes) == SectionHeader || IsPcap(bytes, out _));

    /// <summary>Reads all packets. Returns what is wrong and where, or null.</summary>
    public static string? Read(ReadOnlyMemory<byte> bytes, out IReadOnlyList<CapturedPacket> packets)
    {
        CaptureFile file = new(bytes);
        packets = file._packets;
        return IsPcap(bytes.Span, out file._littleEndian) ? file.ReadPcap() : file.ReadBlocks();
    }

    private static bool IsPcap(ReadOnlySpan<byte> bytes, out bool littleEndian)
    {
        uint little = BinaryPrimitives.ReadUInt32LittleEndian(bytes), big = BinaryPrimitives.ReadUInt32BigEndian(bytes);
        littleEndian = little is 0xA1B2C3D4 or 0xA1B23C4D;
        return littleEndian || big is 0xA1B2C3D4 or 0xA1B23C4D;
    }

    private string? ReadPcap()
    {
        if (_file.Length < PcapHeaderBytes) return Wrong(_file.Length, "the file ends inside of its header");
        int linkType = (int)(Word(20) & 0x0FFFFFFF);
        int at = PcapHeaderBytes;
        while (at < _file.Length)
        {
            if (_file.Length - at < PacketHeaderBytes) return Wrong(at, "the file ends inside of a packet's header");
            uint length = Word(at + 8);
            if (length > _file.Length - at - PacketHeaderBytes) return Wrong(at, $"a packet of {length} bytes is longer than the file");
            _packets.Add(new CapturedPacket(linkType, _file.Slice(at + PacketHeaderBytes, (int)length)));
            at += PacketHeaderBytes + (int)length;
        }

        return null;
    }

    private string? ReadBlocks()
    {
        List<int> linkTypes = [];
        int at = 0;
        while (at < _file.Length)
        {
            if (_file.Length - at < BlockBytesMin) return Wrong(at, "the file ends inside of a block");
            bool begins = BinaryPrimitives.ReadUInt32BigEndian(_file.Span[at..]) == SectionHeader;
            if (begins)
            {
                _littleEndian = BinaryPrimitives.ReadUInt32LittleEndian(_file.Span[(at + 8)..]) == ByteOrder;
                if (!_littleEndian && Word(at + 8) != ByteOrder) return Wrong(at + 8, "a section does not say its byte order");
                linkTypes.Clear();
            }

            uint length = Word(at + 4);
            if (length < BlockBytesMin || length % 4 != 0) return Wrong(at + 4, $"a block cannot have {length} bytes");
            if (length > _file.Length - at) return Wrong(at + 4, $"a block of {length} bytes is longer than the file");
            if (Word(at + (int)length - 4) != length) return Wrong(at + (int)length - 4, "a block ends with another length than its own");
            if (!begins && ReadBlock(at, (int)length, linkTypes) is { } problem) return problem;
            at += (int)length;
        }

        return null;
    }

    private string? ReadBlock(int at, int length, List<int> linkTypes)
    {
        (uint type, int body, int bytes) = (Word(at), at + 8, length - BlockBytesMin);
        if (type == 1)
        {
            if (bytes < 8) return Wrong(body, "an interface's block is too short");
            linkTypes.Add(_littleEndian
                ? BinaryPrimitives.ReadUInt16LittleEndian(_file.Span[body..])
                : BinaryPrimitives.ReadUInt16BigEndian(_file.Span[body..]));
            return null;
        }

        // An enhanced packet, a simple one, or one of the old form.
        if (type is not (2 or 3 or 6)) return null;
        int header = type == 3 ? 4 : 20;
        if (bytes < header) return Wrong(body, "a packet's block is too short");
        long named = type switch
        {
            3 => 0,
            2 when _littleEndian => BinaryPrimitives.ReadUInt16LittleEndian(_file.Span[body..]),
            2 => BinaryPrimitives.ReadUInt16BigEndian(_file.Span[body..]),
            _ => Word(body),
        };
        if (named >= linkTypes.Count) return Wrong(body, $"a packet names interface {named}, of which there is no block before it");

        // A simple packet says only how long it was on the wire; it is cut where the block ends.
        uint captured = type == 3 ? Math.Min(Word(body), (uint)(bytes - header)) : Word(body + 12);
        if (captured > bytes - header) return Wrong(body, $"a packet of {captured} bytes is longer than its block");
        _packets.Add(new CapturedPacket(linkTypes[(int)named], _file.Slice(body + header, (int)captured)));
        return null;
    }

    private uint Word(int at) => _littleEndian
        ? BinaryPrimitives.ReadUInt32LittleEndian(_file.Span[at..])
        : BinaryPrimitives.ReadUInt32BigEndian(_file.Span[at..]);

    private static string Wrong(long at, string what) => string.Create(CultureInfo.InvariantCulture, $"at byte {at}: {what}");
}
