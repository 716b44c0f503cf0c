// Target "inflate": Inflater over the compressed messages of one connection, cut at places that the fuzzer chooses.
//
//   byte 0       bits 0 to 2: the window, 8 to 15 bits; bit 3: context takeover
//   byte 1       the room for output, 1 to 256 bytes
//   byte 2       the limit of a message, in units of 64 bytes
//   bytes 3–10   the cuts of each message
//   the rest     the messages: a byte that says the length, 255 meaning all that is left, and then the compressed data
//
// Properties: whatever the cuts and the room, the status of each message and the bytes that came of it are those of an oracle, so never
// more than the limit; the contract at the head of Inflater.cs is kept (consumed is within the input, written within the room, nothing
// behind the room changes, NeedMoreData has taken all, OutputFull has filled all); after a reset it is as new; and DeflateStream makes the
// same of the messages with their tails. Where a reference goes farther back than the window, Malformed is allowed in the place of the
// oracle's report.

using System.IO.Compression;
using RawWs.Server.Compression;
using RawWs.Server.Extensions;

namespace RawWs.Fuzz;

internal static class InflateTarget
{
    private const int OptionBytes = 3 + Cuts.PlanBytes;
    private const int LimitUnit = 64;
    private const int MessagesMax = 8;
    private const int LengthOfTheRest = 255;
    private const int LargeRoom = (256 * LimitUnit) + 1;
    private const int GuardBytes = 64;
    private const byte Guard = 0xA5;

    public static void Run(ReadOnlySpan<byte> input)
    {
        if (input.Length < OptionBytes) return;
        int windowBits = 8 + (input[0] & 7);
        bool takeover = (input[0] & 8) != 0;
        int room = 1 + input[1];
        int limit = input[2] * LimitUnit;
        byte[] plan = input.Slice(3, Cuts.PlanBytes).ToArray();
        List<Message> messages = Judge(Split(input[OptionBytes..]), windowBits, takeover, limit, out bool hasFinalBlock);

        using Inflater inflater = Inflater.TryCreate(windowBits) ?? throw new PropertyException("there is memory");
        CheckRun(inflater, messages, windowBits, takeover, limit, LargeRoom, static length => [length]);
        CheckRun(inflater, messages, windowBits, takeover, limit, LargeRoom, Cuts.EveryByte);
        CheckRun(inflater, messages, windowBits, takeover, limit, room, length => Cuts.Of(plan, length));
        if (takeover && !hasFinalBlock) CheckStream(messages);
        else if (!hasFinalBlock) messages.ForEach(static message => CheckStream([message]));
    }

    private static List<byte[]> Split(ReadOnlySpan<byte> rest)
    {
        List<byte[]> payloads = [];
        while (!rest.IsEmpty && payloads.Count < MessagesMax)
        {
            int length = rest[0] == LengthOfTheRest ? rest.Length - 1 : Math.Min(rest[0], rest.Length - 1);
            payloads.Add(rest.Slice(1, length).ToArray());
            rest = rest[(1 + length)..];
        }

        return payloads;
    }

    // Up to the first that is not well formed: a connection ends with it.
    private static List<Message> Judge(List<byte[]> payloads, int windowBits, bool takeover, int limit, out bool hasFinalBlock)
    {
        InflateOracle oracle = new(windowBits);
        List<Message> messages = [];
        foreach (byte[] payload in payloads)
        {
            if (!takeover) oracle.Reset();
            (DecodeStatus status, byte[] bytes) = oracle.Read(payload, limit);
            messages.Add(new Message(payload, status, bytes, oracle.IsBeyondWindow));
            if (status != DecodeStatus.Done) break;
        }

        hasFinalBlock = oracle.HasFinalBlock;
        return messages;
    }

    private static void CheckRun(Inflater inflater, List<Message> messages, int windowBits, bool takeover, int limit, int room,
        Func<int, int[]> cut)
    {
        Property.Holds(inflater.TryReset(windowBits));
        byte[] output = new byte[room + GuardBytes];
        foreach (Message message in messages)
        {
            if (!takeover) Property.Holds(inflater.TryReset(windowBits));
            List<byte> bytes = [];
            DecodeStatus status = DecodeStatus.NeedMoreData;
            int from = 0;
            foreach (int end in cut(message.Payload.Length))
            {
                status = ReadPiece(inflater, message.Payload.AsSpan(from..end), output, bytes, limit);
                from = end;
                if (status != DecodeStatus.NeedMoreData) break;
            }

            if (status == DecodeStatus.NeedMoreData) status = inflater.Finish();
            Property.Holds(bytes.Count <= limit);
            // Behind the byte that is one too many it may have found a fault too.
            if (status != DecodeStatus.OutputFull) Property.Same(inflater.Fault is not null, status == DecodeStatus.Malformed);
            if (status == DecodeStatus.Malformed && message.MayBeRefused)
            {
                Property.Holds(message.Bytes.AsSpan().StartsWith(bytes.ToArray()));
                return;
            }

            Property.Same(status, message.Status);
            Property.SameBytes(bytes.ToArray(), message.Bytes);
        }
    }

    private static DecodeStatus ReadPiece(Inflater inflater, ReadOnlySpan<byte> piece, byte[] output, List<byte> bytes, int limit)
    {
        while (true)
        {
            // As in the server: a byte more than the message may have, which shows that it is too big.
            Span<byte> room = output.AsSpan(0, Math.Min(output.Length - GuardBytes, limit - bytes.Count + 1));
            output.AsSpan(room.Length).Fill(Guard);
            DecodeStatus status = inflater.Inflate(piece, room, out int consumed, out int written);
            Property.Holds(consumed >= 0 && consumed <= piece.Length && written >= 0 && written <= room.Length);
            Property.Holds(!output.AsSpan(room.Length).ContainsAnyExcept(Guard));
            bool isTooBig = bytes.Count + written > limit;
            bytes.AddRange(room[..Math.Min(written, limit - bytes.Count)]);
            piece = piece[consumed..];
            if (status == DecodeStatus.OutputFull) Property.Same(written, room.Length);
            else if (status == DecodeStatus.NeedMoreData) Property.Holds(piece.IsEmpty);
            else Property.Holds(status is DecodeStatus.Malformed);
            if (isTooBig) return DecodeStatus.OutputFull;
            if (status != DecodeStatus.OutputFull) return status;
        }
    }

    // DeflateStream reads with the largest window. What it refuses is not of interest; and behind the last message its input ends in front
    // of a block, which it takes as the end of all.
    private static void CheckStream(List<Message> messages)
    {
        List<Message> whole = messages.FindAll(static message => message.Status == DecodeStatus.Done);
        using MemoryStream data = new([.. whole.SelectMany(static message => (byte[])[.. message.Payload, 0x00, 0x00, 0xFF, 0xFF])]);
        using DeflateStream stream = new(data, CompressionMode.Decompress);
        using MemoryStream all = new();
        stream.CopyTo(all);
        Property.SameBytes(all.ToArray(), [.. whole.SelectMany(static message => message.Bytes)]);
    }

    /// <summary>
    /// A message and what the oracle makes of it; whether it, or one before it, refers to what a library need not remember.
    /// </summary>
    private sealed record Message(byte[] Payload, DecodeStatus Status, byte[] Bytes, bool MayBeRefused);
}
