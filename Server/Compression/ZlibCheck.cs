// Tries the compression library once, before anything relies on it. The runtime's exports are no public contract: a later .NET may have
// removed them, or they may do something else. Each trial is something that RFC 7692 needs and that these exports do today. The first trial
// that fails is named in one sentence, and the server then runs without compression. It takes a few milliseconds.

using System.Diagnostics.CodeAnalysis;
using RawWs.Server.Extensions;

namespace RawWs.Server.Compression;

internal static class ZlibCheck
{
    private static readonly Lazy<string?> Found = new(static () => FindProblem(TryAll));

    /// <summary>
    /// Whether the library is there and does what is needed; if not, says what is wrong. Any thread; the trial is made once.
    /// </summary>
    public static bool TryLoad([NotNullWhen(false)] out string? problem)
    {
        problem = Found.Value;
        return problem is null;
    }

    /// <summary>Makes a trial. Returns what it found wrong, also if it could not be made at all; null if all is well.</summary>
    internal static string? FindProblem(Func<string?> trial)
    {
        try
        {
            return trial();
        }
        catch (DllNotFoundException)
        {
            return "the runtime's compression library was not found";
        }
        catch (EntryPointNotFoundException exception)
        {
            return $"the runtime's compression library lacks a function ({exception.Message})";
        }
        catch (BadImageFormatException)
        {
            return "the runtime's compression library cannot be loaded";
        }
        catch (InvalidOperationException exception)
        {
            return $"the runtime's compression library behaves in a new way ({exception.Message})";
        }
    }

    private static string? TryAll() => TryReading() ?? TryWindows() ?? TryForgetting() ?? TrySmallestWindow();

    // RFC 7692 §7.2.3.1 and §7.2.3.4: the same word in a plain block and in a final one; then what must be refused.
    private static string? TryReading()
    {
        byte[] plain = [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00];
        byte[] final = [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00];
        using Inflater? inflater = Inflater.TryCreate(15);
        if (inflater is null) return "there is no memory";
        if (!Reads(inflater, plain, "Hello"u8) || !Reads(inflater, final, "Hello"u8)) return "a known message is read wrongly";
        if (!inflater.TryReset(15) || Reads(inflater, plain.AsSpan(..^1), "Hello"u8)) return "a message without its end passes";
        if (!inflater.TryReset(15) || Reads(inflater, [0xFF, 0xFF, 0xFF, 0x00], [])) return "an invalid message passes";
        return inflater.TryReset(8) && Reads(inflater, plain, "Hello"u8) ? null : "a context that reads cannot be reset";
    }

    // Every window: two messages under takeover, of which the second is short because it refers to the first.
    private static string? TryWindows()
    {
        byte[] message = Noise(200);
        for (int windowBits = 9; windowBits <= 15; windowBits++)
        {
            using Deflater? deflater = Deflater.TryCreate(1, windowBits, takeover: true);
            using Inflater? inflater = Inflater.TryCreate(windowBits);
            if (deflater is null || inflater is null) return "there is no memory";
            byte[] payload = new byte[Deflater.RoomBytes(message.Length)];
            for (int i = 0; i < 2; i++)
            {
                if (!deflater.TryDeflate(message, payload, out int written)) return "a message does not fit its room";
                if (!Reads(inflater, payload.AsSpan(0, written), message))
                    return $"what is written with a window of {windowBits} bits is read wrongly";
                if (i == 1 && written > message.Length / 2) return "a message does not refer to the one before";
            }
        }

        return null;
    }

    // Without takeover the same message is written in the same bytes, and a message is read with an empty window.
    private static string? TryForgetting()
    {
        byte[] message = Noise(200);
        using Deflater? deflater = Deflater.TryCreate(1, 15, takeover: false);
        using Inflater? inflater = Inflater.TryCreate(15);
        if (deflater is null || inflater is null) return "there is no memory";
        byte[] first = new byte[Deflater.RoomBytes(message.Length)];
        byte[] second = new byte[first.Length];
        bool same = deflater.TryDeflate(message, first, out int firstBytes) && deflater.TryDeflate(message, second, out int secondBytes)
            && first.AsSpan(0, firstBytes).SequenceEqual(second.AsSpan(0, secondBytes));
        return same && Reads(inflater, second.AsSpan(0, firstBytes), message) ? null : "a message refers to one that it must not know";
    }

    // What repeats at a distance of 600 bytes cannot be referred to with a window of 512.
    private static string? TrySmallestWindow()
    {
        byte[] noise = Noise(600);
        byte[] twice = [.. noise, .. noise];
        using Deflater? deflater = Deflater.TryCreate(1, 9, takeover: false);
        using Inflater? inflater = Inflater.TryCreate(9);
        if (deflater is null || inflater is null) return "there is no memory";
        byte[] payload = new byte[Deflater.RoomBytes(twice.Length)];
        return deflater.TryDeflate(twice, payload, out int written) && written > twice.Length
            && Reads(inflater, payload.AsSpan(0, written), twice)
            ? null
            : "a small window is not honoured";
    }

    private static bool Reads(Inflater inflater, ReadOnlySpan<byte> payload, ReadOnlySpan<byte> expected)
    {
        byte[] output = new byte[expected.Length + 1];
        DecodeStatus status = inflater.Inflate(payload, output, out int consumed, out int written);
        return status == DecodeStatus.NeedMoreData && consumed == payload.Length && inflater.Finish() == DecodeStatus.Done
            && output.AsSpan(0, written).SequenceEqual(expected);
    }

    // Bytes that no compressor makes smaller: the upper ones of a linear congruence, always the same.
    private static byte[] Noise(int length)
    {
        byte[] noise = new byte[length];
        uint state = 1;
        for (int i = 0; i < length; i++)
        {
            state = (state * 1_664_525) + 1_013_904_223;
            noise[i] = (byte)(state >> 24);
        }

        return noise;
    }
}
