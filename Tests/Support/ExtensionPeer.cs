// A client that speaks what extensions it has agreed on.

using System.Globalization;
using RawWs.Frame;
using RawWs.Server.Compression;
using RawWs.Server.Extensions;

namespace RawWs.Tests.Support;

/// <summary>
/// A client of what it has agreed on, written by hand: each extension of the answer in turn, as the answer names them.
/// </summary>
internal sealed class ExtensionPeer : IDisposable
{
    private readonly List<(ReservedBits Bit, byte Key)> _extensions = [];
    private readonly Inflater _inflater = Inflater.TryCreate(15)!;
    private bool _takeover;

    private ExtensionPeer(RawClient client, string agreed) => (Client, Agreed) = (client, agreed);

    public RawClient Client { get; }

    /// <summary>The value of the answer's Sec-WebSocket-Extensions; empty for none.</summary>
    public string Agreed { get; }

    /// <summary>The bits of everything that was agreed on.</summary>
    public ReservedBits Marks { get; private set; }

    public static ExtensionPeer Open(TestServer server, string offers, string target = "/")
    {
        RawClient client = RawClient.Connect(server.Port);
        string field = offers.Length == 0 ? "" : $"Sec-WebSocket-Extensions: {offers}\r\n";
        client.Send($"GET {target} HTTP/1.1\r\n{RawClient.Upgrade}{field}\r\n");
        string head = client.ReadHead();
        Assert.That(head, Does.StartWith("HTTP/1.1 101 "));
        string answer = head.Split("\r\n")
            .FirstOrDefault(static line => line.StartsWith("Sec-WebSocket-Extensions: ", StringComparison.Ordinal))?[26..] ?? "";
        ExtensionPeer peer = new(client, answer);
        foreach (string extension in answer.Split(", ", StringSplitOptions.RemoveEmptyEntries))
        {
            bool isXor = extension.StartsWith("xor-payload; key=", StringComparison.Ordinal);
            peer._takeover |= !isXor && !extension.Contains("server_no_context_takeover", StringComparison.Ordinal);
            byte key = isXor ? byte.Parse(extension.AsSpan(17), CultureInfo.InvariantCulture) : (byte)0;
            peer._extensions.Add((isXor ? ReservedBits.Rsv2 : ReservedBits.Rsv1, key));
            peer.Marks |= peer._extensions[^1].Bit;
        }

        return peer;
    }

    /// <summary>A masked frame with these marks.</summary>
    public static byte[] Frame(Opcode opcode, ReadOnlySpan<byte> payload, ReservedBits marks, bool fin = true)
    {
        byte[] frame = new byte[FrameWriter.HeaderBytesMax + payload.Length];
        return frame[..FrameWriter.WriteMasked(frame, opcode, payload, 0x0BADF00D, fin, marks)];
    }

    public void Send(Opcode opcode, byte[] message) => Send(opcode, message, Marks);

    public void Send(Opcode opcode, byte[] message, ReservedBits marks) => Client.Send(Frame(opcode, Encode(message, marks), marks));

    public byte[] Encode(byte[] message, ReservedBits marks)
    {
        foreach ((ReservedBits bit, byte key) in _extensions)
            if ((marks & bit) != 0) message = bit == ReservedBits.Rsv1 ? Deflate.Compress(message) : Xored(message, key);
        return message;
    }

    // What is worth it is marked: 100 bytes for the one, a byte for the other.
    public void Expect(Opcode opcode, byte[] message, string about)
    {
        byte[] payload = Client.ReadRawFrame(out FrameHeader header, ReservedBits.Rsv1 | ReservedBits.Rsv2);
        Assert.That(header.Opcode, Is.EqualTo(opcode), about);
        Assert.That((header.Reserved & ReservedBits.Rsv2) != 0,
            Is.EqualTo((Marks & ReservedBits.Rsv2) != 0 && message.Length > 0), about);
        if (message.Length < 100) Assert.That(header.Reserved & ReservedBits.Rsv1, Is.EqualTo(ReservedBits.None), about);
        for (int i = _extensions.Count - 1; i >= 0; i--)
        {
            (ReservedBits bit, byte key) = _extensions[i];
            if ((header.Reserved & bit) != 0) payload = bit == ReservedBits.Rsv1 ? Inflated(payload) : Xored(payload, key);
        }

        Assert.That(payload.AsSpan().SequenceEqual(message), about);
    }

    public void Dispose()
    {
        Client.Dispose();
        _inflater.Dispose();
    }

    private byte[] Inflated(byte[] payload)
    {
        if (!_takeover) Assert.That(_inflater.TryReset(15));
        (DecodeStatus status, byte[] message) = Deflate.Read(_inflater, payload);
        Assert.That(status, Is.EqualTo(DecodeStatus.Done));
        return message;
    }

    private static byte[] Xored(byte[] payload, byte key)
    {
        byte[] result = new byte[payload.Length];
        XorExtension.Apply(key, payload, result);
        return result;
    }
}
