// A client's bytes, and the pace at which they arrive. The bytes themselves are never changed: Receive copies, as a receive from a
// socket does, so what a parser unmasks in its own buffer is fresh in each operation, and no payload is ever unmasked twice. The
// copy is part of what is measured and is the same for every parser.

using System.Buffers;
using RawWs.Frame;

namespace RawWs.Benchmarks.Corpus;

/// <summary>Where a frame lies on the wire, for the limit that need not look for it.</summary>
/// <param name="Opcode">What it is.</param>
/// <param name="Fin">Whether it ends its message.</param>
/// <param name="PayloadStart">Where its payload begins, in bytes from the wire's first.</param>
/// <param name="Length">The payload's length in bytes.</param>
/// <param name="MaskingKey">Its key, the first byte lowest.</param>
public readonly record struct FramePlace(Opcode Opcode, bool Fin, int PayloadStart, int Length, uint MaskingKey);

/// <summary>A message as its sender had it.</summary>
/// <param name="Kind">Text or binary.</param>
/// <param name="Payload">Its bytes.</param>
public sealed record SentMessage(MessageKind Kind, byte[] Payload);

/// <summary>The two ends of a connection that a parser has: bytes to receive, and a place to send answers to.</summary>
public sealed class Wire
{
    private readonly PlacedBytes _bytes;
    private readonly int[] _arrivals; // where each arrival ends
    private readonly byte[] _pongs;
    private readonly FramePlace[] _frames;
    private int _position;
    private int _arrival;
    private ArrayBufferWriter<byte>? _sent;

    internal Wire(byte[] bytes, int[] arrivals, IReadOnlyList<FramePlace> frames, IReadOnlyList<SentMessage> messages, byte[] pongs)
    {
        _bytes = new PlacedBytes(bytes, PlacedBytes.Source);
        _arrivals = arrivals;
        _pongs = pongs;
        _frames = [.. frames];
        Messages = messages;
    }

    /// <summary>Where the frames lie.</summary>
    public IReadOnlyList<FramePlace> Frames => _frames;

    /// <summary>The messages that are in them; the last frame ends the last message.</summary>
    public IReadOnlyList<SentMessage> Messages { get; }

    /// <summary>How many bytes the parser has sent since the last <see cref="Rewind"/>.</summary>
    public long BytesSent { get; private set; }

    /// <summary>The same, for those that are measured: without an interface between.</summary>
    internal ReadOnlySpan<FramePlace> Places => _frames;

    internal ReadOnlySpan<byte> Bytes => _bytes.Span;

    /// <summary>Where each arrival ends.</summary>
    internal ReadOnlySpan<int> ArrivalEnds => _arrivals;

    /// <summary>The answers to its Pings, in order.</summary>
    internal ReadOnlySpan<byte> Pongs => _pongs;

    /// <summary>What the parser has sent, where <see cref="Rewind"/> was told to keep it.</summary>
    internal ReadOnlySpan<byte> Sent => _sent is null ? default : _sent.WrittenSpan;

    /// <summary>Copies what arrives next, at most as much as fits. 0 at the end.</summary>
    public int Receive(Span<byte> destination)
    {
        if (_position == _bytes.Length) return 0;
        int length = Math.Min(destination.Length, _arrivals[_arrival] - _position);
        _bytes.Span.Slice(_position, length).CopyTo(destination);
        _position += length;
        if (_position == _arrivals[_arrival]) _arrival++;
        return length;
    }

    /// <summary>Takes an answer, a Pong; measured, it is counted and dropped.</summary>
    public void Send(ReadOnlySpan<byte> bytes)
    {
        BytesSent += bytes.Length;
        _sent?.Write(bytes);
    }

    /// <summary>Everything arrives once more.</summary>
    /// <param name="keepsSent">Whether what the parser sends is kept.</param>
    public void Rewind(bool keepsSent = false)
    {
        (_position, _arrival, BytesSent) = (0, 0, 0);
        _sent = keepsSent ? new ArrayBufferWriter<byte>() : null;
    }
}

