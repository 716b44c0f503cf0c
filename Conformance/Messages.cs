// The messages that the compression cases send: the same ones in every run. They are made so that compression has something to find, near
// and far: words of one vocabulary, bytes without any order, and now and then an earlier message again.

using System.Text;

namespace RawWs.Conformance;

/// <summary>A message.</summary>
internal sealed record Message(int Opcode, byte[] Payload);

internal static class Messages
{
    /// <summary>The sizes of the range, 0 to 128 KiB, with the edges of the three forms of a length.</summary>
    public static readonly IReadOnlyList<int> Sizes = [0, 1, 16, 64, 125, 126, 256, 1024, 4096, 8192, 16384, 32768, 65535, 65536, 131072];

    private static readonly string[] Words = MakeWords();

    /// <summary>1,000 small messages, and one of each size among them.</summary>
    public static readonly IReadOnlyList<Message> Mixed = MakeMixed();

    /// <summary>So many messages of one size.</summary>
    public static IReadOnlyList<Message> OfSize(int size, int count)
    {
        Random random = new(size);
        List<Message> messages = [];
        for (int i = 0; i < count; i++) messages.Add(i % 5 == 4 ? messages[random.Next(messages.Count)] : Make(random, size));
        return messages;
    }

    private static List<Message> MakeMixed()
    {
        Random random = new(7692);
        List<Message> messages = [];
        for (int i = 0; i < 1000; i++)
        {
            messages.Add(i % 6 == 5 ? messages[random.Next(messages.Count)] : Make(random, random.Next(200)));
            if (i % 66 == 65 && i / 66 < Sizes.Count) messages.Add(Make(random, Sizes[i / 66]));
        }

        return messages;
    }

    private static Message Make(Random random, int size)
    {
        // One in eight has no order in it at all; the others are words.
        if (random.Next(8) == 0)
        {
            byte[] bytes = new byte[size];
            random.NextBytes(bytes);
            return new Message(Wire.Binary, bytes);
        }

        StringBuilder text = new(size + 16);
        while (text.Length < size) text.Append(Words[random.Next(Words.Length)]).Append(' ');
        return new Message(random.Next(2) == 0 ? Wire.Text : Wire.Binary, Encoding.ASCII.GetBytes(text.ToString(0, size)));
    }

    private static string[] MakeWords()
    {
        Random random = new(1951);
        return [.. Enumerable.Range(0, 500)
            .Select(_ => new string([.. Enumerable.Range(0, 3 + random.Next(8)).Select(_ => (char)('a' + random.Next(26)))]))];
    }
}
