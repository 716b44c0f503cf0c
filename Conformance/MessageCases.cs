// §5.4 and §5.5.2: fragmentation, and control frames between the fragments; Pings and Pongs; and §10.4: limits.

using System.Globalization;

namespace RawWs.Conformance;

internal static class MessageCases
{
    public static IEnumerable<Case> All() =>
        [.. Fragments(), .. ControlInside(), .. Disorder(), .. Pings(), .. LongControlFrames(), .. Limits()];

    /// <summary>The frames of a message cut behind the given numbers of bytes.</summary>
    public static IReadOnlyList<byte[]> Cut(int opcode, byte[] payload, params IReadOnlyList<int> cuts)
    {
        List<byte[]> frames = [];
        int from = 0;
        foreach (int to in cuts.Append(payload.Length))
        {
            frames.Add(
                Wire.FrameOf(frames.Count == 0 ? opcode : Wire.Continuation, payload.AsSpan(from, to - from),
                    fin: frames.Count == cuts.Count));
            from = to;
        }

        return frames;
    }

    private static IEnumerable<Case> Fragments()
    {
        foreach (int opcode in (int[])[Wire.Text, Wire.Binary])
        {
            string kind = Wire.NameOf(opcode);
            byte[] payload = FrameCases.PayloadOf(opcode, 12);
            foreach ((string how, int[] cuts) in ((string, int[])[])
                     [
                         ("two fragments", [5]), ("three fragments", [4, 8]), ("an empty first fragment", [0]),
                         ("an empty last fragment", [12]),
                             ("an empty fragment in the middle", [6, 6]),
                         ("fragments of one byte", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]), ("empty fragments around", [0, 0, 0, 12, 12, 12]),
                     ])
            {
                IReadOnlyList<byte[]> frames = Cut(opcode, payload, cuts);
                yield return new Dialogue(Chapters.Fragmentation, "6455 §5.4", $"{kind} in {how}", Kind.Required,
                    new Send(Wire.Join(frames)),
                    new Echo(opcode, payload));
                yield return new Dialogue(Chapters.Fragmentation, "6455 §5.4", $"{kind} in {how}, byte by byte", Kind.Required,
                    new Send(Wire.Join(frames), 1), new Echo(opcode, payload));
                yield return new Dialogue(Chapters.Fragmentation, "6455 §5.4", $"{kind} in {how}, a write each", Kind.Required,
                    [.. frames.Select(static frame => new Send(frame)), new Echo(opcode, payload)]);
            }

            yield return new Dialogue(Chapters.Fragmentation, "6455 §5.4", $"{kind} in empty fragments only", Kind.Required,
                new Send(Wire.Join(Cut(opcode, [], 0, 0))), new Echo(opcode, []));
            byte[] large = FrameCases.PayloadOf(opcode, 65536);
            foreach (int size in (int[])[256, 1000, 32768])
                yield return new Dialogue(Chapters.Fragmentation, "6455 §5.4", $"{kind} of 64 KiB in fragments of {size}", Kind.Required,
                    new Send(Wire.Join(Cut(opcode, large, [.. Enumerable.Range(1, 65535 / size).Select(i => i * size)]))),
                        new Echo(opcode, large));
        }
    }

    private static IEnumerable<Case> ControlInside()
    {
        byte[] payload = "before and after"u8.ToArray(), mark = "between"u8.ToArray();
        foreach (int opcode in (int[])[Wire.Text, Wire.Binary])
        {
            string kind = Wire.NameOf(opcode);
            IReadOnlyList<byte[]> frames = Cut(opcode, payload, 6);
            yield return new Dialogue(Chapters.Fragmentation, "6455 §5.4",
                $"a Ping inside {kind} is answered before the message ends", Kind.Required,
                new Send([.. frames[0], .. Wire.FrameOf(Wire.Ping, mark)]), new Answer(mark), new Send(frames[1]),
                    new Echo(opcode, payload));
            yield return new Dialogue(Chapters.Fragmentation, "6455 §5.4", $"a Ping inside {kind}, in one write", Kind.Required,
                new Send([.. frames[0], .. Wire.FrameOf(Wire.Ping, mark), .. frames[1]]), new Answer(mark), new Echo(opcode, payload));
            yield return new Dialogue(Chapters.Fragmentation, "6455 §5.4", $"a Ping inside {kind}, byte by byte", Kind.Required,
                new Send([.. frames[0], .. Wire.FrameOf(Wire.Ping, mark), .. frames[1]], 1), new Answer(mark), new Echo(opcode, payload));
            yield return new Dialogue(Chapters.Fragmentation, "6455 §5.4", $"a Pong inside {kind}", Kind.Required,
                new Send([.. frames[0], .. Wire.FrameOf(Wire.Pong, mark), .. frames[1]]), new Echo(opcode, payload));
            yield return new Dialogue(Chapters.Fragmentation, "6455 §5.5.1", $"a Close inside {kind} is answered", Kind.Required,
                new Send([.. frames[0], .. Wire.FrameOf(Wire.Close, Wire.CloseBody(1000))]), new Closes());
        }
    }

    private static List<Case> Disorder()
    {
        const string Chapter = Chapters.Fragmentation, Section = "6455 §5.4";
        List<Case> cases = [];
        foreach (int first in (int[])[Wire.Text, Wire.Binary])
        {
            byte[] begun = Wire.FrameOf(first, "first", fin: false);
            foreach (int second in (int[])[Wire.Text, Wire.Binary])
                foreach (bool fin in (bool[])[true, false])
                    cases.AddRange(
                        Breach.Cases(Chapter, Section, $"{Wire.NameOf(second)} with FIN bit {(fin ? 1 : 0)} inside {Wire.NameOf(first)}",
                        [.. begun, .. Wire.FrameOf(second, "second", fin)], begun.Length + 1, Kind.Required, [1002]));
            byte[] whole = Wire.FrameOf(first, "x");
            cases.Add(new Dialogue(Chapter, Section, $"continuation after a whole {Wire.NameOf(first)}", Kind.Required,
                new Send(whole), new Echo(first, "x"u8.ToArray()), new Send(Wire.FrameOf(Wire.Continuation, "y")), new Fails()));
            cases.Add(new Dialogue(Chapter, Section, $"continuation after a fragmented {Wire.NameOf(first)}", Kind.Required,
                new Send(Wire.Join(Cut(first, "xy"u8.ToArray(), 1))), new Echo(first, "xy"u8.ToArray()),
                    new Send(Wire.FrameOf(Wire.Continuation, "z")), new Fails()));
        }

        foreach (bool fin in (bool[])[true, false])
            cases.AddRange(Breach.Cases(Chapter, Section, $"continuation with FIN bit {(fin ? 1 : 0)} at first",
                Wire.FrameOf(Wire.Continuation, "x", fin), 1, Kind.Required, [1002]));
        foreach (int opcode in (int[])[Wire.Ping, Wire.Pong, Wire.Close])
            cases.AddRange(Breach.Cases(Chapter, "6455 §5.5", $"{Wire.NameOf(opcode)} with FIN bit 0",
                Wire.FrameOf(opcode, opcode == Wire.Close ? Wire.CloseBody(1000) : "x"u8.ToArray(), fin: false), 1, Kind.Required, [1002],
                opcode == Wire.Close));
        return cases;
    }

    private static IEnumerable<Case> Pings()
    {
        foreach (int length in (int[])[0, 1, 2, 4, 7, 8, 64, 124, 125])
        {
            byte[] payload = FrameCases.PayloadOf(Wire.Binary, length), ping = Wire.FrameOf(Wire.Ping, payload);
            yield return new Dialogue(Chapters.Pings, "6455 §5.5.2", $"a Ping of {length} bytes", Kind.Required, new Send(ping),
                new Answer(payload));
            yield return new Dialogue(Chapters.Pings, "6455 §5.5.2", $"a Ping of {length} bytes, byte by byte", Kind.Required,
                new Send(ping, 1),
                new Answer(payload));
            yield return new Dialogue(Chapters.Pings, "6455 §5.5.3", $"an unsolicited Pong of {length} bytes", Kind.Required,
                new Send(Wire.FrameOf(Wire.Pong, payload)), new Alive());
        }

        byte[] text = "text"u8.ToArray();
        yield return new Dialogue(Chapters.Pings, "6455 §5.5.2", "a Ping, a text, a Ping", Kind.Required,
            new Send(Wire.FrameOf(Wire.Ping, "1")), new Answer("1"u8.ToArray()), new Send(Wire.FrameOf(Wire.Text, text)),
            new Echo(Wire.Text, text),
                new Send(Wire.FrameOf(Wire.Ping, "2")), new Answer("2"u8.ToArray()));
        foreach (int count in (int[])[2, 10, 1000])
        {
            byte[][] payloads = [.. Enumerable.Range(0, count).Select(static i =>
                System.Text.Encoding.ASCII.GetBytes(i.ToString("d4", CultureInfo.InvariantCulture)))];
            yield return new Dialogue(Chapters.Pings, "6455 §5.5.3", $"{count} Pings in one write", Kind.Required,
                new Send(Wire.Join(payloads.Select(static payload => Wire.FrameOf(Wire.Ping, payload)))), new AnswersUpTo(payloads));
        }
    }

    private static IEnumerable<Case> LongControlFrames()
    {
        foreach (int opcode in (int[])[Wire.Ping, Wire.Pong, Wire.Close])
            foreach (int length in (int[])[126, 127, 65536])
                foreach (Case item in Breach.Cases(opcode == Wire.Close ? Chapters.Closing : Chapters.Pings, "6455 §5.5",
                    $"a {Wire.NameOf(opcode)} of {length} bytes",
                             Wire.FrameOf(opcode, (byte[])[.. Wire.CloseBody(1000), .. FrameCases.PayloadOf(Wire.Text, length - 2)]),
                             2, Kind.Required,
                                 [1002], opcode == Wire.Close)) yield return item;
    }

    private static IEnumerable<Case> Limits()
    {
        const string Section = "6455 §10.4";
        foreach (int opcode in (int[])[Wire.Text, Wire.Binary])
        {
            string kind = Wire.NameOf(opcode);
            foreach (int size in (int[])[256 * 1024, 1024 * 1024, 4 * 1024 * 1024])
            {
                byte[] payload = FrameCases.PayloadOf(opcode, size);
                // Who refuses a large frame may reset while it is still being sent, and a reset can overtake the Close: so this is only
                // noted.
                yield return new Dialogue(Chapters.Limits, Section, $"{kind} of {size} bytes in a frame", Kind.Informational,
                    new Send(Wire.FrameOf(opcode, payload)), new EchoOr1009(opcode, payload));
                yield return new Dialogue(Chapters.Limits, Section, $"{kind} of {size} bytes in 64 fragments", Kind.Strict,
                    new EchoInStepOr1009(opcode, payload, size / 64));
            }

            foreach (int count in (int[])[256, 1024, 4096])
            {
                byte[] payload = FrameCases.PayloadOf(opcode, count);
                yield return new Dialogue(Chapters.Limits, Section, $"{kind} in {count} fragments of one byte", Kind.Strict,
                    new Send(Wire.Join(Cut(opcode, payload, [.. Enumerable.Range(1, count - 1)]))), new EchoOr1009(opcode, payload));
            }

            // §10.4 has an endpoint protect itself: a length that can only be too much is not waited for.
            foreach (ulong declared in (ulong[])[1UL << 40, long.MaxValue])
                yield return new Dialogue(Chapters.Limits, Section, $"{kind} that declares {declared} bytes", Kind.Strict,
                    new Send(Wire.FrameOf(opcode, "Hello"u8, form: Wire.LengthForm.In64Bits, declared: declared)), new Fails(1009));
        }
    }
}