/// <summary>Writes frames as a client does, each with a key of its own.</summary>
internal sealed class WireBuilder(Random random)
{
    private readonly List<byte[]> _parts = [];
    private readonly List<FramePlace> _frames = [];
    private readonly List<SentMessage> _messages = [];
    private readonly List<byte> _pongs = [];
    private int _length;

    /// <summary>A message in one frame.</summary>
    public void Add(MessageKind kind, byte[] payload)
    {
        AddFrame((Opcode)kind, payload, fin: true);
        _messages.Add(new SentMessage(kind, payload));
    }

    /// <summary>A compressed message in one frame (RFC 7692 §6.1).</summary>
    /// <param name="kind">Text or binary.</param>
    /// <param name="payload">What the frame has in it.</param>
    /// <param name="message">What that is, decompressed.</param>
    public void AddCompressed(MessageKind kind, byte[] payload, byte[] message)
    {
        AddFrame((Opcode)kind, payload, fin: true, ReservedBits.Rsv1);
        _messages.Add(new SentMessage(kind, message));
    }

    /// <summary>A message in one to four frames, of any length, with a Ping or a Pong before every other of them.</summary>
    public void AddInFragments(MessageKind kind, byte[] payload)
    {
        int[] cuts = [0, .. Enumerable.Range(0, random.Next(0, 4)).Select(_ => random.Next(0, payload.Length + 1)).Order(), payload.Length];
        for (int i = 0; i + 1 < cuts.Length; i++)
        {
            if (random.Next(2) == 0) AddControl(random.Next(4) == 0 ? Opcode.Pong : Opcode.Ping);
            AddFrame(i == 0 ? (Opcode)kind : Opcode.Continuation, payload.AsSpan(cuts[i]..cuts[i + 1]), fin: i + 2 == cuts.Length);
        }

        _messages.Add(new SentMessage(kind, payload));
    }

    /// <summary>A message in frames of one size, the last of which may be shorter.</summary>
    public void AddInFrames(MessageKind kind, byte[] payload, int frameBytes)
    {
        for (int at = 0; at < payload.Length; at += frameBytes)
        {
            int length = Math.Min(frameBytes, payload.Length - at);
            AddFrame(at == 0 ? (Opcode)kind : Opcode.Continuation, payload.AsSpan(at, length), fin: at + length == payload.Length);
        }

        _messages.Add(new SentMessage(kind, payload));
    }

    /// <summary>
    /// The wire, cut into arrivals of the lengths that <paramref name="nextArrival"/> gives; null: each frame arrives by itself.
    /// </summary>
    public Wire Build(Func<int>? nextArrival)
    {
        byte[] bytes = [.. _parts.SelectMany(static part => part)];
        List<int> arrivals = [];
        if (nextArrival is null) arrivals.AddRange(_frames.Select(static frame => frame.PayloadStart + frame.Length));
        else for (int at = 0; at < bytes.Length;) arrivals.Add(at += Math.Min(nextArrival(), bytes.Length - at));
        return new Wire(bytes, [.. arrivals], _frames, _messages, [.. _pongs]);
    }

    private void AddControl(Opcode opcode)
    {
        byte[] payload = Payload.Make(PayloadKind.Binary, random.Next(0, FrameWriter.ControlPayloadBytesMax + 1), random);
        AddFrame(opcode, payload, fin: true);
        // §5.5.3: FIN, Pong, not masked, the same payload
        if (opcode == Opcode.Ping) _pongs.AddRange([0x8A, (byte)payload.Length, .. payload]);
    }

    private void AddFrame(Opcode opcode, ReadOnlySpan<byte> payload, bool fin, ReservedBits reserved = ReservedBits.None)
    {
        uint key = (uint)random.NextInt64(1L << 32);
        byte[] frame = new byte[FrameWriter.HeaderLength((ulong)payload.Length, masked: true) + payload.Length];
        FrameWriter.WriteMasked(frame, opcode, payload, key, fin, reserved);
        _frames.Add(new FramePlace(opcode, fin, _length + frame.Length - payload.Length, payload.Length, key));
        _parts.Add(frame);
        _length += frame.Length;
    }
}
