// The corpus: what clients send, described by a few words and made from a seed. Each description is a row's parameter; its wire is made
// when it is first asked for.

using RawWs.Frame;

namespace RawWs.Benchmarks.Corpus;

/// <summary>How the bytes arrive.</summary>
public enum Arrival
{
    /// <summary>One frame in each receive, as from a peer that waits for its answer.</summary>
    Whole,

    /// <summary>As many frames as the reader has room for, as from a peer that does not wait.</summary>
    Packed,

    /// <summary>Cut at random, about once a frame.</summary>
    Random,

    /// <summary>One at a time.</summary>
    ByteByByte,
}

/// <summary>One client's messages of one kind and size.</summary>
/// <param name="Kind">What they are made of.</param>
/// <param name="Size">Each message's payload.</param>
/// <param name="Arrival">How the bytes arrive.</param>
/// <param name="Fragmented">
/// Whether each message comes in one to four frames, cut anywhere, with a Ping or a Pong before every other of them; else it is one frame.
/// </param>
/// <param name="FrameSize">Where each message comes in frames of one size, with nothing between them: that size.</param>
public sealed record Traffic(PayloadKind Kind, PayloadSize Size, Arrival Arrival, bool Fragmented, PayloadSize? FrameSize = null) : IWork
{
    private const int WireBytesAimedAt = 256 * 1024;
    private const int MessagesMax = 512;
    private const int EvenCount = 64;
    internal const int Seed = 6455;

    private Wire? _wire;

    /// <summary>All of it: every kind and size in every cut, in one frame each and in fragments. Every parser has to read it.</summary>
    public static IReadOnlyList<Traffic> All { get; } =
    [
        .. from fragmented in (bool[])[false, true]
           from arrival in Enum.GetValues<Arrival>()
           from kind in Enum.GetValues<PayloadKind>()
           from size in PayloadSize.All
           select new Traffic(kind, size, arrival, fragmented),
    ];

    /// <summary>
    /// What is measured of one message a frame: every kind and size whole, and packed where a wire has more than one frame, binary in
    /// every cut, and text of mixed scripts byte by byte.
    /// </summary>
    public static IEnumerable<Traffic> Frames => All.Where(static traffic => !traffic.Fragmented && traffic.Arrival switch
    {
        Arrival.Whole => true,
        Arrival.Packed => traffic.Size.Bytes < WireBytesAimedAt,
        Arrival.ByteByByte => traffic.Kind is PayloadKind.Binary or PayloadKind.Mixed,
        _ => traffic.Kind == PayloadKind.Binary,
    });

    /// <summary>
    /// What is measured of fragments with control frames in between: in every cut but packed, what is not checked at all and what is
    /// hardest to check across cuts.
    /// </summary>
    public static IEnumerable<Traffic> Fragments => All.Where(static traffic =>
        traffic is { Fragmented: true, Arrival: not Arrival.Packed, Kind: PayloadKind.Binary or PayloadKind.Mixed });

    /// <summary>Messages in fragments of one size each, and nothing between: to be held against whole frames of that size.</summary>
    public static IReadOnlyList<Traffic> EvenFragments { get; } =
    [
        .. from bytes in (int[])[16, 125, 126, 1024]
           let size = new PayloadSize(EvenCount * bytes)
           select new Traffic(PayloadKind.Binary, size, Arrival.Whole, Fragmented: true, new PayloadSize(bytes)),
    ];

    /// <summary>Frames, and fragments with control frames in between.</summary>
    public static IEnumerable<Traffic> Measured => Frames.Concat(Fragments);

    /// <inheritdoc/>
    long IWork.Frames => Wire.Frames.Count;

    /// <inheritdoc/>
    public long PayloadBytes => Wire.Frames.Sum(static frame => (long)frame.Length);

    /// <summary>The bytes.</summary>
    public Wire Wire => _wire ??= Make();

    public override string ToString()
    {
        string what = FrameSize is null ? $"{Size} {Kind}" : $"{FrameSize} {Kind}, {EvenCount} fragments a message";
        return what + Arrival switch
        {
            Arrival.Packed => ", packed",
            Arrival.Random => ", cut at random",
            Arrival.ByteByByte => ", byte by byte",
            _ => "",
        };
    }

    private Wire Make()
    {
        Random random = new(Seed + Size.Bytes);
        int messages = Math.Clamp(WireBytesAimedAt / Math.Max(Size.Bytes, 1), 1, MessagesMax);
        WireBuilder builder = new(random);
        MessageKind kind = Kind == PayloadKind.Binary ? MessageKind.Binary : MessageKind.Text;
        for (int i = 0; i < messages; i++)
        {
            byte[] payload = Payload.Make(Kind, Size.Bytes, random);
            if (FrameSize is not null) builder.AddInFrames(kind, payload, FrameSize.Bytes);
            else if (Fragmented) builder.AddInFragments(kind, payload);
            else builder.Add(kind, payload);
        }

        int mean = Math.Clamp(Size.Bytes, 16, 16 * 1024);
        return builder.Build(Arrival switch
        {
            Arrival.Whole => null,
            Arrival.Packed => static () => int.MaxValue,
            Arrival.ByteByByte => static () => 1,
            _ => () => random.Next(1, 2 * mean),
        });
    }
}
