// §5.5.1 and §7: the closing handshake, and the codes it may carry.

using System.Text;

namespace RawWs.Conformance;

internal static class CloseCases
{
    public static IEnumerable<Case> All() => [.. Closing(), .. Codes()];

    private static IEnumerable<Case> Closing()
    {
        byte[] normal = Wire.FrameOf(Wire.Close, Wire.CloseBody(1000));
        yield return Required("6455 §5.5.1", "a Close", new Send(normal), new Closes());
        yield return Strict("6455 §5.5.1", "a Close 1000 is answered with the same code", new Send(normal), new Closes(1000));
        yield return Required("6455 §5.5.1", "a Close, byte by byte", new Send(normal, 1), new Closes());
        yield return Required("6455 §5.5.1", "a Close without code", new Send(Wire.FrameOf(Wire.Close, [])), new Closes());
        yield return Strict("6455 §5.5.1", "a Close without code is answered with none, or 1000", new Send(Wire.FrameOf(Wire.Close, [])),
            new Closes(0, 1000));
        yield return Required("6455 §5.5.1", "a Close after an echo", new Send(Wire.FrameOf(Wire.Text, "x")),
            new Echo(Wire.Text, "x"u8.ToArray()),
            new Send(normal), new Closes());
        yield return Required("6455 §5.5.1", "an echo is sent before the answer to the Close behind it",
            new Send([.. Wire.FrameOf(Wire.Text, "x"), .. normal]), new Echo(Wire.Text, "x"u8.ToArray()), new Closes());
        yield return Required("6455 §5.5.1", "a text behind a Close is not echoed",
            new Send([.. normal, .. Wire.FrameOf(Wire.Text, "x")]), new Closes());
        yield return Strict("6455 §5.5.2", "a Ping behind a Close is not answered",
            new Send([.. normal, .. Wire.FrameOf(Wire.Ping, "x")]), new Closes());
        yield return Required("6455 §5.5.1", "a second Close is not answered", new Send([.. normal, .. normal]), new Closes());
        yield return Required("6455 §5.5.1", "what is no frame behind a Close changes nothing",
            new Send([.. normal, 0xFF, 0xFF, 0xFF, 0xFF]), new Closes());
        yield return Required("6455 §7.1.1", "a Close, and the end of our stream", new Send(normal), new FinishSending(), new Closes());
        foreach (int length in (int[])[1, 2, 61, 122, 123])
            yield return Required("6455 §5.5.1", $"a reason of {length} bytes",
                new Send(Wire.FrameOf(Wire.Close, Wire.CloseBody(1000, FrameCases.PayloadOf(Wire.Text, length)))), new Closes());
        yield return Required("6455 §5.5.1", "a reason in UTF-8",
            new Send(Wire.FrameOf(Wire.Close, Wire.CloseBody(1000, Encoding.UTF8.GetBytes("κόσμε € 😀")))), new Closes());
        yield return new Dialogue(Chapters.Closing, "6455 §7.1.1", "the end of our stream without a Close", Kind.Informational,
            new FinishSending(),
            new EndsSomehow());
        yield return new Dialogue(Chapters.Closing, "6455 §7.1.1", "the end of our stream inside a frame", Kind.Informational,
            new Send(Wire.FrameOf(Wire.Text, "x")[..3]), new FinishSending(), new EndsSomehow());

        foreach (Case item in Breach.Cases(
            Chapters.Closing, "6455 §5.5.1", "a Close with one byte", Wire.FrameOf(Wire.Close, "x"u8), 2, Kind.Required,
            [1002], isClose: true)) yield return item;
        foreach ((string what, string reason, int proof) in ((string, string, int)[])
                 [
                     ("a lone continuation byte", "78 80 78", 2), ("an overlong form", "c0 af 78", 1), ("a surrogate", "78 ed a0 80", 3),
                         ("a character past U+10FFFF", "f4 90 80 80", 2), ("a cut character", "78 e2 82", 0),
                 ])
        {
            byte[] frame = Wire.FrameOf(Wire.Close, Wire.CloseBody(1000, Wire.Hex(reason)));
            foreach (Case item in Breach.Cases(
                Chapters.Closing, "6455 §8.1", $"a reason with {what}", frame, proof == 0 ? 0 : 6 + 2 + proof,
                Kind.Required, [1007, 1002], isClose: true)) yield return item;
        }
    }

    private static IEnumerable<Case> Codes()
    {
        foreach (int code in (int[])[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3001, 3999, 4000, 4001, 4999])
        {
            byte[] close = Wire.FrameOf(Wire.Close, Wire.CloseBody(code, "reason"u8));
            yield return new Dialogue(Chapters.CloseCodes, "6455 §7.4", $"{code} is accepted", Kind.Required,
                new Send(close), new Closes());
            // 1010 is a client's alone (§7.4.1): a server has to say something else.
            if (code != 1010)
                yield return new Dialogue(Chapters.CloseCodes, "6455 §5.5.1", $"{code} is answered with the same code", Kind.Strict,
                    new Send(close),
                    new Closes(code));
        }

        // In the registry that §11.7 founds, but not in the RFC.
        foreach (int code in (int[])[1012, 1013, 1014])
            yield return new Dialogue(Chapters.CloseCodes, "6455 §11.7", $"{code}", Kind.Informational,
                new Send(Wire.FrameOf(Wire.Close, Wire.CloseBody(code))), new EndsSomehow());
        // "MUST NOT be set as a status code in a Close control frame", not in the answer either.
        foreach (int code in (int[])[1005, 1006, 1015])
            foreach (Case item in CodeBreach(code, Kind.Required)) yield return item;
        // Not used, or reserved for what does not exist.
        foreach (int code in (int[])[0, 1, 999, 1004, 1016, 1100, 2000, 2999])
            foreach (Case item in CodeBreach(code, Kind.Strict)) yield return item;
        // Outside of every range that §7.4.2 speaks of.
        foreach (int code in (int[])[5000, 9999, 65535])
            yield return new Dialogue(Chapters.CloseCodes, "6455 §7.4.2", $"{code}", Kind.Informational,
                new Send(Wire.FrameOf(Wire.Close, Wire.CloseBody(code))), new EndsSomehow());
    }

    private static IEnumerable<Case> CodeBreach(int code, Kind kind) =>
        Breach.Cases(Chapters.CloseCodes, code is 1005 or 1006 or 1015 ? "6455 §7.4.1" : "6455 §7.4.2", $"{code} may not be sent",
            Wire.FrameOf(Wire.Close, Wire.CloseBody(code, "reason"u8)), 6 + 2, kind, [1002]);

    private static Dialogue Required(string section, string name, params IReadOnlyList<Move> moves) =>
        new(Chapters.Closing, section, name, Kind.Required, moves);

    private static Dialogue Strict(string section, string name, params IReadOnlyList<Move> moves) =>
        new(Chapters.Closing, section, name, Kind.Strict, moves);
}
